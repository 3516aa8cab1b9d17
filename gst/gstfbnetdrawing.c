/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * overlay-mode, and what downstream answers → gstfbnetattach.h, or gst_fbnet_overlay_draw().
 */
#include "gstfbnetdrawing.h"

#include "gstfbnetattach.h"
#include "gstfbnetimage.h"
#include "gstfbnetregions.h"

void
gst_fbnet_drawing_clear (GstFbnetDrawing *drawing)
{
  g_clear_pointer (&drawing->overlay, gst_fbnet_overlay_free);
}

void
gst_fbnet_drawing_set_caps (GstFbnetDrawing *drawing, GstCaps *caps)
{
  drawing->offered = gst_fbnet_attach_in_caps (caps);
  drawing->asked = FALSE;
}

static gboolean
attaches (GstFbnetDrawing *drawing, GstPad *pad, gint mode)
{
  if (mode != GST_FBNET_OVERLAY_MODE_AUTO || !drawing->offered)
    return mode == GST_FBNET_OVERLAY_MODE_ATTACH;
  if (!drawing->asked) {
    drawing->taken = gst_fbnet_attach_is_taken (pad);
    drawing->asked = TRUE;
  }
  return drawing->taken;
}

static void
attach (GstFbnetDrawing *drawing, const GstFbnetOverlayStyle *style, GstBuffer *buffer,
    const GstFbnetResult *result)
{
  GstVideoOverlayComposition *composition =
      gst_fbnet_overlay_compose (drawing->overlay, result, style);

  if (composition != NULL)
    gst_fbnet_attach_add (buffer, composition);
}

static gboolean
blend (GstFbnetDrawing *drawing, const GstVideoInfo *info, const GstFbnetOverlayStyle *style,
    GstBuffer *buffer, const GstFbnetResult *result)
{
  GstVideoFrame frame;
  FbnetRegion visible;

  if (!gst_fbnet_image_map (&frame, info, buffer,
          GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return FALSE;
  if (gst_fbnet_regions_find_visible (buffer, info, &frame, &visible)) {
    gst_fbnet_regions_crop_frame (&frame, &visible);
    gst_fbnet_overlay_draw (drawing->overlay, result, style, &frame);
  }
  gst_video_frame_unmap (&frame);
  return TRUE;
}

gboolean
gst_fbnet_drawing_draw (GstFbnetDrawing *drawing, GstPad *pad, const GstVideoInfo *info,
    const GstFbnetSettings *settings, GstBuffer *buffer, const GstFbnetResult *result)
{
  if (drawing->overlay == NULL)
    drawing->overlay = gst_fbnet_overlay_new ();
  if (!attaches (drawing, pad, settings->overlay_mode))
    return blend (drawing, info, &settings->style, buffer, result);
  attach (drawing, &settings->style, buffer, result);
  return TRUE;
}
