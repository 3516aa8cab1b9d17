/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a training run begins with.
 */
#include "start.h"

#include <glib/gstdio.h>
#include <string.h>

#include "import/d2go/classifiers.h"
#include "import/d2go/import.h"
#include "startweights.h"
#include "support/classes.h"
#include "support/commandline.h"
#include "support/files.h"
#include "support/jsonfile.h"
#include "support/modelfile.h"

/* --- Description ------------------------------------------------------------------------------ */

/* Of the architecture that was asked for: the model's own unless there is another. */
static cJSON *
choose_description (const TrainStart *start, const TrainOptions *o, GError **error)
{
  if (start->model != NULL)
    return model_file_description (start->model);
  if (o->description != NULL)
    return json_read (o->description, error);
  if (o->config != NULL && import_is_classifier (o->config))
    return import_describe_classifier (o->config, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, error);
  if (o->config != NULL)
    return import_describe_config (o->config, error);
  return model_file_description (start->source);
}

/* "gn:8", "naiveSyncBN:N": the part behind the colon is not the norm's name. */
static gboolean
set_norm (cJSON *description, const char *norm, GError **error)
{
  const char *const known[] = { "gn", "bn", "sync_bn", "naiveSyncBN", NULL };
  g_auto (GStrv) parts = g_strsplit (norm, ":", 2);
  guint64 groups = 0;

  if (!g_strv_contains (known, parts[0])
      || (g_str_equal (parts[0], "gn")
          && (parts[1] == NULL
              || !g_ascii_string_to_unsigned (parts[1], 10, 1, 1024, &groups, NULL))))
    return usage_error (error,
        "--norm: expected gn:GROUPS, bn, sync_bn, naiveSyncBN or naiveSyncBN:N");
  start_set_norm (description, parts[0], (guint) groups);
  return TRUE;
}

/* The data set's classes in place of the model's. */
static void
set_classes (cJSON *description, const Dataset *dataset)
{
  const guint n = dataset_n_classes (dataset);
  g_autofree const char **labels = g_new (const char *, n);
  g_autofree gint64 *ids = g_new (gint64, n);

  for (guint i = 0; i < n; i++) {
    labels[i] = dataset_label (dataset, i);
    ids[i] = dataset_category (dataset, i);
  }
  start_set_classes (description, labels, ids, n);
}

gboolean
train_start_open (TrainStart *start, const TrainOptions *o, GError **error)
{
  start->resumes = o->resume && g_file_test (o->checkpoint, G_FILE_TEST_EXISTS);
  if (o->model != NULL && (start->source = fbnet_model_load (o->model, error)) == NULL)
    return FALSE;
  if (start->resumes && (start->model = fbnet_model_load (o->checkpoint, error)) == NULL)
    return FALSE;
  start->description = choose_description (start, o, error);
  return start->description != NULL && train_options_check_task (o, start->description, error);
}

void
train_start_clear (TrainStart *start)
{
  fbnet_model_unref (start->model);
  fbnet_model_unref (start->source);
  cJSON_Delete (start->description);
  *start = (TrainStart){ 0 };
}

gboolean
train_start_has_masks (const TrainStart *start)
{
  return cJSON_GetObjectItemCaseSensitive (start->description, "mask_head") != NULL;
}

/* A number that is none is refused when the model is made. */
guint
train_start_n_keypoints (const TrainStart *start)
{
  const cJSON *head = cJSON_GetObjectItemCaseSensitive (start->description, "keypoint_head");
  const cJSON *n = cJSON_GetObjectItemCaseSensitive (head, "n_keypoints");

  return cJSON_IsNumber (n) && n->valuedouble >= 1 && n->valuedouble <= 1000
      ? (guint) n->valuedouble
      : 0;
}

/* --- Classes that are kept -------------------------------------------------------------------- */

static gboolean
check_names (const TrainOptions *o, const ClassTable *table, GError **error)
{
  for (guint i = 0; i < table->n; i++) {
    if (table->labels[i] != NULL)
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected names of all classes that are kept, found none of class %u", o->model, i);
    return FALSE;
  }
  return TRUE;
}

gboolean
train_start_keep_classes (const TrainStart *start, const TrainOptions *o, Dataset *dataset,
    GError **error)
{
  if (!o->keep)
    return TRUE;
  g_autoptr (ClassTable) table = class_table_new (start->source, error);
  if (table == NULL || !check_names (o, table, error))
    return FALSE;
  g_autofree gint64 *ids = g_new (gint64, table->n);
  for (guint i = 0; i < table->n; i++)
    ids[i] = table->category_ids != NULL && table->category_ids[i] >= 0 ? table->category_ids[i]
                                                                        : (gint64) i + 1;
  dataset_lead_with (dataset, table->labels, ids, table->n);
  return TRUE;
}

/* --- A new model ------------------------------------------------------------------------------ */

static void
note_fresh (const TrainStart *start, const TrainOptions *o, const StartTaken *taken,
    GPtrArray *notes)
{
  if (start->source == NULL) {
    g_ptr_array_add (notes, g_strdup ("weights begin at random"));
    return;
  }
  for (guint i = 0; i < taken->fresh->len; i++)
    g_ptr_array_add (notes,
        g_strdup_printf ("%s begins at random: %s has none of this name and shape",
            (const char *) taken->fresh->pdata[i], o->model));
}

/* The first classes are enough to see what happened. */
#define MAX_NAMED 8

static void
note_classes (const TrainStart *start, const TrainOptions *o, const StartTaken *taken,
    guint n_classes, GPtrArray *notes)
{
  const guint n = MIN (taken->kept->len, MAX_NAMED);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", (const char *) taken->kept->pdata[i]);
  if (taken->kept->len > 0)
    g_ptr_array_add (notes,
        g_strdup_printf ("%u of %u classes keep what %s knows of them: %s%s; the others begin at "
                         "random",
            taken->kept->len, n_classes, o->model, names->str, taken->kept->len > n ? " …" : ""));
  if (taken->by_number && start->source != NULL)
    g_ptr_array_add (notes,
        g_strdup_printf ("%s has no names of its classes: they are taken for those of the data set "
                         "in their order",
            o->model));
}

/* A folded model learns with the statistics that it has: those of a batch would destroy it. */
static void
keep_folded (const TrainStart *start, TrainOptions *o, GPtrArray *notes)
{
  if (o->statistics != NULL || start->source == NULL || start->source->has_norm_statistics
      || fbnet_model_get_normalization (start->source) <= FBNET_NORMALIZATION_GN)
    return;
  o->statistics = g_strdup ("stored");
  g_ptr_array_add (notes,
      g_strdup_printf ("the norms of %s have been folded into its convolutions: they stay as they "
                       "are (--norm-statistics stored)",
          o->model));
}

/* Written as a model file, then loaded as every model is. */
static FbnetModel *
make_new (const TrainStart *start, const TrainOptions *o, guint n_classes, GPtrArray *notes,
    GError **error)
{
  StartTaken taken = { NULL };
  g_autofree char *path = file_new_beside (o->show != NULL ? o->show : o->output, error);
  const char *name = o->description != NULL ? o->description
      : o->config != NULL                   ? o->config
                                            : o->model;

  if (path == NULL)
    return NULL;
  FbnetModel *model =
      start_write (start->description, start->source, (guint64) o->seed, path, &taken, error)
      ? model_file_load_as (path, name, error)
      : NULL;
  g_unlink (path);
  if (model != NULL) {
    note_fresh (start, o, &taken, notes);
    note_classes (start, o, &taken, n_classes, notes);
  }
  start_taken_clear (&taken);
  return model;
}

/* --- A checkpoint ----------------------------------------------------------------------------- */

static gboolean
has_classes_of (const FbnetModel *model, const Dataset *dataset)
{
  if (fbnet_model_get_n_classes (model) != dataset_n_classes (dataset))
    return FALSE;
  for (guint i = 0; i < dataset_n_classes (dataset); i++) {
    if (g_strcmp0 (fbnet_model_get_label (model, i), dataset_label (dataset, i)) != 0)
      return FALSE;
  }
  return TRUE;
}

static const char *
norm_name (const cJSON *architecture)
{
  const cJSON *norm = cJSON_GetObjectItemCaseSensitive (architecture, "norm");

  return cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (norm, "name"));
}

/* A checkpoint is a model of its own: what would have changed the first one must still be so. */
static gboolean
check_resumed (const FbnetModel *model, const TrainOptions *o, const Dataset *dataset,
    GError **error)
{
  const char *found = norm_name (model->description->architecture);
  g_auto (GStrv) norm = g_strsplit (o->norm != NULL ? o->norm : "", ":", 2);

  if (!has_classes_of (model, dataset)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected the data set that the run began with, found one of other classes",
        o->checkpoint);
    return FALSE;
  }
  if (o->norm != NULL && g_strcmp0 (found, norm[0]) != 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected the settings that the run began with, found --norm %s where it had %s",
        o->checkpoint, o->norm, found != NULL ? found : "none");
    return FALSE;
  }
  return TRUE;
}

gboolean
train_start_make_model (TrainStart *start, TrainOptions *o, const Dataset *dataset,
    GPtrArray *notes, GError **error)
{
  keep_folded (start, o, notes);
  if (start->resumes)
    return check_resumed (start->model, o, dataset, error);
  if (o->norm != NULL && !set_norm (start->description, o->norm, error))
    return FALSE;
  if (!train_options_describe (o, start->description, error))
    return FALSE;
  set_classes (start->description, dataset);
  start->model = make_new (start, o, dataset_n_classes (dataset), notes, error);
  return start->model != NULL;
}
