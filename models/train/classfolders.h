/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for a classifier: a folder for each class, called like it.
 */
#ifndef FBNET_TRAIN_CLASSFOLDERS_H
#define FBNET_TRAIN_CLASSFOLDERS_H

#include <glib.h>

typedef struct {
  char *path;
  guint class_id; /* into `labels` */
} ClassPicture;

typedef struct {
  char *folder;
  GPtrArray *labels; /* char *: names of the folders, by their bytes; >= 1 */
  GArray *pictures;  /* ClassPicture, class after class, by their names */
  GPtrArray *others; /* char *: files among the pictures that are none, by their endings */
} ClassFolders;

/* What begins with a dot is passed over. NULL with error when the folder has no folders, or one of them
 * no pictures. */
ClassFolders *class_folders_read (const char *folder, GError **error);
void class_folders_free (ClassFolders *folders); /* NULL is allowed */

/* Takes this share, 0 … below 1, of each class's pictures out, at least one of those that have two: always
 * the same ones, by a random number of each file name, wherever the folder lies. */
ClassFolders *class_folders_split (ClassFolders *folders, double share);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClassFolders, class_folders_free)

#endif
