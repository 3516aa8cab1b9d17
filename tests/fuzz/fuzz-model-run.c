/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: the bytes choose an architecture with random weights, in floats or bytes, and how it
 * runs. What the loader takes runs, and every kernel set gives what the row c gives.
 */
#include "framerun.h"
#include "fuzz.h"
#include "int8model.h"
#include "randommodel.h"
#include "rows.h"

/* --- Architectures ---------------------------------------------------------------------------- */

/* What the first byte says. Inputs of before there were pyramids and keypoints have none of those bits. */
#define IS_INT8(kind)       ((kind) &1)
#define COMPARES_ROWS(kind) ((kind) &2)
#define HAS_PYRAMID(kind)   ((kind) &4)
#define HAS_KEYPOINTS(kind) ((kind) &8)
#define PREDICTOR(kind)     ((kind) >> 4 & 3)

/* Stride 0: the bytes choose it. */
static void
take_block (GString *text, int stride, Take *take)
{
  static const char *const ops[] = { "conv_k1", "conv_k3", "conv_k5", "conv_k3_hs", "ir_k3",
    "ir_k5", "ir_k3_hs", "ir_k5_hs", "ir_k3_g2", "ir_k3_se", "ir_k5_sehsig", "ir_k3_sehsig_hs",
    "ir_pool", "skip", "conv_k7", "ir_k5_g2" };
  static const char *const expansions[] = { "1", "2", "3", "0.5", "6" };
  static const int strides[] = { 1, 1, 2, 1, -2, 3 };
  const char *op = ops[take_index (take, G_N_ELEMENTS (ops))];
  const guint out = 1 + take_index (take, 40);

  const int chosen = strides[take_index (take, G_N_ELEMENTS (strides))];
  const guint n = 1 + take_index (take, 2);

  g_string_append_printf (text, "[\"%s\", %u, %d, %u", op, out, stride != 0 ? stride : chosen,
      stride > 1 ? 1 : n); /* a block that is repeated would halve the map again */
  if (g_str_has_prefix (op, "ir_"))
    g_string_append_printf (text, ", {\"expansion\": %s}",
        expansions[take_index (take, G_N_ELEMENTS (expansions))]);
  const guint8 more = take_byte (take);
  if ((more & 3) == 1)
    g_string_append_printf (text, ", {\"padding\": %u}", take_index (take, 4));
  if ((more & 12) == 4)
    g_string_append_printf (text, ", {\"pw_groups\": %u}", 1 + take_index (take, 4));
  if ((more & 48) == 16)
    g_string_append_printf (text, ", {\"pwl_groups\": %u}", 1 + take_index (take, 4));
  if ((more & 192) == 64)
    g_string_append (text, ", {\"skip_shuffle\": true}");
  g_string_append (text, "]");
}

/* With `halves` every stage halves its map once, as a pyramid wants it. */
static void
take_part (GString *text, const char *name, guint n_stages, gboolean halves, Take *take)
{
  g_string_append_printf (text, ", \"%s\": [", name);
  for (guint s = 0; s < n_stages; s++) {
    const guint n_blocks = 1 + take_index (take, 3);
    g_string_append (text, s > 0 ? ", [" : "[");
    for (guint b = 0; b < n_blocks; b++) {
      g_string_append (text, b > 0 ? ", " : "");
      take_block (text, !halves ? 0 : b == 0 ? 2 : 1, take);
    }
    g_string_append (text, "]");
  }
  g_string_append (text, "]");
}

static const char *const norms[] = { "\"bn\"", "\"none\"", "\"gn\", \"num_groups\": 1",
  "\"gn\", \"num_groups\": 2", "\"naiveSyncBN\"", "\"frozen_bn\"" };

static char *
take_architecture (guint8 kind, guint n_stages, gboolean detector, gboolean masks, Take *take)
{
  static const guint divisors[] = { 1, 8, 4 };
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_printf (text, "{\"name\": \"fuzz\", \"width_divisor\": %u, \"norm\": {\"name\": %s}",
      divisors[take_index (take, G_N_ELEMENTS (divisors))],
      norms[take_index (take, G_N_ELEMENTS (norms))]);
  take_part (text, "trunk", n_stages, detector && HAS_PYRAMID (kind), take);
  if (detector) {
    take_part (text, "rpn", 1, FALSE, take);
    take_part (text, "bbox", 1, FALSE, take);
  }
  if (masks)
    take_part (text, "mask", 1, FALSE, take);
  if (detector && HAS_KEYPOINTS (kind))
    take_part (text, "kpts", 1, FALSE, take);
  g_string_append (text, "}");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The features of a pyramid over the last stages, as its fields of a description. */
static char *
take_pyramid (guint n_stages, Take *take)
{
  const guint n_in = MIN (n_stages, 2), first = n_stages - n_in;
  g_autoptr (GString) in = g_string_new (NULL), levels = g_string_new (NULL),
                      sizes = g_string_new (NULL);

  for (guint i = 0; i <= n_in; i++) {
    if (i < n_in)
      g_string_append_printf (in, "%s\"trunk%u\"", i > 0 ? ", " : "", first + i);
    g_string_append_printf (levels, "%s\"p%u\"", i > 0 ? ", " : "", first + i + 1);
    g_string_append_printf (sizes, "%s[%u]", i > 0 ? ", " : "", 8u << i);
  }
  const guint out = 1 + take_index (take, 24);
  const char *norm = norms[take_index (take, G_N_ELEMENTS (norms))];
  g_autofree char *read = g_strndup (levels->str, strrchr (levels->str, ',') - levels->str);
  return g_strdup_printf ("\"backbone\": {\"type\": \"FPN\", \"prefix\": \"backbone.bottom_up\", "
                          "\"fpn\": {\"in_features\": [%s], "
                          "\"out_channels\": %u, \"norm\": {\"name\": %s}, \"levels\": [%s]}}, "
                          "\"anchors\": {\"sizes\": [%s], \"aspect_ratios\": [[0.5, 1, 2]]}, "
                          "\"rpn\": {\"in_features\": [%s], \"pre_nms_count\": 100, "
                          "\"post_nms_count\": 30, \"iou_threshold\": 0.7}, "
                          "\"roi_heads\": {\"in_features\": [%s], ",
      in->str, out, norm, levels->str, sizes->str, levels->str, read);
}

static char *
take_single_map (guint n_stages)
{
  const guint last = n_stages - 1;

  return g_strdup_printf (
      "\"backbone\": {\"type\": \"C4\", \"prefix\": \"backbone.body\"}, "
      "\"anchors\": {\"sizes\": [[32, 64, 96, 128, 160]], \"aspect_ratios\": [[0.5, 1, 2]]}, "
      "\"rpn\": {\"in_features\": [\"trunk%u\"], \"pre_nms_count\": 1000, \"post_nms_count\": 30, "
      "\"iou_threshold\": 0.7}, "
      "\"roi_heads\": {\"in_features\": [\"trunk%u\"], ",
      last, last);
}

static char *
take_keypoint_head (guint8 kind, Take *take)
{
  static const char *const predictors[] = { "irf", "deconv", "deconv_upscale", "conv_upsample" };
  const guint resolution = 1 + take_index (take, 8), n = 1 + take_index (take, 20);

  return g_strdup_printf (
      ", \"keypoint_head\": {\"pooler_resolution\": %u, \"n_keypoints\": %u, \"type\": \"%s\"}",
      resolution, n, predictors[PREDICTOR (kind)]);
}

static char *
take_detector (guint8 kind, const char *architecture, guint n_stages, gboolean masks, Take *take)
{
  g_autofree char *features =
      HAS_PYRAMID (kind) ? take_pyramid (n_stages, take) : take_single_map (n_stages);
  g_autofree char *keypoints =
      HAS_KEYPOINTS (kind) ? take_keypoint_head (kind, take) : g_strdup ("");

  return g_strdup_printf (
      "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"fuzz\", \"task\": \"detection\", "
      "\"input\": {\"channel_order\": \"BGR\", \"mean\": [103.53, 116.28, 123.675], "
      "\"std\": [57.375, 57.12, 58.395], \"min_size\": 224, \"max_size\": 320}, \"architecture\": "
      "%s, %s"
      "\"n_classes\": 80, \"score_threshold\": 0.05, \"iou_threshold\": 0.5, \"max_detections\": "
      "100}, "
      "\"box_head\": {\"pooler_resolution\": 6, \"bbox_reg_weights\": [10, 10, 5, 5]}%s%s}",
      architecture, features, masks ? ", \"mask_head\": {\"pooler_resolution\": 14}" : "",
      keypoints);
}

static char *
take_classifier (const char *architecture, Take *take)
{
  return g_strdup_printf (
      "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"fuzz\", \"task\": "
      "\"classification\", \"input\": {\"channel_order\": \"RGB\", \"mean\": [0, 0, 0], "
      "\"std\": [1, 1, 1], \"resize\": %u, \"crop\": %u}, \"architecture\": %s, "
      "\"backbone\": {\"prefix\": \"backbone.stages\"}, \"head\": {\"n_classes\": 3}}",
      64, 1 + take_index (take, 64), architecture);
}

/* NULL where the engine refuses it. */
static FbnetModel *
take_model (guint8 kind, Take *take)
{
  const guint n_stages = 1 + take_index (take, 3), seed = take_index (take, 256);
  const gboolean detector = take_index (take, 4) != 0, masks = detector && take_index (take, 2);
  g_autofree char *architecture = take_architecture (kind, n_stages, detector, masks, take);
  g_autofree char *description = detector
      ? take_detector (kind, architecture, n_stages, masks, take)
      : take_classifier (architecture, take);

  return random_model_new (description, seed, NULL);
}

/* The model in int8; NULL where nothing of it can be. */
static FbnetModel *
quantize (FbnetModel *model)
{
  guint8 pixels[3 * 24 * 20];
  const FbnetImage image = { .format = FBNET_PIXEL_RGB,
    .width = 24,
    .height = 20,
    .planes = { pixels },
    .strides = { 3 * 24 } };

  for (guint i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * i >> 4);
  model->description->params.min_size = 24;
  model->description->params.max_size = 32;
  model->description->params.post_nms_count = 4;
  return int8_model_new (model, &image);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static void
compare_rows (FbnetModel *model, Take *take)
{
  const gsize h = 1 + take_index (take, 19), w = 1 + take_index (take, 23);

  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    g_autofree char *difference = rows_compare (model, *row, FALSE, h, w);
    if (difference != NULL)
      g_error ("%s", difference);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Take take = { data, size, 0 };
  const guint8 kind = take_byte (&take);
  g_autoptr (FbnetModel) model = take_model (kind, &take);
  g_autoptr (FbnetModel) quantized = model != NULL && IS_INT8 (kind) ? quantize (model) : NULL;
  FbnetModel *used = quantized != NULL ? quantized : model;

  if (used == NULL)
    return 0;
  if (COMPARES_ROWS (kind))
    compare_rows (used, &take);
  frame_run (used, &take);
  return 0;
}
