/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * roi, inference-region, object-class → regions of a frame.
 */
#include "gstfbnetaim.h"

void
gst_fbnet_aim_reset (GstFbnetAim *aim)
{
  aim->told_part = 0;
  aim->told_regions = FALSE;
}

void
gst_fbnet_aim_clear (GstFbnetAim *aim)
{
  g_clear_pointer (&aim->regions, g_array_unref);
}

/* Once for every change of the settings. */
static void
complain_part (GstFbnetAim *aim, GstElement *element, guint revision, const FbnetRegion *roi,
    guint width, guint height)
{
  if (aim->told_part == revision)
    return;
  aim->told_part = revision;
  g_autofree char *text = g_strdup_printf (
      "roi: expected a part of the frame of %u x %u pixels, found %u x %u at (%u, %u)", width,
      height, roi->width, roi->height, roi->x, roi->y);
  gst_fbnet_post_settings (element, GST_MESSAGE_WARNING, text);
}

FbnetRegion
gst_fbnet_aim_find_part (GstFbnetAim *aim, GstElement *element, const GstFbnetNow *now, guint width,
    guint height)
{
  const GstFbnetNumbers *numbers = &now->settings.roi;
  const FbnetRegion all = { 0, 0, width, height };
  FbnetRegion part;

  if (numbers->n != 4 || numbers->numbers[2] == 0 || numbers->numbers[3] == 0)
    return all;
  const FbnetRegion roi = { numbers->numbers[0], numbers->numbers[1], numbers->numbers[2],
    numbers->numbers[3] };
  if (gst_fbnet_regions_intersect (&all, &roi, &part))
    return part;
  complain_part (aim, element, now->revision, &roi, width, height);
  return all;
}

static void
complain_regions (GstFbnetAim *aim, GstElement *element, guint n)
{
  if (n <= GST_FBNET_MAX_REGIONS || aim->told_regions)
    return;
  aim->told_regions = TRUE;
  g_autofree char *text = g_strdup_printf ("inference-region: expected at most %d regions on a "
                                           "frame, found %u: the others are not looked "
                                           "into",
      GST_FBNET_MAX_REGIONS, n);
  gst_fbnet_post_settings (element, GST_MESSAGE_WARNING, text);
}

const GArray *
gst_fbnet_aim_find_regions (GstFbnetAim *aim, GstElement *element, const GstFbnetSettings *settings,
    GstBuffer *buffer, const FbnetRegion *part)
{
  const GstFbnetRegion whole = { *part, -1 };

  if (aim->regions == NULL)
    aim->regions = g_array_new (FALSE, FALSE, sizeof (GstFbnetRegion));
  g_array_set_size (aim->regions, 0);
  if (settings->inference_region == GST_FBNET_REGION_ROI_LIST)
    complain_regions (aim, element,
        gst_fbnet_regions_read (aim->regions, buffer, settings->object_class, part));
  else
    g_array_append_val (aim->regions, whole);
  return aim->regions;
}
