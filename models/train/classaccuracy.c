/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A classifier's answers, counted.
 */
#include "classaccuracy.h"

#include "support/modelfile.h"
#include "support/picture.h"

typedef struct {
  FbnetModel *model;
  FbnetClassifier *classifier;
  guint *classes; /* the model's, of each of the folders */
  float *probabilities;
} Runner;

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
find_class (const FbnetModel *model, const ClassFolders *folders, guint label, guint *class_id,
    GError **error)
{
  const char *name = folders->labels->pdata[label];
  const guint n = fbnet_model_get_n_classes (model);

  for (*class_id = 0; *class_id < n; ++*class_id) {
    if (g_strcmp0 (fbnet_model_get_label (model, *class_id), name) == 0)
      return TRUE;
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s/%s: expected pictures of a class that the model has (the first is \"%s\"), found one of "
      "another name",
      folders->folder, name, fbnet_model_get_label (model, 0));
  return FALSE;
}

static gboolean
runner_open (Runner *runner, const ClassFolders *folders, const char *path, GError **error)
{
  *runner = (Runner){ .model = model_file_load (path, FBNET_TASK_CLASSIFICATION, error) };
  if (runner->model == NULL)
    return FALSE;
  runner->classes = g_new (guint, folders->labels->len);
  for (guint i = 0; i < folders->labels->len; i++) {
    if (!find_class (runner->model, folders, i, &runner->classes[i], error))
      return FALSE;
  }
  runner->probabilities = g_new (float, fbnet_model_get_n_classes (runner->model));
  runner->classifier = fbnet_classifier_new (runner->model, NULL, error);
  return runner->classifier != NULL;
}

static void
runner_close (Runner *runner)
{
  fbnet_classifier_free (runner->classifier);
  fbnet_model_unref (runner->model);
  g_free (runner->classes);
  g_free (runner->probabilities);
}

/* --- Counting --------------------------------------------------------------------------------- */

/* How many classes are more probable than this one; of equal ones the first is. What is no number is never
 * the most probable. */
static guint
rank_of (const Runner *runner, guint class_id)
{
  const float *p = runner->probabilities;
  const guint n = fbnet_model_get_n_classes (runner->model);
  guint rank = 0;

  for (guint i = 0; i < n; i++)
    rank += i < class_id ? !(p[i] < p[class_id]) : i > class_id && !(p[i] <= p[class_id]);
  return rank;
}

static gboolean
run_picture (Runner *runner, const ClassPicture *wanted, ClassAccuracy *accuracy, GError **error)
{
  g_autoptr (Picture) picture = picture_read (wanted->path, error);

  if (picture == NULL)
    return FALSE;
  const FbnetImage image = picture_image (picture);
  if (!fbnet_classifier_run (runner->classifier, &image, runner->probabilities, error)) {
    g_prefix_error (error, "%s: ", wanted->path);
    return FALSE;
  }
  const guint rank = rank_of (runner, runner->classes[wanted->class_id]);
  accuracy->top1 += rank < 1;
  accuracy->top5 += rank < 5;
  return TRUE;
}

gboolean
class_accuracy_measure (ClassAccuracy *accuracy, const ClassFolders *folders, const char *model,
    GError **error)
{
  const guint n = folders->pictures->len;
  Runner runner;
  gboolean good = runner_open (&runner, folders, model, error);

  *accuracy = (ClassAccuracy){ .n_pictures = n };
  for (guint i = 0; good && i < n; i++)
    good =
        run_picture (&runner, &g_array_index (folders->pictures, ClassPicture, i), accuracy, error);
  runner_close (&runner);
  accuracy->top1 /= n;
  accuracy->top5 /= n;
  return good;
}
