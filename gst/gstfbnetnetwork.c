/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening a model file with its labels, and running what is in it, be it a detector or a classifier.
 */
#include "gstfbnetnetwork.h"

#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>

#include "gstfbnetmodels.h"

/* A list of a thousand classes has some ten kilobytes. */
#define MAX_LABEL_FILE_SIZE (1 << 20)

static FbnetError
file_error_code (const GError *error)
{
  return g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? FBNET_ERROR_NOT_FOUND
                                                                   : FBNET_ERROR_IO;
}

static char *
read_label_text (const char *path, GError **error)
{
  g_autoptr (GError) file_error = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &file_error);

  if (file == NULL) {
    g_set_error (error, FBNET_ERROR, file_error_code (file_error),
        "label file %s: cannot be read: %s", path, file_error->message);
    return NULL;
  }

  const gsize size = g_mapped_file_get_length (file);
  const char *text = g_mapped_file_get_contents (file);
  if (size > MAX_LABEL_FILE_SIZE || (size > 0 && !g_utf8_validate (text, size, NULL))) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "label file %s: expected UTF-8 text of at most %d bytes, one label a line, found %s", path,
        MAX_LABEL_FILE_SIZE, size > MAX_LABEL_FILE_SIZE ? "more" : "bytes that are not UTF-8");
    return NULL;
  }
  return g_strndup (text != NULL ? text : "", size);
}

/* Lines without the white space around them; empty lines at the end are not lines. */
static gboolean
read_labels (GstFbnetNetwork *network, const char *path, GError **error)
{
  g_autofree char *text = read_label_text (path, error);

  if (text == NULL)
    return FALSE;
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  const guint n_lines = g_strv_length (lines);
  if (n_lines != network->n_classes) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "label file %s: expected %u lines, one for each class of %s, found %u", path,
        network->n_classes, network->path, n_lines);
    return FALSE;
  }
  for (guint i = 0; i < n_lines; i++)
    network->labels[i] = g_quark_from_string (g_strstrip (lines[i]));
  return TRUE;
}

/* A bare number would be no word for what a whole frame shows. */
static void
take_labels_of_model (GstFbnetNetwork *network)
{
  const char *prefix = network->classifier != NULL ? "class " : "";

  for (guint i = 0; i < network->n_classes; i++) {
    const char *label = fbnet_model_get_label (network->model, i);
    g_autofree char *number = label != NULL ? NULL : g_strdup_printf ("%s%u", prefix, i);
    network->labels[i] = g_quark_from_string (label != NULL ? label : number);
  }
}

static gboolean
open_engine (GstFbnetNetwork *network, const FbnetDetectorOptions *options, GError **error)
{
  if (fbnet_model_get_task (network->model) == FBNET_TASK_CLASSIFICATION)
    network->classifier = fbnet_classifier_new (network->model, options, error);
  else
    network->detector = fbnet_detector_new (network->model, options, error);
  return network->classifier != NULL || network->detector != NULL;
}

static void
allocate_results (GstFbnetNetwork *network)
{
  network->found = fbnet_detections_new ();
  network->labels = g_new0 (GQuark, network->n_classes);
  network->class_thresholds = g_new0 (float, network->n_classes);
  if (network->classifier != NULL) {
    network->probabilities = g_new0 (float, network->n_classes);
    network->ranking = g_new0 (GstFbnetClass, network->n_classes);
  }
}

GstFbnetNetwork *
gst_fbnet_network_open (const char *model_file, const char *label_file,
    const FbnetDetectorOptions *options, GError **error)
{
  g_autoptr (GstFbnetNetwork) network = g_new0 (GstFbnetNetwork, 1);

  network->path = g_strdup (model_file != NULL ? model_file : GST_FBNET_BUNDLED_MODEL);
  network->model = gst_fbnet_models_acquire (model_file, error);
  if (network->model == NULL)
    return NULL;
  if (!open_engine (network, options, error))
    return NULL;

  fbnet_model_get_params (network->model, &network->defaults);
  network->params = network->defaults;
  network->n_classes = fbnet_model_get_n_classes (network->model);
  allocate_results (network);
  if (label_file == NULL)
    take_labels_of_model (network);
  else if (!read_labels (network, label_file, error))
    return NULL;
  return g_steal_pointer (&network);
}

void
gst_fbnet_network_close (GstFbnetNetwork *network)
{
  if (network == NULL)
    return;
  fbnet_detector_free (network->detector);
  fbnet_classifier_free (network->classifier);
  fbnet_detections_free (network->found);
  g_free (network->probabilities);
  g_free (network->ranking);
  gst_fbnet_models_release (network->model);
  g_free (network->labels);
  g_free (network->class_thresholds);
  g_free (network->path);
  g_free (network);
}

/* --- Running ----------------------------------------------------------------------------------- */

const char *
gst_fbnet_network_get_kernels (const GstFbnetNetwork *network)
{
  return network->classifier != NULL ? fbnet_classifier_get_kernels (network->classifier)
                                     : fbnet_detector_get_kernels (network->detector);
}

guint
gst_fbnet_network_get_n_threads (const GstFbnetNetwork *network)
{
  return network->classifier != NULL ? fbnet_classifier_get_n_threads (network->classifier)
                                     : fbnet_detector_get_n_threads (network->detector);
}

gboolean
gst_fbnet_network_set_params (GstFbnetNetwork *network, const FbnetParams *params, GError **error)
{
  if (network->detector != NULL && !fbnet_detector_set_params (network->detector, params, error))
    return FALSE;
  network->params = *params;
  return TRUE;
}

static gint
compare_classes (gconstpointer a, gconstpointer b)
{
  const GstFbnetClass *i = a, *j = b;

  if (i->probability != j->probability)
    return i->probability > j->probability ? -1 : 1;
  return i->class_id < j->class_id ? -1 : i->class_id > j->class_id;
}

static float
threshold_of (const GstFbnetNetwork *network, guint class_id)
{
  const FbnetParams *params = &network->params;

  return params->class_thresholds != NULL ? params->class_thresholds[class_id]
                                          : params->score_threshold;
}

/* A threshold of its own of 1 switches a class off; that of all classes only says what is too
 * uncertain to be told. */
static void
rank_classes (GstFbnetNetwork *network)
{
  network->n_ranked = 0;
  for (guint i = 0; i < network->n_classes; i++) {
    if (network->params.class_thresholds == NULL || threshold_of (network, i) < 1)
      network->ranking[network->n_ranked++] = (GstFbnetClass){ i, network->probabilities[i] };
  }
  qsort (network->ranking, network->n_ranked, sizeof *network->ranking, compare_classes);
}

gboolean
gst_fbnet_network_run (GstFbnetNetwork *network, const FbnetImage *image, GError **error)
{
  if (network->detector != NULL)
    return fbnet_detector_run (network->detector, image, network->found, error);
  if (!fbnet_classifier_run (network->classifier, image, network->probabilities, error))
    return FALSE;
  rank_classes (network);
  return TRUE;
}

void
gst_fbnet_network_get_timings (const GstFbnetNetwork *network, FbnetTimings *timings)
{
  if (network->detector != NULL)
    fbnet_detector_get_timings (network->detector, timings);
  else
    fbnet_classifier_get_timings (network->classifier, timings);
}

static gboolean
is_certain (const GstFbnetNetwork *network)
{
  return network->n_ranked > 0
      && network->ranking[0].probability > threshold_of (network, network->ranking[0].class_id);
}

void
gst_fbnet_network_get_result (const GstFbnetNetwork *network, guint n_top, GstFbnetResult *result)
{
  *result = (GstFbnetResult){
    .found = network->found,
    .labels = network->labels,
    .mask_threshold = network->params.mask_threshold,
    .inferred_pts = GST_CLOCK_TIME_NONE,
    .n_keypoints = fbnet_model_get_n_keypoints (network->model),
    .classes = network->ranking,
    .n_classes = is_certain (network) ? MIN (n_top, network->n_ranked) : 0,
  };
}

/* --- Classes ----------------------------------------------------------------------------------- */

/* Names of fields in a GstStructure's text cannot hold spaces. */
static gboolean
same_label (const char *label, const char *text)
{
  for (; *label && *text; label++, text++) {
    if (*label != *text && !(*label == ' ' && (*text == '_' || *text == '-')))
      return FALSE;
  }
  return *label == *text;
}

gboolean
gst_fbnet_network_find_class (const GstFbnetNetwork *network, const char *text, guint *class_id)
{
  for (guint i = 0; i < network->n_classes; i++) {
    if (same_label (g_quark_to_string (network->labels[i]), text)) {
      *class_id = i;
      return TRUE;
    }
  }
  guint64 number;
  if (network->n_classes == 0
      || !g_ascii_string_to_unsigned (text, 10, 0, network->n_classes - 1, &number, NULL))
    return FALSE;
  *class_id = (guint) number;
  return TRUE;
}
