/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State dicts into models.
 */
#include "checkpoint.h"
#include "classifiers.h"
#include "config.h"
#include "fit.h"
#include "support/jsonfile.h"

#include <string.h>

#define MAX_CLASSES 100000

void
imported_free (Imported *imported)
{
  if (imported == NULL)
    return;
  cJSON_Delete (imported->description);
  weights_free (imported->weights);
  g_free (imported->source);
  g_free (imported->config);
  g_free (imported->from_archive);
  g_free (imported);
}

/* --- The state dict --------------------------------------------------------------------------- */

static const PickleValue *
find_dict (const PickleValue *root, const char *const *keys, char **source)
{
  for (guint i = 0; keys[i] != NULL; i++) {
    const PickleValue *dict = pickle_dict_get (root, keys[i]);
    if (dict != NULL && dict->kind == PICKLE_DICT) {
      *source = g_strdup (keys[i]);
      return dict;
    }
  }
  return NULL;
}

static gboolean
holds_tensors (const PickleValue *dict)
{
  for (guint i = 0; i < pickle_length (dict); i++)
    if (pickle_tensor (dict->items->pdata[2 * i + 1]) != NULL)
      return TRUE;
  return FALSE;
}

static char *
list_keys (const PickleValue *dict)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < MIN (pickle_length (dict), 10); i++) {
    const char *key = pickle_string (dict->items->pdata[2 * i]);
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", key != NULL ? key : "?");
  }
  return g_string_free (text, FALSE);
}

/* D2Go writes the averaged weights beside the others (modeling/ema.py); the classifiers' training
 * leaves "model_ema" None where it kept no average. */
static const PickleValue *
choose_dict (const PickleValue *root, EmaChoice ema, const char *name, char **source,
    GError **error)
{
  static const char *const members[][4] = {
    [EMA_USUAL] = { "model", "model_ema", "state_dict" },
    [EMA_YES] = { "ema_state", "model_ema" },
    [EMA_NO] = { "model", "state_dict" },
  };

  if (root->kind != PICKLE_DICT) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a checkpoint (a dict), found a %s", name, pickle_kind_name (root->kind));
    return NULL;
  }
  const PickleValue *dict = find_dict (root, members[ema], source);
  if (dict == NULL && ema != EMA_YES && holds_tensors (root)) {
    *source = g_strdup ("state_dict");
    return root;
  }
  if (dict == NULL) {
    g_autofree char *keys = list_keys (root);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a checkpoint with %s, found the keys: %s", name,
        ema == EMA_YES ? "averaged weights (ema_state, model_ema)" : "weights (model, state_dict)",
        keys);
  }
  return dict;
}

static const char *
strip_module (const char *name)
{
  return g_str_has_prefix (name, "module.") ? name + strlen ("module.") : name;
}

static gboolean
add_tensors (Weights *weights, Archive *archive, const PickleValue *dict, GError **error)
{
  for (guint i = 0; i < pickle_length (dict); i++) {
    const char *name = pickle_string (dict->items->pdata[2 * i]);
    const PickleTensor *tensor = pickle_tensor (dict->items->pdata[2 * i + 1]);
    if (tensor == NULL)
      continue;
    if (name == NULL) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: a tensor has no name",
          archive_name (archive));
      return FALSE;
    }
    if (!weights_add (weights, strip_module (name), archive, tensor, error)) {
      g_prefix_error (error, "%s: ", archive_name (archive));
      return FALSE;
    }
  }
  return TRUE;
}

Weights *
checkpoint_read (Archive *archive, EmaChoice ema, char **source, GError **error)
{
  g_autoptr (Pickle) pickle = archive_pickle (archive, "data.pkl", "data", error);

  if (pickle == NULL)
    return NULL;
  g_autofree char *found = NULL;
  const PickleValue *dict =
      choose_dict (pickle_root (pickle), ema, archive_name (archive), &found, error);
  if (dict == NULL)
    return NULL;
  g_autoptr (Weights) weights = weights_new ();
  if (!add_tensors (weights, archive, dict, error))
    return NULL;
  *source = g_steal_pointer (&found);
  return g_steal_pointer (&weights);
}

/* --- The config ------------------------------------------------------------------------------- */

static char *
join_problems (const Fit *fit)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < fit->problems->len; i++)
    g_string_append_printf (text, "\n  %s", (const char *) fit->problems->pdata[i]);
  return g_string_free (text, FALSE);
}

static Imported *
take_wanted (Weights *weights, const Fit *fit, cJSON *description, const char *config)
{
  Imported *imported = g_new0 (Imported, 1);

  imported->description = description;
  imported->weights = weights_new ();
  imported->config = g_strdup (config);
  imported->n_tolerated = fit->n_tolerated;
  for (guint i = 0; i < fit->wanted->len; i++)
    weights_move (imported->weights, weights, fit->wanted->pdata[i]);
  weights_free (weights);
  return imported;
}

/* Of a detector: the rows of its class predictor without the background's; 0: there is none. */
static guint
count_detector_classes (const Weights *weights)
{
  const FbnetTensorView *view = weights_find (weights, "roi_heads.box_predictor.cls_score.weight");
  const gsize n = view != NULL && view->n_dims > 0 ? view->shape[0] : 0;

  return n >= 2 && n <= MAX_CLASSES + 1 ? (guint) (n - 1) : 0;
}

/* Gives the description as many classes as the weights have; FALSE if it had as many. */
static gboolean
take_class_count (cJSON *description, const Weights *weights)
{
  const guint n = count_detector_classes (weights);

  return n > 0 && import_set_n_classes (description, n);
}

Imported *
checkpoint_fit (Weights *weights, const cJSON *wanted, gboolean own_classes, const char *config,
    const char *name, GError **error)
{
  g_autoptr (Weights) all = weights;
  g_autoptr (cJSON) description = cJSON_Duplicate (wanted, TRUE);
  const gboolean counted = own_classes && take_class_count (description, all);
  g_autoptr (Layers) layers = fit_layers (description, error);

  if (layers == NULL)
    return NULL;
  g_autoptr (Fit) fit = fit_new (layers, all);
  if (fit->problems->len > 0) {
    g_autofree char *problems = join_problems (fit);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: %u tensors do not fit the config %s:%s", name, fit->problems->len, config, problems);
    return NULL;
  }
  Imported *imported =
      take_wanted (g_steal_pointer (&all), fit, g_steal_pointer (&description), config);
  imported->from_archive = counted ? g_strdup ("roi_heads.n_classes") : NULL;
  return imported;
}

/* --- Classifiers ------------------------------------------------------------------------------ */

static guint
count_classes (const Weights *weights)
{
  const FbnetTensorView *view = weights_find (weights, CLASSIFIER_HEAD ".weight");
  const gsize n = view != NULL && view->n_dims > 0 ? view->shape[0] : 0;

  return n >= 1 && n <= MAX_CLASSES ? (guint) n : IMAGENET_CLASSES;
}

static Fit *
fit_description (const cJSON *description, const Weights *weights, GError **error)
{
  g_autoptr (cJSON) adapted = cJSON_Duplicate (description, TRUE);

  take_class_count (adapted, weights);
  g_autoptr (Layers) layers = fit_layers (adapted, error);

  return layers != NULL ? fit_new (layers, weights) : NULL;
}

/* `fit` (out): how well the weights fit the description. */
static cJSON *
describe_classifier (const char *classifier, ClassifierDefaults defaults, const Weights *weights,
    Fit **fit, GError **error)
{
  g_autoptr (cJSON) description =
      import_describe_classifier (classifier, defaults, count_classes (weights), error);

  *fit = description != NULL ? fit_description (description, weights, error) : NULL;
  return *fit != NULL ? g_steal_pointer (&description) : NULL;
}

/* When neither of the builder's defaults fits, what is said is said of those of now. */
Imported *
checkpoint_fit_classifier (Weights *weights, const char *classifier, const char *name,
    GError **error)
{
  g_autoptr (Weights) all = weights;
  g_autoptr (Fit) fit_now = NULL, fit_early = NULL;
  g_autoptr (cJSON) now =
      describe_classifier (classifier, CLASSIFIER_DEFAULTS_NOW, all, &fit_now, error);

  if (now == NULL)
    return NULL;
  g_autoptr (cJSON) early =
      describe_classifier (classifier, CLASSIFIER_DEFAULTS_EARLY, all, &fit_early, error);
  if (early == NULL)
    return NULL;
  const gboolean is_early = fit_now->problems->len > 0 && fit_early->problems->len == 0;
  return checkpoint_fit (g_steal_pointer (&all), is_early ? early : now, FALSE, classifier, name,
      error);
}

/* --- Recognition ------------------------------------------------------------------------------ */

static cJSON *
describe_zoo (const char *config, ClassifierDefaults defaults, const Weights *weights, Fit **fit,
    GError **error)
{
  g_autoptr (cJSON) tree = import_zoo_config (config, error);
  g_autoptr (cJSON) description = tree != NULL ? import_describe (tree, config, error) : NULL;

  *fit = description != NULL ? fit_description (description, weights, error) : NULL;
  return *fit != NULL ? g_steal_pointer (&description) : NULL;
}

/* A family of models: their names, and the description of one with how well the weights fit it. */
typedef struct {
  const char *what;
  guint n_defaults; /* sets of defaults to try, one after the other until one fits */
  char **(*list_names) (void);
  cJSON *(*describe) (const char *name, ClassifierDefaults defaults, const Weights *weights,
      Fit **fit, GError **error);
} Family;

/* By the name of a classifier's last layer, which no detector has. */
static const Family *
choose_family (const Weights *weights)
{
  static const Family detectors = { "config of D2Go's zoo", 1, import_zoo_names, describe_zoo };
  static const Family classifiers = { "classifier of mobile_cv's zoo", 2, import_classifier_names,
    describe_classifier };

  return weights_find (weights, CLASSIFIER_HEAD ".weight") != NULL ? &classifiers : &detectors;
}

typedef struct {
  ClassifierDefaults defaults;
  char *config; /* that fits with the fewest tensors left over */
  guint n_tolerated;
  char *rivals;  /* others that fit as well, or NULL */
  char *nearest; /* that has the fewest problems */
  guint n_problems;
  char *problem; /* the first of them */
} Recognition;

static void
recognition_clear (Recognition *r)
{
  g_free (r->config);
  g_free (r->rivals);
  g_free (r->nearest);
  g_free (r->problem);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Recognition, recognition_clear)

static void
consider (Recognition *r, const char *config, const Fit *fit)
{
  if (fit->problems->len > 0) {
    if (r->nearest != NULL && fit->problems->len >= r->n_problems)
      return;
    g_free (r->nearest);
    g_free (r->problem);
    r->nearest = g_strdup (config);
    r->n_problems = fit->problems->len;
    r->problem = g_strdup (fit->problems->pdata[0]);
  } else if (r->config == NULL || fit->n_tolerated < r->n_tolerated) {
    g_free (r->config);
    g_clear_pointer (&r->rivals, g_free);
    r->config = g_strdup (config);
    r->n_tolerated = fit->n_tolerated;
  } else if (fit->n_tolerated == r->n_tolerated) {
    char *rivals = g_strjoin (", ", config, r->rivals, NULL);
    g_free (r->rivals);
    r->rivals = rivals;
  }
}

static gboolean
consider_family (Recognition *r, const Family *family, const Weights *weights, GError **error)
{
  g_auto (GStrv) names = family->list_names ();

  for (guint i = 0; names[i] != NULL; i++) {
    g_autoptr (Fit) fit = NULL;
    g_autoptr (cJSON) description = family->describe (names[i], r->defaults, weights, &fit, error);
    if (description == NULL)
      return FALSE;
    consider (r, names[i], fit);
  }
  return TRUE;
}

static gboolean
check_recognition (const Recognition *r, const Family *family, const char *name, GError **error)
{
  if (r->config == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: belongs to no %s; the nearest is %s, with %u differences, the first: %s. Name the "
        "config it was trained with",
        name, family->what, r->nearest, r->n_problems, r->problem);
  else if (r->rivals != NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: could belong to these configs: %s, %s. Name one", name, r->config, r->rivals);
  return r->config != NULL && r->rivals == NULL;
}

Imported *
checkpoint_recognise (Weights *weights, const char *name, GError **error)
{
  g_autoptr (Weights) all = weights;
  g_auto (Recognition) r = { 0 };
  const Family *family = choose_family (all);

  if (!consider_family (&r, family, all, error))
    return NULL;
  while (r.config == NULL && r.defaults + 1 < family->n_defaults) {
    r.defaults++;
    if (!consider_family (&r, family, all, error))
      return NULL;
  }
  if (!check_recognition (&r, family, name, error))
    return NULL;
  g_autoptr (Fit) fit = NULL;
  g_autoptr (cJSON) description = family->describe (r.config, r.defaults, all, &fit, error);
  if (description == NULL)
    return NULL;
  return checkpoint_fit (g_steal_pointer (&all), description, TRUE, r.config, name, error);
}
