/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mapped frame → inputs of the network.
 */
#include "gstfbnetview.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gstfbnetcopy.h"
#include "gstfbnetimage.h"

gboolean
gst_fbnet_moment_is_before (const GstFbnetMoment *a, const GstFbnetMoment *b)
{
  return GST_CLOCK_TIME_IS_VALID (a->running_time) && GST_CLOCK_TIME_IS_VALID (b->running_time)
      && a->running_time < b->running_time;
}

GstClockTime
gst_fbnet_moment_distance (const GstFbnetMoment *a, const GstFbnetMoment *b)
{
  if (GST_CLOCK_TIME_IS_VALID (a->running_time) && GST_CLOCK_TIME_IS_VALID (b->running_time))
    return a->running_time > b->running_time ? a->running_time - b->running_time
                                             : b->running_time - a->running_time;
  return (GstClockTime) ABS (a->came - b->came) * GST_USECOND;
}

/* How many times longer it takes to resize a pixel than to copy it, nearly. */
#define RESIZE_COST 4

/* Of most processors. */
#define HUGE_PAGE (2 << 20)

GstFbnetView *
gst_fbnet_view_new (void)
{
  GstFbnetView *view = g_new0 (GstFbnetView, 1);

  view->inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fbnet_input_free);
  view->parents = g_array_new (FALSE, FALSE, sizeof (gint));
  view->moved = gst_fbnet_list_new (sizeof (FbnetRegion));
  view->waiting = g_array_new (FALSE, FALSE, sizeof (GstFbnetRegion));
  view->evaluation = gst_fbnet_evaluation_new ();
  return view;
}

/* Of the network, and of everything made for it. */
static void
let_go (GstFbnetView *view)
{
  g_ptr_array_set_size (view->inputs, 0);
  view->n_inputs = 0;
  g_clear_pointer (&view->network, gst_fbnet_network_unref);
  g_clear_pointer (&view->class_thresholds, g_free);
  g_clear_pointer (&view->wide_thresholds, g_free);
  g_array_set_size (view->waiting, 0);
  view->revision = 0;
}

void
gst_fbnet_view_clear (GstFbnetView *view)
{
  let_go (view);
  gst_clear_buffer (&view->copy);
  view->copy_size = 0;
}

void
gst_fbnet_view_free (GstFbnetView *view)
{
  if (view == NULL)
    return;
  gst_fbnet_view_clear (view);
  g_ptr_array_unref (view->inputs);
  g_array_unref (view->parents);
  gst_fbnet_list_free (view->moved);
  g_array_unref (view->waiting);
  gst_fbnet_evaluation_free (view->evaluation);
  g_free (view);
}

/* Room for thresholds of every class, from the first time that there are such. */
static gboolean
reserve_thresholds (GstFbnetView *view, GError **error)
{
  const guint n = view->network->n_classes;

  if (view->class_thresholds == NULL)
    view->class_thresholds = g_try_new (float, n);
  if (view->wide_thresholds == NULL)
    view->wide_thresholds = g_try_new (float, n);
  if (view->class_thresholds != NULL && view->wide_thresholds != NULL)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
      "class-thresholds: expected memory for %u classes, found less", n);
  return FALSE;
}

static gboolean
take_params (GstFbnetView *view, const FbnetParams *params, GError **error)
{
  const gsize size = view->network->n_classes * sizeof (float);

  if (params->class_thresholds != NULL && !reserve_thresholds (view, error))
    return FALSE;
  view->params = *params;
  if (params->class_thresholds == NULL)
    return TRUE;
  memcpy (view->class_thresholds, params->class_thresholds, size);
  memcpy (view->wide_thresholds, params->class_thresholds, size);
  view->params.class_thresholds = view->class_thresholds;
  return TRUE;
}

gboolean
gst_fbnet_view_set_params (GstFbnetView *view, GstFbnetNetwork *network, const FbnetParams *params,
    const GstFbnetTracking *tracking, guint revision, GError **error)
{
  if (view->network != network) {
    let_go (view);
    view->network = gst_fbnet_network_ref (network);
  }
  if (view->revision == revision)
    return TRUE;
  if (!take_params (view, params, error))
    return FALSE;
  view->tracking = *tracking;
  view->wide = view->params;
  if (tracking->follow)
    gst_fbnet_tracking_widen (tracking, &view->wide, view->wide_thresholds, network->n_classes);
  view->revision = revision;
  return TRUE;
}

static void
take_sizes (GstFbnetView *view, const FbnetRegion *visible)
{
  view->x = visible->x;
  view->y = visible->y;
  view->width = visible->width;
  view->height = visible->height;
}

static FbnetInput *
get_input (GstFbnetView *view, guint index, GError **error)
{
  if (index < view->inputs->len)
    return g_ptr_array_index (view->inputs, index);
  FbnetInput *input = fbnet_input_new (view->network->model, &view->network->options, error);
  if (input != NULL)
    g_ptr_array_add (view->inputs, input);
  return input;
}

static gboolean
fill_one (GstFbnetView *view, const FbnetImage *image, const GstFbnetRegion *region, GError **error)
{
  FbnetInput *input = get_input (view, view->n_inputs, error);
  const FbnetRegion area = { region->area.x + view->x, region->area.y + view->y, region->area.width,
    region->area.height };

  if (input == NULL || !fbnet_input_fill (input, image, &area, &view->params, error))
    return FALSE;
  g_array_append_val (view->parents, region->parent);
  view->n_inputs++;
  return TRUE;
}

static void
fail_format (const GstVideoFrame *frame, GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "frame: expected a format of the pads, found %s",
      gst_video_format_to_string (GST_VIDEO_FRAME_FORMAT (frame)));
}

/* What is written for the first time is given page by page, which takes longer than writing it: in large pages,
 * where there are some. */
static GstBuffer *
allocate (gsize size)
{
  const gsize rounded = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  gpointer memory = NULL;

  if (size < HUGE_PAGE)
    return gst_buffer_new_allocate (NULL, size, NULL);
  if (posix_memalign (&memory, HUGE_PAGE, rounded) != 0)
    return NULL;
#ifdef MADV_HUGEPAGE
  madvise (memory, rounded, MADV_HUGEPAGE);
#endif
  return gst_buffer_new_wrapped_full (0, memory, rounded, 0, size, memory, free);
}

GstBuffer *
gst_fbnet_view_new_copy (gsize size)
{
  GstBuffer *copy = allocate (size);

  if (copy != NULL)
    gst_buffer_memset (copy, 0, 0, size);
  return copy;
}

void
gst_fbnet_view_set_copy (GstFbnetView *view, GstBuffer *copy, gsize size)
{
  gst_clear_buffer (&view->copy);
  view->copy = copy;
  view->copy_size = size;
}

/* The frame's pixels into `copy`, without a new allocation where the last one was as large; `frame` points there
 * then. */
static gboolean
copy_picture (GstFbnetView *view, GstVideoFrame *frame, GError **error)
{
  GstVideoInfo info;
  GstVideoFrame copy;

  gst_video_info_set_format (&info, GST_VIDEO_FRAME_FORMAT (frame),
      (guint) GST_VIDEO_FRAME_WIDTH (frame), (guint) GST_VIDEO_FRAME_HEIGHT (frame));
  if (view->copy == NULL || view->copy_size != info.size)
    gst_fbnet_view_set_copy (view, allocate (info.size), info.size);
  if (view->copy == NULL
      || !gst_video_frame_map (&copy, &info, view->copy,
          GST_MAP_WRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "frame: no memory for %" G_GSIZE_FORMAT " bytes", info.size);
    return FALSE;
  }
  gst_fbnet_copy_frame (&copy, frame);
  /* It stays where it is: system memory, unmapped, does not move. */
  memcpy (frame->data, copy.data, sizeof copy.data);
  memcpy (frame->info.stride, copy.info.stride, sizeof copy.info.stride);
  gst_video_frame_unmap (&copy);
  return TRUE;
}

gboolean
gst_fbnet_view_zooms (const GstFbnetView *view)
{
  return view->zoom.regions > 0 && view->n_inputs > 0;
}

static gboolean
fill_all (GstFbnetView *view, const GArray *regions, GError **error)
{
  const gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < regions->len; i++) {
    if (!fill_one (view, &view->image, &g_array_index (regions, GstFbnetRegion, i), error))
      return FALSE;
  }
  view->ms += (double) (g_get_monotonic_time () - began) / 1000;
  return TRUE;
}

/* Whether copying the frame takes less time than resizing what is to be seen of it. */
static gboolean
is_copied_sooner (const GstVideoFrame *frame, const GArray *regions)
{
  const guint64 n_all =
      (guint64) GST_VIDEO_FRAME_WIDTH (frame) * (guint64) GST_VIDEO_FRAME_HEIGHT (frame);
  guint64 n = 0;

  for (guint i = 0; i < regions->len; i++) {
    const FbnetRegion *area = &g_array_index (regions, GstFbnetRegion, i).area;
    n += (guint64) area->width * area->height;
  }
  return n * RESIZE_COST > n_all;
}

static void
begin (GstFbnetView *view, const FbnetRegion *visible)
{
  view->n_inputs = 0;
  view->ms = 0;
  g_array_set_size (view->parents, 0);
  gst_fbnet_list_set_length (view->moved, 0);
  g_array_set_size (view->waiting, 0);
  take_sizes (view, visible);
}

gboolean
gst_fbnet_view_fill (GstFbnetView *view, const GstVideoInfo *info, GstVideoFrame *frame,
    const FbnetRegion *visible, const GArray *regions, gboolean keep, GError **error)
{
  const gboolean cropped = visible->x > 0 || visible->y > 0;
  const gboolean later = keep && !view->compared && is_copied_sooner (frame, regions);
  const gboolean zooms = view->zoom.regions > 0 && regions->len > 0;

  begin (view, visible);
  if (keep && (later || zooms) && !copy_picture (view, frame, error))
    return FALSE;
  if (!gst_fbnet_image_from_frame (&view->image, cropped ? &frame->info : info, frame)) {
    fail_format (frame, error);
    return FALSE;
  }
  if (!later)
    return fill_all (view, regions, error);
  g_array_append_vals (view->waiting, regions->data, regions->len);
  return TRUE;
}

gboolean
gst_fbnet_view_finish (GstFbnetView *view, GError **error)
{
  const gboolean done = fill_all (view, view->waiting, error);

  g_array_set_size (view->waiting, 0);
  return done;
}

gboolean
gst_fbnet_view_take_picture (GstFbnetView *view, const GstVideoInfo *info, GstVideoFrame *frame,
    const FbnetRegion *visible, const FbnetRegion *part, gboolean keep, GError **error)
{
  const FbnetRegion area = { part->x + visible->x, part->y + visible->y, part->width,
    part->height };

  begin (view, visible); /* the classifier resizes */
  gst_fbnet_regions_crop_frame (frame, &area);
  if (keep && !copy_picture (view, frame, error))
    return FALSE;
  GstVideoInfo shown = *info;
  shown.width = frame->info.width;
  shown.height = frame->info.height;
  if (gst_fbnet_image_from_frame (&view->image, &shown, frame))
    return TRUE;
  fail_format (frame, error);
  return FALSE;
}
