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

static void
take_block (GString *text, Take *take)
{
  static const char *const ops[] = { "conv_k1", "conv_k3", "conv_k5", "conv_k3_hs", "ir_k3",
    "ir_k5", "ir_k3_hs", "ir_k5_hs", "ir_k3_g2", "ir_k3_se", "ir_k5_sehsig", "ir_k3_sehsig_hs",
    "ir_pool", "skip", "conv_k7", "ir_k5_g2" };
  static const char *const expansions[] = { "1", "2", "3", "0.5", "6" };
  static const int strides[] = { 1, 1, 2, 1, -2, 3 };
  const char *op = ops[take_index (take, G_N_ELEMENTS (ops))];
  const guint out = 1 + take_index (take, 40);

  g_string_append_printf (text, "[\"%s\", %u, %d, %u", op, out,
      strides[take_index (take, G_N_ELEMENTS (strides))], 1 + take_index (take, 2));
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

static void
take_part (GString *text, const char *name, guint n_stages, Take *take)
{
  g_string_append_printf (text, ", \"%s\": [", name);
  for (guint s = 0; s < n_stages; s++) {
    const guint n_blocks = 1 + take_index (take, 3);
    g_string_append (text, s > 0 ? ", [" : "[");
    for (guint b = 0; b < n_blocks; b++) {
      g_string_append (text, b > 0 ? ", " : "");
      take_block (text, take);
    }
    g_string_append (text, "]");
  }
  g_string_append (text, "]");
}

static char *
take_architecture (guint n_stages, gboolean detector, gboolean masks, Take *take)
{
  static const char *const norms[] = { "\"bn\"", "\"none\"", "\"gn\", \"num_groups\": 1",
    "\"gn\", \"num_groups\": 2", "\"naiveSyncBN\"", "\"frozen_bn\"" };
  static const guint divisors[] = { 1, 8, 4 };
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_printf (text, "{\"name\": \"fuzz\", \"width_divisor\": %u, \"norm\": {\"name\": %s}",
      divisors[take_index (take, G_N_ELEMENTS (divisors))],
      norms[take_index (take, G_N_ELEMENTS (norms))]);
  take_part (text, "trunk", n_stages, take);
  if (detector) {
    take_part (text, "rpn", 1, take);
    take_part (text, "bbox", 1, take);
  }
  if (masks)
    take_part (text, "mask", 1, take);
  g_string_append (text, "}");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* NULL where the engine refuses it. */
static FbnetModel *
take_model (Take *take)
{
  const guint n_stages = 1 + take_index (take, 3), seed = take_index (take, 256);
  const gboolean detector = take_index (take, 4) != 0, masks = detector && take_index (take, 2);
  g_autofree char *architecture = take_architecture (n_stages, detector, masks, take);
  g_autofree char *description = detector
      ? random_model_description (architecture, n_stages, masks)
      : g_strdup_printf (
          "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"fuzz\", \"task\": "
          "\"classification\", \"input\": {\"channel_order\": \"RGB\", \"mean\": [0, 0, 0], "
          "\"std\": [1, 1, 1], \"resize\": %u, \"crop\": %u}, \"architecture\": %s, "
          "\"backbone\": {\"prefix\": \"backbone.stages\"}, \"head\": {\"n_classes\": 3}}",
          64, 1 + take_index (take, 64), architecture);

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
  g_autoptr (FbnetModel) model = take_model (&take);
  g_autoptr (FbnetModel) quantized = model != NULL && kind & 1 ? quantize (model) : NULL;
  FbnetModel *used = quantized != NULL ? quantized : model;

  if (used == NULL)
    return 0;
  if (kind & 2)
    compare_rows (used, &take);
  frame_run (used, &take);
  return 0;
}
