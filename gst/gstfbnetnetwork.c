/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening a model file with its labels.
 */
#include "gstfbnetnetwork.h"

#include <gst/gst.h>
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
  if (!file) {
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
  return g_strndup (text ? text : "", size);
}

/* Lines without the white space around them; empty lines at the end are not lines. */
static gboolean
read_labels (GstFbnetNetwork *network, const char *path, GError **error)
{
  g_autofree char *text = read_label_text (path, error);
  if (!text)
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

static void
take_labels_of_model (GstFbnetNetwork *network)
{
  for (guint i = 0; i < network->n_classes; i++) {
    const char *label = fbnet_model_get_label (network->model, i);
    g_autofree char *number = label ? NULL : g_strdup_printf ("%u", i);
    network->labels[i] = g_quark_from_string (label ? label : number);
  }
}

GstFbnetNetwork *
gst_fbnet_network_open (const char *model_file, const char *label_file, guint n_threads,
    GError **error)
{
  g_return_val_if_fail (model_file != NULL, NULL);

  g_autoptr (GstFbnetNetwork) network = g_new0 (GstFbnetNetwork, 1);
  network->path = g_strdup (model_file);
  network->model = gst_fbnet_models_acquire (model_file, error);
  if (!network->model)
    return NULL;
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  network->detector = fbnet_detector_new (network->model, &options, error);
  if (!network->detector)
    return NULL;

  fbnet_model_get_params (network->model, &network->defaults);
  network->n_classes = fbnet_model_get_n_classes (network->model);
  network->labels = g_new0 (GQuark, network->n_classes);
  network->class_thresholds = g_new0 (float, network->n_classes);
  if (!label_file)
    take_labels_of_model (network);
  else if (!read_labels (network, label_file, error))
    return NULL;
  return g_steal_pointer (&network);
}

void
gst_fbnet_network_close (GstFbnetNetwork *network)
{
  if (!network)
    return;
  fbnet_detector_free (network->detector);
  gst_fbnet_models_release (network->model);
  g_free (network->labels);
  g_free (network->class_thresholds);
  g_free (network->path);
  g_free (network);
}

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
