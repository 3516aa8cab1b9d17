/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors of the engine, results, truths → messages on the bus.
 */
#include "gstfbnetmessages.h"

#include <string.h>

#include "gstfbnetstructure.h"

#define FILES_HINT                                                                                 \
  "fbnet-import makes model files, fbnet-model FILE prints what is in one; a label file is text "  \
  "with a line per class."
#define SETTINGS_HINT "gst-inspect-1.0 fbnetdetect lists the properties and their ranges."

GType
gst_fbnet_post_messages_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_POST_NONE, "None", "none" },
    { GST_FBNET_POST_ON_CHANGE, "When other objects are seen than before", "on-change" },
    { GST_FBNET_POST_ON_DETECT, "For every result with an object in it", "on-detect" },
    { GST_FBNET_POST_EVERY_FRAME, "For every frame", "every-frame" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetPostMessages", values));
  return type;
}

/* --- Errors and warnings ----------------------------------------------------------------------- */

void
gst_fbnet_post (gpointer element, GstMessageType type, GQuark domain, gint code, const char *text,
    const char *hint)
{
  gst_element_message_full (GST_ELEMENT (element), type, domain, code, g_strdup (text),
      g_strdup (hint), __FILE__, GST_FUNCTION, __LINE__);
}

void
gst_fbnet_post_engine_error (gpointer element, GstMessageType type, const GError *error)
{
  GQuark domain = GST_RESOURCE_ERROR;
  gint code = GST_RESOURCE_ERROR_FAILED;

  switch ((FbnetError) error->code) {
    case FBNET_ERROR_NOT_FOUND:
      code = GST_RESOURCE_ERROR_NOT_FOUND;
      break;
    case FBNET_ERROR_IO:
      code = GST_RESOURCE_ERROR_READ;
      break;
    case FBNET_ERROR_FORMAT:
    case FBNET_ERROR_UNSUPPORTED:
      domain = GST_STREAM_ERROR;
      code = GST_STREAM_ERROR_WRONG_TYPE;
      break;
    case FBNET_ERROR_ARGUMENT:
    case FBNET_ERROR_WORK:
      code = GST_RESOURCE_ERROR_SETTINGS;
      break;
    case FBNET_ERROR_MEMORY:
      code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      break;
    case FBNET_ERROR_CANCELLED: /* is never told */
      break;
  }
  gst_fbnet_post (element, type, domain, code, error->message, FILES_HINT);
}

void
gst_fbnet_post_settings (gpointer element, GstMessageType type, const char *text)
{
  gst_fbnet_post (element, type, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, text,
      SETTINGS_HINT);
}

void
gst_fbnet_post_too_slow (gpointer element, GstClockTime look, GstClockTime frame)
{
  g_autofree char *text =
      g_strdup_printf ("inference takes %.0f ms and a frame lasts %.0f ms: the stream falls behind",
          (double) look / GST_MSECOND, (double) frame / GST_MSECOND);

  gst_fbnet_post (element, GST_MESSAGE_WARNING, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, text,
      "scheduling=latest looks at the newest frame beside the stream and delays none; "
      "a smaller min-size, a larger inference-interval make looking cheaper.");
}

void
gst_fbnet_post_qos (GstBaseTransform *element, GstBuffer *buffer, gboolean live, gint64 jitter,
    double proportion, guint64 n_looked, guint64 n_late)
{
  const GstSegment *segment = &element->segment;
  const GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstMessage *message = gst_message_new_qos (GST_OBJECT (element), live,
      gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts),
      gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts), pts,
      GST_BUFFER_DURATION (buffer));

  gst_message_set_qos_values (message, jitter, proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, n_looked, n_late);
  gst_element_post_message (GST_ELEMENT (element), message);
}

/* --- Results ----------------------------------------------------------------------------------- */

void
gst_fbnet_teller_clear (GstFbnetTeller *teller)
{
  g_clear_pointer (&teller->labels, g_array_unref);
}

static gint
compare_labels (gconstpointer a, gconstpointer b)
{
  const GQuark i = *(const GQuark *) a, j = *(const GQuark *) b;

  return i < j ? -1 : i > j;
}

static GArray *
list_labels (const GstFbnetResult *result)
{
  GArray *labels = g_array_new (FALSE, FALSE, sizeof (GQuark));

  for (guint i = 0; i < result->found->n; i++)
    g_array_append_val (labels, result->labels[result->found->items[i].class_id]);
  if (result->n_classes > 0)
    g_array_append_val (labels, result->labels[result->classes[0].class_id]);
  g_array_sort (labels, compare_labels);
  return labels;
}

static gboolean
same_labels (const GArray *a, const GArray *b)
{
  return a != NULL && a->len == b->len
      && (a->len == 0 || memcmp (a->data, b->data, a->len * sizeof (GQuark)) == 0);
}

/* Whether other objects are seen than when this was last asked; of nothing before, anything is. */
static gboolean
has_changed (GstFbnetTeller *teller, const GstFbnetResult *result)
{
  GArray *labels = list_labels (result);
  const gboolean changed = !same_labels (teller->labels, labels);

  gst_fbnet_teller_clear (teller);
  teller->labels = labels;
  return changed;
}

static gboolean
is_worth_telling (GstFbnetTeller *teller, GstFbnetPostMessages when, const GstFbnetResult *result,
    gboolean fresh)
{
  switch (when) {
    case GST_FBNET_POST_NONE:
      return FALSE;
    case GST_FBNET_POST_ON_CHANGE:
      return fresh && has_changed (teller, result);
    case GST_FBNET_POST_ON_DETECT:
      return fresh && gst_fbnet_result_count (result) > 0;
    case GST_FBNET_POST_EVERY_FRAME:
      return TRUE;
  }
  g_assert_not_reached ();
}

static void
add_times (GstStructure *structure, GstBaseTransform *element, GstBuffer *buffer)
{
  const GstSegment *segment = &element->segment;
  const GstClockTime pts = GST_BUFFER_PTS (buffer);
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  const guint64 none = GST_CLOCK_TIME_NONE;

  gst_structure_set (structure, "timestamp", G_TYPE_UINT64, (guint64) pts, "stream-time",
      G_TYPE_UINT64, timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : none,
      "running-time", G_TYPE_UINT64,
      timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts) : none, "duration",
      G_TYPE_UINT64, (guint64) GST_BUFFER_DURATION (buffer), NULL);
}

void
gst_fbnet_teller_tell (GstFbnetTeller *teller, GstBaseTransform *element, GstBuffer *buffer,
    GstFbnetPostMessages when, const GstFbnetResult *result, gboolean fresh,
    const GstFbnetTruth *truth)
{
  if (!is_worth_telling (teller, when, result, fresh))
    return;
  GstStructure *structure = result != NULL
      ? gst_fbnet_structure_new_detections (result)
      : gst_structure_new ("detections", "count", G_TYPE_UINT, 0u, NULL);
  gst_structure_set_name (structure, "fbnetdetect");
  add_times (structure, element, buffer);
  gst_structure_set (structure, "looked", G_TYPE_BOOLEAN, truth->reason == GST_FBNET_REASON_LOOKED,
      "reason", G_TYPE_STRING, gst_fbnet_reason_get_name (truth->reason), "age", G_TYPE_UINT64,
      (guint64) truth->age, "repeated", G_TYPE_BOOLEAN, truth->repeated, NULL);
  gst_element_post_message (GST_ELEMENT (element),
      gst_message_new_element (GST_OBJECT (element), structure));
}
