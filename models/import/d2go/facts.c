/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers of an export into a description.
 */
#include "facts.h"

#include <math.h>

#include "config.h"
#include "model/anchors.h"

#define MAX_CELLS 256

/* --- Fields ----------------------------------------------------------------------------------- */

static void
note (GString *given, const char *section, const char *field)
{
  g_string_append_printf (given, "%s%s%s%s", given->len > 0 ? ", " : "", section,
      *section != '\0' ? "." : "", field);
}

/* An export's tensors are float32: the shortest decimal number that is the same there. */
static double
shortest (double number)
{
  for (int digits = 6; digits < 9; digits++) {
    char text[32];
    g_snprintf (text, sizeof text, "%%.%dg", digits);
    char decimal[64];
    g_ascii_formatd (decimal, sizeof decimal, text, number);
    const double candidate = g_ascii_strtod (decimal, NULL);
    if ((float) candidate == (float) number)
      return candidate;
  }
  return number;
}

static void
set_number (cJSON *description, GString *given, const char *section, const char *field,
    double number)
{
  cJSON *object = cJSON_GetObjectItemCaseSensitive (description, section);
  cJSON *item = cJSON_GetObjectItemCaseSensitive (object, field);

  if (item == NULL || isnan (number))
    return;
  if ((float) item->valuedouble != (float) number)
    cJSON_SetNumberValue (item, shortest (number));
  note (given, section, field);
}

/* Counts are 0 where the archive gives none. */
static void
set_count (cJSON *description, GString *given, const char *section, const char *field,
    double number)
{
  set_number (description, given, section, field, number > 0 ? number : NAN);
}

static void
set_numbers (cJSON *description, GString *given, const char *section, const char *field,
    const double *numbers, guint n)
{
  cJSON *object = cJSON_GetObjectItemCaseSensitive (description, section);
  cJSON *array = cJSON_GetObjectItemCaseSensitive (object, field);

  for (guint i = 0; i < n; i++)
    if (isnan (numbers[i]))
      return;
  if (array == NULL || cJSON_GetArraySize (array) != (int) n)
    return;
  for (guint i = 0; i < n; i++) {
    cJSON *item = cJSON_GetArrayItem (array, (int) i);
    if ((float) item->valuedouble != (float) numbers[i])
      cJSON_SetNumberValue (item, shortest (numbers[i]));
  }
  note (given, section, field);
}

/* --- Anchors ---------------------------------------------------------------------------------- */

/* Cells are sizes × ratios, sizes outermost (detectron2, anchor_generator.py
 * generate_cell_anchors): the ratios repeat, and each size is a cell's side when it is made square. */
static guint
count_ratios (const double *cells, guint n)
{
  const double first = (cells[3] - cells[1]) / (cells[2] - cells[0]);

  for (guint i = 1; i < n; i++) {
    const double *c = cells + 4 * i;
    if (fabs ((c[3] - c[1]) / (c[2] - c[0]) - first) < 1e-4 * first)
      return n % i == 0 ? i : 0;
  }
  return n;
}

static double
round_number (double number)
{
  const double rounded = floor (number * 1e4 + 0.5) / 1e4;

  return fabs (rounded - number) < 1e-4 * fabs (number) ? rounded : number;
}

/* Whether these sizes and ratios make the very same cells. */
static gboolean
makes_cells (const double *sizes, guint n_sizes, const double *ratios, guint n_ratios,
    const double *cells)
{
  Box made[MAX_CELLS];

  make_cell_anchors (made, sizes, n_sizes, ratios, n_ratios);
  for (guint i = 0; i < n_sizes * n_ratios; i++) {
    const double *c = cells + 4 * i;
    if (made[i].x0 != (float) c[0] || made[i].y0 != (float) c[1] || made[i].x1 != (float) c[2]
        || made[i].y1 != (float) c[3])
      return FALSE;
  }
  return TRUE;
}

static void
replace_row (cJSON *anchors, const char *field, const double *row, guint n)
{
  cJSON *rows = cJSON_CreateArray ();

  cJSON_AddItemToArray (rows, cJSON_CreateDoubleArray (row, (int) n));
  cJSON_ReplaceItemInObjectCaseSensitive (anchors, field, rows);
}

/* Only of a single level: an export's cells of several levels are several tensors. */
static void
set_anchors (cJSON *description, GString *given, const TorchScriptFacts *facts)
{
  cJSON *anchors = cJSON_GetObjectItemCaseSensitive (description, "anchors");
  cJSON *rows = cJSON_GetObjectItemCaseSensitive (anchors, "sizes");
  const guint n = (guint) (facts->n_cells / 4);
  double sizes[MAX_CELLS], ratios[MAX_CELLS];

  if (n == 0 || n > MAX_CELLS || facts->n_cells % 4 != 0 || cJSON_GetArraySize (rows) != 1)
    return;
  const guint n_ratios = count_ratios (facts->cells, n);
  if (n_ratios == 0)
    return;
  for (guint i = 0; i < n; i++) {
    const double *c = facts->cells + 4 * i;
    sizes[i / n_ratios] = round_number (sqrt ((c[2] - c[0]) * (c[3] - c[1])));
    ratios[i % n_ratios] = round_number ((c[3] - c[1]) / (c[2] - c[0]));
  }
  if (!makes_cells (sizes, n / n_ratios, ratios, n_ratios, facts->cells))
    return;
  replace_row (anchors, "sizes", sizes, n / n_ratios);
  replace_row (anchors, "aspect_ratios", ratios, n_ratios);
  note (given, "anchors", "sizes");
  note (given, "anchors", "aspect_ratios");
}

/* --- Classes ---------------------------------------------------------------------------------- */

static void
set_classes (cJSON *description, GString *given, const TorchScript *export)
{
  cJSON *heads = cJSON_GetObjectItemCaseSensitive (description, "roi_heads");
  cJSON *item = cJSON_GetObjectItemCaseSensitive (heads, "n_classes");
  const gsize rows = export->cls_score.weight != NULL ? export->cls_score.weight->shape[0] : 0;

  if (item == NULL || rows < 2 || rows > 100001)
    return;
  note (given, "roi_heads", "n_classes");
  import_set_n_classes (description, (guint) (rows - 1));
}

/* One id more than classes is usual: of the background. */
static void
set_category_ids (cJSON *description, GString *given, const TorchScript *export)
{
  const TorchScriptFacts *facts = &export->facts;
  const gsize n = export->cls_score.weight != NULL ? export->cls_score.weight->shape[0] - 1 : 0;

  if (n == 0 || facts->n_category_ids < n)
    return;
  cJSON_DeleteItemFromObjectCaseSensitive (description, "category_ids");
  cJSON_AddItemToObject (description, "category_ids",
      cJSON_CreateDoubleArray (facts->category_ids, (int) n));
  note (given, "", "category_ids");
}

char *
facts_apply (const TorchScript *export, cJSON *description)
{
  const TorchScriptFacts *f = &export->facts;
  const gboolean masks = export->mask_logits.weight != NULL;
  const char *last_head = masks ? "mask_head" : "keypoint_head";
  GString *given = g_string_new (NULL);

  set_numbers (description, given, "input", "mean", f->mean, 3);
  set_numbers (description, given, "input", "std", f->std, 3);
  set_anchors (description, given, f);
  set_number (description, given, "anchors", "offset", f->anchor_offset);
  set_count (description, given, "rpn", "pre_nms_count", f->pre_nms_count);
  set_count (description, given, "rpn", "post_nms_count", f->post_nms_count);
  set_number (description, given, "rpn", "iou_threshold", f->rpn_iou_threshold);
  set_numbers (description, given, "rpn", "bbox_reg_weights", f->rpn_weights, 4);
  set_classes (description, given, export);
  set_number (description, given, "roi_heads", "score_threshold", f->score_threshold);
  set_number (description, given, "roi_heads", "iou_threshold", f->iou_threshold);
  set_count (description, given, "roi_heads", "max_detections", f->max_detections);
  set_count (description, given, "box_head", "pooler_resolution", f->box_resolution);
  set_number (description, given, "box_head", "sampling_ratio", f->box_sampling_ratio);
  set_numbers (description, given, "box_head", "bbox_reg_weights", f->box_weights, 4);
  set_count (description, given, last_head, "pooler_resolution", f->head_resolution);
  set_number (description, given, last_head, "sampling_ratio", f->head_sampling_ratio);
  set_category_ids (description, given, export);
  return g_string_free (given, FALSE);
}
