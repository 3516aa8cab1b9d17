/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Of a frame in which little moved, the part that has to be looked at again.
 */
#ifndef GST_FBNET_PART_H
#define GST_FBNET_PART_H

#include "gstfbnetview.h"

G_BEGIN_DECLS

/* A part of what the view's input shows that holds all that moved, with room around it, and every object of `known`
 * (element-type FbnetDetection, in pixels of the frame) that it touches, whole. FALSE: it is not worth it. */
gboolean gst_fbnet_part_find (const GstFbnetView *view, const GstFbnetList *known,
    FbnetRegion *part);

/* Whether a detection in the part is cut by an edge of it that is none of what the view shows. */
gboolean gst_fbnet_part_cuts (const GstFbnetView *view, const FbnetRegion *part,
    const FbnetDetection *detection);

/* Whether one of those known (element-type FbnetDetection, as all) that is told and touches the part is like none
 * found. */
gboolean gst_fbnet_part_misses (const GstFbnetView *view, const FbnetRegion *part,
    const GstFbnetList *known, const GstFbnetList *found);

/* Whether two are of one class and in one place. */
gboolean gst_fbnet_part_is_like (const FbnetDetection *a, const FbnetDetection *b);

/* Whether they share something. */
gboolean gst_fbnet_part_touches (const FbnetRegion *part, const FbnetDetection *detection);

G_END_DECLS

#endif
