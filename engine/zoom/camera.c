/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the camera moved between two inputs. Small pictures of their structure, without brightness, are laid over
 * one another at all displacements, from coarse to fine; what moved by itself counts little, as a difference counts
 * up to a bound only, and as all sides of the picture have a say.
 */
#include <string.h>

#include "base/memory.h"
#include "detect/input.h"

#define LEVELS       3   /* each half as large as the one before */
#define MOST_SIDE    160 /* of the first */
#define LEAST_SIDE   24
#define FLAT         128
#define CONTRAST     2
#define REACH        2     /* pixels to each side that make up a pixel's surroundings */
#define BOUND        24    /* what differs by more differs by so much */
#define FARTHEST     0.3   /* displacement, as a share of the picture */
#define NEARER       0.002 /* of two that are alike the smaller one, per pixel */
#define LEAD         0.9   /* so much less than without a displacement must differ with it */
#define STEP         2     /* a displacement that a picture with structure shows */
#define SURELY_STILL 0.5   /* of what differs beside it: no need to search */
/* A block votes if the one differs by a level per pixel more. */
#define BLOCK       16
#define SURE        (BLOCK * BLOCK)
#define LEAST_SHARE 0.14 /* of the blocks */
#define AGAINST     2    /* votes for it must be so many times those against */

typedef struct {
  gsize width, height;
  guint8 pixels[MOST_SIDE * MOST_SIDE]; /* FLAT: as light as its surroundings */
} Level;

typedef struct {
  gboolean filled;
  gsize width, height; /* of the input */
  FbnetRegion region;
  guint frame_width, frame_height;
  Level levels[LEVELS];
} Scene;

struct _FbnetCamera {
  Scene scenes[2];
  guint now; /* which is the newest */
  guint8 grey[MOST_SIDE * MOST_SIDE];
};

FbnetCamera *
fbnet_camera_new (GError **error)
{
  return memory_new0 (FbnetCamera, 1, error);
}

void
fbnet_camera_free (FbnetCamera *camera)
{
  g_free (camera);
}

void
fbnet_camera_reset (FbnetCamera *camera)
{
  g_return_if_fail (camera != NULL);
  camera->scenes[camera->now].filled = FALSE;
}

/* --- Small pictures --------------------------------------------------------------------------- */

static guint
sum_square (const guint8 *first, gsize row, gsize step)
{
  guint sum = 0;

  for (gsize y = 0; y < step; y++)
    for (gsize x = 0; x < step; x++)
      sum += first[y * row + 3 * x];
  return sum;
}

/* The mean of each square of `step` network pixels; green alone is as good as grey. */
static void
shrink_input (guint8 *grey, const Level *level, const FbnetInput *input, gsize step)
{
  const guint8 *green = (const guint8 *) input->pixels.data + 1;
  const gsize row = 3 * input->width;
  const guint n = (guint) (step * step);

  for (gsize y = 0; y < level->height; y++)
    for (gsize x = 0; x < level->width; x++)
      grey[y * level->width + x] =
          (guint8) ((sum_square (green + y * step * row + 3 * x * step, row, step) + n / 2) / n);
}

static void
halve (guint8 *grey, gsize row, const Level *level)
{
  for (gsize y = 0; y < level->height; y++)
    for (gsize x = 0; x < level->width; x++) {
      const guint8 *square = grey + 2 * y * row + 2 * x;
      grey[y * level->width + x] =
          (guint8) ((square[0] + square[1] + square[row] + square[row + 1] + 2) / 4);
    }
}

static void
take_row (Level *level, const guint8 *grey, gsize y)
{
  enum { SPAN = 2 * REACH + 1 };
  const gsize n = level->width;
  guint8 *out = level->pixels + y * n;
  gint columns[MOST_SIDE];

  for (gsize x = 0; x < n; x++) {
    columns[x] = 0;
    for (gsize i = 0; i < SPAN; i++)
      columns[x] += grey[(y + i - REACH) * n + x];
  }
  for (gsize x = REACH; x < n - REACH; x++) {
    gint around = 0;
    for (gsize i = 0; i < SPAN; i++)
      around += columns[x + i - REACH];
    const gint above = SPAN * SPAN * grey[y * n + x] - around;
    out[x] = (guint8) CLAMP (FLAT + CONTRAST * above / (SPAN * SPAN), 0, 255);
  }
}

/* How much lighter each pixel is than its surroundings. */
static void
take_structure (Level *level, const guint8 *grey)
{
  memset (level->pixels, FLAT, level->width * level->height);
  for (gsize y = REACH; y < level->height - REACH; y++)
    take_row (level, grey, y);
}

static void
take_levels (Scene *scene, guint8 *grey, const FbnetInput *input, gsize step)
{
  Level *level = scene->levels;

  level->width = input->width / step;
  level->height = input->height / step;
  shrink_input (grey, level, input, step);
  take_structure (level, grey);
  for (guint i = 1; i < LEVELS; i++) {
    level[i].width = level[i - 1].width / 2;
    level[i].height = level[i - 1].height / 2;
    halve (grey, level[i - 1].width, &level[i]);
    take_structure (&level[i], grey);
  }
}

/* Of what is too small, or narrow, nothing can be said. */
static void
take_scene (Scene *scene, guint8 *grey, const FbnetInput *input)
{
  const gsize longer = MAX (input->width, input->height);
  const gsize step = MAX ((longer + MOST_SIDE - 1) / MOST_SIDE, 1);

  scene->width = input->width;
  scene->height = input->height;
  scene->region = input->region;
  scene->frame_width = input->frame_width;
  scene->frame_height = input->frame_height;
  scene->filled = MIN (input->width, input->height) / step >= LEAST_SIDE;
  if (scene->filled)
    take_levels (scene, grey, input, step);
}

static gboolean
is_comparable (const Scene *before, const Scene *now)
{
  return before->filled && now->filled && before->width == now->width
      && before->height == now->height && before->frame_width == now->frame_width
      && before->frame_height == now->frame_height
      && memcmp (&before->region, &now->region, sizeof now->region) == 0;
}

/* --- One over the other ----------------------------------------------------------------------- */

typedef struct {
  gint x, y;
} Shift;

static guint
row_difference (const guint8 *a, const guint8 *b, gsize n)
{
  guint sum = 0;

  for (gsize i = 0; i < n; i++) {
    const guint8 difference = (guint8) (a[i] > b[i] ? a[i] - b[i] : b[i] - a[i]);
    sum += MIN (difference, BOUND);
  }
  return sum;
}

/* Mean difference where the two overlap, once the one before is moved by `shift`. */
static double
difference (const Level *before, const Level *now, Shift shift)
{
  const gint width = (gint) now->width, height = (gint) now->height;
  const gint x0 = MAX (0, -shift.x), x1 = MIN (width, width - shift.x);
  const gint y0 = MAX (0, -shift.y), y1 = MIN (height, height - shift.y);
  guint sum = 0;

  for (gint y = y0; y < y1; y++)
    sum += row_difference (before->pixels + y * width + x0,
        now->pixels + (y + shift.y) * width + x0 + shift.x, (gsize) (x1 - x0));
  return (double) sum / ((x1 - x0) * (y1 - y0));
}

/* The best within `reach` of `middle`. */
static Shift
search (const Level *before, const Level *now, Shift middle, Shift reach)
{
  Shift best = middle;
  double least = G_MAXDOUBLE;

  for (gint y = middle.y - reach.y; y <= middle.y + reach.y; y++)
    for (gint x = middle.x - reach.x; x <= middle.x + reach.x; x++) {
      const Shift shift = { x, y };
      const double d = difference (before, now, shift) + NEARER * (ABS (x) + ABS (y));
      if (d >= least)
        continue;
      least = d;
      best = shift;
    }
  return best;
}

static Shift
find_shift (const Scene *before, const Scene *now)
{
  const Level *coarse = &now->levels[LEVELS - 1];
  const Shift all = { (gint) (FARTHEST * (double) coarse->width),
    (gint) (FARTHEST * (double) coarse->height) };
  Shift shift = search (&before->levels[LEVELS - 1], coarse, (Shift){ 0, 0 }, all);

  for (guint i = LEVELS - 1; i-- > 0;) {
    const Shift middle = { 2 * shift.x, 2 * shift.y };
    shift = search (&before->levels[i], &now->levels[i], middle, (Shift){ 1, 1 });
  }
  return shift;
}

/* --- Whether it was the camera ----------------------------------------------------------------- */

typedef struct {
  guint for_it, against;
} Votes;

static void
count_vote (Votes *votes, gint vote)
{
  votes->for_it += vote > 0;
  votes->against += vote < 0;
}

static gboolean
is_won (const Votes *votes, guint least)
{
  return votes->for_it >= MAX (least, 1) && votes->for_it >= AGAINST * votes->against;
}

static gint
block_vote (const Level *before, const Level *now, Shift shift, gint x, gint y)
{
  const gint width = (gint) now->width;
  guint with = 0, without = 0;

  for (gint i = y; i < y + BLOCK; i++) {
    const guint8 *row = before->pixels + i * width + x;
    without += row_difference (row, now->pixels + i * width + x, BLOCK);
    with += row_difference (row, now->pixels + (i + shift.y) * width + x + shift.x, BLOCK);
  }
  return with + SURE < without ? 1 : without + SURE < with ? -1 : 0;
}

/* An object that moves, however large, leaves a side of the picture as it was; a camera moves all. Sides: the outer quarters of
 * what is seen before and now. */
static gboolean
all_sides_moved (const Level *before, const Level *now, Shift shift)
{
  const gint x0 = MAX (0, -shift.x), x1 = (gint) now->width - MAX (0, shift.x);
  const gint y0 = MAX (0, -shift.y), y1 = (gint) now->height - MAX (0, shift.y);
  Votes all = { 0 }, sides[4] = { { 0 } };
  guint n = 0, n_sides = 0;

  for (gint y = y0; y + BLOCK <= y1; y += BLOCK)
    for (gint x = x0; x + BLOCK <= x1; x += BLOCK) {
      const gint vote = block_vote (before, now, shift, x, y);
      const gboolean at[4] = { 4 * (x - x0) < x1 - x0, 4 * (x1 - x - BLOCK) < x1 - x0,
        4 * (y - y0) < y1 - y0, 4 * (y1 - y - BLOCK) < y1 - y0 };
      n++;
      count_vote (&all, vote);
      for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
        count_vote (&sides[i], at[i] ? vote : 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    n_sides += is_won (&sides[i], 2);
  return n_sides == G_N_ELEMENTS (sides) && is_won (&all, (guint) (LEAST_SHARE * n));
}

/* Mean difference a little beside where it was: of a picture without structure no more than where it was. */
static double
difference_beside (const Level *before, const Level *now)
{
  static const Shift steps[] = { { STEP, 0 }, { -STEP, 0 }, { 0, STEP }, { 0, -STEP } };
  double sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    sum += difference (before, now, steps[i]);
  return sum / G_N_ELEMENTS (steps);
}

/* --- How far ----------------------------------------------------------------------------------- */

/* Where the parabola through three neighbours is least, from the middle one. */
static double
bottom (double left, double middle, double right)
{
  const double curvature = left - 2 * middle + right;

  return curvature > 0 ? CLAMP ((left - right) / (2 * curvature), -0.5, 0.5) : 0;
}

static void
refine (const Level *before, const Level *now, Shift s, double least, double *x, double *y)
{
  *x = s.x
      + bottom (difference (before, now, (Shift){ s.x - 1, s.y }), least,
          difference (before, now, (Shift){ s.x + 1, s.y }));
  *y = s.y
      + bottom (difference (before, now, (Shift){ s.x, s.y - 1 }), least,
          difference (before, now, (Shift){ s.x, s.y + 1 }));
}

/* In pixels of the first level. */
static gboolean
compare (const Scene *before, const Scene *now, double *x, double *y)
{
  const Level *b = &before->levels[0], *n = &now->levels[0];
  const double still = difference (b, n, (Shift){ 0, 0 }), beside = difference_beside (b, n);

  if (still < SURELY_STILL * beside)
    return TRUE;
  const Shift shift = find_shift (before, now);
  if (shift.x == 0 && shift.y == 0)
    return still < LEAD * beside;
  const double least = difference (b, n, shift);
  if (least > LEAD * still || !all_sides_moved (b, n, shift))
    return FALSE;
  refine (b, n, shift, least, x, y);
  return TRUE;
}

gboolean
fbnet_camera_follow (FbnetCamera *camera, const FbnetInput *input, double *dx, double *dy)
{
  g_return_val_if_fail (camera != NULL && input != NULL && dx != NULL && dy != NULL, FALSE);
  const Scene *before = &camera->scenes[camera->now];

  camera->now = 1 - camera->now;
  Scene *now = &camera->scenes[camera->now];
  take_scene (now, camera->grey, input);
  *dx = *dy = 0;
  if (!is_comparable (before, now) || !compare (before, now, dx, dy))
    return FALSE;
  *dx *= (double) now->region.width / (double) now->levels[0].width;
  *dy *= (double) now->region.height / (double) now->levels[0].height;
  return TRUE;
}
