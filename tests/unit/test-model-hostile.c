/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files that are absent, damaged or lie: each is refused with a sentence that names the file, and
 * none does harm. Start is the sound file tests/data/tiny-bn.safetensors.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "drawing.h"
#include "fbnet/fbnet.h"
#include "tensors.h"

#define NAME "hostile.safetensors"

/* --- Parts of a model file -------------------------------------------------------------------- */

typedef struct {
  guint8 *file;
  gsize size;
  gsize header_size;
} Sound;

static char *
sound_path (const char *name)
{
  return g_strdup_printf ("%s/%s.safetensors", g_getenv ("FBNET_TEST_DATA"), name);
}

static Sound
load_sound (const char *name)
{
  g_autofree char *path = sound_path (name);
  Sound sound = { 0 };

  g_assert_true (g_file_get_contents (path, (char **) &sound.file, &sound.size, NULL));
  for (guint i = 0; i < 8; i++)
    sound.header_size |= (gsize) sound.file[i] << (8 * i);
  return sound;
}

static cJSON *
sound_header (const Sound *sound)
{
  return cJSON_ParseWithLength ((const char *) sound->file + 8, sound->header_size);
}

/* A file of this header text and the sound file's tensors. */
static GBytes *
with_header (const Sound *sound, const char *text, gsize length)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autofree char *padded = g_strdup_printf ("%*s", (int) ((8 - length % 8) % 8), "");
  const gsize header_size = length + strlen (padded);
  guint8 prefix[8];

  for (guint i = 0; i < 8; i++)
    prefix[i] = (guint8) ((guint64) header_size >> (8 * i));
  g_byte_array_append (file, prefix, 8);
  g_byte_array_append (file, (const guint8 *) text, (guint) length);
  g_byte_array_append (file, (const guint8 *) padded, (guint) strlen (padded));
  g_byte_array_append (file, sound->file + 8 + sound->header_size,
      (guint) (sound->size - 8 - sound->header_size));
  return g_byte_array_free_to_bytes (g_steal_pointer (&file));
}

static GBytes *
with_header_json (const Sound *sound, const cJSON *header)
{
  char *text = cJSON_PrintUnformatted (header);
  GBytes *bytes = with_header (sound, text, strlen (text));

  cJSON_free (text);
  return bytes;
}

static cJSON *
sound_description (const cJSON *header)
{
  const cJSON *metadata = cJSON_GetObjectItem (header, "__metadata__");

  return cJSON_Parse (cJSON_GetStringValue (cJSON_GetObjectItem (metadata, "fbnet")));
}

/* The sound file with this description. */
static GBytes *
with_description (const Sound *sound, const cJSON *description)
{
  cJSON *header = sound_header (sound);
  char *text = cJSON_PrintUnformatted (description);

  cJSON_ReplaceItemInObject (cJSON_GetObjectItem (header, "__metadata__"), "fbnet",
      cJSON_CreateString (text));
  GBytes *bytes = with_header_json (sound, header);
  cJSON_free (text);
  cJSON_Delete (header);
  return bytes;
}

/* --- Verdicts --------------------------------------------------------------------------------- */

/* A sentence: names the file, is text, and has no loose ends. */
static void
assert_sentence (const GError *error, const char *name)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == FBNET_ERROR);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_cmpuint (strlen (error->message), >, strlen (name) + 10);
  g_assert_null (strstr (error->message, "(null)"));
}

/* Refused; `mentions` (or NULL) stands in the message. `case_name` tells a failure's place. */
static void
assert_case_refused (GBytes *bytes, const char *mentions, const char *case_name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, NAME, &error);

  if (model != NULL) {
    g_test_message ("%s: expected a refusal, found a model", case_name);
    g_test_fail ();
    return;
  }
  assert_sentence (error, NAME);
  if (mentions != NULL && strstr (error->message, mentions) == NULL) {
    g_test_message ("%s: expected a message about %s, found \"%s\"", case_name, mentions,
        error->message);
    g_test_fail ();
  }
}

static void
assert_refused (GBytes *bytes, const char *mentions)
{
  assert_case_refused (bytes, mentions, "file");
}

/* Small enough that a frame through it takes no time. */
static gboolean
is_small (FbnetModel *model)
{
  FbnetParams p;

  fbnet_model_get_params (model, &p);
  return p.max_size <= 256 && p.post_nms_count <= 100 && p.max_detections <= 100
      && p.pre_nms_count <= 1000 && p.box_pooler_resolution <= 14 && p.mask_pooler_resolution <= 28;
}

/* Whatever the file is now: refused with a sentence, or a model that a frame goes through. */
static gboolean
survives (GBytes *bytes, const Picture *picture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load_bytes (bytes, NAME, &error);

  if (model == NULL) {
    assert_sentence (error, NAME);
    return FALSE;
  }
  if (fbnet_model_get_task (model) != FBNET_TASK_DETECTION || !is_small (model))
    return TRUE;
  const FbnetDetectorOptions options = { 1, NULL };
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetDetections) detections = fbnet_detections_new ();
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  if (!fbnet_detector_run (detector, &image, detections, &error))
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY);
  return TRUE;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* No file, an empty one, a folder and one that may not be read are told apart from damaged ones. */
static void
test_no_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("fbnet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, NAME, NULL);

  g_assert_null (fbnet_model_load (path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  assert_sentence (error, path);
  g_clear_error (&error);

  g_assert_null (fbnet_model_load (folder, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
  assert_sentence (error, folder);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_null (fbnet_model_load (path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  assert_sentence (error, path);
  g_clear_error (&error);

  g_chmod (path, 0);
  if (g_access (path, R_OK) != 0) {
    g_assert_null (fbnet_model_load (path, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
    assert_sentence (error, path);
  }
  g_remove (path);
  g_rmdir (folder);
}

static void
assert_not_read (const char *path, const char *mentions)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fbnet_model_load (path, &error));
  assert_sentence (error, path);
  g_assert_nonnull (strstr (error->message, mentions));
}

/* What is no regular file is not waited for, and no sparse giant is read. */
static void
test_no_regular_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fbnet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, NAME, NULL);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  assert_not_read (path, "found a pipe");
  g_remove (path);
  assert_not_read ("/dev/zero", "found a device");
  const int fd = open (path, O_CREAT | O_WRONLY, 0600);
  g_assert_cmpint (ftruncate (fd, (off_t) 6 << 30), ==, 0);
  close (fd);
  assert_not_read (path, "at most 1073741824 bytes");
  g_remove (path);
  g_rmdir (folder);
}

/* A model is what its file was when it was loaded: the file may then be overwritten and cut. */
static void
test_changed_file (void)
{
  Sound sound = load_sound ("tiny-bn");
  g_autofree char *folder = g_dir_make_tmp ("fbnet-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetDetections) found = fbnet_detections_new (), expected = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, (const char *) sound.file, (gssize) sound.size, NULL));
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_autofree char *original = sound_path ("tiny-bn");
  g_autoptr (FbnetModel) unchanged = fbnet_model_load (original, &error);
  const int fd = open (path, O_WRONLY);
  g_assert_cmpint (pwrite (fd, "################", 16, (off_t) sound.size / 2), ==, 16);
  g_assert_cmpint (ftruncate (fd, 100), ==, 0);
  close (fd);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);
  g_autoptr (FbnetDetector) other = fbnet_detector_new (unchanged, NULL, &error);
  g_assert_true (fbnet_detector_run (detector, &image, found, &error));
  g_assert_true (fbnet_detector_run (other, &image, expected, &error));
  g_assert_cmpuint (found->n, ==, expected->n);
  for (guint i = 0; i < found->n; i++)
    g_assert_cmpfloat (found->items[i].score, ==, expected->items[i].score);
  g_remove (path);
  g_rmdir (folder);
  g_free (sound.file);
}

/* What a frame would take is known before it is taken. */
static void
test_memory_limit (void)
{
  g_autofree char *path = sound_path ("tiny-bn");
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  const FbnetImage image = picture_image (picture);
  const FbnetDetectorOptions options = { .n_threads = 1, .memory_limit = 1 };
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (FbnetModel) model = fbnet_model_load (path, NULL);
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  fbnet_detector_get_params (detector, &params);
  params.min_size = params.max_size = 2048;
  g_assert_true (fbnet_detector_set_params (detector, &params, &error));
  g_assert_false (fbnet_detector_run (detector, &image, found, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "at most 1 MiB of memory (memory-limit)"));
}

static void
assert_too_much_work (FbnetDetector *detector, guint side, const char *found_need)
{
  g_autoptr (Picture) picture = picture_draw (61, 61, 7);
  const FbnetImage image = picture_image (picture);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  params.min_size = params.max_size = side;
  g_assert_true (fbnet_detector_set_params (detector, &params, &error));
  g_assert_false (fbnet_detector_run (detector, &image, found, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_WORK);
  g_assert_nonnull (strstr (error->message, "at most 1 thousand million multiply-adds"));
  g_assert_nonnull (strstr (error->message, found_need));
}

/* So is its work: of a frame that comes as an image, of one that comes as an input, of a classifier. What
 * stays within the limit runs afterwards. */
static void
test_work_limit (void)
{
  g_autofree char *path = sound_path ("tiny-bn");
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  const FbnetImage image = picture_image (picture);
  const FbnetDetectorOptions options = { .n_threads = 1, .multiply_add_limit = 1 };
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  g_autoptr (FbnetModel) model = fbnet_model_load (path, NULL);
  g_autoptr (GError) error = NULL;
  FbnetParams small, large;

  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
  fbnet_detector_get_params (detector, &small);
  assert_too_much_work (detector, 8192, "found a need of ");
  fbnet_detector_get_params (detector, &large);
  g_autoptr (FbnetInput) input = fbnet_input_new (model, NULL, &error);
  g_assert_true (fbnet_input_fill (input, &image, NULL, &large, &error));
  g_assert_false (fbnet_detector_run_input (detector, input, found, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_WORK);
  g_clear_error (&error);
  g_assert_true (fbnet_detector_set_params (detector, &small, &error));
  g_assert_true (fbnet_detector_run (detector, &image, found, &error));
  g_assert_no_error (error);
}

/* The sound file loads from bytes too, wherever in memory they begin. */
static void
test_sound (void)
{
  Sound sound = load_sound ("tiny-bn");
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);

  for (gsize shift = 0; shift < 8; shift++) {
    g_autofree guint8 *memory = g_malloc (sound.size + shift);
    memcpy (memory + shift, sound.file, sound.size);
    g_autoptr (GBytes) bytes = g_bytes_new_static (memory + shift, sound.size);
    g_assert_true (survives (bytes, picture));
  }
  g_free (sound.file);
}

/* Cut anywhere, at every 64th part and at the seams, the file is refused. */
static void
test_truncated (void)
{
  Sound sound = load_sound ("tiny-bn");
  const gsize seams[] = { 0, 1, 7, 8, 9, 8 + sound.header_size - 1, 8 + sound.header_size,
    8 + sound.header_size + 1, sound.size - 1 };

  for (guint i = 0; i < 64; i++) {
    g_autoptr (GBytes) bytes = g_bytes_new_static (sound.file, sound.size * i / 64);
    assert_refused (bytes, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (seams); i++) {
    g_autoptr (GBytes) bytes = g_bytes_new_static (sound.file, seams[i]);
    assert_refused (bytes, NULL);
  }
  g_free (sound.file);
}

/* --- Header ----------------------------------------------------------------------------------- */

/* A header length that lies, from just beyond the file to 2^64 - 1, is not believed. */
static void
test_header_length (void)
{
  Sound sound = load_sound ("tiny-bn");
  const guint64 lengths[] = { 0, 1, sound.header_size - 1, sound.size - 7, sound.size, 1u << 24,
    (1u << 24) + 1, G_MAXUINT32, G_GUINT64_CONSTANT (1) << 63, G_MAXUINT64 - 7, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autofree guint8 *copy = g_memdup2 (sound.file, sound.size);
    for (guint b = 0; b < 8; b++)
      copy[b] = (guint8) (lengths[i] >> (8 * b));
    g_autoptr (GBytes) bytes = g_bytes_new_static (copy, sound.size);
    assert_refused (bytes, NULL);
  }
  g_free (sound.file);
}

/* Headers that are no JSON, no object, nested without end, doubled, or whose entries are not what the
 * format says. */
static void
test_header_text (void)
{
#define ENTRY(dtype, shape, offsets)                                                               \
  "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
  static const char *const texts[] = { "", " ", "null", "17", "[]", "\"text\"", "{", "}", "{}",
    "{\"a\":1}", "{\"a\":[]}", "{\"a\":{}}", "\xff\xfe{}", "{\"a\"", "{}{}", "{} x",
    "{\"__metadata__\":1}", "{\"__metadata__\":{\"fbnet\":1}}", "{\"__metadata__\":{}}",
    "{\"__metadata__\":{\"fbnet\":\"\"}}", "{\"__metadata__\":{\"fbnet\":\"[]\"}}",
    "{\"__metadata__\":{\"fbnet\":\"{}\"}}",
    "{\"__metadata__\":{\"fbnet\":\"{}\",\"fbnet\":\"{}\"}}", ENTRY ("\"F32\"", "[1]", "[0,4]"),
    ENTRY ("\"F99\"", "[1]", "[0,4]"), ENTRY ("4", "[1]", "[0,4]"), ENTRY ("\"F32\"", "1", "[0,4]"),
    ENTRY ("\"F32\"", "[-1]", "[0,4]"), ENTRY ("\"F32\"", "[0.5]", "[0,2]"),
    ENTRY ("\"F32\"", "[\"1\"]", "[0,4]"), ENTRY ("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"),
    ENTRY ("\"F32\"", "[4294967296,4294967296]", "[0,0]"),
    ENTRY ("\"F32\"", "[9007199254740992,9007199254740992,1024]", "[0,4]"),
    ENTRY ("\"F32\"", "[1e300]", "[0,4]"), ENTRY ("\"F32\"", "[1]", "[0]"),
    ENTRY ("\"F32\"", "[1]", "[0,4,8]"), ENTRY ("\"F32\"", "[1]", "[4,0]"),
    ENTRY ("\"F32\"", "[1]", "[-4,0]"), ENTRY ("\"F32\"", "[1]", "[0,5]"),
    ENTRY ("\"F32\"", "[2]", "[0,4]"), ENTRY ("\"F32\"", "[1]", "[0.5,4.5]"),
    ENTRY ("\"F32\"", "[1]", "[1e18,1000000000000000004]"),
    ENTRY ("\"F32\"", "[1]", "[18446744073709551612,18446744073709551616]"),
    ENTRY ("\"F32\"", "[1]", "[2,6]"), ENTRY ("\"I64\"", "[1]", "[4,12]"),
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}" };
#undef ENTRY
  Sound sound = load_sound ("tiny-bn");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GBytes) bytes = with_header (&sound, texts[i], strlen (texts[i]));
    assert_refused (bytes, NULL);
  }
  g_free (sound.file);
}

/* Bytes that belong to no tensor. */
static void
test_layout (void)
{
  Sound sound = load_sound ("tiny-bn");
  g_autofree guint8 *longer = g_malloc0 (sound.size + 8);
  g_autoptr (GBytes) trailing = g_bytes_new_static (longer, sound.size + 8);

  memcpy (longer, sound.file, sound.size);
  assert_refused (trailing, "8 bytes more");
  static const char hole[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]}}";
  g_autoptr (GBytes) apart = with_header (&sound, hole, strlen (hole));
  assert_refused (apart, "apart from");
  g_free (sound.file);
}

/* A million opening brackets, in the header and in the description, do not exhaust the stack. */
static void
test_depth (void)
{
  enum { DEPTH = 1000000 };
  Sound sound = load_sound ("tiny-bn");
  g_autofree char *brackets = g_strnfill (DEPTH, '[');
  g_autofree char *arrays = g_strconcat ("{\"a\":", brackets, NULL);
  g_autofree char *inner =
      g_strconcat ("{\"__metadata__\":{\"fbnet\":\"{'a':", brackets, "\"}}", NULL);
  g_autoptr (GBytes) header = with_header (&sound, arrays, strlen (arrays));
  g_autoptr (GBytes) description = with_header (&sound, inner, strlen (inner));

  assert_refused (header, NULL);
  assert_refused (description, NULL);
  g_free (sound.file);
}

/* --- Tensors ---------------------------------------------------------------------------------- */

static TensorList *
sound_tensors (void)
{
  g_autofree char *path = sound_path ("tiny-bn");
  g_autoptr (GError) error = NULL;

  TensorList *list = tensor_list_load (path, &error);
  g_assert_no_error (error);
  return list;
}

static char *
description_text (void)
{
  g_autofree char *path = sound_path ("tiny-bn");
  g_autoptr (FbnetModel) model = fbnet_model_load (path, NULL);

  return g_strdup (fbnet_model_get_description (model));
}

static void
assert_tensors_refused (const TensorList *list, const char *mentions)
{
  g_autofree char *description = description_text ();
  g_autoptr (GError) error = NULL;

  g_autoptr (FbnetModel) model = tensor_list_to_model (list, description, &error);
  g_assert_null (model);
  assert_sentence (error, ".safetensors");
  g_assert_nonnull (strstr (error->message, mentions));
}

/* Every tensor that the network needs is missed by name. */
static void
test_missing_tensors (void)
{
  g_autoptr (TensorList) all = sound_tensors ();

  for (guint i = 0; i < all->views->len; i++) {
    const FbnetTensorView *view = all->views->pdata[i];
    if (g_str_has_suffix (view->name, "num_batches_tracked"))
      continue;
    g_autoptr (TensorList) list = sound_tensors ();
    g_assert_true (tensor_list_remove (list, view->name));
    assert_tensors_refused (list, view->name);
  }
}

/* Replaces a tensor by one of the same name with this type and shape. */
static void
replace_tensor (TensorList *list, const char *name, FbnetDtype dtype, const gsize *shape,
    guint n_dims)
{
  g_assert_true (tensor_list_remove (list, name));
  tensor_list_add (list, name, dtype, shape, n_dims);
}

/* A tensor of another type, of fewer or more dimensions, or with one size off by one is refused. */
static void
test_wrong_tensors (void)
{
  static const char *const names[] = { "backbone.body.trunk0.fbnetv2_0_0.conv.weight",
    "backbone.body.trunk0.fbnetv2_0_0.bn.running_var",
    "backbone.body.trunk2.fbnetv2_2_0.se.se.1.bias", "roi_heads.box_predictor.cls_score.weight",
    "roi_heads.mask_head.predictor.mask_fcn_logits.weight" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (TensorList) list = sound_tensors ();
    const FbnetTensorView right = *tensor_list_find (list, names[i]);
    replace_tensor (list, names[i], FBNET_DTYPE_I32, right.shape, right.n_dims);
    assert_tensors_refused (list, names[i]);
    replace_tensor (list, names[i], FBNET_DTYPE_F32, right.shape, right.n_dims - 1);
    assert_tensors_refused (list, names[i]);
    for (guint d = 0; d < right.n_dims; d++) {
      gsize shape[FBNET_MAX_DIMS];
      memcpy (shape, right.shape, sizeof shape);
      shape[d]++;
      replace_tensor (list, names[i], FBNET_DTYPE_F32, shape, right.n_dims);
      assert_tensors_refused (list, names[i]);
      shape[d] = 0;
      replace_tensor (list, names[i], FBNET_DTYPE_F32, shape, right.n_dims);
      assert_tensors_refused (list, names[i]);
    }
  }
}

/* Numbers that are none, anywhere in a tensor, and variances below zero are refused. */
static void
test_bad_numbers (void)
{
  static const char *const names[] = { "backbone.body.trunk0.fbnetv2_0_0.conv.weight",
    "roi_heads.box_predictor.bbox_pred.bias" };
  static const float bad[] = { NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (bad); j++) {
      g_autoptr (TensorList) list = sound_tensors ();
      const FbnetTensorView *view = tensor_list_find (list, names[i]);
      float *numbers = (float *) view->data;
      numbers[j == 0 ? 0 : view->n_bytes / sizeof (float) - 1] = bad[j];
      assert_tensors_refused (list, names[i]);
    }
  }
  g_autoptr (TensorList) list = sound_tensors ();
  const char *name = "backbone.body.trunk0.fbnetv2_0_0.bn.running_var";
  ((float *) tensor_list_find (list, name)->data)[3] = -1e-3f;
  assert_tensors_refused (list, name);
}

/* --- Description ------------------------------------------------------------------------------ */

/* Fields that a file may leave out (models/FORMAT.md). A block's own arguments are looked at apart. */
static const char *const optional[] = { "provenance", "provenance.source", "labels", "category_ids",
  "architecture.basic_args", "architecture.basic_args.dw_skip_bnrelu",
  "architecture.basic_args.zero_last_bn_gamma", "architecture.width_divisor",
  "architecture.scale_factor", "architecture.mask", "architecture.name", "mask_head", NULL };

typedef void (*FieldFunc) (const Sound *sound, cJSON *description, cJSON *object, cJSON *member,
    const char *path);

/* Calls `func` for every member of every object of the description, each time with a fresh copy of
 * it; `trail` leads to the object by indices. */
static void
visit (const Sound *sound, const cJSON *original, const cJSON *at, GArray *trail, const char *path,
    FieldFunc func)
{
  for (guint i = 0; cJSON_IsObject (at) && i < (guint) cJSON_GetArraySize (at); i++) {
    cJSON *copy = cJSON_Duplicate (original, TRUE);
    cJSON *object = copy;
    for (guint t = 0; t < trail->len; t++)
      object = cJSON_GetArrayItem (object, (int) g_array_index (trail, guint, t));
    cJSON *member = cJSON_GetArrayItem (object, (int) i);
    g_autofree char *member_path =
        *path != '\0' ? g_strconcat (path, ".", member->string, NULL) : g_strdup (member->string);
    func (sound, copy, object, member, member_path);
    cJSON_Delete (copy);
    g_array_append_val (trail, i);
    visit (sound, original, cJSON_GetArrayItem (at, (int) i), trail, member_path, func);
    g_array_set_size (trail, trail->len - 1);
  }
}

static void
visit_fields (FieldFunc func)
{
  Sound sound = load_sound ("tiny-bn");
  cJSON *header = sound_header (&sound);
  cJSON *description = sound_description (header);
  g_autoptr (GArray) trail = g_array_new (FALSE, FALSE, sizeof (guint));

  visit (&sound, description, description, trail, "", func);
  cJSON_Delete (description);
  cJSON_Delete (header);
  g_free (sound.file);
}

static void
remove_field (const Sound *sound, cJSON *description, cJSON *object, cJSON *member,
    const char *path)
{
  g_autofree char *name = g_strdup (member->string);

  cJSON_DeleteItemFromObjectCaseSensitive (object, name);
  g_autoptr (GBytes) bytes = with_description (sound, description);
  /* A mask part without a head that reads it stands idle; a head without its part cannot. */
  if (strcmp (path, "architecture.mask") == 0 || !g_strv_contains (optional, path))
    assert_case_refused (bytes, name, path);
}

/* Each field that is required is missed by name. */
static void
test_missing_fields (void)
{
  visit_fields (remove_field);
}

/* Whether another value of the member's own type is a right one, or one that nobody reads. */
static gboolean
takes_any (const char *path)
{
  static const char *const paths[] = { "name", "architecture.name", "provenance",
    "provenance.source", NULL };

  return g_strv_contains (paths, path);
}

static void
change_type (const Sound *sound, cJSON *description, cJSON *object, cJSON *member, const char *path)
{
  const int right_type = member->type & 0xff;
  g_autofree char *name = g_strdup (member->string);
  cJSON *const wrong[] = { cJSON_CreateNull (), cJSON_CreateNumber (-3.5), cJSON_CreateString ("x"),
    cJSON_CreateArray (), cJSON_CreateObject () };
  /* Tensors of another name, or a network of another shape: the message is about tensors. */
  const gboolean names_tensors =
      strcmp (path, "backbone.prefix") == 0 || strcmp (path, "architecture.basic_args") == 0;

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    const gboolean right = (wrong[i]->type & 0xff) == right_type && takes_any (path);
    cJSON_ReplaceItemInObjectCaseSensitive (object, name, wrong[i]);
    g_autoptr (GBytes) bytes = with_description (sound, description);
    /* What only training reads is not looked at. */
    if (!right && strcmp (name, "zero_last_bn_gamma") != 0)
      assert_case_refused (bytes, names_tensors ? NULL : name, path);
  }
}

/* Each field is refused by name when it is null, a number, a string, an array or an object where it
 * must not be. */
static void
test_wrong_types (void)
{
  visit_fields (change_type);
}

static void
add_unknown (const Sound *sound, cJSON *description, cJSON *object, cJSON *member, const char *path)
{
  if (!cJSON_IsObject (member) || strcmp (path, "provenance") == 0)
    return;
  cJSON_AddNumberToObject (member, "mispelt", 1);
  g_autoptr (GBytes) bytes = with_description (sound, description);
  assert_case_refused (bytes, "mispelt", path);
}

/* A field that the format does not know is not silently passed over. */
static void
test_unknown_fields (void)
{
  visit_fields (add_unknown);
}

static void
out_of_range (const Sound *sound, cJSON *description, cJSON *object, cJSON *member,
    const char *path)
{
  static const double values[] = { -1e30, 1e30, 1e308 };
  g_autofree char *name = g_strdup (member->string);

  if (!cJSON_IsNumber (member))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    cJSON_ReplaceItemInObjectCaseSensitive (object, name, cJSON_CreateNumber (values[i]));
    g_autoptr (GBytes) bytes = with_description (sound, description);
    assert_case_refused (bytes, name, path);
  }
}

/* Numbers far out of any range are refused by name. */
static void
test_out_of_range (void)
{
  visit_fields (out_of_range);
}

/* One member, by a path of keys, gets this JSON; what the message then must be about. */
typedef struct {
  const char *path, *json, *mentions;
} Contradiction;

static const Contradiction contradictions[] = {
  { "format", "\"fbnet\"", "format" },
  { "version", "2", "version" },
  { "version", "1.5", "version" },
  { "task", "\"segmentation\"", "task" },
  { "labels", "[\"square\", \"circle\"]", "labels" },
  { "labels", "[\"square\", \"circle\", \"cross\", \"line\"]", "labels" },
  { "labels", "[1, 2, 3]", "labels" },
  { "category_ids", "[1, 2]", "category_ids" },
  { "category_ids", "[1, 2, \"3\"]", "category_ids" },
  { "roi_heads.n_classes", "4", "" },
  { "roi_heads.n_classes", "2", "" },
  { "roi_heads.n_classes", "0", "n_classes" },
  { "roi_heads.n_classes", "2.5", "n_classes" },
  { "roi_heads.in_features", "[\"trunk2\"]", "expected shape" },
  { "roi_heads.in_features", "[\"trunk9\"]", "in_features" },
  { "roi_heads.in_features", "[\"p3\"]", "in_features" },
  { "roi_heads.in_features", "[]", "in_features" },
  { "roi_heads.in_features", "[3]", "in_features" },
  { "roi_heads.score_threshold", "1.5", "score_threshold" },
  { "roi_heads.iou_threshold", "-0.1", "iou_threshold" },
  { "roi_heads.max_detections", "0", "max_detections" },
  { "rpn.in_features", "[\"trunk3\", \"trunk2\"]", "" },
  { "rpn.in_features", "[\"trunk99999999999999999999\"]", "in_features" },
  { "rpn.pre_nms_count", "0", "pre_nms_count" },
  { "rpn.post_nms_count", "-1", "post_nms_count" },
  { "rpn.bbox_reg_weights", "[1, 1, 1]", "bbox_reg_weights" },
  { "rpn.bbox_reg_weights", "[1, 1, 1, 0]", "bbox_reg_weights" },
  { "rpn.iou_bounds", "[0.7, 0.3]", "iou_bounds" },
  { "anchors.sizes", "[[16, 32, 64]]", "" },
  { "anchors.sizes", "[]", "sizes" },
  { "anchors.sizes", "[[]]", "sizes" },
  { "anchors.sizes", "[[16, -32]]", "sizes" },
  { "anchors.aspect_ratios", "[[0, 1, 2]]", "aspect_ratios" },
  { "anchors.offset", "-1", "offset" },
  { "input.channel_order", "\"GBR\"", "channel_order" },
  { "input.mean", "[1, 2]", "mean" },
  { "input.mean", "[1, 2, 3, 4]", "mean" },
  { "input.std", "[1, 1, 0]", "std" },
  { "input.std", "[1, 1, -1]", "std" },
  { "input.min_size", "0", "min_size" },
  { "input.max_size", "8193", "max_size" },
  { "input.max_size", "47", "min_size: expected at most max_size" },
  { "input.size_divisibility", "-1", "size_divisibility" },
  { "backbone.type", "\"C5\"", "type" },
  { "backbone.type", "\"FPN\"", "fpn" },
  { "backbone.prefix", "\"backbone\"", "expected shape" },
  { "box_head.pooler_resolution", "0", "pooler_resolution" },
  { "box_head.pooler_resolution", "57", "pooler_resolution" },
  { "box_head.class_agnostic", "true", "bbox_pred" },
  { "box_head.class_agnostic", "1", "class_agnostic" },
  { "mask_head.class_agnostic", "true", "mask_fcn_logits" },
  { "mask_head.threshold", "2", "threshold" },
  { "architecture.norm", "{\"name\": \"gn\"}", "num_groups" },
  { "architecture.norm", "{\"name\": \"gn\", \"num_groups\": 0}", "num_groups" },
  { "architecture.norm", "{\"name\": \"gn\", \"num_groups\": 3}", "groups" },
  { "architecture.norm", "{\"name\": \"layer\"}", "norm" },
  { "architecture.width_divisor", "0", "width_divisor" },
  { "architecture.width_divisor", "16", "expected shape" },
  { "architecture.scale_factor", "0", "scale_factor" },
  { "architecture.scale_factor", "2", "expected shape" },
  { "architecture.trunk", "[]", "trunk" },
  { "architecture.trunk", "[[]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", 8, 2]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k9\", 8, 2, 1]]]", "conv_k9" },
  { "architecture.trunk", "[[[\"conv_k3\", 8, 0, 1]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", 8, 2, 0]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", 8, 2, 1000000]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", 1e9, 2, 1]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", -8, 2, 1]]]", "trunk" },
  { "architecture.trunk", "[[[\"conv_k3\", 8, 2, 1, 5]]]", "trunk" },
  { "architecture.trunk", "[[[\"ir_k3\", 8, 2, 1, {\"expansion\": 0}]]]", "expansion" },
  { "architecture.trunk", "[[[\"ir_k3\", 8, 2, 1, {\"expansion\": \"4\"}]]]", "expansion" },
  { "architecture.trunk", "[[[\"ir_k3\", 8, 2, 1, {\"expnsion\": 4}]]]", "expnsion" },
  { "architecture.trunk", "[[[\"ir_k3\", 8, 2, 1, {\"pw_groups\": 5}]]]", "groups" },
  { "architecture.rpn", "[[[\"ir_k3_se\", 32, 1, 1]], [[\"ir_k3_se\", 32, 1, 1]]]", "rpn" },
  { "architecture.rpn", "[[[\"ir_k3_se\", 32, 2, 1]]]", "keeps a map's size" },
  { "architecture.rpn", "[[[\"ir_pool\", 32, 1, 1]]]", "keeps a map's size" },
  { "architecture.rpn", "[[[\"ir_k3\", 32, 1, 1, {\"padding\": 0}]]]", "padding of 1" },
  { "architecture.trunk", "[[[\"ir_k5\", 3, 1, 1, {\"padding\": 5}]]]", "padding of 2" },
  { "name", "\"tiny\\u001b[31m\"", "control characters" },
  { "labels", "[\"one\\n\", \"two\", \"three\"]", "control characters" },
};

static void
set_by_path (cJSON *object, const char *path, const char *json)
{
  g_auto (GStrv) keys = g_strsplit (path, ".", -1);
  const guint last = g_strv_length (keys) - 1;
  cJSON *value = cJSON_Parse (json);

  g_assert_nonnull (value);
  for (guint i = 0; i < last; i++)
    object = cJSON_GetObjectItemCaseSensitive (object, keys[i]);
  if (cJSON_HasObjectItem (object, keys[last]))
    cJSON_ReplaceItemInObjectCaseSensitive (object, keys[last], value);
  else
    cJSON_AddItemToObject (object, keys[last], value);
}

/* `setting` over a description that was changed before. */
static void
check_setting (const Sound *sound, const cJSON *base, const Contradiction *setting)
{
  cJSON *description = cJSON_Duplicate (base, TRUE);

  set_by_path (description, setting->path, setting->json);
  g_autoptr (GBytes) bytes = with_description (sound, description);
  g_autofree char *case_name = g_strdup_printf ("%s = %.200s", setting->path, setting->json);
  assert_case_refused (bytes, setting->mentions, case_name);
  cJSON_Delete (description);
}

/* A pyramid adds maps of half the size to each other, and has norms of its own. */
static void
test_pyramid (void)
{
#define FPN(norm)                                                                                  \
  "{\"type\": \"FPN\", \"prefix\": \"backbone.bottom_up\", \"fpn\": {\"in_features\": "            \
  "[\"trunk1\", \"trunk2\"], \"out_channels\": 16, \"norm\": " norm                                \
  ", \"levels\": [\"p2\", \"p3\", \"p4\"]}}"
  static const Contradiction settings[] = {
    { "backbone", FPN ("{\"name\": \"gn\", \"num_groups\": 3}"), "divide into 3 groups" },
    { "architecture.trunk",
        "[[[\"conv_k3\", 8, 2, 1]], [[\"ir_k3\", 8, 2, 1]], [[\"ir_k3\", 8, 2, 1], [\"ir_pool\", "
        "8, 1, "
        "1]]]",
        "fbnetv2_2_1\": expected an op that keeps a map's size" },
    { "architecture.trunk",
        "[[[\"conv_k3\", 8, 2, 1]], [[\"ir_k3\", 8, 2, 1]], [[\"ir_k3\", 8, 2, 1, {\"padding\": "
        "0}]]]",
        "keeps a map's size" },
    { "architecture.trunk",
        "[[[\"conv_k3\", 8, 2, 1]], [[\"ir_k3\", 8, 2, 1], [\"ir_k3\", 8, -2, 1]], [[\"ir_k3\", 8, "
        "2, 1]]]",
        "keeps a map's size" },
  };
  Sound sound = load_sound ("tiny-bn");
  cJSON *header = sound_header (&sound);
  cJSON *base = sound_description (header);

  set_by_path (base, "backbone", FPN ("{\"name\": \"none\"}"));
  set_by_path (base, "rpn.in_features", "[\"p2\", \"p3\"]");
  set_by_path (base, "roi_heads.in_features", "[\"p2\", \"p3\"]");
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    check_setting (&sound, base, &settings[i]);
  cJSON_Delete (base);
  cJSON_Delete (header);
  g_free (sound.file);
#undef FPN
}

/* Descriptions that are large for nothing: refused before they are built, or in no time. */
static void
test_large (void)
{
  Sound sound = load_sound ("tiny-bn");
  cJSON *header = sound_header (&sound);
  cJSON *base = sound_description (header);
  g_autofree char *letters = g_strnfill (4u << 20, 'a');
  g_autofree char *prefix = g_strdup_printf ("\"%s\"", letters);
  g_autoptr (GString) stages = g_string_new ("[");
  g_autoptr (GString) activations = g_string_new ("{\"scheme\": \"int8\", \"activations\": {");

  for (guint i = 0; i < 8000; i++)
    g_string_append_printf (stages, "%s[[\"skip\", 3, 1, 1]]", i > 0 ? ", " : "");
  g_string_append_c (stages, ']');
  for (guint i = 0; i < 40000; i++)
    g_string_append_printf (activations, "%s\"a%u\": {\"scale\": 1, \"zero_point\": 0}",
        i > 0 ? ", " : "", i);
  g_string_append (activations, "}}");
  const Contradiction large[] = { { "backbone.prefix", prefix, "at most 255 bytes" },
    { "architecture.trunk", stages->str, "at most 64 stages" },
    { "quantization", activations->str, "activations" } };
  for (guint i = 0; i < G_N_ELEMENTS (large); i++)
    check_setting (&sound, base, &large[i]);
  cJSON_Delete (base);
  cJSON_Delete (header);
  g_free (sound.file);
}

/* Fields at and just beyond their bounds, and fields that other fields or the tensors contradict. */
static void
test_contradictions (void)
{
  Sound sound = load_sound ("tiny-bn");
  cJSON *header = sound_header (&sound);
  cJSON *base = sound_description (header);

  for (guint i = 0; i < G_N_ELEMENTS (contradictions); i++)
    check_setting (&sound, base, &contradictions[i]);
  cJSON_Delete (base);
  cJSON_Delete (header);
  g_free (sound.file);
}

/* --- Chance ----------------------------------------------------------------------------------- */

/* Thousands of damaged copies, one to four bits flipped in the header, which holds the description:
 * refused with a sentence, or still a model that a frame goes through. */
static void
test_bit_flips (void)
{
  static const char *const names[] = { "tiny-bn", "tiny-gn" };
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  guint n_loaded = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Sound sound = load_sound (names[i]);
    for (guint round = 0; round < 2000; round++) {
      g_autofree guint8 *copy = g_memdup2 (sound.file, sound.size);
      const gint n_flips = g_test_rand_int_range (1, 5);
      for (gint flip = 0; flip < n_flips; flip++) {
        const gint at = g_test_rand_int_range (0, (gint32) sound.header_size + 8);
        copy[at] ^= (guint8) (1 << g_test_rand_int_range (0, 8));
      }
      g_autoptr (GBytes) bytes = g_bytes_new_static (copy, sound.size);
      n_loaded += survives (bytes, picture);
    }
    g_free (sound.file);
  }
  g_test_message ("%u of 4000 damaged files are still models", n_loaded);
}

/* The description alone, whose bytes a flip in the header seldom meets: characters exchanged for others
 * that JSON knows, digits above all. */
static void
test_description_flips (void)
{
  static const char alphabet[] = "0123456789-.eE\"[]{},: \\tfn";
  g_autoptr (Picture) picture = picture_draw (61, 44, 7);
  Sound sound = load_sound ("tiny-bn");
  cJSON *header = sound_header (&sound);
  cJSON *metadata = cJSON_GetObjectItem (header, "__metadata__");
  g_autofree char *text = g_strdup (cJSON_GetStringValue (cJSON_GetObjectItem (metadata, "fbnet")));
  guint n_loaded = 0;

  for (guint round = 0; round < 3000; round++) {
    g_autofree char *copy = g_strdup (text);
    const gint n_changes = g_test_rand_int_range (1, 4);
    for (gint change = 0; change < n_changes; change++)
      copy[g_test_rand_int_range (0, (gint32) strlen (text))] =
          alphabet[g_test_rand_int_range (0, sizeof alphabet - 1)];
    cJSON_ReplaceItemInObject (metadata, "fbnet", cJSON_CreateString (copy));
    g_autoptr (GBytes) bytes = with_header_json (&sound, header);
    n_loaded += survives (bytes, picture);
  }
  g_test_message ("%u of 3000 damaged descriptions are still models", n_loaded);
  cJSON_Delete (header);
  g_free (sound.file);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hostile/no-file", test_no_file);
  g_test_add_func ("/hostile/no-regular-file", test_no_regular_file);
  g_test_add_func ("/hostile/changed-file", test_changed_file);
  g_test_add_func ("/hostile/memory-limit", test_memory_limit);
  g_test_add_func ("/hostile/work-limit", test_work_limit);
  g_test_add_func ("/hostile/sound", test_sound);
  g_test_add_func ("/hostile/truncated", test_truncated);
  g_test_add_func ("/hostile/header-length", test_header_length);
  g_test_add_func ("/hostile/header-text", test_header_text);
  g_test_add_func ("/hostile/layout", test_layout);
  g_test_add_func ("/hostile/depth", test_depth);
  g_test_add_func ("/hostile/missing-tensors", test_missing_tensors);
  g_test_add_func ("/hostile/wrong-tensors", test_wrong_tensors);
  g_test_add_func ("/hostile/bad-numbers", test_bad_numbers);
  g_test_add_func ("/hostile/missing-fields", test_missing_fields);
  g_test_add_func ("/hostile/wrong-types", test_wrong_types);
  g_test_add_func ("/hostile/unknown-fields", test_unknown_fields);
  g_test_add_func ("/hostile/out-of-range", test_out_of_range);
  g_test_add_func ("/hostile/contradictions", test_contradictions);
  g_test_add_func ("/hostile/pyramid", test_pyramid);
  g_test_add_func ("/hostile/large", test_large);
  g_test_add_func ("/hostile/bit-flips", test_bit_flips);
  g_test_add_func ("/hostile/description-flips", test_description_flips);
  return g_test_run ();
}
