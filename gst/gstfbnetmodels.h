/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One loaded model per file in the process, however many elements use it. The packed weights hang on
 * the FbnetModel, so sharing it shares them.
 */
#ifndef GST_FBNET_MODELS_H
#define GST_FBNET_MODELS_H

#include <fbnet/fbnet.h>

G_BEGIN_DECLS

/* What the model is called that the plugin carries, for want of a path. */
#define GST_FBNET_BUNDLED_MODEL "the bundled model"

/* The model of `path`, or for NULL the bundled one: the one already loaded if some element holds the same file (same
 * real path, size and time of modification), else loaded now. Callers that ask for a file which another thread is
 * loading wait for it. Give it back with gst_fbnet_models_release(). Any thread. */
FbnetModel *gst_fbnet_models_acquire (const char *path, GError **error);

/* When the last holder releases a model it is forgotten, and freed once its detectors are gone. */
void gst_fbnet_models_release (FbnetModel *model); /* NULL is allowed */

G_END_DECLS

#endif
