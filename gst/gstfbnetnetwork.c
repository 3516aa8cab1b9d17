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

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

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
  g_autofree char *text = NULL;
  gsize size;

  if (g_file_test (path, G_FILE_TEST_EXISTS) && !g_file_test (path, G_FILE_TEST_IS_REGULAR)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "label file %s: expected a text file, found a folder or a device", path);
    return NULL;
  }
  if (!g_file_get_contents (path, &text, &size, &file_error)) {
    g_set_error (error, FBNET_ERROR, file_error_code (file_error),
        "label file %s: cannot be read: %s", path, file_error->message);
    return NULL;
  }
  if (size > MAX_LABEL_FILE_SIZE || !g_utf8_validate (text, size, NULL)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "label file %s: expected UTF-8 text of at most %d bytes, one label a line, found %s", path,
        MAX_LABEL_FILE_SIZE, size > MAX_LABEL_FILE_SIZE ? "more" : "bytes that are not UTF-8");
    return NULL;
  }
  const gsize mark = g_str_has_prefix (text, BYTE_ORDER_MARK) ? strlen (BYTE_ORDER_MARK) : 0;
  return g_strdup (text + mark);
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

/* Of what was loaded, not of what the file may have become. */
static gboolean
check_sha256 (const GstFbnetNetwork *network, GError **error)
{
  if (network->model_sha256 == NULL)
    return TRUE;
  g_autofree char *found = fbnet_model_get_sha256 (network->model);
  if (g_ascii_strcasecmp (network->model_sha256, found) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a file with the SHA-256 %s (model-sha256), found one with %s", network->path,
      network->model_sha256, found);
  return FALSE;
}

static gboolean
open_engine (GstFbnetNetwork *network, const FbnetDetectorOptions *options, GError **error)
{
  if (fbnet_model_get_task (network->model) == FBNET_TASK_CLASSIFICATION) {
    network->classifier = fbnet_classifier_new (network->model, options, error);
    return network->classifier != NULL;
  }
  return (network->detector = fbnet_detector_new (network->model, options, error)) != NULL
      && (network->part_detector = fbnet_detector_new (network->model, options, error)) != NULL
      && (network->part = fbnet_input_new (network->model, options, error)) != NULL
      && (network->zoom = fbnet_zoom_new (network->model, options, error)) != NULL;
}

/* What there is one of for each class. */
static gboolean
make_lists (GstFbnetNetwork *network, GError **error)
{
  const guint n = network->n_classes;

  network->labels = g_try_new0 (GQuark, n);
  network->thresholds = g_try_new0 (float, n);
  network->probabilities = network->classifier != NULL ? g_try_new0 (float, n) : NULL;
  if (network->labels != NULL)
    network->label_bytes = g_bytes_new_take (network->labels, n * sizeof (GQuark));
  if (network->labels != NULL && network->thresholds != NULL
      && (network->classifier == NULL || network->probabilities != NULL))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
      "%s: expected memory for %u classes, found less", network->path, n);
  return FALSE;
}

static void
take_options (GstFbnetNetwork *network, const FbnetDetectorOptions *options)
{
  network->options = *options;
  network->options.kernels = g_strdup (options->kernels);
}

GstFbnetNetwork *
gst_fbnet_network_open (const char *model_file, const char *model_sha256, const char *label_file,
    const FbnetDetectorOptions *options, GError **error)
{
  g_autoptr (GstFbnetNetwork) network = g_new0 (GstFbnetNetwork, 1);

  network->n_refs = 1;
  network->path = g_strdup (model_file != NULL ? model_file : GST_FBNET_BUNDLED_MODEL);
  network->model_file = g_strdup (model_file);
  network->model_sha256 = g_strdup (model_sha256);
  network->label_file = g_strdup (label_file);
  take_options (network, options);
  network->model = gst_fbnet_models_acquire (model_file, error);
  if (network->model == NULL || !check_sha256 (network, error))
    return NULL;
  if (!open_engine (network, &network->options, error))
    return NULL;

  fbnet_model_get_params (network->model, &network->defaults);
  network->n_classes = fbnet_model_get_n_classes (network->model);
  if (!make_lists (network, error))
    return NULL;
  if (label_file == NULL)
    take_labels_of_model (network);
  else if (!read_labels (network, label_file, error))
    return NULL;
  return g_steal_pointer (&network);
}

GstFbnetNetwork *
gst_fbnet_network_ref (GstFbnetNetwork *network)
{
  g_atomic_int_inc (&network->n_refs);
  return network;
}

void
gst_fbnet_network_unref (GstFbnetNetwork *network)
{
  if (network == NULL || !g_atomic_int_dec_and_test (&network->n_refs))
    return;
  fbnet_zoom_free (network->zoom);
  fbnet_input_free (network->part);
  fbnet_detector_free (network->part_detector);
  fbnet_detector_free (network->detector);
  fbnet_classifier_free (network->classifier);
  g_free (network->probabilities);
  gst_fbnet_models_release (network->model);
  g_free (network->thresholds);
  g_clear_pointer (&network->label_bytes, g_bytes_unref);
  g_free ((char *) network->options.kernels);
  g_free (network->path);
  g_free (network->model_file);
  g_free (network->model_sha256);
  g_free (network->label_file);
  g_free (network);
}

/* --- Running ----------------------------------------------------------------------------------- */

void
gst_fbnet_network_cancel (GstFbnetNetwork *network)
{
  if (network->detector == NULL)
    return;
  fbnet_detector_cancel (network->detector);
  fbnet_detector_cancel (network->part_detector);
  fbnet_zoom_cancel (network->zoom);
}

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
gst_fbnet_network_set_params (GstFbnetNetwork *network, const FbnetParams *params, guint revision,
    GError **error)
{
  if (network->detector == NULL || network->applied == revision)
    return TRUE;
  if (!fbnet_detector_set_params (network->detector, params, error)
      || !fbnet_detector_set_params (network->part_detector, params, error))
    return FALSE;
  network->applied = revision;
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

float
gst_fbnet_network_get_threshold (const FbnetParams *params, guint class_id)
{
  return params->class_thresholds != NULL ? params->class_thresholds[class_id]
                                          : params->score_threshold;
}

/* A threshold of its own of 1 switches a class off; that of all classes only says what is too
 * uncertain to be told. */
static guint
rank_classes (const GstFbnetNetwork *network, const FbnetParams *params, GstFbnetClass *ranking)
{
  guint n = 0;

  for (guint i = 0; i < network->n_classes; i++) {
    if (params->class_thresholds == NULL || params->class_thresholds[i] < 1)
      ranking[n++] = (GstFbnetClass){ i, network->probabilities[i] };
  }
  qsort (ranking, n, sizeof *ranking, compare_classes);
  return n;
}

gboolean
gst_fbnet_network_classify (GstFbnetNetwork *network, const FbnetImage *image,
    const FbnetParams *params, guint n_top, GstFbnetClass *ranking, guint *n_ranked, GError **error)
{
  *n_ranked = 0;
  if (!fbnet_classifier_run (network->classifier, image, network->probabilities, error))
    return FALSE;
  const guint n = rank_classes (network, params, ranking);
  if (n > 0
      && ranking[0].probability > gst_fbnet_network_get_threshold (params, ranking[0].class_id))
    *n_ranked = MIN (n_top, n);
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
