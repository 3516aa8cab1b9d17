/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: the bytes choose an architecture with random weights, in floats or bytes, and how it
 * runs. What the loader takes runs, and every kernel set gives what the row c gives.
 */
#include <glib/gstdio.h>
#include <math.h>

#include "framerun.h"
#include "fuzz.h"
#include "network/cache.h"
#include "network/piece.h"
#include "quantize/quantizer.h"
#include "randommodel.h"

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
  const QuantizerOptions options = quantizer_options_default ();
  guint8 pixels[3 * 24 * 20];
  const FbnetImage image = { .format = FBNET_PIXEL_RGB,
    .width = 24,
    .height = 20,
    .planes = { pixels },
    .strides = { 3 * 24 } };
  g_autoptr (Quantizer) quantizer = quantizer_new (model, &options, NULL);
  g_autofree char *path = NULL;
  FbnetModel *quantized = NULL;

  for (guint i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * i >> 4);
  model->description->params.min_size = 24;
  model->description->params.max_size = 32;
  model->description->params.post_nms_count = 4;
  if (quantizer == NULL || !quantizer_add_image (quantizer, &image, NULL)
      || !quantizer_finish (quantizer, NULL))
    return NULL;
  g_close (g_file_open_tmp ("fuzz-XXXXXX.safetensors", &path, NULL), NULL);
  if (quantizer_write (quantizer, path, NULL))
    quantized = fbnet_model_load (path, NULL);
  g_unlink (path);
  return quantized;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* The trunk's last map, in floats; its data is NULL where the input leaves none. */
static Tensor
run_trunk (FbnetModel *model, const Kernels *kernels, gboolean int8, const Tensor *in)
{
  const PackOptions options = { .kernels = kernels, .int8 = int8 };
  Workspace workspace = { .network = cache_get_network (model, &options, NULL) };
  Tensor current = *in;

  for (guint s = 0; current.data != NULL && s < layers_count (model->layers, ROLE_TRUNK); s++) {
    Tensor next;
    if (!piece_run_stage (&workspace, network_stage (workspace.network, ROLE_TRUNK, s), &current,
            TRUE, &next, NULL))
      next.data = NULL;
    if (s > 0)
      g_free (current.data);
    current = next;
  }
  arena_clear (&workspace.arena);
  return current;
}

static gboolean
trunk_is_of_bytes (const FbnetModel *model)
{
  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++) {
    const Stage *stage = layers_stage (model->layers, ROLE_TRUNK, s);
    for (guint b = 0; b < stage->n_blocks; b++) {
      if (!stage->blocks[b].quantized)
        return FALSE;
    }
  }
  return TRUE;
}

/* Bytes have the same bits on every row; of floats the sums may be taken in another order. */
static void
compare_rows (FbnetModel *model, Take *take)
{
  const Kernels *const *rows = kernels_list ();
  const gboolean int8 = model->description->quantization != NULL;
  float pixels[19 * 23 * 3];
  const Tensor in = { .data = pixels,
    .n = 1,
    .h = 1 + take_index (take, 19),
    .w = 1 + take_index (take, 23),
    .c = 3 };

  for (guint i = 0; i < G_N_ELEMENTS (pixels); i++)
    pixels[i] = (float) ((gint) (i * 37 % 101) - 50) / 25;
  const Tensor expected = run_trunk (model, kernels_find ("c", NULL), int8, &in);
  const gsize n = expected.data != NULL ? tensor_pixels (&expected) * expected.c : 0;
  float most = 0;
  for (gsize i = 0; i < n; i++)
    most = MAX (most, fabsf (expected.data[i]));
  const float allowed = int8 && trunk_is_of_bytes (model) ? 0 : int8 ? INFINITY : 1e-3f * most;
  for (; *rows != NULL; rows++) {
    const Tensor found = run_trunk (model, *rows, int8, &in);
    g_assert ((found.data == NULL) == (expected.data == NULL));
    for (gsize i = 0; i < n; i++)
      g_assert (fabsf (found.data[i] - expected.data[i]) <= allowed);
    g_free (found.data);
  }
  g_free (expected.data);
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
