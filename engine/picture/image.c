/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frame to network input. Output rows are divided into bands, some for each thread; each band
 * reads the source rows that it needs, as many at a time as the kernels want, puts them through the
 * horizontal pass into a ring, and takes its output rows out of the ring by the vertical pass.
 */
#include "image.h"

#include <string.h>

#include "base/claims.h"
#include "color.h"
#include "format.h"
#include "kernels/kernels.h"
#include "resize.h"

#define MAX_SIDE 32767

struct ImageResizer {
  const PictureKernels *kernels;
  ResizeFilter horizontal, vertical;
  guint n_threads;

  gsize plane_size; /* the rows of one colour that the horizontal pass works on at once */
  gsize ring_rows;  /* a multiple of them */
  gsize ring_stride;

  /* Within one thread's memory */
  gsize scratch_offset, ring_offset, rows_offset, color_offset, thread_size;
  Buffer memory;
};

void
image_network_size (gsize frame_height, gsize frame_width, gsize min_size, gsize max_size,
    gsize *network_height, gsize *network_width)
{
  const double scale = (double) min_size / (double) MIN (frame_height, frame_width);
  double height = frame_height < frame_width ? (double) min_size : scale * (double) frame_height;
  double width = frame_height < frame_width ? scale * (double) frame_width : (double) min_size;

  const double longer = MAX (height, width);
  if (longer > (double) max_size) {
    const double shrink = (double) max_size / longer;
    height *= shrink;
    width *= shrink;
  }
  *network_height = MAX ((gsize) (height + 0.5), 1);
  *network_width = MAX ((gsize) (width + 0.5), 1);
}

FbnetRegion
image_view (FbnetImage *view, const FbnetImage *image, const FbnetRegion *region)
{
  const PixelFormat *format = pixel_format (image->format);
  const guint n_planes = pixel_format_n_planes (format);
  FbnetRegion seen = *region;

  *view = *image;
  for (guint plane = 0; plane < n_planes; plane++) {
    const PlaneLayout layout = pixel_format_plane (format, plane);
    seen.x -= seen.x % layout.columns;
    seen.y -= seen.y % layout.rows;
  }
  for (guint plane = 0; plane < n_planes; plane++) {
    const PlaneLayout layout = pixel_format_plane (format, plane);
    view->planes[plane] += (gssize) (seen.y / layout.rows) * image->strides[plane]
        + (gssize) (seen.x / layout.columns) * layout.bytes;
  }
  seen.width += region->x - seen.x;
  seen.height += region->y - seen.y;
  view->width = seen.width;
  view->height = seen.height;
  return seen;
}

ImageResizer *
image_resizer_new (const PictureKernels *kernels)
{
  ImageResizer *resizer = g_new0 (ImageResizer, 1);

  resizer->kernels = kernels != NULL ? kernels : &kernels_list ()[0]->picture;
  return resizer;
}

void
image_resizer_free (ImageResizer *resizer)
{
  if (resizer == NULL)
    return;
  resize_filter_clear (&resizer->horizontal);
  resize_filter_clear (&resizer->vertical);
  buffer_clear (&resizer->memory);
  g_free (resizer);
}

/* Bands that a thread works on. A thread that wakes up late leaves some to the others; but each reads some
 * rows that its neighbours read too, so that one thread alone has one. */
#define BANDS_PER_THREAD 3

/* Reserves `bytes` at the end of what a thread has so far. With sides up to MAX_SIDE no sum or product
 * here comes near 2^63; a 32-bit gsize has to be checked. */
static gboolean
place (guint64 *end, gsize *offset, guint64 bytes)
{
  *offset = (gsize) *end;
  *end += (bytes + 63) & ~(guint64) 63;
  return *end <= G_MAXSIZE;
}

static gboolean
lay_out_memory (ImageResizer *resizer)
{
  const ResizeAxis *horizontal = &resizer->horizontal.axis, *vertical = &resizer->vertical.axis;
  const guint64 n_taps = 2 * (guint64) vertical->n_pairs;
  const gsize n_rows = resizer->kernels->horizontal_rows;
  guint64 end = 0;
  gsize planes;

  resizer->plane_size = resize_plane_size (horizontal->n_in, n_rows);
  resizer->ring_stride = resize_out_stride (horizontal->n_out);
  resizer->ring_rows = (n_taps + 2 * n_rows - 2) / n_rows * n_rows;
  const gboolean fits = place (&end, &planes, 3 * (guint64) resizer->plane_size)
      && place (&end, &resizer->scratch_offset, resize_scratch_size (horizontal->n_in, n_rows))
      && place (&end, &resizer->ring_offset, (guint64) resizer->ring_rows * resizer->ring_stride)
      && place (&end, &resizer->rows_offset, n_taps * sizeof (guint8 *))
      && place (&end, &resizer->color_offset, color_scratch_size (horizontal->n_in));
  resizer->thread_size = (gsize) end;
  return fits;
}

static gboolean
is_prepared (const ImageResizer *resizer, gsize frame_height, gsize frame_width,
    gsize network_height, gsize network_width, guint n_threads)
{
  const ResizeAxis *horizontal = &resizer->horizontal.axis, *vertical = &resizer->vertical.axis;

  return resizer->n_threads == n_threads && horizontal->n_in == frame_width
      && horizontal->n_out == network_width && vertical->n_in == frame_height
      && vertical->n_out == network_height;
}

static gboolean
reserve_memory (ImageResizer *resizer, guint n_threads, GError **error)
{
  gsize bytes;

  if (!lay_out_memory (resizer) || !g_size_checked_mul (&bytes, resizer->thread_size, n_threads)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "resize to %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT
        " pixels: expected sizes that fit memory, found larger ones",
        resizer->horizontal.axis.n_out, resizer->vertical.axis.n_out);
    return FALSE;
  }
  if (!buffer_reserve (&resizer->memory, bytes, error))
    return FALSE;
  /* What lies between a row's end and its stride is read, with weight 0. */
  memset (resizer->memory.data, 0, bytes);
  resizer->n_threads = n_threads;
  return TRUE;
}

gboolean
image_resizer_prepare (ImageResizer *resizer, gsize frame_height, gsize frame_width,
    gsize network_height, gsize network_width, guint n_threads, GError **error)
{
  g_return_val_if_fail (frame_height > 0 && frame_width > 0, FALSE);
  g_return_val_if_fail (network_height > 0 && network_width > 0 && n_threads > 0, FALSE);

  if (MAX (frame_height, frame_width) > MAX_SIDE
      || MAX (network_height, network_width) > MAX_SIDE) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "frame: expected at most %d pixels a side, found %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT
        " to become %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT,
        MAX_SIDE, frame_width, frame_height, network_width, network_height);
    return FALSE;
  }
  if (is_prepared (resizer, frame_height, frame_width, network_height, network_width, n_threads))
    return TRUE;

  resizer->n_threads = 0; /* not prepared, until all of it has worked */
  return resize_filter_build (&resizer->horizontal, frame_width, network_width, 2, error)
      && resize_filter_build (&resizer->vertical, frame_height, network_height, 1, error)
      && reserve_memory (resizer, n_threads, error);
}

/* One call of image_resize(). */
typedef struct {
  const ImageResizer *resizer;
  ColorReader reader;
  guint8 *out;
  gboolean bgr;
  guint n_bands;
} Job;

/* One band of a job. */
typedef struct {
  const Job *job;
  guint8 *memory;
  gsize first_row, end_row; /* of the source */
  gsize n_rows;             /* that have been through the horizontal pass */
} Band;

static guint8 *
ring_row (const Band *band, gsize row)
{
  const ImageResizer *resizer = band->job->resizer;
  const gsize slot = (row - band->first_row) % resizer->ring_rows;

  return band->memory + resizer->ring_offset + slot * resizer->ring_stride;
}

/* The next source rows into the ring. Rows beyond the band's end keep what an earlier
 * block left there; nobody asks for them. */
static void
band_advance (Band *band)
{
  const ImageResizer *resizer = band->job->resizer;
  const ResizeAxis *axis = &resizer->horizontal.axis;
  const gsize stride = resize_in_stride (axis->n_in);
  const gsize first = band->first_row + band->n_rows;
  const gsize n = MIN (resizer->kernels->horizontal_rows, band->end_row - first);
  guint8 *planes[3];

  for (gsize c = 0; c < 3; c++)
    planes[c] = band->memory + c * resizer->plane_size;
  for (gsize r = 0; r < n; r++) {
    guint8 *const rgb[3] = { planes[0] + r * stride, planes[1] + r * stride,
      planes[2] + r * stride };
    color_read_row (&band->job->reader, rgb, first + r, band->memory + resizer->color_offset);
  }
  const HorizontalArgs args = {
    .out = ring_row (band, first),
    .in = { planes[band->job->bgr ? 2 : 0], planes[1], planes[band->job->bgr ? 0 : 2] },
    .axis = axis,
    .scratch = band->memory + resizer->scratch_offset,
  };
  resizer->kernels->horizontal (&args);
  band->n_rows += resizer->kernels->horizontal_rows;
}

/* Behind the source rows that output row y needs. */
static gsize
rows_end (const ResizeAxis *axis, gsize y)
{
  return MIN (axis->first[y] + 2 * axis->n_pairs, axis->n_in);
}

static void
band_write_row (Band *band, gsize y)
{
  const ImageResizer *resizer = band->job->resizer;
  const ResizeAxis *axis = &resizer->vertical.axis;
  const gsize first = axis->first[y], n_taps = 2 * axis->n_pairs;
  const gsize last = rows_end (axis, y) - 1;
  const gsize row_size = resizer->horizontal.axis.n_out * 3;
  const guint8 **rows = (const guint8 **) (void *) (band->memory + resizer->rows_offset);

  while (band->first_row + band->n_rows <= last)
    band_advance (band);
  for (gsize k = 0; k < n_taps; k++)
    rows[k] = ring_row (band, MIN (first + k, last));
  resizer->kernels->vertical (band->job->out + y * row_size, rows, axis->pairs + y * axis->n_pairs,
      axis->n_pairs, row_size);
}

static void
run_band (gpointer data, guint item, guint thread)
{
  const Job *job = data;
  const ImageResizer *resizer = job->resizer;
  const gsize height = resizer->vertical.axis.n_out;
  const gsize begin = height * item / job->n_bands;
  const gsize end = height * (item + 1) / job->n_bands;
  Band band = {
    .job = job,
    .memory = (guint8 *) resizer->memory.data + thread * resizer->thread_size,
    .first_row = resizer->vertical.axis.first[begin],
    .end_row = rows_end (&resizer->vertical.axis, end - 1),
  };

  for (gsize y = begin; y < end; y++) {
    claims_make_way ();
    band_write_row (&band, y);
  }
}

void
image_resize_view (ImageResizer *resizer, guint8 *out, const FbnetImage *view, gsize frame_height,
    gboolean bgr, Workers *workers)
{
  g_return_if_fail (resizer->n_threads > 0);
  g_return_if_fail (view->width == resizer->horizontal.axis.n_in);
  g_return_if_fail (view->height == resizer->vertical.axis.n_in);

  const guint n_threads = workers_expected (workers);
  const gsize n_bands = n_threads > 1 ? BANDS_PER_THREAD * (gsize) n_threads : 1;
  Job job = { .resizer = resizer,
    .out = out,
    .bgr = bgr,
    .n_bands = (guint) MIN (n_bands, resizer->vertical.axis.n_out) };
  color_reader_init (&job.reader, view, frame_height, resizer->kernels);
  workers_run (workers, run_band, &job, job.n_bands);
}

void
image_resize (ImageResizer *resizer, guint8 *out, const FbnetImage *image, gboolean bgr,
    Workers *workers)
{
  image_resize_view (resizer, out, image, image->height, bgr, workers);
}

/* --- Normalisation ----------------------------------------------------------------------------- */

/* Of the output's rows, as many at a time. */
#define NORMALIZE_ROWS 16

typedef struct {
  const Tensor *out;
  const guint8 *pixels;
  gsize height, width;
  float values[256][3]; /* a quotient per possible pixel, not per pixel */
} Normalization;

static void
normalize_row (const Normalization *job, gsize y)
{
  const gsize width = y < job->height ? job->width : 0;
  const guint8 *pixels = job->pixels + y * width * 3;
  float *row = tensor_pixel (job->out, 0, y, 0);

  for (gsize x = 0; x < width; x++, pixels += 3)
    for (guint c = 0; c < 3; c++)
      row[3 * x + c] = job->values[pixels[c]][c];
  memset (row + 3 * width, 0, (job->out->w - width) * 3 * sizeof (float));
}

static void
normalize_item (gpointer data, guint item, guint thread)
{
  const Normalization *job = data;
  const gsize begin = (gsize) item * NORMALIZE_ROWS;
  const gsize end = MIN (begin + NORMALIZE_ROWS, job->out->h);

  for (gsize y = begin; y < end; y++)
    normalize_row (job, y);
}

void
image_normalize (Tensor *out, const guint8 *pixels, gsize height, gsize width, const float mean[3],
    const float std[3], Workers *workers)
{
  Normalization job = { out, pixels, height, width };

  g_return_if_fail (out->c == 3 && out->h >= height && out->w >= width);
  for (guint v = 0; v < 256; v++)
    for (guint c = 0; c < 3; c++)
      job.values[v][c] = ((float) v - mean[c]) / std[c];
  workers_run (workers, normalize_item, &job,
      (guint) ((out->h + NORMALIZE_ROWS - 1) / NORMALIZE_ROWS));
}
