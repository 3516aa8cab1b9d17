/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is annotated compared with the pictures: which file is meant, can it be read, how large is it, which
 * way up; after this every picture of the set is there, and every object lies in it.
 */
#ifndef FBNET_DATASET_CHECKPICTURES_H
#define FBNET_DATASET_CHECKPICTURES_H

#include "labelset.h"

typedef struct {
  /* Pictures whose longer side is more than this are written again, smaller, into `folder`; 0: none are. */
  guint max_side;
  const char *folder;
  guint n_threads;
} PictureCheck;

/* FALSE with error when a reduced picture cannot be written. */
gboolean check_pictures (LabelSet *set, const PictureCheck *check, GError **error);

/* A number that pictures can be divided by: always the same of the same picture. */
guint64 picture_number (const LabelPicture *picture);

#endif
