/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every stage of a frame compared with what is known to be right.
 */
#include "parity.h"

#include <math.h>
#include <string.h>

#include "compare.h"

/* --- The table -------------------------------------------------------------------------------- */

typedef struct {
  char *stage;
  double worst, limit;
} Row;

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->stage);
  g_free (row);
}

ParityTable *
parity_table_new (void)
{
  ParityTable *table = g_new0 (ParityTable, 1);

  table->rows = g_ptr_array_new_with_free_func (row_free);
  return table;
}

void
parity_table_free (ParityTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->rows);
  g_free (table);
}

static Row *
table_row (ParityTable *table, const char *stage)
{
  for (guint i = 0; i < table->rows->len; i++) {
    Row *row = table->rows->pdata[i];
    if (strcmp (row->stage, stage) == 0)
      return row;
  }
  Row *row = g_new0 (Row, 1);
  row->stage = g_strdup (stage);
  g_ptr_array_add (table->rows, row);
  return row;
}

void
parity_table_print (const ParityTable *table, const char *title)
{
  for (guint i = 0; i < table->rows->len; i++) {
    const Row *row = table->rows->pdata[i];
    g_test_message ("%s | %s | %.2g | %.2g", title, row->stage, row->worst, row->limit);
  }
}

/* --- One check -------------------------------------------------------------------------------- */

typedef struct {
  const FbnetImage *image;
  const FbnetDetections *detections;
  Pass taps;
  ParityArrays expected;
  gconstpointer source;
  const ParityLimits *limits;
  ParityTable *table;
} Check;

static Npy *
expected_array (const Check *check, const char *name)
{
  return check->expected (check->source, name);
}

static void
judge (const Check *check, const char *stage, double found, double limit)
{
  Row *row = table_row (check->table, stage);

  row->worst = MAX (row->worst, found);
  row->limit = limit;
  if (!(found <= limit)) {
    g_test_message ("%s: expected a deviation of at most %g, found %g", stage, limit, found);
    g_test_fail ();
  }
}

/* Feature maps have no unit of their own: their spread is one. */
static void
judge_features (const Check *check, const char *stage, Deviation deviation, double limit)
{
  const double relative =
      deviation.max_abs > 0 ? deviation.max_abs / deviation.std : deviation.max_abs;

  judge (check, stage, relative, limit);
}

static void
check_tensor (const Check *check, const char *name, const Tensor *found, double limit)
{
  g_autoptr (Npy) expected = expected_array (check, name);

  if (expected != NULL)
    judge_features (check, name, compare_tensor (found, expected), limit);
}

/* Some of a tensor's images, which NAME_index lists. */
static void
check_images (const Check *check, const char *name, const char *index_name, const Tensor *found)
{
  g_autoptr (Npy) expected = expected_array (check, name);
  g_autoptr (Npy) index = expected_array (check, index_name);

  if (expected == NULL)
    return;
  g_assert_nonnull (index);
  judge_features (check, name,
      compare_images (found, (const guint32 *) index->data, index->shape[0], expected),
      check->limits->behind);
}

/* --- Stages ----------------------------------------------------------------------------------- */

static void
check_resized (const Check *check)
{
  g_autoptr (Npy) expected = expected_array (check, "resized");

  if (expected == NULL)
    return;
  g_assert_cmpuint (expected->shape[0], ==, check->taps.height);
  g_assert_cmpuint (expected->shape[1], ==, check->taps.width);
  gsize n_different = 0;
  for (gsize i = 0; i < expected->n_bytes; i++)
    n_different += expected->data[i] != check->taps.resized[i];
  judge (check, "resized", (double) n_different, 0);
}

static void
check_input (const Check *check)
{
  g_autoptr (Npy) expected = expected_array (check, "input_tensor");

  if (expected != NULL)
    judge (check, "input", compare_tensor (&check->taps.input, expected).max_abs, 1e-5);
}

/* Tensors that are recorded by number, the first one as `first`. */
static void
check_tensors (const Check *check, const char *name, guint first, const Tensor *found, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *numbered = g_strdup_printf ("%s%u", name, first + i);
    check_tensor (check, numbered, &found[i], check->limits->features);
  }
}

static void
check_network (const Check *check)
{
  const Pass *taps = &check->taps;

  check_tensors (check, "trunk", 0, taps->stages, taps->n_stages);
  check_tensors (check, "bottom_up_trunk", 0, taps->stages, taps->n_stages);
  check_tensors (check, "fpn_p", 2, taps->features, taps->n_features);
  check_tensors (check, "rpn_logits_", 0, taps->rpn_logits, taps->n_levels);
  check_tensors (check, "rpn_deltas_", 0, taps->rpn_deltas, taps->n_levels);
}

static void
check_proposals (const Check *check)
{
  g_autoptr (Npy) boxes = expected_array (check, "proposals");
  g_autoptr (Npy) logits = expected_array (check, "proposal_logits");
  const gsize n = check->taps.n_proposals;

  if (boxes != NULL) {
    g_assert_cmpuint (n, ==, boxes->shape[0]);
    judge (check, "proposals",
        compare_floats (&check->taps.proposals->x0, npy_floats (boxes), 4 * n).max_abs,
        check->limits->boxes);
  }
  if (logits != NULL) {
    g_assert_cmpuint (n, ==, logits->shape[0]);
    judge_features (check, "proposal_logits",
        compare_floats (check->taps.proposal_logits, npy_floats (logits), n),
        check->limits->features);
  }
}

/* Fixtures with many proposals keep only the first rows. */
static void
check_first_rows (const Check *check, const char *name, const Tensor *found)
{
  g_autoptr (Npy) expected = expected_array (check, name);
  Tensor rows = *found;

  if (expected == NULL)
    return;
  g_assert_cmpuint (expected->shape[0], <=, rows.n);
  rows.n = expected->shape[0];
  judge_features (check, name, compare_tensor (&rows, expected), check->limits->behind);
}

static void
check_box_head (const Check *check)
{
  check_images (check, "roi_box_features", "roi_box_index", &check->taps.heads[HEAD_BOX].rois);
  check_tensor (check, "box_head_out", &check->taps.box_features, check->limits->behind);
  check_tensor (check, "box_cls_logits", &check->taps.cls_logits, check->limits->behind);
  check_first_rows (check, "box_deltas", &check->taps.box_deltas);
}

/* Detections as D2Go wrote them: three arrays side by side. NULL where one of them is not recorded. */
static ComparedBox *
expected_boxes (const Check *check, const char *boxes, const char *scores, const char *classes,
    gsize *n)
{
  g_autoptr (Npy) box = expected_array (check, boxes);
  g_autoptr (Npy) score = expected_array (check, scores);
  g_autoptr (Npy) class_id = expected_array (check, classes);

  if (box == NULL || score == NULL || class_id == NULL)
    return NULL;
  *n = box->shape[0];
  ComparedBox *list = g_new0 (ComparedBox, *n + 1);
  for (gsize i = 0; i < *n; i++) {
    const float *corner = npy_floats (box) + 4 * i;
    list[i] = (ComparedBox){ { corner[0], corner[1], corner[2], corner[3] }, npy_floats (score)[i],
      (guint) ((const gint32 *) class_id->data)[i] };
  }
  return list;
}

static void
check_box_list (const Check *check, const char *stage, const ComparedBox *found, gsize n_found,
    const ComparedBox *expected, gsize n_expected)
{
  const BoxMatch match = compare_boxes (found, n_found, expected, n_expected, check->limits->boxes,
      check->limits->scores);
  g_autofree char *scores = g_strconcat (stage, "_scores", NULL);

  g_assert_cmpuint (n_found, ==, n_expected);
  g_assert_cmpuint (match.n_missing, ==, check->limits->as_set ? match.n_at_bounds : 0);
  for (gsize i = 0; i < n_found && !check->limits->as_set; i++)
    g_assert_cmpuint (found[i].class_id, ==, expected[i].class_id);
  judge (check, stage, match.max_box, check->limits->boxes);
  judge (check, scores, match.max_score, check->limits->scores);
}

static void
check_network_detections (const Check *check)
{
  const gsize n = check->taps.n_detections;
  g_autofree ComparedBox *found = g_new0 (ComparedBox, n + 1);
  g_autoptr (Npy) proposal = expected_array (check, "det_proposal_index");
  gsize n_expected;

  for (gsize i = 0; i < n; i++) {
    const BoxHeadDetection *detection = &check->taps.detections[i];
    found[i] = (ComparedBox){ detection->box, detection->score, detection->class_id };
  }
  g_autofree ComparedBox *expected =
      expected_boxes (check, "det_boxes_net", "det_scores", "det_classes", &n_expected);
  if (expected != NULL)
    check_box_list (check, "det_boxes_net", found, n, expected, n_expected);
  if (proposal == NULL)
    return;
  g_assert_cmpuint (proposal->shape[0], ==, n);
  for (gsize i = 0; i < n && !check->limits->as_set; i++)
    g_assert_cmpint (check->taps.detections[i].proposal, ==, ((const gint32 *) proposal->data)[i]);
}

static void
check_frame_detections (const Check *check)
{
  const gsize n = check->detections->n;
  g_autofree ComparedBox *found = g_new0 (ComparedBox, n + 1);
  gsize n_expected;

  for (gsize i = 0; i < n; i++) {
    const FbnetDetection *item = &check->detections->items[i];
    found[i] =
        (ComparedBox){ { item->x0, item->y0, item->x1, item->y1 }, item->score, item->class_id };
    if (i > 0)
      g_assert_cmpfloat (item->score, <=, item[-1].score);
  }
  g_autofree ComparedBox *expected =
      expected_boxes (check, "det_boxes", "final_scores", "final_classes", &n_expected);
  if (expected != NULL)
    check_box_list (check, "det_boxes", found, n, expected, n_expected);
}

/* --- Masks ------------------------------------------------------------------------------------ */

/* The recorded maps are [n][side][side]; found ones [n][side][side][1]: the same order. */
static Deviation
compare_maps (const Tensor *found, const Npy *expected)
{
  const gsize n = found->n * found->h * found->w;

  g_assert_cmpuint (expected->n_bytes, ==, n * sizeof (float));
  return compare_floats (found->data, npy_floats (expected), n);
}

static gboolean
mask_pixel (const FbnetMask *mask, gint x, gint y)
{
  const gboolean inside =
      x >= mask->x && y >= mask->y && x < mask->x + mask->width && y < mask->y + mask->height;

  return inside && mask->data[(y - mask->y) * mask->width + x - mask->x] != 0;
}

static gsize
mask_area (const FbnetMask *mask)
{
  gsize area = 0;

  for (gsize i = 0; i < (gsize) mask->width * (gsize) mask->height; i++)
    area += mask->data[i] != 0;
  return area;
}

/* masks_packed: whole frames, eight pixels a byte, the first one in the highest bit. */
static void
check_mask_pixels (const Check *check)
{
  g_autoptr (Npy) packed = expected_array (check, "masks_packed");
  const gint width = (gint) check->image->width, height = (gint) check->image->height;
  gsize n_different = 0, n_set = 0;

  if (packed == NULL)
    return;
  g_assert_cmpuint (packed->shape[0], <=, check->detections->n);
  for (gsize i = 0; i < packed->shape[0]; i++) {
    const guint8 *rows = packed->data + i * packed->shape[1] * packed->shape[2];
    for (gint y = 0; y < height; y++) {
      for (gint x = 0; x < width; x++) {
        const guint8 byte = rows[(gsize) y * packed->shape[2] + (gsize) (x / 8)];
        const gboolean set = (byte >> (7 - x % 8)) & 1;
        n_set += set;
        n_different += set != mask_pixel (&check->detections->items[i].mask, x, y);
      }
    }
  }
  judge (check, "mask_pixels", (double) n_different / (double) MAX (n_set, 1),
      check->limits->masks);
}

static void
check_mask_areas (const Check *check)
{
  g_autoptr (Npy) areas = expected_array (check, "mask_area");
  double difference = 0, total = 0;

  if (areas == NULL)
    return;
  const gint32 *expected = (const gint32 *) areas->data;
  g_assert_cmpuint (areas->shape[0], ==, check->detections->n);
  for (gsize i = 0; i < check->detections->n; i++) {
    total += expected[i];
    difference +=
        fabs ((double) mask_area (&check->detections->items[i].mask) - (double) expected[i]);
  }
  judge (check, "mask_areas", difference / total, check->limits->masks);
}

static void
check_maps (const Check *check, const char *stage, const char *name, const Tensor *found)
{
  g_autoptr (Npy) expected = expected_array (check, name);

  if (expected != NULL)
    judge_features (check, stage, compare_maps (found, expected), check->limits->behind);
}

static void
check_masks (const Check *check)
{
  check_images (check, "roi_mask_features", "roi_mask_index", &check->taps.heads[HEAD_MASK].rois);
  check_maps (check, "mask_logits", "mask_logits_sel", &check->taps.mask_logits);
  check_maps (check, "mask_probs", "mask_probs", &check->taps.mask_probabilities);
  check_mask_pixels (check);
  check_mask_areas (check);
}

/* --- Keypoints -------------------------------------------------------------------------------- */

/* A keypoint's score is a ratio of sums over a whole heat map: it inherits the map's deviation. */
#define KEYPOINT_SCORES 1e-3

/* x, y and score side by side; positions and scores are judged apart. */
static void
check_keypoint_list (const Check *check, const char *name, const FbnetKeypoint *found,
    const Npy *expected)
{
  const gsize n = expected->n_bytes / (3 * sizeof (float));
  g_autofree char *scores = g_strconcat (name, "_scores", NULL);
  double position = 0, score = 0;

  for (gsize i = 0; i < n; i++) {
    const float *values = npy_floats (expected) + 3 * i;
    position = MAX (position, fabs ((double) found[i].x - values[0]));
    position = MAX (position, fabs ((double) found[i].y - values[1]));
    score = MAX (score, fabs ((double) found[i].score - values[2]));
  }
  judge (check, name, position, check->limits->boxes);
  judge (check, scores, score, KEYPOINT_SCORES);
}

static void
check_network_keypoints (const Check *check)
{
  g_autoptr (Npy) expected = expected_array (check, "keypoints_net");

  if (expected == NULL)
    return;
  g_assert_cmpuint (expected->shape[0], ==, check->taps.heads[HEAD_KEYPOINTS].rois.n);
  check_keypoint_list (check, "keypoints_net", check->taps.keypoints, expected);
}

static void
check_frame_keypoints (const Check *check)
{
  g_autoptr (Npy) expected = expected_array (check, "keypoints");

  if (expected == NULL)
    return;
  const gsize n_keypoints = expected->shape[1];
  g_autofree FbnetKeypoint *found = g_new (FbnetKeypoint, check->detections->n * n_keypoints + 1);
  g_assert_cmpuint (expected->shape[0], ==, check->detections->n);
  for (gsize i = 0; i < check->detections->n; i++)
    memcpy (found + i * n_keypoints, check->detections->items[i].keypoints,
        n_keypoints * sizeof *found);
  check_keypoint_list (check, "keypoints", found, expected);
}

static void
check_keypoints (const Check *check)
{
  check_first_rows (check, "roi_kpt_features", &check->taps.heads[HEAD_KEYPOINTS].rois);
  check_tensor (check, "kpt_heatmaps", &check->taps.heatmaps, check->limits->behind);
  check_network_keypoints (check);
  check_frame_keypoints (check);
}

void
parity_check (const FbnetDetector *detector, const FbnetImage *image,
    const FbnetDetections *detections, ParityArrays expected, gconstpointer source,
    const ParityLimits *limits, ParityTable *table)
{
  Check check = { .image = image,
    .detections = detections,
    .expected = expected,
    .source = source,
    .limits = limits,
    .table = table };

  check.taps = *detector_get_pass (detector);
  check_resized (&check);
  check_input (&check);
  check_network (&check);
  check_proposals (&check);
  check_box_head (&check);
  check_network_detections (&check);
  check_frame_detections (&check);
  if (!limits->as_set) { /* they are in the detections' order */
    check_masks (&check);
    check_keypoints (&check);
  }
  g_assert_cmpuint (table->rows->len, >, 0); /* something was compared */
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static void
append (GByteArray *bytes, gconstpointer data, gsize size)
{
  if (size > 0)
    g_byte_array_append (bytes, data, (guint) size);
}

static void
append_tensor (GByteArray *bytes, const Tensor *tensor)
{
  const gsize n = tensor->n * tensor->h * tensor->w * tensor->c;

  if (tensor->data != NULL)
    append (bytes, tensor->data, n * sizeof (float));
  else
    append (bytes, tensor->bytes, n);
}

/* Member by member: the bytes between members are nobody's. */
static void
append_detection (GByteArray *bytes, const FbnetDetection *item)
{
  const float numbers[] = { item->x0, item->y0, item->x1, item->y1, item->score };
  const gint integers[] = { (gint) item->class_id, item->mask.x, item->mask.y, item->mask.width,
    item->mask.height };

  append (bytes, numbers, sizeof numbers);
  append (bytes, integers, sizeof integers);
  if (item->mask.data != NULL)
    append (bytes, item->mask.data, (gsize) item->mask.width * (gsize) item->mask.height);
}

GByteArray *
parity_bytes (const FbnetDetector *detector, const FbnetDetections *detections)
{
  GByteArray *bytes = g_byte_array_new ();
  Pass taps;

  taps = *detector_get_pass (detector);
  append (bytes, taps.resized, taps.height * taps.width * 3);
  append_tensor (bytes, &taps.input);
  for (guint s = 0; s < taps.n_stages; s++)
    append_tensor (bytes, &taps.stages[s]);
  for (guint i = 0; i < taps.n_features; i++)
    append_tensor (bytes, &taps.features[i]);
  for (guint level = 0; level < taps.n_levels; level++) {
    append_tensor (bytes, &taps.rpn_logits[level]);
    append_tensor (bytes, &taps.rpn_deltas[level]);
  }
  append (bytes, taps.proposals, taps.n_proposals * sizeof *taps.proposals);
  append (bytes, taps.proposal_logits, taps.n_proposals * sizeof *taps.proposal_logits);
  append_tensor (bytes, &taps.heads[HEAD_BOX].rois);
  append_tensor (bytes, &taps.box_features);
  append_tensor (bytes, &taps.cls_logits);
  append_tensor (bytes, &taps.box_deltas);
  if (taps.heads[HEAD_MASK].rois.n > 0) {
    append_tensor (bytes, &taps.heads[HEAD_MASK].rois);
    append_tensor (bytes, &taps.mask_logits);
    append_tensor (bytes, &taps.mask_probabilities);
  }
  if (taps.heads[HEAD_KEYPOINTS].rois.n > 0) {
    append_tensor (bytes, &taps.heads[HEAD_KEYPOINTS].rois);
    append_tensor (bytes, &taps.heatmaps);
    append (bytes, taps.keypoints, taps.heatmaps.n * taps.heatmaps.c * sizeof *taps.keypoints);
  }
  for (guint i = 0; i < detections->n; i++)
    append_detection (bytes, &detections->items[i]);
  return bytes;
}
