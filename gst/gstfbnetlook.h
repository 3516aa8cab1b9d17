/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A look: what one inference found, from then on unchanged for as long as somebody holds it.
 */
#ifndef GST_FBNET_LOOK_H
#define GST_FBNET_LOOK_H

#include "gstfbnetview.h"

G_BEGIN_DECLS

typedef struct {
  gint n_refs;
  GstFbnetResult result; /* points into this look */
  GstFbnetMoment moment; /* of the frame that was looked at */
  guint generation;
  guint number; /* of looks, counted from 1 */
  guint serial; /* of the view */
  FbnetTimings timings;
  gboolean evaluated;
  FbnetMatchCounts counts; /* where it was */

  /* What `result` points to. */
  FbnetDetections all;
  GPtrArray *found;        /* of FbnetDetections, one per input */
  GstFbnetList *items;     /* of FbnetDetection */
  GstFbnetList *seen;      /* the same before they were followed, */
  GstFbnetList *keypoints; /* of FbnetKeypoint, where they had to be moved */
  GstFbnetList *sources;   /* of GstFbnetSource */
  GstFbnetList *seen_from; /* and theirs */
  GstFbnetList *expected;  /* of FbnetDetection: objects of earlier looks */
  GstFbnetList *masks;     /* of second looks */
  GstFbnetList *tracks;    /* of FbnetTrack */
  GstFbnetList *matches;   /* of FbnetMatch */
  GstFbnetList *classes;   /* of GstFbnetClass */
  GBytes *labels;          /* of GQuark */
} GstFbnetLook;

GstFbnetLook *gst_fbnet_look_new (void);
GstFbnetLook *gst_fbnet_look_ref (GstFbnetLook *look);
void gst_fbnet_look_unref (GstFbnetLook *look); /* NULL is allowed */

/* Whether nobody but the caller holds it, who may write it anew. */
gboolean gst_fbnet_look_is_free (GstFbnetLook *look);

/* Runs the view's network on the view, and follows what it finds. Of a free look; `before` (nullable) is the one
 * before, of which what did not move since is carried over. */
gboolean gst_fbnet_look_take (GstFbnetLook *look, const GstFbnetView *view,
    const GstFbnetLook *before, GstFbnetTracks *tracks, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstFbnetLook, gst_fbnet_look_unref)

G_END_DECLS

#endif
