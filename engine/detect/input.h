/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a frame becomes before the network: resized, with the way back to the frame. Whoever runs it
 * normalises it: bytes are a quarter of the floats, and the thread that fills it may be one that cannot wait.
 */
#ifndef FBNET_INPUT_H
#define FBNET_INPUT_H

#include "model/model.h"
#include "picture/image.h"

#define MAX_SIDE 32767

struct _FbnetInput {
  FbnetModel *model;
  Workers *workers;
  gboolean owns_workers;
  ImageResizer *resizer;
  Buffer pixels;       /* [height][width][3], 8 bits, in the model's channel order */
  gsize height, width; /* network pixels, without padding; 0 while nothing is in it */
  gsize padded_height, padded_width;
  guint frame_height, frame_width;
  FbnetRegion region; /* of the frame */
  guint64 work_limit; /* multiply-adds of a frame */
};

/* With a detector's own threads. Frames whose network input would ask for more than so many multiply-adds
 * are refused before there is memory for them. */
FbnetInput *input_new (FbnetModel *model, Workers *workers, const PictureKernels *kernels,
    guint64 work_limit);

/* Network pixels, and what they are padded to. */
void input_set_size (FbnetInput *input, gsize height, gsize width);

#endif
