/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An int8 export with generated weights, as torch.jit.save would write it.
 */
#ifndef TESTS_EXPORT_WRITER_H
#define TESTS_EXPORT_WRITER_H

#include <cjson/cJSON.h>
#include <glib.h>

/* What floats become bytes with at the entrances of the network's parts. */
#define EXPORT_SCALE      0.05
#define EXPORT_ZERO_POINT 128

/* What the weights of a layer of so many inputs are multiplied by: its outputs are then about as large as its inputs. */
double export_weight_scale (guint n_in);

/* A whole TorchScript archive of the box detector that the description describes (no mask, keypoint and squeeze-and-excite
 * layers), the same numbers every time, in a new file; free the path after g_unlink(). */
char *save_export (const cJSON *description);

#endif
