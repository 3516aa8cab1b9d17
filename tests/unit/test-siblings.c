/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Siblings of sound models, made one by one: a value of the description changed, an entry of the header, a
 * tensor, a block's geometry. Each is refused with a sentence that names the place, or two frames go through it
 * that find boxes in the frame, and every part of it has the numbers of the row c. By itself the test takes a
 * share of them; with --all, all.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "drawing.h"
#include "int8model.h"
#include "modelparts.h"
#include "randommodel.h"
#include "rows.h"
#include "verdict.h"

#define NAME "sibling.safetensors"

/* Multiply-adds of a frame; where a sibling wants more, its parameters are made smaller. */
#define MAX_WORK 3000000

/* Of the processor for one sibling, of memory for all: far above what any takes, far below what a size that is
 * believed would. */
#define MAX_SECONDS   20
#define MAX_KILOBYTES (1 << 20)

static gboolean all;

/* --- Verdicts --------------------------------------------------------------------------------- */

typedef struct {
  Picture *pictures[2];
  guint share, n_passed; /* of so many siblings one is looked at, unless all are */
  gboolean
      rounds; /* numbers so large that what a norm leaves of them is rounding: rows have their own */
  guint n_refused, n_run;
} Session;

static Session
begin (guint share)
{
  return (Session){ .pictures = { picture_draw (61, 44, 7), picture_draw (23, 70, 8) },
    .share = share };
}

/* Siblings of a kind that are all refused, or all accepted, would be a test of nothing. */
static void
end (Session *session, guint least_run)
{
  g_test_message ("%u refused, %u run", session->n_refused, session->n_run);
  g_assert_cmpuint (session->n_refused, >, 0);
  g_assert_cmpuint (session->n_run, >=, least_run);
  picture_free (session->pictures[0]);
  picture_free (session->pictures[1]);
}

static gboolean
is_wanted (Session *session)
{
  return session->n_passed++ % (all ? 1 : session->share) == 0;
}

static void
complain (const char *sibling, const char *problem)
{
  g_test_message ("%s: %s", sibling, problem);
  g_test_fail ();
}

static void
run_detector (FbnetModel *model, const Session *session, const char *sibling)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .memory_limit = 64 };
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  FbnetParams params;

  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  if (!verdict_reduce_work (model, &params, MAX_WORK))
    return;
  g_assert_true (fbnet_detector_set_params (detector, &params, &error));
  for (guint i = 0; i < G_N_ELEMENTS (session->pictures); i++) {
    const FbnetImage image = picture_image (session->pictures[i]);
    if (fbnet_detector_run (detector, &image, found, &error))
      verdict_check_found (found, &params, &image);
    else if (error->domain != FBNET_ERROR || found->n > 0)
      complain (sibling, error->message);
    g_clear_error (&error);
  }
}

static void
run_classifier (FbnetModel *model, const Session *session)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .memory_limit = 64 };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, &options, &error);
  const guint n = fbnet_model_get_n_classes (model);
  g_autofree float *probabilities = g_new (float, n);

  g_assert_no_error (error);
  if (model->description->crop > 256)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (session->pictures); i++) {
    const FbnetImage image = picture_image (session->pictures[i]);
    const gboolean done = fbnet_classifier_run (classifier, &image, probabilities, &error);
    for (guint c = 0; done && c < n; c++)
      g_assert_true (probabilities[c] >= 0 && probabilities[c] <= 1);
    g_assert_true (done || error->domain == FBNET_ERROR);
    g_clear_error (&error);
  }
}

static void
run_rows (FbnetModel *model, const char *sibling)
{
  const Kernels *best = kernels_find (NULL, NULL);
  const gboolean int8 = fbnet_model_is_quantized (model);

  for (guint floats = 0; floats < (int8 ? 2 : 1); floats++) {
    g_autofree char *difference = rows_compare (model, best, floats, 21, 34);
    if (difference != NULL)
      complain (sibling, difference);
  }
}

static void
run (FbnetModel *model, Session *session, const char *sibling)
{
  /* Of what an assertion ends. */
  g_test_message ("%s: runs", sibling);
  session->n_run++;
  if (fbnet_model_get_task (model) == FBNET_TASK_DETECTION)
    run_detector (model, session, sibling);
  else
    run_classifier (model, session);
  if (!session->rounds)
    run_rows (model, sibling);
}

/* A sentence that begins with the file, and has one of the places in it. */
static void
check_refusal (const GError *error, const char *const *places, const char *sibling)
{
  gboolean named = FALSE;

  for (guint i = 0; places[i] != NULL; i++)
    named |= strstr (error->message, places[i]) != NULL;
  if (error->domain != FBNET_ERROR || !named || strstr (error->message, "(null)") != NULL
      || strstr (error->message, ".safetensors: ") == NULL || strlen (error->message) > 4096)
    complain (sibling, error->message);
}

static double
processor_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

static void
judge (FbnetModel *model, const GError *error, const char *const *places, Session *session,
    const char *sibling)
{
  g_assert_true ((model == NULL) == (error != NULL));
  if (model != NULL)
    run (model, session, sibling);
  else
    check_refusal (error, places, sibling);
  session->n_refused += model == NULL;
}

static void
check_bytes (GBytes *bytes, const char *const *places, Session *session, const char *sibling)
{
  const double before = processor_seconds ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, NAME, &error);

  judge (model, error, places, session, sibling);
  g_assert_cmpfloat (processor_seconds () - before, <, MAX_SECONDS);
}

/* --- Sound models ----------------------------------------------------------------------------- */

#define TOP(name, task)                                                                            \
  "{'format': 'fbnet-model', 'version': 1, 'name': '" name "', 'task': '" task                     \
  "', 'provenance': {'source': 'siblings'}, 'notes': 'none', 'labels': ['square', 'circle'], "
#define INPUT                                                                                      \
  "'input': {'channel_order': 'BGR', 'mean': [103.5, 116.3, 123.7], 'std': [57, 57, 58], "

/* Every field of the format that a model without a pyramid has. */
#define SINGLE_MAP                                                                                 \
  TOP ("single-map", "detection")                                                                  \
  "'category_ids': [1, 2], " INPUT "'min_size': 24, 'max_size': 40, 'size_divisibility': 8}, "     \
  "'architecture': {'name': 'single-map', 'notes': 'none', 'basic_args': {'dw_skip_bnrelu': "      \
  "true}, 'width_divisor': 2, 'scale_factor': 0.5, 'norm': {'name': 'gn', 'num_groups': 2}, "      \
  "'trunk': [[['conv', 8, 2, 1, {'kernel_size': 3, 'padding': [1, 1], 'bias': false}]], "          \
  "[['irf', 12, 2, 2, {'expansion': 2, 'kernel_size': 5, 'padding': 2, 'pw_groups': 2, "           \
  "'pwl_groups': 2, 'skip_shuffle': true, 'always_pw': true, 'mid_expand_out': true, "             \
  "'width_divisor': 4, 'relu_args': 'swish', 'se_args': {'name': 'se_hsig'}, "                     \
  "'less_se_channels': true, 'round_se_channels': true, 'skip_pwl_bn': true, "                     \
  "'drop_connect_rate': 0.1, 'zero_last_bn_gamma': true}], ['ir_pool', 12, 1, 1], "                \
  "['skip', 12, 1, 1]]], "                                                                         \
  "'rpn': [[['ir_k3', 12, 1, 1, {'dw_args': {'padding': 1}}]]], "                                  \
  "'bbox': [[['ir_k3_se', 16, 2, 1, {'expansion': 1}]]], "                                         \
  "'mask': [[['ir_k3', 12, 1, 1, {'expansion': 1}], ['conv_k3', 12, -2, 1]]], "                    \
  "'kpts': [[['ir_k3', 12, 1, 1, {'expansion': 1}]]]}, "                                           \
  "'backbone': {'type': 'C4', 'prefix': 'backbone.body'}, "                                        \
  "'anchors': {'sizes': [[8, 16]], 'aspect_ratios': [[0.5, 2]], 'offset': 0.5}, "                  \
  "'rpn': {'in_features': ['trunk1'], 'pre_nms_count': 30, 'post_nms_count': 6, "                  \
  "'iou_threshold': 0.7, 'bbox_reg_weights': [1, 1, 1, 1], 'min_box_size': 0, "                    \
  "'iou_bounds': [0.3, 0.7]}, "                                                                    \
  "'roi_heads': {'in_features': ['trunk1'], 'n_classes': 2, 'score_threshold': 0.05, "             \
  "'iou_threshold': 0.5, 'max_detections': 4, 'iou_bounds': [0.4, 0.5]}, "                         \
  "'box_head': {'pooler_resolution': 4, 'sampling_ratio': 2, 'bbox_reg_weights': [10, 10, 5, 5], " \
  "'class_agnostic': false}, "                                                                     \
  "'mask_head': {'pooler_resolution': 4, 'sampling_ratio': 0, 'class_agnostic': false, "           \
  "'threshold': 0.5}, "                                                                            \
  "'keypoint_head': {'pooler_resolution': 4, 'sampling_ratio': 2, 'n_keypoints': 3, "              \
  "'type': 'deconv_upscale'}}"

#define PYRAMID                                                                                    \
  TOP ("pyramid", "detection")                                                                     \
  INPUT "'min_size': 24, 'max_size': 40, 'size_divisibility': 8}, "                                \
        "'architecture': {'norm': {'name': 'bn'}, "                                                \
        "'trunk': [[['conv_k3', 4, 2, 1]], [['ir_k3', 6, 2, 1, {'expansion': 2}]], "               \
        "[['ir_k3_se', 8, 2, 1, {'expansion': 2}]]], "                                             \
        "'rpn': [[['conv_k3', 6, 1, 1]]], 'bbox': [[['ir_k3', 8, 2, 1, {'expansion': 1}]]], "      \
        "'kpts': [[['conv_k3', 6, 1, 1]]]}, "                                                      \
        "'backbone': {'type': 'FPN', 'prefix': 'backbone.bottom_up', 'fpn': {'in_features': "      \
        "['trunk1', 'trunk2'], 'out_channels': 6, 'norm': {'name': 'gn', 'num_groups': 2}, "       \
        "'levels': ['p2', 'p3', 'p4']}}, "                                                         \
        "'anchors': {'sizes': [[8], [16], [32]], 'aspect_ratios': [[0.5, 1, 2]]}, "                \
        "'rpn': {'in_features': ['p2', 'p3', 'p4'], 'pre_nms_count': 20, 'post_nms_count': 6, "    \
        "'iou_threshold': 0.7}, "                                                                  \
        "'roi_heads': {'in_features': ['p2', 'p3'], 'n_classes': 2, 'score_threshold': 0.05, "     \
        "'iou_threshold': 0.5, 'max_detections': 4}, "                                             \
        "'box_head': {'pooler_resolution': 4, 'bbox_reg_weights': [10, 10, 5, 5]}, "               \
        "'keypoint_head': {'pooler_resolution': 4, 'n_keypoints': 2, 'type': 'irf'}}"

#define CLASSIFIER                                                                                 \
  TOP ("classifier", "classification")                                                             \
  INPUT "'resize': 24, 'crop': 20}, "                                                              \
        "'architecture': {'norm': {'name': 'frozen_bn'}, "                                         \
        "'trunk': [[['conv_k3_hs', 4, 2, 1]], [['ir_k3_g2', 6, 2, 1, {'expansion': 2}]], "         \
        "[['ir_pool_hs', 8, 1, 1]]]}, "                                                            \
        "'backbone': {'prefix': 'backbone.stages'}, 'head': {'n_classes': 2}}"

static char *
to_json (const char *text)
{
  char *json = g_strdup (text);

  return g_strdelimit (json, "'", '"');
}

static ModelParts
parts_of (FbnetModel *model)
{
  g_autoptr (TensorList) list = tensor_list_new ();
  g_autofree char *path = NULL;

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    tensor_list_add_copy (list, &view);
  }
  g_close (g_file_open_tmp (NAME "-XXXXXX", &path, NULL), NULL);
  g_assert_true (tensor_list_write (list, path, fbnet_model_get_description (model), NULL));
  const ModelParts parts = model_parts_read (path);
  g_unlink (path);
  return parts;
}

static ModelParts
sound_parts (const char *text)
{
  g_autofree char *json = to_json (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = random_model_new (json, 7, &error);

  g_assert_no_error (error);
  return parts_of (model);
}

static ModelParts
int8_parts (void)
{
  g_autofree char *path = int8_model_file ();
  const ModelParts parts = model_parts_read (path);

  g_unlink (path);
  return parts;
}

/* Calls `func` with each of them, the one in bytes too. */
typedef void (*SoundFunc) (const ModelParts *parts, const char *name, Session *session);

static void
visit_models (SoundFunc func, Session *session)
{
  static const char *const names[] = { "single-map", "pyramid", "classifier", "int8" };
  ModelParts sound[] = { sound_parts (SINGLE_MAP), sound_parts (PYRAMID), sound_parts (CLASSIFIER),
    int8_parts () };

  for (guint i = 0; i < G_N_ELEMENTS (sound); i++) {
    func (&sound[i], names[i], session);
    model_parts_clear (&sound[i]);
  }
}

/* --- Values of the description ---------------------------------------------------------------- */

/* As JSON; NULL: without it. */
static const char *const values[] = { "0", "-1", "1", "2", "0.5", "7", "2147483647", "2147483648",
  "4294967296", "9007199254740993", "1e400", "-1e400", "NaN", "\"NaN\"", "\"1\"", "\"\"", "null",
  "true", "[]", "{}", "[1]", "[[1]]", NULL };

typedef struct {
  const ModelParts *parts;
  const char *name;
  Session *session;
  GArray *trail;         /* indices that lead to a value */
  GPtrArray *trail_keys; /* and the keys on the way; "" in arrays */
} Walk;

/* The value at the end of the trail of this tree. */
static cJSON *
follow (const Walk *walk, cJSON *tree, cJSON **parent)
{
  for (guint i = 0; i < walk->trail->len; i++) {
    *parent = tree;
    tree = cJSON_GetArrayItem (tree, (int) g_array_index (walk->trail, guint, i));
  }
  return tree;
}

static void
replace (cJSON *parent, cJSON *item, const char *value)
{
  cJSON *raw = value != NULL ? cJSON_CreateRaw (value) : NULL;

  if (raw == NULL) {
    cJSON_Delete (cJSON_DetachItemViaPointer (parent, item));
    return;
  }
  raw->string = g_strdup (item->string);
  cJSON_ReplaceItemViaPointer (parent, item, raw);
}

/* The last key on the way; where the value contradicts others, what these are called. (Where it is no JSON, the
 * byte.) */
static GPtrArray *
places_of (const Walk *walk)
{
  static const char *const others[] = { "tensor \"", "block \"", "architecture.",
    "anchors: ", "labels: ", "category_ids: ", "in_features: ", "backbone.fpn: ",
    "quantization: activations: ", "text that is not JSON" };
  GPtrArray *places = g_ptr_array_new ();
  const char *key = "";

  for (guint i = 0; i < walk->trail_keys->len; i++) {
    const char *next = g_ptr_array_index (walk->trail_keys, i);
    key = *next != '\0' ? next : key;
  }
  g_ptr_array_add (places, (gpointer) key);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_ptr_array_add (places, (gpointer) others[i]);
  g_ptr_array_add (places, NULL);
  return places;
}

static void
check_value (const Walk *walk, const char *value)
{
  cJSON *copy = cJSON_Duplicate (walk->parts->description, TRUE), *parent = NULL;
  cJSON *item = follow (walk, copy, &parent);
  g_autoptr (GPtrArray) places = places_of (walk);
  g_autoptr (GString) sibling = g_string_new (walk->name);

  for (guint i = 0; i < walk->trail->len; i++) {
    const char *key = g_ptr_array_index (walk->trail_keys, i);
    g_string_append_printf (sibling, *key != '\0' ? ".%s" : "[%s%u]", key,
        g_array_index (walk->trail, guint, i));
  }
  g_string_append_printf (sibling, " = %s", value != NULL ? value : "nothing");
  replace (parent, item, value);
  g_autoptr (GBytes) bytes = model_parts_join (walk->parts, walk->parts->header, copy);
  check_bytes (bytes, (const char *const *) places->pdata, walk->session, sibling->str);
  cJSON_Delete (copy);
}

static void
walk_values (Walk *walk, const cJSON *at)
{
  const cJSON *item;
  guint index = 0;

  cJSON_ArrayForEach (item, at)
  {
    g_array_append_val (walk->trail, index);
    g_ptr_array_add (walk->trail_keys, item->string != NULL ? item->string : (gpointer) "");
    for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
      if (is_wanted (walk->session))
        check_value (walk, values[i]);
    }
    walk_values (walk, item);
    g_ptr_array_set_size (walk->trail_keys, (gint) walk->trail_keys->len - 1);
    g_array_set_size (walk->trail, walk->trail->len - 1);
    index++;
  }
}

static void
visit_values (const ModelParts *parts, const char *name, Session *session)
{
  g_autoptr (GArray) trail = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  Walk walk = { parts, name, session, trail, keys };

  walk_values (&walk, parts->description);
}

/* Each value of each description, containers too, is taken out and becomes each of `values`. */
static void
test_values (void)
{
  Session session = begin (17);

  visit_models (visit_values, &session);
  end (&session, 30);
}

/* --- Entries of the header --------------------------------------------------------------------- */

/* What a tensor's entry becomes: a member as JSON, or nothing; `at` -1: the member itself, else its element. */
typedef struct {
  const char *member;
  int at;
  const char *value;
} EntryChange;

static const EntryChange changes[] = {
  { "dtype", -1, "\"F16\"" },
  { "dtype", -1, "\"F64\"" },
  { "dtype", -1, "\"I32\"" },
  { "dtype", -1, "\"I64\"" },
  { "dtype", -1, "\"I8\"" },
  { "dtype", -1, "\"U8\"" },
  { "dtype", -1, "0" },
  { "dtype", -1, NULL },
  { "shape", -1, "[]" },
  { "shape", -1, "{}" },
  { "shape", -1, "[1, 1, 1, 1, 1, 1, 1, 1, 1]" },
  { "shape", -1, NULL },
  { "shape", 0, "0" },
  { "shape", 0, "-1" },
  { "shape", 0, "1" },
  { "shape", 0, "2147483648" },
  { "shape", 0, "9007199254740992" },
  { "shape", 0, "9007199254740994" },
  { "shape", 0, "0.5" },
  { "shape", 0, "1e400" },
  { "shape", 0, "\"NaN\"" },
  { "shape", 0, NULL },
  { "data_offsets", -1, "[]" },
  { "data_offsets", -1, "[0, 4]" },
  { "data_offsets", -1, NULL },
  { "data_offsets", 0, "0" },
  { "data_offsets", 0, "-1" },
  { "data_offsets", 0, "1" },
  { "data_offsets", 0, "9007199254740994" },
  { "data_offsets", 0, "1e400" },
  { "data_offsets", 1, "0" },
  { "data_offsets", 1, "2147483647" },
  { "data_offsets", 1, "9007199254740994" },
  { "data_offsets", 1, NULL },
};

/* The tensor, or the neighbour that its place is another's. */
static const char *const entry_places[] = { "tensor \"", "found \"", "block \"",
  "behind the last tensor", "quantization: activations: ", "expected UTF-8 text", NULL };

static void
check_header (const ModelParts *parts, const cJSON *header, Session *session, const char *sibling)
{
  g_autoptr (GBytes) bytes = model_parts_join (parts, header, parts->description);

  check_bytes (bytes, entry_places, session, sibling);
}

static void
change_entry (const ModelParts *parts, const char *name, int index, const EntryChange *change,
    Session *session)
{
  cJSON *header = cJSON_Duplicate (parts->header, TRUE);
  cJSON *entry = cJSON_GetArrayItem (header, index);
  cJSON *parent = entry, *item = cJSON_GetObjectItemCaseSensitive (entry, change->member);

  if (change->at >= 0) {
    parent = item;
    item = cJSON_GetArrayItem (parent, change->at);
  }
  if (item != NULL) {
    g_autofree char *sibling = g_strdup_printf ("%s %s: %s[%d] = %s", name, entry->string,
        change->member, change->at, change->value != NULL ? change->value : "nothing");
    replace (parent, item, change->value);
    check_header (parts, header, session, sibling);
  }
  cJSON_Delete (header);
}

/* Twice under its name, once under another, not at all. */
static void
change_name (const ModelParts *parts, const char *name, int index, Session *session)
{
  static const char *const names[] = { NULL, "", "other", "\xff" };

  for (guint i = 0; i < G_N_ELEMENTS (names) + 1; i++) {
    cJSON *header = cJSON_Duplicate (parts->header, TRUE);
    cJSON *entry = cJSON_GetArrayItem (header, index);
    g_autofree char *sibling =
        g_strdup_printf ("%s %s: name %u", name, cJSON_GetArrayItem (header, index)->string, i);
    if (i == G_N_ELEMENTS (names))
      cJSON_DeleteItemFromArray (header, index);
    else if (names[i] == NULL)
      cJSON_AddItemToObject (header, entry->string, cJSON_Duplicate (entry, TRUE));
    else
      cJSON_AddItemToObject (header, names[i], cJSON_DetachItemFromArray (header, index));
    check_header (parts, header, session, sibling);
    cJSON_Delete (header);
  }
}

static void
visit_entries (const ModelParts *parts, const char *name, Session *session)
{
  const int n = cJSON_GetArraySize (parts->header);

  for (int index = 0; index < n; index++) {
    if (strcmp (cJSON_GetArrayItem (parts->header, index)->string, "__metadata__") == 0)
      continue;
    if (is_wanted (session))
      change_name (parts, name, index, session);
    for (guint i = 0; i < G_N_ELEMENTS (changes); i++) {
      if (is_wanted (session))
        change_entry (parts, name, index, &changes[i], session);
    }
  }
}

/* Each tensor of each model is taken out, doubled, renamed, of another type, shape or place. */
static void
test_entries (void)
{
  Session session = begin (7);

  visit_models (visit_entries, &session);
  end (&session, 0); /* few such changes leave a sound file */
}

/* --- Tensors ---------------------------------------------------------------------------------- */

/* The whole tensor, or its last element. */
static void
set_floats (ModelParts *parts, const cJSON *entry, float value, gboolean whole)
{
  const cJSON *offsets = cJSON_GetObjectItem (entry, "data_offsets");
  const gsize begin = (gsize) cJSON_GetArrayItem (offsets, 0)->valuedouble;
  const gsize end = (gsize) cJSON_GetArrayItem (offsets, 1)->valuedouble;

  for (gsize at = whole ? begin : end - sizeof value; at < end; at += sizeof value)
    memcpy (parts->tensors + at, &value, sizeof value);
}

static void
visit_tensors (const ModelParts *parts, const char *name, Session *session)
{
  static const float numbers[] = { 0, -0.0f, 1e-45f, 1e-30f, -1, 1e10f, -1e30f, 3.4e38f, INFINITY,
    NAN };
  const cJSON *entry;

  cJSON_ArrayForEach (entry, parts->header)
  {
    const char *type = cJSON_GetStringValue (cJSON_GetObjectItem (entry, "dtype"));
    for (guint i = 0; i < 2 * G_N_ELEMENTS (numbers); i++) {
      if (g_strcmp0 (type, "F32") != 0 || !is_wanted (session))
        continue;
      ModelParts copy = *parts;
      g_autofree guint8 *tensors = g_memdup2 (parts->tensors, parts->size);
      g_autofree char *sibling = g_strdup_printf ("%s %s: %s %g", name, entry->string,
          i % 2 == 0 ? "all" : "last", numbers[i / 2]);
      copy.tensors = tensors;
      session->rounds = fabsf (numbers[i / 2]) > 1;
      set_floats (&copy, entry, numbers[i / 2], i % 2 == 0);
      check_header (&copy, parts->header, session, sibling);
    }
  }
}

/* Each tensor of floats is filled with, or ends with, numbers that are none, or that lead to such. */
static void
test_tensors (void)
{
  Session session = begin (7);

  visit_models (visit_tensors, &session);
  end (&session, 30);
}

/* --- Geometries ------------------------------------------------------------------------------- */

typedef struct {
  const char *op;
  int stride;
  const char *arguments;
} Geometry;

/* The part with a block of this geometry in place of its last stage's. */
static void
set_geometry (cJSON *description, const char *part, const Geometry *geometry)
{
  cJSON *stages = cJSON_GetObjectItem (cJSON_GetObjectItem (description, "architecture"), part);
  cJSON *stage = cJSON_GetArrayItem (stages, cJSON_GetArraySize (stages) - 1);
  g_autofree char *block = g_strdup_printf ("[[\"%s\", 12, %d, 2, {%s}]]", geometry->op,
      geometry->stride, geometry->arguments);

  cJSON_ReplaceItemViaPointer (stages, stage, cJSON_CreateRaw (block));
}

static void
set_member (cJSON *description, const char *object, const char *key, guint value)
{
  cJSON *holder = cJSON_GetObjectItem (description, object);

  cJSON_DeleteItemFromObject (holder, key);
  if (holder != NULL)
    cJSON_AddNumberToObject (holder, key, value);
}

/* What else a frame's shapes depend on, by the case's number. */
static void
set_sizes (cJSON *description, guint number)
{
  static const guint divisors[] = { 0, 1, 7, 16 }, sides[] = { 1, 2, 3, 7 }, ratios[] = { 0, 1, 3 };
  static const char *const heads[] = { "box_head", "mask_head", "keypoint_head" };
  static const char *const predictors[] = { "irf", "deconv", "deconv_upscale", "conv_upsample" };
  static const char *const anchors[] = { "[[8]]", "[[8, 16]]", "[[1, 300, 4]]" };
  cJSON *keypoints = cJSON_GetObjectItem (description, "keypoint_head");

  set_member (description, "input", "size_divisibility", divisors[number % 4]);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    set_member (description, heads[i], "pooler_resolution", sides[(number + i) % 4]);
    set_member (description, heads[i], "sampling_ratio", ratios[(number + i) % 3]);
  }
  if (keypoints != NULL)
    cJSON_ReplaceItemInObject (keypoints, "type", cJSON_CreateString (predictors[number % 4]));
  cJSON_ReplaceItemInObject (cJSON_GetObjectItem (description, "anchors"), "sizes",
      cJSON_CreateRaw (anchors[number % 3]));
}

static void
check_geometry (const cJSON *sound, const char *part, const Geometry *geometry, Session *session)
{
  cJSON *description = cJSON_Duplicate (sound, TRUE);
  const char *const places[] = { "architecture.", "backbone.fpn: expected trunk", NULL };
  const FbnetImage image = picture_image (session->pictures[0]);
  g_autoptr (GError) error = NULL;

  set_geometry (description, part, geometry);
  set_sizes (description, session->n_passed);
  char *text = cJSON_PrintUnformatted (description);
  g_autofree char *sibling = g_strdup_printf ("%s %s: %s, %d, {%s}, number %u",
      cJSON_GetObjectItem (description, "name")->valuestring, part, geometry->op, geometry->stride,
      geometry->arguments, session->n_passed);
  g_autoptr (FbnetModel) model = random_model_new (text, session->n_passed, &error);
  judge (model, error, places, session, sibling);
  /* What may run in floats may in bytes. */
  if (model != NULL && session->n_run % 4 == 0) {
    g_autoptr (FbnetModel) int8 = int8_model_new (model, &image);
    if (int8 != NULL)
      run (int8, session, sibling);
  }
  cJSON_free (text);
  cJSON_Delete (description);
}

static void
visit_part (const cJSON *sound, const char *part, Session *session)
{
  static const char *const ops[] = { "conv_k1", "conv_k3_hs", "conv_k7", "ir_k3", "ir_k5_se",
    "ir_k3_sehsig_hs", "ir_k5_g2", "ir_pool", "skip" };
  static const int strides[] = { 1, 2, 3, 8, -2 };
  static const char *const arguments[] = { "", "\"padding\": 0", "\"padding\": 1", "\"padding\": 3",
    "\"pw_groups\": 3", "\"pwl_groups\": 4", "\"expansion\": 0.1",
    "\"expansion\": 3, \"pw_groups\": 2, \"pwl_groups\": 3", "\"always_pw\": true",
    "\"mid_expand_out\": true, \"skip_pwl_bn\": true, \"skip_shuffle\": true" };

  for (guint op = 0; op < G_N_ELEMENTS (ops); op++) {
    for (guint stride = 0; stride < G_N_ELEMENTS (strides); stride++) {
      for (guint i = 0; i < G_N_ELEMENTS (arguments); i++) {
        const Geometry geometry = { ops[op], strides[stride], arguments[i] };
        if (is_wanted (session))
          check_geometry (sound, part, &geometry, session);
      }
    }
  }
}

/* Each part of a network in each geometry, with poolers, anchors, predictors and sizes of all kinds. */
static void
test_geometries (void)
{
  static const char *const parts[] = { "trunk", "rpn", "bbox", "mask", "kpts" };
  static const char *const texts[] = { SINGLE_MAP, PYRAMID };
  Session session = begin (19);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *json = to_json (texts[i]);
    cJSON *sound = cJSON_Parse (json);
    for (guint p = 0; p < G_N_ELEMENTS (parts); p++) {
      if (cJSON_HasObjectItem (cJSON_GetObjectItem (sound, "architecture"), parts[p]))
        visit_part (sound, parts[p], &session);
    }
    cJSON_Delete (sound);
  }
  end (&session, 30);
}

/* --- Where they come from ------------------------------------------------------------------------ */

/* What hostile models, found by attacking the engine, must give: a refusal that says this, a frame that is
 * refused for what it would cost, or numbers. */
typedef struct {
  const char *name, *refusal;
  gboolean too_large;
} Ancestor;

static const Ancestor ancestors[] = {
  { "residual-padding", "expected a padding of 2", FALSE },
  { "fpn-pool", "expected an op that keeps a map's size", FALSE },
  { "fpn-gn-uneven", "divide into 3 groups", FALSE },
  { "deep-json", "within each other", FALSE },
  { "name-invalid", "UTF-8", FALSE },
  { "memory-8192", NULL, TRUE },
  { "memory-rois", NULL, TRUE },
  { "keypoints-1000x100000", NULL, TRUE },
  { "anchors-4096", NULL, FALSE },
  { "num-base", NULL, FALSE },
  { "num-one-channel", NULL, FALSE },
  { "num-pwl-groups", NULL, FALSE },
  { "one-channel-depthwise", NULL, FALSE },
  { "pw-groups-depthwise", NULL, FALSE },
  { "pw-groups-int8", NULL, FALSE },
};

/* As its file says, with nothing reduced. */
static void
check_too_large (FbnetModel *model, const FbnetImage *image)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);

  g_assert_no_error (error);
  g_assert_false (fbnet_detector_run (detector, image, found, &error));
  g_assert_true (g_error_matches (error, FBNET_ERROR, FBNET_ERROR_MEMORY)
      || g_error_matches (error, FBNET_ERROR, FBNET_ERROR_WORK));
}

static void
check_ancestor (const Ancestor *ancestor, const char *path, Session *session)
{
  const char *const places[] = { ancestor->refusal, NULL };
  const FbnetImage image = picture_image (session->pictures[0]);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);

  g_assert_true ((model == NULL) == (ancestor->refusal != NULL));
  if (ancestor->too_large)
    check_too_large (model, &image);
  judge (model, error, places, session, ancestor->name);
}

/* They are not part of the project. */
static void
test_ancestors (void)
{
  Session session = begin (1);

  for (guint i = 0; i < G_N_ELEMENTS (ancestors); i++) {
    g_autofree char *path = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "cases", "hostile",
        ancestors[i].name, "model.safetensors", NULL);
    if (g_file_test (path, G_FILE_TEST_EXISTS))
      check_ancestor (&ancestors[i], path, &session);
  }
  if (session.n_refused + session.n_run == 0)
    g_test_skip ("the hostile models are not there");
  picture_free (session.pictures[0]);
  picture_free (session.pictures[1]);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* The most that all before took at a time. */
static void
test_memory (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  g_assert_cmpint (usage.ru_maxrss, <, MAX_KILOBYTES);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  all = argc > 1 && strcmp (argv[1], "--all") == 0;
  g_test_add_func ("/siblings/values", test_values);
  g_test_add_func ("/siblings/entries", test_entries);
  g_test_add_func ("/siblings/tensors", test_tensors);
  g_test_add_func ("/siblings/geometries", test_geometries);
  g_test_add_func ("/siblings/ancestors", test_ancestors);
  g_test_add_func ("/siblings/memory", test_memory);
  return g_test_run ();
}
