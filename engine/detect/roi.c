/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ROIAlign; see roi.h.
 *
 * A bin is the mean of bilinear samples on a grid. Whether a sample counts is decided for each axis
 * alone, so the weight of a pixel in a bin is the product of a weight per row and one per column:
 * both are summed up first, and each pixel is read once, however many samples touch it.
 */
#include "roi.h"

#include <math.h>

/* More samples than this per bin and axis make no sense in maps that fit memory, and would not fit
 * an integer; only boxes far larger than the picture get here. */
#define MAX_GRID 16384

gsize
roi_level (const RoiPooler *pooler, const Box *box)
{
  if (pooler->n_levels < 2)
    return 0;
  const float level =
      floorf (4.0f + log2f (sqrtf (box_area (box)) / 224.0f + 1e-8f)) - (float) pooler->min_level;
  const float last = (float) (pooler->n_levels - 1);
  return level > 0.0f ? (gsize) MIN (level, last) : 0; /* NaN: 0 */
}

/* A row or column of the map, and how much of it is in a bin. */
typedef struct {
  guint32 index;
  float weight;
} Tap;

typedef struct {
  Tap *taps;
  gsize n;
} Taps;

/* How one axis of a box is cut: bin p begins at `start` + p × `bin`. */
typedef struct {
  float start, bin;
  guint grid;   /* samples per bin */
  gsize length; /* of the map */
} Axis;

static Axis
axis_of (float lo, float hi, float scale, const RoiPooler *pooler, gsize length)
{
  const float start = lo * scale - 0.5f, end = hi * scale - 0.5f;
  const float bin = (end - start) / (float) pooler->resolution;
  guint grid = pooler->sampling_ratio;

  if (grid == 0 && bin > 0.0f) /* not NaN */
    grid = (guint) MIN (ceilf (bin), (float) MAX_GRID);
  return (Axis){ start, bin, grid, length };
}

/* Samples run along the axis, so an index that is there already is among the last three. */
static void
add_tap (Taps *taps, guint32 index, float weight)
{
  if (weight == 0.0f)
    return;
  for (gsize back = 1; back <= 3 && back <= taps->n; back++)
    if (taps->taps[taps->n - back].index == index) {
      taps->taps[taps->n - back].weight += weight;
      return;
    }
  taps->taps[taps->n++] = (Tap){ index, weight };
}

/* The weights of bin p, at most one tap per index. pre_calc_for_bilinear_interpolate: samples up to
 * one pixel before the first and at most at `length` count as the border, beyond they are 0. */
static void
bin_taps (Taps *taps, const Axis *axis, guint p)
{
  const float share = 1.0f / (float) axis->grid;
  const float last = (float) (axis->length - 1);

  taps->n = 0;
  for (guint i = 0; i < axis->grid; i++) {
    const float step = ((float) i + 0.5f) * axis->bin / (float) axis->grid;
    const float at = axis->start + (float) p * axis->bin + step;
    if (!(at >= -1.0f && at <= (float) axis->length)) /* NaN too */
      continue;
    const float inside = at <= 0.0f ? 0.0f : MIN (at, last);
    const guint32 lo = (guint32) inside;
    const float fraction = inside - (float) lo;
    add_tap (taps, lo, (1.0f - fraction) * share);
    add_tap (taps, lo + 1, fraction * share);
  }
}

/* One thread's memory: the taps of one bin, its pixels and their weights. */
typedef struct {
  const float **sources;
  float *weights;
  Tap *rows, *columns;
} Scratch;

/* Room for every level: a bin may be as large as the map. */
static void
largest_map (const RoiPooler *pooler, gsize *height, gsize *width, gsize *pixels)
{
  *height = *width = *pixels = 0;
  for (gsize l = 0; l < pooler->n_levels; l++) {
    const Tensor *feature = &pooler->levels[l].feature;
    *height = MAX (*height, feature->h);
    *width = MAX (*width, feature->w);
    *pixels = MAX (*pixels, feature->h * feature->w);
  }
}

/* A multiple of 16, so that every thread's part is aligned. No check for overflow: the maps, of many
 * channels, exist. */
gsize
roi_scratch_size (const RoiPooler *pooler)
{
  gsize height, width, pixels;

  largest_map (pooler, &height, &width, &pixels);
  const gsize size = pixels * (sizeof (float *) + sizeof (float)) + (height + width) * sizeof (Tap);
  return (size + 15) / 16 * 16;
}

static Scratch
cut_scratch (void *scratch, const RoiPooler *pooler)
{
  gsize height, width, pixels;

  largest_map (pooler, &height, &width, &pixels);
  Scratch s = { .sources = scratch };
  s.weights = (float *) (s.sources + pixels);
  s.rows = (Tap *) (s.weights + pixels);
  s.columns = s.rows + height;
  return s;
}

typedef struct {
  float *out;
  const RoiPooler *pooler;
  const Box *boxes;
  const Kernels *kernels;
  guint8 *scratch;
  gsize scratch_size;
} Job;

/* The pixels of one bin and their weights; returns how many. */
static gsize
gather_bin (const Scratch *s, const Tensor *feature, const Taps *rows, const Taps *columns)
{
  gsize n = 0;

  for (gsize y = 0; y < rows->n; y++)
    for (gsize x = 0; x < columns->n; x++) {
      s->sources[n] = tensor_pixel (feature, 0, rows->taps[y].index, columns->taps[x].index);
      s->weights[n++] = rows->taps[y].weight * columns->taps[x].weight;
    }
  return n;
}

/* One row of bins of one box. */
static void
align_row (gpointer data, guint item, guint thread)
{
  const Job *job = data;
  const RoiPooler *pooler = job->pooler;
  const guint resolution = pooler->resolution;
  const Box *box = &job->boxes[item / resolution];
  const RoiLevel *level = &pooler->levels[roi_level (pooler, box)];
  const Tensor *feature = &level->feature;
  const Axis vertical = axis_of (box->y0, box->y1, level->scale, pooler, feature->h);
  const Axis horizontal = axis_of (box->x0, box->x1, level->scale, pooler, feature->w);

  const Scratch s = cut_scratch (job->scratch + thread * job->scratch_size, pooler);
  Taps rows = { .taps = s.rows }, columns = { .taps = s.columns };
  bin_taps (&rows, &vertical, item % resolution);
  float *out = job->out + (gsize) item * resolution * feature->c;
  for (guint p = 0; p < resolution; p++) {
    bin_taps (&columns, &horizontal, p);
    const gsize n = gather_bin (&s, feature, &rows, &columns);
    job->kernels->floats.weighted_sum (out + p * feature->c, s.sources, s.weights, n, feature->c);
  }
}

void
roi_align (float *out, const RoiPooler *pooler, const Box *boxes, gsize n, const Kernels *kernels,
    Workers *workers, void *scratch)
{
  g_assert (n <= G_MAXUINT / pooler->resolution);
  Job job = { out, pooler, boxes, kernels, scratch, roi_scratch_size (pooler) };
  workers_run (workers, align_row, &job, (guint) n * pooler->resolution);
}
