/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checkpoints with generated weights, as torch.save would write them.
 */
#ifndef TESTS_CHECKPOINT_WRITER_H
#define TESTS_CHECKPOINT_WRITER_H

#include <cjson/cJSON.h>

#include "tensors.h"

/* All tensors of the model that the description describes, the same numbers every time. */
TensorList *generate_tensors (const cJSON *description);

/* One member of a checkpoint's dict: the tensors under PREFIX + name, or None. */
typedef struct {
  const char *key;
  const TensorList *tensors; /* NULL: None */
  const char *prefix;
} CheckpointMember;

/* {key: {name: tensor, …}, …, "iteration": 1} as a zip archive in a new file; free the path after
 * g_unlink(). */
char *save_checkpoint (const CheckpointMember *members, guint n);

#endif
