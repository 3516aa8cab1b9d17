/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame made ready to be looked at: resized and normalised, with the parameters of its moment. It holds
 * nothing of the frame's buffer.
 */
#ifndef GST_FBNET_VIEW_H
#define GST_FBNET_VIEW_H

#include "gstfbnetevaluate.h"
#include "gstfbnetlist.h"
#include "gstfbnetnetwork.h"
#include "gstfbnetregions.h"
#include "gstfbnettracks.h"

G_BEGIN_DECLS

/* When a frame came and when it is to be shown. */
typedef struct {
  GstClockTime pts, running_time; /* either may be GST_CLOCK_TIME_NONE */
  gint64 came;                    /* g_get_monotonic_time() */
} GstFbnetMoment;

/* Whether both have a running time, and `a` the earlier one. */
gboolean gst_fbnet_moment_is_before (const GstFbnetMoment *a, const GstFbnetMoment *b);

/* ns from one to the other, by running time where both have one. */
GstClockTime gst_fbnet_moment_distance (const GstFbnetMoment *a, const GstFbnetMoment *b);

/* Reused from frame to frame, so that nothing is allocated. One thread at a time. */
typedef struct {
  GstFbnetNetwork *network; /* (nullable) */
  guint revision;           /* of `params`, never 0; 0: none */
  FbnetParams params;       /* as they were asked for: what is told goes by them */
  FbnetParams wide;         /* the detector's: with lower thresholds, where objects are followed */
  float *class_thresholds;  /* what `params` points to, where it does */
  float *wide_thresholds;   /* what `wide` does */
  GstFbnetTracking tracking;
  guint n_top; /* classes of a classifier */

  GstFbnetMoment moment;
  guint generation, jumps; /* of the stream */
  guint width, height;     /* of the visible frame */
  guint x, y;              /* where it begins in the frame as it lies in memory */

  GPtrArray *inputs; /* of FbnetInput, of the network's model; the first n_inputs are filled */
  guint n_inputs;
  GArray *parents; /* of gint: per input, the id of the region that it shows, or -1 */

  FbnetZoomOptions zoom;
  GstFbnetList *moved; /* of FbnetRegion: where the frame differs from the last one looked at */
  guint serial;        /* of views whose motion is followed; 0: it is not */
  guint
      since; /* the one from which it differs there and nowhere else; 0: it has to be looked at as a whole */

  /* The frame, as far as it is still needed: lives in `copy`, or where who filled it says. */
  FbnetImage image;
  GstBuffer *copy; /* (nullable) */
  gsize copy_size;
  gboolean compared; /* its inputs are compared with others before it is looked at */
  GArray *waiting;   /* of GstFbnetRegion: what of `image` is still to become inputs */

  gboolean evaluate; /* `evaluation` holds the frame's references */
  GstFbnetEvaluation *evaluation;
  double ms; /* that filling took */
} GstFbnetView;

GstFbnetView *gst_fbnet_view_new (void);
void gst_fbnet_view_free (GstFbnetView *view); /* NULL is allowed */

/* Lets go of the network, of everything made for it, and of the copy. */
void gst_fbnet_view_clear (GstFbnetView *view);

/* For the frames to come. Nothing happens if `revision` is what the view has. FALSE with error: there is no
 * memory. */
gboolean gst_fbnet_view_set_params (GstFbnetView *view, GstFbnetNetwork *network,
    const FbnetParams *params, const GstFbnetTracking *tracking, guint revision, GError **error);

/* (transfer full) (nullable): a buffer for a copy of a frame, all of its pages there, so that the first copy takes
 * no longer than the others. NULL: there is no memory. */
GstBuffer *gst_fbnet_view_new_copy (gsize size);

/* (transfer full): what the next frames are copied into, if they have that size. */
void gst_fbnet_view_set_copy (GstFbnetView *view, GstBuffer *copy, gsize size);

/* For a detector: takes what it needs of the mapped frame, `visible` of it, in which the regions lie (element-type
 * GstFbnetRegion); none: the view is of nothing. With `keep`, as below, a frame that is not compared is only
 * copied, unless the regions are resized sooner; gst_fbnet_view_finish() resizes them then. Second looks need the
 * copy, too. */
gboolean gst_fbnet_view_fill (GstFbnetView *view, const GstVideoInfo *info, GstVideoFrame *frame,
    const FbnetRegion *visible, const GArray *regions, gboolean keep, GError **error);

/* Before a look, in the thread that looks: does what gst_fbnet_view_fill() has left. */
gboolean gst_fbnet_view_finish (GstFbnetView *view, GError **error);

/* Whether it is a view of a frame that is looked at more than once. */
gboolean gst_fbnet_view_zooms (const GstFbnetView *view);

/* For a classifier: the view is of that part of the mapped frame. `keep`: the pixels are copied, so that
 * the frame may go; else it stays mapped until the view has been looked at. */
gboolean gst_fbnet_view_take_picture (GstFbnetView *view, const GstVideoInfo *info,
    GstVideoFrame *frame, const FbnetRegion *visible, const FbnetRegion *part, gboolean keep,
    GError **error);

G_END_DECLS

#endif
