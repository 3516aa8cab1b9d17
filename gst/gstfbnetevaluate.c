/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GstVideoRegionOfInterestMeta, GstAnalyticsODMtd → reference boxes → matches.
 */
#include "gstfbnetevaluate.h"

#include <gst/video/video.h>

#include "gstfbnetlist.h"
#ifdef HAVE_ANALYTICS
#  include "gstfbnetanalytics.h"
#endif

struct _GstFbnetEvaluation {
  GstFbnetList *references; /* of FbnetReference */
  GError *failure;          /* not all of them could be kept */
  /* While references are read: */
  const GstFbnetNetwork *network;
  const float *thresholds;
};

GstFbnetEvaluation *
gst_fbnet_evaluation_new (void)
{
  GstFbnetEvaluation *evaluation = g_new0 (GstFbnetEvaluation, 1);

  evaluation->references = gst_fbnet_list_new (sizeof (FbnetReference));
  return evaluation;
}

void
gst_fbnet_evaluation_free (GstFbnetEvaluation *evaluation)
{
  if (evaluation == NULL)
    return;
  gst_fbnet_list_free (evaluation->references);
  g_clear_error (&evaluation->failure);
  g_free (evaluation);
}

void
gst_fbnet_evaluation_add (GstFbnetEvaluation *evaluation, const char *label, double x0, double y0,
    double x1, double y1)
{
  const float *thresholds = evaluation->thresholds;
  FbnetReference reference = { (float) x0, (float) y0, (float) x1, (float) y1, FBNET_ANY_CLASS,
    FALSE };

  if (label != NULL
      && gst_fbnet_network_find_class (evaluation->network, label, &reference.class_id)
      && thresholds != NULL && thresholds[reference.class_id] >= 1)
    return;
  if (evaluation->failure == NULL
      && gst_fbnet_list_reserve (evaluation->references, evaluation->references->len + 1,
          &evaluation->failure))
    gst_fbnet_list_append (evaluation->references, &reference);
}

/* Fractions of the frame, which are exact where the rectangle is rounded. */
static gboolean
read_exact_box (GstVideoRegionOfInterestMeta *roi, double box[4])
{
  const GstStructure *detection = gst_video_region_of_interest_meta_get_param (roi, "detection");

  return detection != NULL && gst_structure_get_double (detection, "x_min", &box[0])
      && gst_structure_get_double (detection, "y_min", &box[1])
      && gst_structure_get_double (detection, "x_max", &box[2])
      && gst_structure_get_double (detection, "y_max", &box[3]);
}

static void
add_region (GstFbnetEvaluation *evaluation, GstVideoRegionOfInterestMeta *roi, guint width,
    guint height)
{
  const char *label = g_quark_to_string (roi->roi_type);
  double box[4];

  if (read_exact_box (roi, box))
    gst_fbnet_evaluation_add (evaluation, label, box[0] * width, box[1] * height, box[2] * width,
        box[3] * height);
  else
    gst_fbnet_evaluation_add (evaluation, label, roi->x, roi->y, (double) roi->x + roi->w,
        (double) roi->y + roi->h);
}

#ifdef HAVE_ANALYTICS
typedef struct {
  GstFbnetEvaluation *evaluation;
  GstBuffer *buffer;
} BoxReader;

static void
add_box (guint id, const char *label, const GstVideoRectangle *box, gpointer data)
{
  const BoxReader *reader = data;
  if (!gst_fbnet_analytics_is_region_too (reader->buffer, id, label))
    gst_fbnet_evaluation_add (reader->evaluation, label, box->x, box->y, (double) box->x + box->w,
        (double) box->y + box->h);
}
#endif

void
gst_fbnet_evaluation_read (GstFbnetEvaluation *evaluation, GstBuffer *buffer,
    const GstFbnetNetwork *network, const float *thresholds, guint width, guint height)
{
  gpointer state = NULL;
  GstMeta *meta;

  evaluation->network = network;
  evaluation->thresholds = thresholds;
  gst_fbnet_list_set_length (evaluation->references, 0);
  g_clear_error (&evaluation->failure);
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    add_region (evaluation, (GstVideoRegionOfInterestMeta *) meta, width, height);
#ifdef HAVE_ANALYTICS
  BoxReader reader = { evaluation, buffer };
  gst_fbnet_analytics_foreach_box (buffer, add_box, &reader);
#endif
}

gboolean
gst_fbnet_evaluation_match (GstFbnetEvaluation *evaluation, const FbnetDetections *found,
    const FbnetParams *params, FbnetMatch *matches, FbnetMatchCounts *counts, GError **error)
{
  const GstFbnetList *references = evaluation->references;

  if (evaluation->failure != NULL) {
    g_propagate_error (error, g_error_copy (evaluation->failure));
    return FALSE;
  }
  fbnet_match_detections (matches, found->items, found->n,
      (const FbnetReference *) (gpointer) references->data, references->len, params->iou_lower,
      params->iou_upper, counts);
  return TRUE;
}
