/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which parts of a frame are worth a second look.
 */
#include <math.h>

#include "base/box.h"
#include "zoom.h"

#define OPTION(member) G_STRUCT_OFFSET (FbnetZoomOptions, member)
#define ALWAYS         FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION

#define MOST_FACTOR 8
#define MOST_KNOWN  256  /* detections that are looked at, best first */
#define LEAST_GAIN  0.15 /* of a region: less is not worth a pass */
#define SMALL       0.8  /* of a region's side: what is so large needs no second look */
#define SAME        0.3  /* IoU from which on a detection is an object that was expected */

static const FbnetChoice policies[] = {
  [FBNET_ZOOM_AUTO] = { "auto",
      "Small objects that are followed and were not seen, then the others in this order" },
  [FBNET_ZOOM_UNCERTAIN] = { "uncertain", "Where small, undecided detections gather" },
  [FBNET_ZOOM_MOTION] = { "motion", "Where the picture changed since the last look" },
  [FBNET_ZOOM_SWEEP] = { "sweep", "The parts of the frame in turn" },
};

static const FbnetParamInfo table[] = {
  { "zoom-regions", "Second looks at parts of a frame, at most", NULL, "none", FBNET_PARAM_COUNT,
      OPTION (regions), 0, FBNET_ZOOM_MOST, 0, FALSE, NULL, ALWAYS },
  { "zoom-policy", "Which parts", NULL, NULL, FBNET_PARAM_CHOICE, OPTION (policy), 0,
      G_N_ELEMENTS (policies) - 1, FBNET_ZOOM_UNCERTAIN, FALSE, policies, ALWAYS },
  { "zoom-factor", "How much larger they are seen", NULL, NULL, FBNET_PARAM_FLOAT, OPTION (factor),
      1, MOST_FACTOR, 2.5, FALSE, NULL, ALWAYS },
};

const FbnetParamInfo *
fbnet_zoom_options_table (guint *n)
{
  g_return_val_if_fail (n != NULL, NULL);
  *n = G_N_ELEMENTS (table);
  return table;
}

void
fbnet_zoom_options_init (FbnetZoomOptions *options)
{
  g_return_if_fail (options != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    fbnet_param_set (&table[i], options, table[i].usual);
}

gboolean
zoom_options_check (const FbnetZoomOptions *options, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    if (!fbnet_param_check (&table[i], fbnet_param_get (&table[i], options), error))
      return FALSE;
  }
  return TRUE;
}

/* --- Regions ---------------------------------------------------------------------------------- */

typedef struct {
  const FbnetRegion *frame; /* what regions are parts of */
  guint width, height;      /* of a region */
} Grid;

static guint
side_of (guint length, float factor)
{
  return (guint) CLAMP ((double) length / factor + 0.5, 1, length);
}

static guint
place (double middle, guint length, guint start, guint frame)
{
  return start + (guint) CLAMP (middle - start - length / 2.0 + 0.5, 0, frame - length);
}

static FbnetRegion
region_around (const Grid *grid, double x, double y)
{
  return (FbnetRegion){ place (x, grid->width, grid->frame->x, grid->frame->width),
    place (y, grid->height, grid->frame->y, grid->frame->height), grid->width, grid->height };
}

/* --- What is worth a look --------------------------------------------------------------------- */

/* Something to be looked at, with how much there is to be gained by it. */
typedef struct {
  Box box;
  double gain;
} Item;

typedef struct {
  Item items[MOST_KNOWN];
  guint n;
} Items;

static Box
box_of (const FbnetDetection *d)
{
  return (Box){ d->x0, d->y0, d->x1, d->y1 };
}

/* 1 for a point, nothing for what nearly fills a region. */
static double
smallness (const Grid *grid, const FbnetDetection *d)
{
  const double width = ((double) d->x1 - d->x0) / grid->width;
  const double height = ((double) d->y1 - d->y0) / grid->height;

  return MAX (1 - sqrt (MAX (width * height, 0)) / SMALL, 0);
}

static void
add_item (Items *items, const Box *box, double gain)
{
  if (gain > 0 && items->n < MOST_KNOWN)
    items->items[items->n++] = (Item){ *box, gain };
}

/* Most for a score of one half. */
static void
add_uncertain (Items *items, const Grid *grid, const FbnetZoomKnown *known)
{
  for (guint i = 0; i < MIN (known->n_detections, MOST_KNOWN); i++) {
    const FbnetDetection *d = &known->detections[i];
    const Box box = box_of (d);
    add_item (items, &box, (double) d->score * (1 - (double) d->score) * smallness (grid, d));
  }
}

/* How sure the first look is of an object that was expected there. */
static double
surest (const FbnetZoomKnown *known, const FbnetDetection *expected)
{
  const Box box = box_of (expected);
  double most = 0;

  for (guint i = 0; i < known->n_detections; i++) {
    const FbnetDetection *d = &known->detections[i];
    const Box found = box_of (d);
    if (d->class_id == expected->class_id && d->score > most && box_iou (&box, &found) >= SAME)
      most = d->score;
  }
  return most;
}

static void
add_expected (Items *items, const Grid *grid, const FbnetZoomKnown *known)
{
  for (guint i = 0; i < MIN (known->n_expected, MOST_KNOWN); i++) {
    const FbnetDetection *d = &known->expected[i];
    const Box box = box_of (d);
    add_item (items, &box, (1 - surest (known, d)) * smallness (grid, d));
  }
}

static void
add_moved (Items *items, const FbnetZoomKnown *known)
{
  for (guint i = 0; i < known->n_moved; i++) {
    const FbnetRegion *r = &known->moved[i];
    const Box box = { (float) r->x, (float) r->y, (float) r->x + (float) r->width,
      (float) r->y + (float) r->height };
    add_item (items, &box, 1);
  }
}

/* --- Cover ------------------------------------------------------------------------------------ */

static gboolean
holds (const FbnetRegion *r, const Box *box)
{
  return box->x0 >= (float) r->x && box->y0 >= (float) r->y && box->x1 <= (float) (r->x + r->width)
      && box->y1 <= (float) (r->y + r->height);
}

static double
gain_of (const FbnetRegion *region, const Items *items)
{
  double sum = 0;

  for (guint i = 0; i < items->n; i++)
    if (items->items[i].gain > 0 && holds (region, &items->items[i].box))
      sum += items->items[i].gain;
  return sum;
}

/* The region around one of them that holds most of what is not covered yet. */
static double
find_best (const Grid *grid, const Items *items, FbnetRegion *best)
{
  double most = 0;

  for (guint i = 0; i < items->n; i++) {
    const Box *box = &items->items[i].box;
    if (items->items[i].gain <= 0)
      continue;
    const FbnetRegion region =
        region_around (grid, ((double) box->x0 + box->x1) / 2, ((double) box->y0 + box->y1) / 2);
    const double gain = gain_of (&region, items);
    if (gain <= most)
      continue;
    most = gain;
    *best = region;
  }
  return most;
}

static void
cover (Items *items, const FbnetRegion *region)
{
  for (guint i = 0; i < items->n; i++)
    if (holds (region, &items->items[i].box))
      items->items[i].gain = 0;
}

/* --- Policies --------------------------------------------------------------------------------- */

typedef struct {
  Grid grid;
  FbnetRegion *regions;
  guint n, most;
  guint *turn;
} Choice;

/* What the regions chosen before hold needs no other. */
static void
choose_best (Choice *choice, Items *items)
{
  for (guint i = 0; i < choice->n; i++)
    cover (items, &choice->regions[i]);
  while (choice->n < choice->most
      && find_best (&choice->grid, items, &choice->regions[choice->n]) >= LEAST_GAIN)
    cover (items, &choice->regions[choice->n++]);
}

static void
choose_expected (Choice *choice, const FbnetZoomKnown *known)
{
  Items items = { .n = 0 };

  add_expected (&items, &choice->grid, known);
  choose_best (choice, &items);
}

static void
choose_uncertain (Choice *choice, const FbnetZoomKnown *known)
{
  Items items = { .n = 0 };

  add_uncertain (&items, &choice->grid, known);
  choose_best (choice, &items);
}

static void
choose_motion (Choice *choice, const FbnetZoomKnown *known)
{
  Items items = { .n = 0 };

  add_moved (&items, known);
  choose_best (choice, &items);
}

/* So many tiles, overlapping where they must, cover the frame. */
static void
choose_sweep (Choice *choice, const FbnetZoomKnown *known)
{
  const Grid *grid = &choice->grid;
  const FbnetRegion *frame = grid->frame;
  const guint columns = (frame->width + grid->width - 1) / grid->width;
  const guint rows = (frame->height + grid->height - 1) / grid->height;
  const guint n = MIN (choice->most - choice->n, rows * columns);

  for (guint i = 0; i < n; i++) {
    const guint tile = (*choice->turn)++ % (rows * columns);
    const guint column = tile % columns, row = tile / columns;
    choice->regions[choice->n++] =
        region_around (grid, frame->x + (column + 0.5) * frame->width / columns,
            frame->y + (row + 0.5) * frame->height / rows);
  }
}

typedef void (*Policy) (Choice *choice, const FbnetZoomKnown *known);

static const Policy functions[] = {
  [FBNET_ZOOM_UNCERTAIN] = choose_uncertain,
  [FBNET_ZOOM_MOTION] = choose_motion,
  [FBNET_ZOOM_SWEEP] = choose_sweep,
};

guint
fbnet_zoom_choose (FbnetRegion *regions, const FbnetZoomOptions *options,
    const FbnetZoomKnown *known, const FbnetRegion *frame, guint *turn)
{
  g_return_val_if_fail (regions != NULL && options != NULL && known != NULL && turn != NULL, 0);
  g_return_val_if_fail (frame != NULL && frame->width > 0 && frame->height > 0, 0);

  Choice choice = {
    .grid = { frame, side_of (frame->width, options->factor),
        side_of (frame->height, options->factor) },
    .regions = regions,
    .most = MIN (options->regions, FBNET_ZOOM_MOST),
    .turn = turn,
  };
  if (options->policy != FBNET_ZOOM_AUTO) {
    functions[options->policy](&choice, known);
    return choice.n;
  }
  choose_expected (&choice, known);
  for (guint i = FBNET_ZOOM_UNCERTAIN; i <= FBNET_ZOOM_SWEEP; i++)
    functions[i](&choice, known);
  return choice.n;
}
