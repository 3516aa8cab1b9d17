/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model file becomes inside an element: the shared model, a detector of its own, labels.
 */
#ifndef GST_FBNET_NETWORK_H
#define GST_FBNET_NETWORK_H

#include <fbnet/fbnet.h>

G_BEGIN_DECLS

typedef struct {
  char *path;
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetParams defaults; /* as the model was exported */
  guint n_classes;
  GQuark *labels;          /* n_classes; the number where there is no name */
  float *class_thresholds; /* n_classes: scratch for FbnetParams */
} GstFbnetNetwork;

/* `label_file` (nullable) stands in for the labels stored in the model: UTF-8 text, a line per
 * class. Slow: reads files, packs weights. Any thread.
 * Returns: (transfer full): or NULL with a sentence in `error`. */
GstFbnetNetwork *gst_fbnet_network_open (const char *model_file, const char *label_file,
    guint n_threads, GError **error);
void gst_fbnet_network_close (GstFbnetNetwork *network); /* NULL is allowed */

/* The class that `text` means: a label (spaces may be written '_' or '-'), or a number.
 * FALSE if there is none. */
gboolean gst_fbnet_network_find_class (const GstFbnetNetwork *network, const char *text,
    guint *class_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstFbnetNetwork, gst_fbnet_network_close)

G_END_DECLS

#endif
