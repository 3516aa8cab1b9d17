/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names of a frame's stages.
 */
#include "fbnet/fbnet.h"

static const char *const names[] = {
  [FBNET_STAGE_PREPARE] = "prepare",
  [FBNET_STAGE_PREPROCESS] = "preprocess",
  [FBNET_STAGE_TRUNK] = "trunk",
  [FBNET_STAGE_RPN] = "rpn",
  [FBNET_STAGE_PROPOSALS] = "proposals",
  [FBNET_STAGE_BOX_POOLER] = "box-pooler",
  [FBNET_STAGE_BOX_HEAD] = "box-head",
  [FBNET_STAGE_DETECTIONS] = "detections",
  [FBNET_STAGE_MASK_POOLER] = "mask-pooler",
  [FBNET_STAGE_MASK_HEAD] = "mask-head",
  [FBNET_STAGE_MASK_PASTE] = "mask-paste",
  [FBNET_STAGE_KEYPOINT_POOLER] = "keypoint-pooler",
  [FBNET_STAGE_KEYPOINT_HEAD] = "keypoint-head",
  [FBNET_STAGE_KEYPOINT_DECODE] = "keypoint-decode",
};
G_STATIC_ASSERT (G_N_ELEMENTS (names) == FBNET_N_STAGES);
G_STATIC_ASSERT (FBNET_N_STAGES == 14); /* as the annotation of FbnetTimings says */

const char *
fbnet_stage_get_name (FbnetStage stage)
{
  g_return_val_if_fail ((gsize) stage < FBNET_N_STAGES, NULL);
  return names[stage];
}
