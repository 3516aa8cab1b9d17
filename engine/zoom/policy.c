/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which parts of a frame are worth a second look.
 */
#include <math.h>

#include "zoom.h"

#define OPTION(member) G_STRUCT_OFFSET (FbnetZoomOptions, member)
#define ALWAYS         FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION

#define MOST_FACTOR 8
#define MOST_KNOWN  256  /* detections that are looked at, best first */
#define LEAST_GAIN  0.15 /* of a region: less is not worth a pass */
#define SMALL       0.8  /* of a region's side: what is so large needs no second look */

static const FbnetChoice policies[] = {
  [FBNET_ZOOM_UNCERTAIN] = { "uncertain", "Where small, undecided detections gather" },
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
  guint width, height; /* of the frame */
  guint region_width, region_height;
} Grid;

static guint
side_of (guint length, float factor)
{
  return (guint) CLAMP ((double) length / factor + 0.5, 1, length);
}

static guint
place (double middle, guint length, guint frame)
{
  return (guint) CLAMP (middle - length / 2.0 + 0.5, 0, frame - length);
}

static FbnetRegion
region_around (const Grid *grid, double x, double y)
{
  return (FbnetRegion){ place (x, grid->region_width, grid->width),
    place (y, grid->region_height, grid->height), grid->region_width, grid->region_height };
}

/* --- Uncertain -------------------------------------------------------------------------------- */

/* Most for a score of one half, nothing for what nearly fills a region. */
static double
weight_of (const Grid *grid, const FbnetDetection *d)
{
  const double width = ((double) d->x1 - d->x0) / grid->region_width;
  const double height = ((double) d->y1 - d->y0) / grid->region_height;
  const double smallness = 1 - sqrt (MAX (width * height, 0)) / SMALL;

  return smallness > 0 ? (double) d->score * (1 - (double) d->score) * smallness : 0;
}

static gboolean
holds (const FbnetRegion *r, const FbnetDetection *d)
{
  return d->x0 >= (float) r->x && d->y0 >= (float) r->y && d->x1 <= (float) (r->x + r->width)
      && d->y1 <= (float) (r->y + r->height);
}

static double
gain_of (const FbnetRegion *region, const FbnetDetection *detections, const double *weights,
    guint n)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    if (weights[i] > 0 && holds (region, &detections[i]))
      sum += weights[i];
  return sum;
}

/* The region around one of the detections that holds most of what is not covered yet. */
static double
find_best (const Grid *grid, const FbnetDetection *detections, const double *weights, guint n,
    FbnetRegion *best)
{
  double most = 0;

  for (guint i = 0; i < n; i++) {
    const FbnetDetection *d = &detections[i];
    if (weights[i] <= 0)
      continue;
    const FbnetRegion region =
        region_around (grid, ((double) d->x0 + d->x1) / 2, ((double) d->y0 + d->y1) / 2);
    const double gain = gain_of (&region, detections, weights, n);
    if (gain <= most)
      continue;
    most = gain;
    *best = region;
  }
  return most;
}

static guint
choose_uncertain (FbnetRegion *regions, guint most, const Grid *grid,
    const FbnetDetection *detections, guint n)
{
  double weights[MOST_KNOWN];
  guint n_chosen = 0;

  n = MIN (n, MOST_KNOWN);
  for (guint i = 0; i < n; i++)
    weights[i] = weight_of (grid, &detections[i]);
  while (n_chosen < most
      && find_best (grid, detections, weights, n, &regions[n_chosen]) >= LEAST_GAIN) {
    for (guint i = 0; i < n; i++)
      if (holds (&regions[n_chosen], &detections[i]))
        weights[i] = 0;
    n_chosen++;
  }
  return n_chosen;
}

/* --- Sweep ------------------------------------------------------------------------------------ */

/* So many tiles, overlapping where they must, cover the frame. */
static guint
choose_sweep (FbnetRegion *regions, guint most, const Grid *grid, guint turn)
{
  const guint columns = (grid->width + grid->region_width - 1) / grid->region_width;
  const guint rows = (grid->height + grid->region_height - 1) / grid->region_height;
  const guint n = MIN (most, rows * columns);

  for (guint i = 0; i < n; i++) {
    const guint tile = (turn + i) % (rows * columns);
    const guint column = tile % columns, row = tile / columns;
    regions[i] = region_around (grid, (column + 0.5) * grid->width / columns,
        (row + 0.5) * grid->height / rows);
  }
  return n;
}

guint
fbnet_zoom_choose (FbnetRegion *regions, const FbnetZoomOptions *options,
    const FbnetDetection *detections, guint n, guint width, guint height, guint turn)
{
  g_return_val_if_fail (regions != NULL && options != NULL && width > 0 && height > 0, 0);

  const guint most = MIN (options->regions, FBNET_ZOOM_MOST);
  const Grid grid = { width, height, side_of (width, options->factor),
    side_of (height, options->factor) };
  if (options->policy == FBNET_ZOOM_SWEEP)
    return choose_sweep (regions, most, &grid, turn);
  return choose_uncertain (regions, most, &grid, detections, n);
}
