/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Classes in order, and what they are called.
 */
#include "ranking.h"

#include <stdlib.h>

#include "support/jsonfile.h"

/* --- Order ------------------------------------------------------------------------------------ */

static gint
compare_classes (gconstpointer a, gconstpointer b, gpointer data)
{
  const float *probabilities = data;
  const guint i = *(const guint *) a, j = *(const guint *) b;
  if (probabilities[i] != probabilities[j])
    return probabilities[i] > probabilities[j] ? -1 : 1;
  return i < j ? -1 : i > j;
}

guint *
ranking_order (const float *probabilities, guint n_classes)
{
  guint *order = g_new (guint, n_classes);
  for (guint i = 0; i < n_classes; i++)
    order[i] = i;
  qsort_r (order, n_classes, sizeof *order, compare_classes, (gpointer) probabilities);
  return order;
}

/* --- Output ----------------------------------------------------------------------------------- */

static const char *
find_label (const Ranking *ranking, guint class_id)
{
  return ranking->labels ? ranking->labels[class_id] : NULL;
}

char *
ranking_to_text (const Ranking *ranking)
{
  g_autofree char *file = g_filename_display_name (ranking->file);
  g_autofree guint *order = ranking_order (ranking->probabilities, ranking->n_classes);
  GString *text = g_string_new (file);
  for (guint i = 0; i < MIN (ranking->n_shown, ranking->n_classes); i++) {
    const guint class_id = order[i];
    const char *label = find_label (ranking, class_id);
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf (text, "\n  %6u  %s", class_id,
        g_ascii_formatd (number, sizeof number, "%.4f", ranking->probabilities[class_id]));
    if (label)
      g_string_append_printf (text, "  %s", label);
  }
  return g_string_free (text, FALSE);
}

static cJSON *
new_class (const Ranking *ranking, guint class_id)
{
  const char *label = find_label (ranking, class_id);
  cJSON *object = cJSON_CreateObject ();
  cJSON_AddNumberToObject (object, "class_id", class_id);
  cJSON_AddItemToObject (object, "probability", json_new_float (ranking->probabilities[class_id]));
  if (label)
    cJSON_AddStringToObject (object, "label", label);
  return object;
}

char *
ranking_to_json (const Ranking *ranking)
{
  g_autofree char *file = g_filename_display_name (ranking->file);
  g_autofree guint *order = ranking_order (ranking->probabilities, ranking->n_classes);
  g_autoptr (cJSON) line = cJSON_CreateObject ();
  cJSON_AddStringToObject (line, "file", file);
  cJSON_AddNumberToObject (line, "width", ranking->picture->width);
  cJSON_AddNumberToObject (line, "height", ranking->picture->height);
  cJSON_AddStringToObject (line, "model", ranking->model);
  cJSON *classes = cJSON_AddArrayToObject (line, "classes");
  for (guint i = 0; i < MIN (ranking->n_shown, ranking->n_classes); i++)
    cJSON_AddItemToArray (classes, new_class (ranking, order[i]));
  return json_print_line (line);
}
