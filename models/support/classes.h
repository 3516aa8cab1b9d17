/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model's classes are called, by people and by data sets.
 */
#ifndef FBNET_SUPPORT_CLASSES_H
#define FBNET_SUPPORT_CLASSES_H

#include "coco.h"
#include "fbnet/fbnet.h"

typedef struct {
  guint n;
  const char **labels;  /* n, each NULL if the model names none; valid as long as the model */
  gint64 *category_ids; /* n, -1: none; NULL: the model names none */
  guint n_keypoints;    /* of an object of any class */
} ClassTable;

/* From the model's description. NULL with error when its category_ids do not fit its classes. */
ClassTable *class_table_new (const FbnetModel *model, GError **error);
void class_table_free (ClassTable *table); /* NULL is allowed */

/* Makes the category ids those of the file: each class takes that of the category of its name; a class
 * without a name keeps the one that the model names if the file has it; else it has none. *n_unmatched is the number of
 * classes without one. FALSE with error if none has one. */
gboolean class_table_match (ClassTable *table, const CocoFile *file, guint *n_unmatched,
    GError **error);

/* After a match: how many categories of the file are no class of the model, and the names of the first of
 * them; g_free() it. */
char *class_table_list_strangers (const ClassTable *table, const CocoFile *file, guint *n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClassTable, class_table_free)

#endif
