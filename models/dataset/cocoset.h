/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A checked set as COCO's annotation files: classes that were renamed or dropped, pictures divided into
 * those to learn from and those to evaluate with.
 */
#ifndef FBNET_DATASET_COCOSET_H
#define FBNET_DATASET_COCOSET_H

#include "labelset.h"

/* "OLD=NEW" each; NULL: none. FALSE with error when one is no pair. After it classes are those that are
 * left: listed ones in their order, then others by name. */
gboolean coco_set_name_classes (LabelSet *set, char *const *renamed, char *const *dropped,
    GError **error);

/* TRUE for those to evaluate with: a share of the pictures, always the same ones, copies together; at least
 * one where the share is more than 0 and there are two. g_free() it. */
gboolean *coco_set_divide (const LabelSet *set, double share);

/* The folder that all pictures lie in; g_free() it. */
char *coco_set_folder (const LabelSet *set);

/* Writes those pictures whose flag is `flag`. `command`: how it was made. */
gboolean coco_set_write (const LabelSet *set, const gboolean *flags, gboolean flag,
    const char *folder, const char *command, const char *path, GError **error);

#endif
