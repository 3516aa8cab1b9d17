/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an evaluation found.
 */
#include "evalreport.h"

#include "support/jsonfile.h"
#include "support/plural.h"

/* --- Text ------------------------------------------------------------------------------------- */

static const char *const headings[COCO_N_KINDS] = {
  [COCO_BOX] = "Boxes",
  [COCO_MASK] = "Masks",
  [COCO_KEYPOINTS] = "Keypoints",
};

/* " 0.2396"; a dash for what is not defined. */
static void
append_share (GString *text, double value)
{
  if (value < 0)
    g_string_append (text, "       –");
  else
    g_string_append_printf (text, "  %.4f", value);
}

static void
append_eval (GString *text, const CocoEval *eval)
{
  guint n;
  const CocoMetric *metrics = coco_metrics (eval->kind, &n);

  g_string_append_printf (text, "\n%s\n", headings[eval->kind]);
  for (guint i = 0; i < n; i++) {
    g_string_append_printf (text, "  %-5s", metrics[i].name);
    append_share (text, coco_eval_measure (eval, &metrics[i]));
    g_string_append_printf (text, "  %s\n", metrics[i].title);
  }
}

static void
append_name (GString *text, const char *name)
{
  const glong width = g_utf8_strlen (name, -1);

  g_string_append_printf (text, "  %s%*s", name, (int) MAX (24 - width, 0), "");
}

static const char *const class_columns[2][4] = {
  { "AP", "AP50", "AP75", "AR100" },
  { "AP", "AP50", "AP75", "AR" },
};

static void
append_class_table (GString *text, const CocoEval *eval)
{
  const char *const *columns = class_columns[eval->kind == COCO_KEYPOINTS];

  g_string_append_printf (text, "\n%s by class\n", headings[eval->kind]);
  append_name (text, "class");
  g_string_append (text, " objects");
  for (guint m = 0; m < G_N_ELEMENTS (class_columns[0]); m++)
    g_string_append_printf (text, "  %6s", columns[m]);
  for (guint i = 0; i < eval->n_categories; i++) {
    g_string_append_c (text, '\n');
    append_name (text, eval->categories[i].name);
    g_string_append_printf (text, " %7u", eval->categories[i].n_objects);
    for (guint m = 0; m < G_N_ELEMENTS (class_columns[0]); m++)
      append_share (text, coco_category_get (eval, i, columns[m]));
  }
  g_string_append_c (text, '\n');
}

static void
append_counts (GString *text, const FbnetMatchCounts *counts)
{
  const guint64 numbers[] = { counts->objects, counts->background, counts->ignored,
    counts->true_positives, counts->false_positives, counts->misses };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_string_append_printf (text, " %10" G_GUINT64_FORMAT, numbers[i]);
  append_share (text, match_precision (counts));
  append_share (text, match_recall (counts));
  append_share (text, match_f1 (counts));
  g_string_append_c (text, '\n');
}

static void
append_match (GString *text, const EvalReport *report)
{
  const EvalMatch *match = report->match;

  g_string_append_printf (text,
      "\nMatching: object from IoU %g on, background below %g, between them ignored; detections of "
      "a "
      "score of at least %g\n",
      match->upper, match->lower, match->min_score);
  append_name (text, "");
  g_string_append (text,
      "    objects background    ignored   true pos  false pos     misses"
      "   prec.  recall      F1\n");
  append_name (text, "all");
  append_counts (text, &match->total);
  for (guint i = 0; report->per_class && i < coco_truth_n_categories (report->truth); i++) {
    append_name (text, coco_truth_category (report->truth, i)->name);
    append_counts (text, &match->categories[i]);
  }
}

/* The most frequent ones; all of them are in the JSON. */
#define MAX_MISTAKES 20

typedef struct {
  guint there, found;
  guint64 count;
} Mistake;

static gint
compare_mistakes (gconstpointer a, gconstpointer b)
{
  const guint64 left = ((const Mistake *) a)->count, right = ((const Mistake *) b)->count;

  return (left < right) - (left > right);
}

static GArray *
list_mistakes (const Confusion *confusion)
{
  GArray *mistakes = g_array_new (FALSE, FALSE, sizeof (Mistake));

  for (guint there = 0; there <= confusion->n; there++) {
    for (guint found = 0; found <= confusion->n; found++) {
      const Mistake mistake = { there, found, confusion_get (confusion, there, found) };
      if (there != found && mistake.count > 0)
        g_array_append_val (mistakes, mistake);
    }
  }
  g_array_sort (mistakes, compare_mistakes);
  return mistakes;
}

static void
append_confusion (GString *text, const EvalReport *report)
{
  const Confusion *confusion = report->confusion;
  g_autoptr (GArray) mistakes = list_mistakes (confusion);
  guint64 n_right = 0;

  for (guint c = 0; c < confusion->n; c++)
    n_right += confusion_get (confusion, c, c);
  g_string_append_printf (text,
      "\nConfusion: at IoU %g, detections of a score of at least %g; %" G_GUINT64_FORMAT
      " are right\n",
      confusion->iou, confusion->min_score, n_right);
  for (guint i = 0; i < MIN (mistakes->len, MAX_MISTAKES); i++) {
    const Mistake *mistake = &g_array_index (mistakes, Mistake, i);
    const char *there = mistake->there < confusion->n
        ? coco_truth_category (report->truth, mistake->there)->name
        : "nothing";
    const char *found = mistake->found < confusion->n
        ? coco_truth_category (report->truth, mistake->found)->name
        : "nothing";
    g_string_append_printf (text, "  %8" G_GUINT64_FORMAT "  %s taken for %s\n", mistake->count,
        there, found);
  }
}

char *
eval_report_to_text (const EvalReport *report)
{
  const guint n_images = coco_truth_n_images (report->truth);
  const guint n_objects = coco_truth_n_objects (report->truth);
  const guint n_classes = coco_truth_n_categories (report->truth);
  const guint n_detections = coco_results_n_detections (report->results);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s: %u %s, %u %s, %u %s\n", report->annotations, n_images,
      plural (n_images, "image", "images"), n_objects, plural (n_objects, "object", "objects"),
      n_classes, plural (n_classes, "class", "classes"));
  g_string_append_printf (text, "%s: %u %s\n", report->source, n_detections,
      plural (n_detections, "detection", "detections"));
  if (report->passes > 0)
    g_string_append_printf (text, "%.2f passes a picture\n", report->passes);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    if (report->evals[kind] != NULL)
      append_eval (text, report->evals[kind]);
  for (guint kind = 0; report->per_class && kind < COCO_N_KINDS; kind++)
    if (report->evals[kind] != NULL)
      append_class_table (text, report->evals[kind]);
  if (report->match != NULL)
    append_match (text, report);
  if (report->confusion != NULL)
    append_confusion (text, report);
  return g_string_free (text, FALSE);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* null for what is not defined. */
static void
add_share (cJSON *object, const char *name, double value)
{
  if (value < 0)
    cJSON_AddNullToObject (object, name);
  else
    cJSON_AddNumberToObject (object, name, value);
}

static cJSON *
class_to_json (const CocoEval *eval, guint index)
{
  const CocoCategoryEval *category = &eval->categories[index];
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddNumberToObject (object, "category_id", (double) category->category_id);
  cJSON_AddStringToObject (object, "name", category->name);
  cJSON_AddNumberToObject (object, "objects", category->n_objects);
  guint n;
  const CocoMetric *metrics = coco_metrics (eval->kind, &n);
  for (guint i = 0; i < n; i++)
    add_share (object, metrics[i].name, coco_category_measure (category, &metrics[i]));
  return object;
}

static cJSON *
eval_to_json (const CocoEval *eval, gboolean per_class)
{
  cJSON *object = cJSON_CreateObject ();
  guint n;
  const CocoMetric *metrics = coco_metrics (eval->kind, &n);

  for (guint i = 0; i < n; i++)
    add_share (object, metrics[i].name, coco_eval_measure (eval, &metrics[i]));
  if (!per_class)
    return object;
  cJSON *classes = cJSON_AddArrayToObject (object, "classes");
  for (guint i = 0; i < eval->n_categories; i++)
    cJSON_AddItemToArray (classes, class_to_json (eval, i));
  return object;
}

static void
add_counts_to_json (cJSON *object, const FbnetMatchCounts *counts)
{
  cJSON_AddNumberToObject (object, "objects", (double) counts->objects);
  cJSON_AddNumberToObject (object, "background", (double) counts->background);
  cJSON_AddNumberToObject (object, "ignored", (double) counts->ignored);
  cJSON_AddNumberToObject (object, "true_positives", (double) counts->true_positives);
  cJSON_AddNumberToObject (object, "false_positives", (double) counts->false_positives);
  cJSON_AddNumberToObject (object, "misses", (double) counts->misses);
  add_share (object, "precision", match_precision (counts));
  add_share (object, "recall", match_recall (counts));
  add_share (object, "f1", match_f1 (counts));
}

static cJSON *
match_to_json (const EvalReport *report)
{
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddNumberToObject (object, "iou_lower", report->match->lower);
  cJSON_AddNumberToObject (object, "iou_upper", report->match->upper);
  cJSON_AddNumberToObject (object, "min_score", report->match->min_score);
  add_counts_to_json (object, &report->match->total);
  if (!report->per_class)
    return object;
  cJSON *classes = cJSON_AddArrayToObject (object, "classes");
  for (guint i = 0; i < coco_truth_n_categories (report->truth); i++) {
    const CocoCategory *category = coco_truth_category (report->truth, i);
    cJSON *item = cJSON_CreateObject ();
    cJSON_AddNumberToObject (item, "category_id", (double) category->id);
    cJSON_AddStringToObject (item, "name", category->name);
    add_counts_to_json (item, &report->match->categories[i]);
    cJSON_AddItemToArray (classes, item);
  }
  return object;
}

static cJSON *
confusion_to_json (const EvalReport *report)
{
  const Confusion *confusion = report->confusion;
  cJSON *object = cJSON_CreateObject ();

  cJSON_AddNumberToObject (object, "iou", confusion->iou);
  cJSON_AddNumberToObject (object, "min_score", confusion->min_score);
  cJSON *classes = cJSON_AddArrayToObject (object, "classes");
  cJSON *counts = cJSON_AddArrayToObject (object, "counts");
  for (guint c = 0; c < confusion->n; c++)
    cJSON_AddItemToArray (classes,
        cJSON_CreateString (coco_truth_category (report->truth, c)->name));
  for (guint there = 0; there <= confusion->n; there++) {
    cJSON *row = cJSON_CreateArray ();
    for (guint found = 0; found <= confusion->n; found++)
      cJSON_AddItemToArray (row,
          cJSON_CreateNumber ((double) confusion_get (confusion, there, found)));
    cJSON_AddItemToArray (counts, row);
  }
  return object;
}

char *
eval_report_to_json (const EvalReport *report)
{
  g_autoptr (cJSON) object = cJSON_CreateObject ();

  cJSON_AddStringToObject (object, "annotations", report->annotations);
  cJSON_AddStringToObject (object, report->source_is_model ? "model" : "results", report->source);
  cJSON_AddNumberToObject (object, "images", coco_truth_n_images (report->truth));
  cJSON_AddNumberToObject (object, "objects", coco_truth_n_objects (report->truth));
  cJSON_AddNumberToObject (object, "detections", coco_results_n_detections (report->results));
  if (report->passes > 0)
    cJSON_AddNumberToObject (object, "mean_passes", report->passes);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    if (report->evals[kind] != NULL)
      cJSON_AddItemToObject (object, coco_kind_name (kind),
          eval_to_json (report->evals[kind], report->per_class));
  if (report->match != NULL)
    cJSON_AddItemToObject (object, "match", match_to_json (report));
  if (report->confusion != NULL)
    cJSON_AddItemToObject (object, "confusion", confusion_to_json (report));
  cJSON *problems = cJSON_AddArrayToObject (object, "problems");
  for (guint i = 0; report->problems[i] != NULL; i++)
    cJSON_AddItemToArray (problems, cJSON_CreateString (report->problems[i]));
  return json_print_line (object);
}
