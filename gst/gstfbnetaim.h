/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where in a frame to look, by the properties: a fixed part of it, in that the regions that came with it. What
 * cannot be done is told once.
 */
#ifndef GST_FBNET_AIM_H
#define GST_FBNET_AIM_H

#include "gstfbnetsession.h"

G_BEGIN_DECLS

/* All zero: of an element that has not started. One thread at a time. */
typedef struct {
  GArray *regions; /* of GstFbnetRegion: those of the last frame; NULL before the first */
  guint told_part; /* the revision of which it was said that roi lies outside the frame */
  gboolean told_regions;
} GstFbnetAim;

/* Forgets what was told. */
void gst_fbnet_aim_reset (GstFbnetAim *aim);
void gst_fbnet_aim_clear (GstFbnetAim *aim);

/* The property roi, as far as it lies in a visible frame of that size; the whole frame where it does not. */
FbnetRegion gst_fbnet_aim_find_part (GstFbnetAim *aim, GstElement *element, const GstFbnetNow *now,
    guint width, guint height);

/* (transfer none) (element-type GstFbnetRegion): what is looked at of a frame, within that part of it. */
const GArray *gst_fbnet_aim_find_regions (GstFbnetAim *aim, GstElement *element,
    const GstFbnetSettings *settings, GstBuffer *buffer, const FbnetRegion *part);

G_END_DECLS

#endif
