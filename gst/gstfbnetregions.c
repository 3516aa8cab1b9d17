/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GstVideoCropMeta, GstVideoRegionOfInterestMeta, GstAnalyticsODMtd → parts of a frame.
 */
#include "gstfbnetregions.h"

#include <string.h>

#ifdef HAVE_ANALYTICS
#  include "gstfbnetanalytics.h"
#endif

gboolean
gst_fbnet_regions_intersect (const FbnetRegion *a, const FbnetRegion *b, FbnetRegion *shared)
{
  const guint64 right = MIN ((guint64) a->x + a->width, (guint64) b->x + b->width);
  const guint64 bottom = MIN ((guint64) a->y + a->height, (guint64) b->y + b->height);
  const guint x = MAX (a->x, b->x), y = MAX (a->y, b->y);

  if (right <= x || bottom <= y)
    return FALSE;
  *shared = (FbnetRegion){ x, y, (guint) (right - x), (guint) (bottom - y) };
  return TRUE;
}

gboolean
gst_fbnet_regions_find_visible (GstBuffer *buffer, const GstVideoInfo *info,
    const GstVideoFrame *frame, FbnetRegion *visible)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);
  guint width = (guint) GST_VIDEO_FRAME_WIDTH (frame);
  guint height = (guint) GST_VIDEO_FRAME_HEIGHT (frame);

  /* A GstVideoMeta may describe a larger picture than the caps do. */
  if (crop == NULL) {
    width = MIN (width, (guint) GST_VIDEO_INFO_WIDTH (info));
    height = MIN (height, (guint) GST_VIDEO_INFO_HEIGHT (info));
  }
  const FbnetRegion all = { 0, 0, width, height };
  *visible = all;
  if (crop == NULL)
    return TRUE;
  const FbnetRegion shown = { crop->x, crop->y, crop->width, crop->height };
  return gst_fbnet_regions_intersect (&all, &shown, visible);
}

static guint
align_down (guint value, guint shift)
{
  return value >> shift << shift;
}

void
gst_fbnet_regions_crop_frame (GstVideoFrame *frame, const FbnetRegion *part)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  guint x_shift = 0, y_shift = 0;

  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c++) {
    x_shift = MAX (x_shift, GST_VIDEO_FORMAT_INFO_W_SUB (format, c));
    y_shift = MAX (y_shift, GST_VIDEO_FORMAT_INFO_H_SUB (format, c));
  }
  const guint x = align_down (part->x, x_shift), y = align_down (part->y, y_shift);
  for (guint p = 0; p < GST_VIDEO_FORMAT_INFO_N_PLANES (format); p++) {
    gint components[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component (format, p, components);
    const guint c = (guint) components[0];
    frame->data[p] = (guint8 *) frame->data[p]
        + (gssize) (y >> GST_VIDEO_FORMAT_INFO_H_SUB (format, c)) * frame->info.stride[p]
        + (gssize) (x >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c))
            * GST_VIDEO_FORMAT_INFO_PSTRIDE (format, c);
  }
  frame->info.width = (gint) (part->x - x + part->width);
  frame->info.height = (gint) (part->y - y + part->height);
}

typedef struct {
  GArray *regions;
  GstBuffer *buffer;
  const char *label;
  const FbnetRegion *within;
  guint n;
} Reader;

static void
read_box (Reader *reader, const char *label, guint id, gint64 x, gint64 y, guint64 w, guint64 h)
{
  const gint64 left = MAX (x, 0), top = MAX (y, 0);
  const gint64 right = x + (gint64) MIN (w, G_MAXINT), bottom = y + (gint64) MIN (h, G_MAXINT);
  GstFbnetRegion region = { .parent = (gint) id };

  if ((reader->label != NULL && g_strcmp0 (label, reader->label) != 0) || right <= left
      || bottom <= top)
    return;
  const FbnetRegion box = { (guint) left, (guint) top, (guint) (right - left),
    (guint) (bottom - top) };
  if (!gst_fbnet_regions_intersect (&box, reader->within, &region.area))
    return;
  if (++reader->n <= GST_FBNET_MAX_REGIONS)
    g_array_append_val (reader->regions, region);
}

#ifdef HAVE_ANALYTICS
static void
read_analytics_box (guint id, const char *label, const GstVideoRectangle *box, gpointer data)
{
  Reader *reader = data;

  if (!gst_fbnet_analytics_is_region_too (reader->buffer, id, label))
    read_box (reader, label, id, box->x, box->y, (guint64) MAX (box->w, 0),
        (guint64) MAX (box->h, 0));
}
#endif

guint
gst_fbnet_regions_read (GArray *regions, GstBuffer *buffer, const char *label,
    const FbnetRegion *within)
{
  Reader reader = { regions, buffer, label, within, 0 };
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
      != NULL) {
    const GstVideoRegionOfInterestMeta *roi = (const GstVideoRegionOfInterestMeta *) meta;
    read_box (&reader, g_quark_to_string (roi->roi_type), (guint) roi->id, roi->x, roi->y, roi->w,
        roi->h);
  }
#ifdef HAVE_ANALYTICS
  gst_fbnet_analytics_foreach_box (buffer, read_analytics_box, &reader);
#endif
  return reader.n;
}
