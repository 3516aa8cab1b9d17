/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's run-length code of masks: runs of 0 and 1 in turn, 0 first, down the columns of the whole
 * frame; in results files as the compact string that pycocotools' mask.encode() gives.
 */
#ifndef FBNET_TOOLS_RLE_H
#define FBNET_TOOLS_RLE_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "fbnet/fbnet.h"

/* The string ("counts") of `mask` in a frame of frame_width × frame_height pixels, both at least 1
 * and their product below 2^32; g_free() it. The mask's rectangle lies inside the frame. Without
 * pixels, or with an empty rectangle: the frame is all background. */
char *rle_encode (const FbnetMask *mask, guint frame_width, guint frame_height);

/* COCO's RLE object around it: {"size":[height,width],"counts":"…"}; the caller owns it. */
cJSON *rle_to_json (const FbnetMask *mask, guint frame_width, guint frame_height);

#endif
