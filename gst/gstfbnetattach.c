/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GstVideoOverlayComposition: in caps, allocation queries and buffers.
 */
#include "gstfbnetattach.h"

#define FEATURE GST_CAPS_FEATURE_META_GST_VIDEO_OVERLAY_COMPOSITION

GType
gst_fbnet_overlay_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_OVERLAY_MODE_AUTO, "Attach where downstream blends, else blend", "auto" },
    { GST_FBNET_OVERLAY_MODE_ATTACH, "Attach to the buffers, for a sink to blend", "attach" },
    { GST_FBNET_OVERLAY_MODE_BLEND, "Draw into the frames", "blend" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetOverlayMode", values));
  return type;
}

static gboolean
has_feature (GstCaps *caps, guint i)
{
  return gst_caps_features_contains (gst_caps_get_features (caps, i), FEATURE);
}

/* All structures with the feature, or without it. */
static GstCaps *
with_feature (GstCaps *caps, gboolean wanted)
{
  GstCaps *changed = gst_caps_copy (caps);

  for (guint i = 0; i < gst_caps_get_size (changed); i++) {
    if (has_feature (changed, i) == wanted)
      continue;
    if (wanted)
      gst_caps_features_add (gst_caps_get_features (changed, i), FEATURE);
    else
      gst_caps_features_remove (gst_caps_get_features (changed, i), FEATURE);
  }
  return changed;
}

GstCaps *
gst_fbnet_attach_transform_caps (GstPadDirection direction, GstCaps *caps, gboolean offer)
{
  if (!offer || gst_caps_is_any (caps))
    return gst_caps_ref (caps);
  if (direction == GST_PAD_SINK)
    return gst_caps_merge (with_feature (caps, TRUE), gst_caps_ref (caps));
  return gst_caps_merge (gst_caps_ref (caps), with_feature (caps, FALSE));
}

GstCaps *
gst_fbnet_attach_prefer (GstCaps *caps)
{
  GstCaps *preferred = gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    if (has_feature (caps, i))
      gst_caps_append_structure_full (preferred,
          gst_structure_copy (gst_caps_get_structure (caps, i)),
          gst_caps_features_copy (gst_caps_get_features (caps, i)));
  if (gst_caps_is_empty (preferred)) {
    gst_caps_unref (preferred);
    return caps;
  }
  gst_caps_unref (caps);
  return preferred;
}

gboolean
gst_fbnet_attach_in_caps (GstCaps *caps)
{
  return gst_caps_get_size (caps) > 0 && has_feature (caps, 0);
}

/* The base class asks nobody for memory where buffers are changed in place. */
gboolean
gst_fbnet_attach_is_taken (GstPad *pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

  if (caps == NULL)
    return FALSE;
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, FALSE);
  return gst_pad_peer_query (pad, query)
      && gst_query_find_allocation_meta (query, GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE, NULL);
}

static void
add_rectangles (GstVideoOverlayComposition *to, GstVideoOverlayComposition *from)
{
  const guint n = gst_video_overlay_composition_n_rectangles (from);

  for (guint i = 0; i < n; i++)
    gst_video_overlay_composition_add_rectangle (to,
        gst_video_overlay_composition_get_rectangle (from, i));
}

/* An attached composition may be shared; its rectangles stay the same, so that a sink that has seen them
 * knows them again. */
void
gst_fbnet_attach_add (GstBuffer *buffer, GstVideoOverlayComposition *composition)
{
  GstVideoOverlayCompositionMeta *meta = gst_buffer_get_video_overlay_composition_meta (buffer);

  if (meta == NULL) {
    gst_buffer_add_video_overlay_composition_meta (buffer, composition);
    gst_video_overlay_composition_unref (composition);
    return;
  }
  GstVideoOverlayComposition *both = gst_video_overlay_composition_new (NULL);
  add_rectangles (both, meta->overlay);
  add_rectangles (both, composition);
  gst_video_overlay_composition_unref (composition);
  gst_video_overlay_composition_unref (meta->overlay);
  meta->overlay = both;
}
