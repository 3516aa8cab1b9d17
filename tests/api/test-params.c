/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FbnetParams: what may be set, what is refused, and that what is set holds from the next frame on.
 */
#include <math.h>
#include <string.h>

#include <fbnet/fbnet.h>

#include "drawing.h"

static FbnetModel *
load (const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
  g_autoptr (GError) error = NULL;

  FbnetModel *model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  return model;
}

static FbnetDetector *
new_detector (FbnetModel *model)
{
  const FbnetDetectorOptions options = { .n_threads = 1 };
  g_autoptr (GError) error = NULL;

  FbnetDetector *detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  return detector;
}

static void
assert_accepted (FbnetDetector *detector, const FbnetParams *params)
{
  g_autoptr (GError) error = NULL;
  FbnetParams now;

  fbnet_detector_set_params (detector, params, &error);
  g_assert_no_error (error);
  fbnet_detector_get_params (detector, &now);
  now.class_thresholds = params->class_thresholds;
  g_assert_cmpmem (&now, sizeof now, params, sizeof *params);
}

/* Refused, by the parameter's name, and nothing has changed. */
static void
assert_refused (FbnetDetector *detector, const FbnetParams *params, const char *name)
{
  g_autoptr (GError) error = NULL;
  FbnetParams before, after;

  fbnet_detector_get_params (detector, &before);
  g_assert_false (fbnet_detector_set_params (detector, params, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, name));
  fbnet_detector_get_params (detector, &after);
  g_assert_cmpmem (&before, sizeof before, &after, sizeof after);
}

static gsize
size_of (FbnetParamType type)
{
  static const gsize sizes[] = { [FBNET_PARAM_FLOAT] = sizeof (float),
    [FBNET_PARAM_COUNT] = sizeof (guint),
    [FBNET_PARAM_FLAG] = sizeof (gboolean),
    [FBNET_PARAM_CHOICE] = sizeof (FbnetPrecision),
    [FBNET_PARAM_NAME] = sizeof (const char *),
    [FBNET_PARAM_CLASSES] = sizeof (const float *) };

  return sizes[type];
}

static const FbnetParamInfo *
row_at (const FbnetParamInfo *table, guint n, gsize offset)
{
  const FbnetParamInfo *found = NULL;

  for (guint i = 0; i < n; i++) {
    if (table[i].offset != offset)
      continue;
    g_assert_null (found);
    found = &table[i];
  }
  return found;
}

/* Row after row by their offsets, without a hole that a member could lie in, fill the whole struct. */
static void
assert_covered (const FbnetParamInfo *table, guint n, gsize size, gsize alignment)
{
  gsize end = 0;
  guint seen = 0;

  while (end < size) {
    const FbnetParamInfo *row = row_at (table, n, end);
    if (row == NULL && end % sizeof (gpointer) != 0) { /* padding before a pointer, or at the end */
      end += sizeof (guint);
      row = end < size ? row_at (table, n, end) : NULL;
      g_assert_true (row != NULL ? size_of (row->type) == sizeof (gpointer)
                                 : end == size && alignment == sizeof (gpointer));
    }
    if (row == NULL)
      break;
    g_assert_cmpuint (row->offset % size_of (row->type), ==, 0);
    end = row->offset + size_of (row->type);
    seen++;
  }
  g_assert_cmpuint (end, ==, size);
  g_assert_cmpuint (seen, ==, n);
}

/* Names are words with hyphens, and different; ranges are none that nothing fits. */
static void
assert_sound (const FbnetParamInfo *table, guint n)
{
  for (guint i = 0; i < n; i++) {
    const FbnetParamInfo *row = &table[i];
    g_test_message ("%s", row->name);
    g_assert_true (g_regex_match_simple ("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", row->name, 0, 0));
    g_assert_cmpuint (strlen (row->blurb), >, 0);
    g_assert_cmpfloat (row->min, <=, row->max);
    g_assert_true (row->usual >= row->min && row->usual <= row->max);
    g_assert_true ((row->choices != NULL) == (row->type == FBNET_PARAM_CHOICE));
    for (guint c = 0; row->choices != NULL && c <= row->max; c++)
      g_assert_cmpuint (strlen (row->choices[c].name) * strlen (row->choices[c].blurb), >, 0);
    for (guint j = 0; j < i; j++)
      g_assert_cmpstr (table[j].name, !=, row->name);
  }
}

/* Every member of the structs has exactly one row. */
static void
test_rows (void)
{
  guint n_params, n_options;
  const FbnetParamInfo *params = fbnet_params_table (&n_params);
  const FbnetParamInfo *options = fbnet_detector_options_table (&n_options);

  assert_covered (params, n_params, sizeof (FbnetParams), G_ALIGNOF (FbnetParams));
  assert_covered (options, n_options, sizeof (FbnetDetectorOptions),
      G_ALIGNOF (FbnetDetectorOptions));
  assert_sound (params, n_params);
  assert_sound (options, n_options);
  for (guint i = 0; i < n_params; i++)
    g_assert_true (fbnet_params_find (params[i].name) == &params[i]);
  g_assert_null (fbnet_params_find ("score_threshold"));
}

static gboolean
is_number (const FbnetParamInfo *row)
{
  return row->type != FBNET_PARAM_NAME && row->type != FBNET_PARAM_CLASSES;
}

/* What is set is what is got, in its member and nowhere else. */
static void
test_round_trip (void)
{
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint i = 0; i < n; i++) {
    const double values[] = { table[i].min, table[i].max, table[i].usual };
    for (guint v = 0; is_number (&table[i]) && v < G_N_ELEMENTS (values); v++) {
      FbnetParams params, zero;
      memset (&params, 0, sizeof params);
      memset (&zero, 0, sizeof zero);
      fbnet_param_set (&table[i], &params, values[v]);
      g_assert_cmpfloat ((float) fbnet_param_get (&table[i], &params), ==, (float) values[v]);
      fbnet_param_set (&table[i], &params, 0);
      g_assert_cmpmem (&params, sizeof params, &zero, sizeof zero);
    }
  }

  FbnetParams params = { 0 };
  params.pre_nms_count = 1234;
  params.masks = TRUE;
  params.iou_upper = 0.25f;
  g_assert_cmpfloat (fbnet_param_get (fbnet_params_find ("pre-nms-count"), &params), ==, 1234);
  g_assert_cmpfloat (fbnet_param_get (fbnet_params_find ("masks"), &params), ==, 1);
  g_assert_cmpfloat (fbnet_param_get (fbnet_params_find ("iou-upper"), &params), ==, 0.25);
}

static void
assert_out_of_range (const FbnetParamInfo *row, double value)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *beginning = g_strdup_printf ("%s: expected ", row->name);

  g_assert_false (fbnet_param_check (row, value, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, beginning));
  g_assert_nonnull (strstr (error->message, ", found "));
}

/* Each number's range holds at its bounds, and not just beyond them: what a float, and what a count,
 * comes next; nor for what is no number. */
static void
test_ranges (void)
{
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint i = 0; i < n; i++) {
    const FbnetParamInfo *row = &table[i];
    const gboolean continuous = row->type == FBNET_PARAM_FLOAT || row->type == FBNET_PARAM_CLASSES;
    g_assert_true (fbnet_param_check (row, row->min, NULL));
    g_assert_true (fbnet_param_check (row, row->max, NULL));
    assert_out_of_range (row, continuous ? nextafterf ((float) row->min, -INFINITY) : row->min - 1);
    if (!isinf (row->max))
      assert_out_of_range (row, continuous ? nextafterf (row->max, G_MAXFLOAT) : row->max + 1);
    if (!continuous)
      assert_out_of_range (row, row->min + 0.5);
    assert_out_of_range (row, -INFINITY);
    assert_out_of_range (row, NAN);
  }
}

static void
assert_range_text (const char *name, const char *expected)
{
  g_autofree char *text = fbnet_param_describe_range (fbnet_params_find (name));

  g_assert_cmpstr (text, ==, expected);
}

/* Ranges in words. */
static void
test_range_texts (void)
{
  assert_range_text ("score-threshold", "0 … 1");
  assert_range_text ("class-thresholds", "0 or more");
  assert_range_text ("pre-nms-count", "1 … 100000");
  assert_range_text ("min-object-width", "0 … 2147483647");
  assert_range_text ("masks", "FALSE or TRUE");
  assert_range_text ("norm-statistics", "stored or stream");
}

static void
assert_accepted_as (FbnetDetector *detector, const FbnetParamInfo *row, double value)
{
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  fbnet_param_set (row, &params, value);
  assert_accepted (detector, &params);
}

static void
assert_refused_as (FbnetDetector *detector, const FbnetParamInfo *row, double value)
{
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  fbnet_param_set (row, &params, value);
  assert_refused (detector, &params, row->name);
}

/* A detector takes each number at its bounds, refuses what comes next beyond them, and what is no number.
 * What says something about heads and norms has tests of its own, and bounds that must not cross. */
static void
test_detector_ranges (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint i = 0; i < n; i++) {
    const FbnetParamInfo *row = &table[i];
    if (row->type != FBNET_PARAM_FLOAT && row->type != FBNET_PARAM_COUNT)
      continue;
    g_autoptr (FbnetDetector) detector = new_detector (model);
    const gboolean is_float = row->type == FBNET_PARAM_FLOAT;
    assert_refused_as (detector, row,
        is_float ? nextafterf ((float) row->max, INFINITY) : row->max + 1);
    if (is_float || row->min > 0)
      assert_refused_as (detector, row,
          is_float ? nextafterf ((float) row->min, -INFINITY) : row->min - 1);
    if (is_float)
      assert_refused_as (detector, row, NAN);
    if (strcmp (row->name, "iou-upper") != 0)
      assert_accepted_as (detector, row, row->min);
    if (strcmp (row->name, "iou-lower") != 0)
      assert_accepted_as (detector, row, row->max);
  }
}

/* Options are checked when a detector is made of them. */
static void
test_option_ranges (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  guint n;
  const FbnetParamInfo *table = fbnet_detector_options_table (&n);

  for (guint i = 0; i < n; i++) {
    FbnetDetectorOptions options = { .n_threads = 1 };
    g_autoptr (GError) error = NULL;
    if (!is_number (&table[i]))
      continue;
    fbnet_param_set (&table[i], &options, table[i].max + 1);
    g_assert_null (fbnet_detector_new (model, &options, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
    g_test_message ("%s", error->message);
    g_assert_true (g_str_has_prefix (error->message, table[i].name));
  }
}

static const char *
missing (const char *name, const FbnetModel *model)
{
  return fbnet_param_missing (fbnet_params_find (name), model);
}

/* What models do not differ in has the same value in all of them. */
static void
test_usual (void)
{
  static const char *const names[] = { "tiny-bn", "tiny-gn" };
  guint n;
  const FbnetParamInfo *table = fbnet_params_table (&n);

  for (guint m = 0; m < G_N_ELEMENTS (names); m++) {
    g_autoptr (FbnetModel) model = load (names[m]);
    FbnetParams params;
    fbnet_model_get_params (model, &params);
    for (guint i = 0; i < n; i++) {
      if (!table[i].of_model && is_number (&table[i]))
        g_assert_cmpfloat ((float) fbnet_param_get (&table[i], &params), ==,
            (float) table[i].usual);
    }
  }
}

/* A row knows the models for which it means something. */
static void
test_scopes (void)
{
  g_autoptr (FbnetModel) bn = load ("tiny-bn"), gn = load ("tiny-gn");

  g_assert_null (missing ("score-threshold", gn));
  g_assert_null (missing ("min-size", gn));
  g_assert_null (missing ("masks", bn));
  g_assert_nonnull (strstr (missing ("masks", gn), "mask head"));
  g_assert_nonnull (strstr (missing ("mask-threshold", gn), "mask head"));
  g_assert_nonnull (strstr (missing ("keypoints", bn), "keypoint head"));
  g_assert_nonnull (strstr (missing ("norm-momentum", gn), "batch normalization"));
}

/* The bounds of matching are the model's, may be anything from 0 to 1, and do not cross. */
static void
test_iou_bounds (void)
{
  static const float good[][2] = { { 0, 0 }, { 0, 1 }, { 0.5f, 0.5f }, { 1, 1 } };
  static const float bad[][2] = { { -0.1f, 0.5f }, { NAN, 0.5f }, { 0.6f, 0.5f },
    { 0.5f, 0.499f } };
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  g_assert_cmpfloat (params.iou_lower, ==, 0.3f);
  g_assert_cmpfloat (params.iou_upper, ==, 0.7f);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    params.iou_lower = good[i][0];
    params.iou_upper = good[i][1];
    assert_accepted (detector, &params);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    params.iou_lower = bad[i][0];
    params.iou_upper = bad[i][1];
    assert_refused (detector, &params, "iou-lower");
  }
  params.iou_lower = 0.5f;
  params.iou_upper = 1.5f;
  assert_refused (detector, &params, "iou-upper");
}

/* Masks and keypoints cannot be asked of a model without such a head. */
static void
test_heads (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-gn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  g_assert_false (params.masks);
  g_assert_false (params.keypoints);
  params.masks = TRUE;
  assert_refused (detector, &params, "masks");
  params.masks = FALSE;
  params.keypoints = TRUE;
  assert_refused (detector, &params, "keypoints");
}

static guint
count_detections (FbnetDetector *detector, FbnetDetections *detections, guint class_id)
{
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  g_autoptr (GError) error = NULL;
  guint n = 0;

  fbnet_detector_run (detector, &image, detections, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < detections->n; i++)
    n += detections->items[i].class_id == class_id;
  return n;
}

/* Thresholds by class are copied, refused when negative or NaN, and 1 switches a class off. */
static void
test_class_thresholds (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  const guint n_classes = fbnet_model_get_n_classes (model);
  float thresholds[] = { 0.3f, 0.3f, 0.3f };
  FbnetParams params;

  g_assert_cmpuint (n_classes, ==, G_N_ELEMENTS (thresholds));
  fbnet_model_get_params (model, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, >, 0);
  const guint best = detections->items[0].class_id;
  const guint n_all = detections->n, n_best = count_detections (detector, detections, best);

  params.class_thresholds = thresholds;
  thresholds[best] = 1;
  assert_accepted (detector, &params);
  thresholds[best] = 0.3f; /* the detector has its own copy */
  g_assert_cmpuint (count_detections (detector, detections, best), ==, 0);
  params.class_thresholds = NULL;
  assert_accepted (detector, &params);
  g_assert_cmpuint (count_detections (detector, detections, best), ==, n_best);
  g_assert_cmpuint (detections->n, ==, n_all);

  params.class_thresholds = thresholds;
  thresholds[1] = -0.1f;
  assert_refused (detector, &params, "class 1 of tiny-bn: class-thresholds");
  thresholds[1] = NAN;
  assert_refused (detector, &params, "class 1 of tiny-bn: class-thresholds");
}

/* Limits on scores, numbers and sizes, and masks switched off, show in the next frame. */
static void
test_effects (void)
{
  g_autoptr (FbnetModel) model = load ("tiny-bn");
  g_autoptr (FbnetDetector) detector = new_detector (model);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  FbnetParams original;

  fbnet_model_get_params (model, &original);
  count_detections (detector, detections, 0);
  const guint n = detections->n;
  g_assert_cmpuint (n, >, 2);
  g_assert_nonnull (detections->items[0].mask.data);
  const float second = detections->items[1].score;

  FbnetParams params = original;
  params.max_detections = 2;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 2);

  params = original;
  params.score_threshold = second; /* must be greater */
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 1);

  params = original;
  params.masks = FALSE;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, n);
  g_assert_null (detections->items[0].mask.data);

  params = original;
  params.min_object_width = 30;
  params.max_object_height = 80;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  for (guint i = 0; i < detections->n; i++) {
    g_assert_cmpfloat (detections->items[i].x1 - detections->items[i].x0, >=, 30);
    g_assert_cmpfloat (detections->items[i].y1 - detections->items[i].y0, <=, 80);
  }

  params = original;
  params.min_object_width = G_MAXINT;
  assert_accepted (detector, &params);
  count_detections (detector, detections, 0);
  g_assert_cmpuint (detections->n, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/rows", test_rows);
  g_test_add_func ("/params/round-trip", test_round_trip);
  g_test_add_func ("/params/ranges", test_ranges);
  g_test_add_func ("/params/range-texts", test_range_texts);
  g_test_add_func ("/params/detector-ranges", test_detector_ranges);
  g_test_add_func ("/params/option-ranges", test_option_ranges);
  g_test_add_func ("/params/usual", test_usual);
  g_test_add_func ("/params/scopes", test_scopes);
  g_test_add_func ("/params/iou-bounds", test_iou_bounds);
  g_test_add_func ("/params/heads", test_heads);
  g_test_add_func ("/params/class-thresholds", test_class_thresholds);
  g_test_add_func ("/params/effects", test_effects);
  return g_test_run ();
}
