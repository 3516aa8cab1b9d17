/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model's classes are called. The ids of a data set have no accessor in fbnet.h: they stand
 * in the description (models/FORMAT.md, category_ids).
 */
#include "classes.h"

#include "jsonfile.h"
#include "modelfile.h"

#define MAX_NAMES 8

static gboolean
read_category_ids (ClassTable *table, const FbnetModel *model, GError **error)
{
  g_autoptr (cJSON) description = model_file_description (model);

  if (!cJSON_HasObjectItem (description, "category_ids"))
    return TRUE;
  g_autofree double *ids = g_new (double, table->n);
  if (!json_get_numbers (description, "category_ids", ids, table->n, fbnet_model_get_name (model),
          error))
    return FALSE;
  table->category_ids = g_new (gint64, table->n);
  for (guint i = 0; i < table->n; i++)
    table->category_ids[i] = (gint64) CLAMP (ids[i], -1, G_MAXINT);
  return TRUE;
}

ClassTable *
class_table_new (const FbnetModel *model, GError **error)
{
  g_autoptr (ClassTable) table = g_new0 (ClassTable, 1);

  table->n = fbnet_model_get_n_classes (model);
  table->n_keypoints = fbnet_model_get_n_keypoints (model);
  table->labels = g_new (const char *, table->n);
  for (guint i = 0; i < table->n; i++)
    table->labels[i] = fbnet_model_get_label (model, i);
  if (!read_category_ids (table, model, error))
    return NULL;
  return g_steal_pointer (&table);
}

void
class_table_free (ClassTable *table)
{
  if (table == NULL)
    return;
  g_free (table->labels);
  g_free (table->category_ids);
  g_free (table);
}

/* Names decide, as data sets number the same things differently; numbers are for a class without a name. */
static gint64
match_class (const ClassTable *table, guint class_id, const CocoFile *file)
{
  const char *label = table->labels[class_id];
  const CocoCategory *category = NULL;

  if (label != NULL)
    category = coco_file_find_name (file, label);
  else if (table->category_ids != NULL)
    category = coco_file_find_category (file, table->category_ids[class_id]);
  return category != NULL ? category->id : -1;
}

static gboolean
is_matched (const ClassTable *table, gint64 category_id)
{
  for (guint i = 0; i < table->n; i++) {
    if (table->category_ids[i] == category_id)
      return TRUE;
  }
  return FALSE;
}

char *
class_table_list_strangers (const ClassTable *table, const CocoFile *file, guint *n)
{
  GString *names = g_string_new (NULL);

  *n = 0;
  for (guint i = 0; i < file->categories->len; i++) {
    const CocoCategory *category = &g_array_index (file->categories, CocoCategory, i);
    if (is_matched (table, coco_file_find_name (file, category->name)->id))
      continue;
    if ((*n)++ < MAX_NAMES)
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", category->name);
  }
  if (*n > MAX_NAMES)
    g_string_append (names, " …");
  return g_string_free (names, FALSE);
}

static char *
list_labels (const ClassTable *table)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < MIN (table->n, MAX_NAMES) && table->labels[i] != NULL; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", table->labels[i]);
  if (table->n > MAX_NAMES || names->len == 0)
    g_string_append (names, " …");
  return g_string_free (names, FALSE);
}

static void
set_stranger_error (GError **error, const ClassTable *table, const CocoFile *file)
{
  guint n;
  g_autofree char *labels = list_labels (table);
  g_autofree char *names = class_table_list_strangers (table, file, &n);

  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: categories: expected names of the model's %u classes: %s; found none of them, but %s",
      file->path, table->n, labels, n > 0 ? names : "no categories");
}

gboolean
class_table_match (ClassTable *table, const CocoFile *file, guint *n_unmatched, GError **error)
{
  gint64 *matched = g_new (gint64, table->n);

  *n_unmatched = 0;
  for (guint i = 0; i < table->n; i++) {
    matched[i] = match_class (table, i, file);
    *n_unmatched += matched[i] < 0;
  }
  g_free (table->category_ids);
  table->category_ids = matched;
  if (*n_unmatched < table->n)
    return TRUE;
  set_stranger_error (error, table, file);
  return FALSE;
}
