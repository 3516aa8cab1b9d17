/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measuring a model in training.
 */
#include "validation.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>

#include "support/files.h"
#include "support/jsonfile.h"

struct Validation {
  CocoFile *annotations;       /* of a detector, or */
  const ClassFolders *folders; /* of a classifier */
  char *images, *best, *candidate;
  guint patience, plateau;
  gboolean half, persons;
  double best_score; /* negative infinity: nothing was measured */
  guint best_step, n_since;
  guint n_level, n_reductions; /* measurements since the last reduction, and how many there were */
};

/* --- The pictures ----------------------------------------------------------------------------- */

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  const gint64 left = *(const gint64 *) a, right = *(const gint64 *) b;

  return (left > right) - (left < right);
}

static gboolean
is_wanted (const GArray *only, gint64 id)
{
  return g_array_binary_search ((GArray *) only, &id, compare_ids, NULL);
}

/* The file as if it had these images alone. */
static CocoFile *
select_images (const CocoFile *all, const GArray *only, GError **error)
{
  g_autoptr (cJSON) json = cJSON_CreateObject ();
  cJSON *images = cJSON_AddArrayToObject (json, "images");
  cJSON *annotations = cJSON_AddArrayToObject (json, "annotations");
  const cJSON *entry;
  guint i = 0;

  cJSON_AddItemToObject (json, "categories",
      cJSON_Duplicate (cJSON_GetObjectItemCaseSensitive (all->json, "categories"), TRUE));
  cJSON_ArrayForEach (entry, cJSON_GetObjectItemCaseSensitive (all->json, "images"))
  {
    const CocoImage *image = &g_array_index (all->images, CocoImage, i++);
    if (image->flaw == NULL && is_wanted (only, image->id))
      cJSON_AddItemToArray (images, cJSON_Duplicate (entry, TRUE));
  }
  for (i = 0; all->annotations != NULL && i < all->annotations->len; i++) {
    const CocoAnnotation *annotation = &g_array_index (all->annotations, CocoAnnotation, i);
    if (annotation->flaw == NULL && is_wanted (only, annotation->image_id))
      cJSON_AddItemToArray (annotations, cJSON_Duplicate (annotation->json, TRUE));
  }
  return coco_file_new (g_steal_pointer (&json), all->path, error);
}

static CocoFile *
read_annotations (const ValidationOptions *options, GError **error)
{
  g_autoptr (CocoFile) all = coco_file_read (options->annotations, error);

  if (all == NULL || options->only == NULL)
    return g_steal_pointer (&all);
  return select_images (all, options->only, error);
}

static gboolean
check_pictures (const Validation *self, const char *where, GError **error)
{
  if (validation_n_images (self) > 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected pictures to evaluate with, found none", where);
  return FALSE;
}

Validation *
validation_new (const ValidationOptions *options, GError **error)
{
  const gboolean classes = options->folders != NULL;
  g_autoptr (Validation) self = g_new0 (Validation, 1);

  self->folders = options->folders;
  if (!classes && (self->annotations = read_annotations (options, error)) == NULL)
    return NULL;
  if (!check_pictures (self, classes ? options->folders->folder : options->annotations, error))
    return NULL;
  self->images = g_strdup (options->images);
  self->best = g_strdup (options->best);
  self->candidate = g_strconcat (options->best, ".next", NULL);
  self->patience = options->patience;
  self->plateau = options->plateau;
  self->half = options->half;
  self->persons = options->persons;
  self->best_score = -INFINITY;
  return g_steal_pointer (&self);
}

void
validation_free (Validation *self)
{
  if (self == NULL)
    return;
  coco_file_free (self->annotations);
  g_free (self->images);
  g_free (self->best);
  g_free (self->candidate);
  g_free (self);
}

guint
validation_n_images (const Validation *self)
{
  return self->folders != NULL ? self->folders->pictures->len : self->annotations->images->len;
}

static gboolean
knows (const Validation *self, const char *label)
{
  if (self->folders == NULL)
    return coco_file_find_name (self->annotations, label) != NULL;
  return g_ptr_array_find_with_equal_func (self->folders->labels, label, g_str_equal, NULL);
}

gboolean
validation_check_labels (const Validation *self, const char *const *labels, guint n_labels,
    GError **error)
{
  for (guint i = 0; i < n_labels; i++) {
    if (knows (self, labels[i]))
      return TRUE;
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a %s that is trained (the first is \"%s\"), found none",
      self->folders != NULL ? self->folders->folder : self->annotations->path,
      self->folders != NULL ? "class" : "category", labels[0]);
  return FALSE;
}

/* --- Measuring -------------------------------------------------------------------------------- */

/* What a model is worth, and a phrase about it. */
typedef struct {
  double score;
  char *figures;
} Worth;

static gboolean
counts (const Validation *self, const Accuracy *accuracy, guint kind)
{
  return accuracy->measured[kind] && (kind != COCO_KEYPOINTS || self->persons);
}

/* Where masks and keypoints are learned, they count as much as boxes. */
static double
score_of (const Validation *self, const Accuracy *accuracy)
{
  double sum = 0;
  guint n = 0;

  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (!counts (self, accuracy, kind))
      continue;
    sum += accuracy->ap[kind];
    n++;
  }
  return sum / n;
}

static char *
describe (const Validation *self, const Accuracy *accuracy)
{
  static const char *const kinds[COCO_N_KINDS] = { [COCO_BOX] = "box AP",
    [COCO_MASK] = "mask AP",
    [COCO_KEYPOINTS] = "keypoint AP" };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (counts (self, accuracy, kind))
      g_string_append_printf (text, kind == COCO_BOX ? "%s %.3f (AP50 %.3f)" : ", %s %.3f (%.3f)",
          kinds[kind], accuracy->ap[kind], accuracy->ap50[kind]);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
measure_detector (const Validation *self, Worth *worth, GError **error)
{
  const AccuracySet set = { self->annotations, self->images, NULL, NULL };
  Accuracy accuracy;

  if (!accuracy_measure (&accuracy, &set, self->candidate, error))
    return FALSE;
  *worth = (Worth){ score_of (self, &accuracy), describe (self, &accuracy) };
  return TRUE;
}

/* With five classes and fewer all are among the first five. */
static gboolean
measure_classifier (const Validation *self, Worth *worth, GError **error)
{
  ClassAccuracy accuracy;

  if (!class_accuracy_measure (&accuracy, self->folders, self->candidate, error))
    return FALSE;
  *worth = (Worth){ accuracy.top1,
    g_strdup_printf ("accuracy %.3f (top-5 %.3f)", accuracy.top1, accuracy.top5) };
  return TRUE;
}

/* The candidate is written as the model would be, and measured as what stands in the file. */
static gboolean
measure_candidate (const Validation *self, const Trainer *trainer, Worth *worth, GError **error)
{
  if (!trainer_write_model (trainer, self->candidate, self->half, error))
    return FALSE;
  if ((self->folders != NULL ? measure_classifier : measure_detector) (self, worth, error))
    return TRUE;
  g_unlink (self->candidate);
  return FALSE;
}

/* torch's ReduceLROnPlateau, without its threshold and cooldown. */
static void
count_measurement (Validation *self, gboolean better)
{
  self->n_since = better ? 0 : self->n_since + 1;
  self->n_level = better ? 0 : self->n_level + 1;
  if (self->plateau == 0 || self->n_level < self->plateau)
    return;
  self->n_level = 0;
  self->n_reductions++;
}

guint
validation_n_reductions (const Validation *self)
{
  return self->n_reductions;
}

gboolean
validation_measure (Validation *self, const Trainer *trainer, guint step, char **text,
    GError **error)
{
  Worth worth;

  if (!measure_candidate (self, trainer, &worth, error))
    return FALSE;
  const gboolean better = worth.score > self->best_score;
  g_autofree char *figures = worth.figures;
  count_measurement (self, better);
  if (better) {
    self->best_score = worth.score;
    self->best_step = step;
  }
  *text = better ? g_strdup_printf ("step %u: %s, the best so far", step, figures)
                 : g_strdup_printf ("step %u: %s; the best was %.3f at step %u", step, figures,
                     self->best_score, self->best_step);
  if (better)
    return file_move (self->candidate, self->best, error);
  g_unlink (self->candidate);
  return TRUE;
}

gboolean
validation_copy_best (const Validation *self, const char *path, GError **error)
{
  gsize size;
  g_autofree char *data = file_read (self->best, &size, error);

  return data != NULL && file_write (path, data, size, error);
}

gboolean
validation_write (const Validation *self, const Trainer *trainer, const char *path, char **text,
    GError **error)
{
  Worth worth;
  gboolean written;

  if (!measure_candidate (self, trainer, &worth, error))
    return FALSE;
  const gboolean better = worth.score > self->best_score;
  g_autofree char *figures = worth.figures;
  if (better) {
    *text = g_strdup_printf ("%s is as it is now: %s", path, figures);
    written = file_move (self->candidate, path, error);
  } else {
    *text = g_strdup_printf ("%s is the best, of step %u (%.3f); now it is %s", path,
        self->best_step, self->best_score, figures);
    written = validation_copy_best (self, path, error);
  }
  g_unlink (self->candidate);
  return written;
}

gboolean
validation_is_over (const Validation *self)
{
  return self->patience > 0 && self->n_since >= self->patience;
}

double
validation_best (const Validation *self, guint *step)
{
  *step = self->best_step;
  return self->best_score;
}

/* --- Going on later --------------------------------------------------------------------------- */

/* Seventeen digits are the same number again. */
char *
validation_to_text (const Validation *self)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, "%.17g", self->best_score);
  return g_strdup_printf ("best=%s step=%u since=%u level=%u reductions=%u", number,
      self->best_step, self->n_since, self->n_level, self->n_reductions);
}

gboolean
validation_from_text (Validation *self, const char *text, GError **error)
{
  char number[64];

  if (text == NULL
      || sscanf (text, "best=%63s step=%u since=%u level=%u reductions=%u", number,
             &self->best_step, &self->n_since, &self->n_level, &self->n_reductions)
          != 5) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "expected a checkpoint that tells of the best model so far, found none");
    return FALSE;
  }
  self->best_score = g_ascii_strtod (number, NULL);
  if (!g_file_test (self->best, G_FILE_TEST_EXISTS)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
        "%s: expected the best model so far, found no such file", self->best);
    return FALSE;
  }
  return TRUE;
}
