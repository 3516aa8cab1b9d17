/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FBNet's builder: block lists to layers. The order of a block's layers is that of mobile_cv's
 * IRFBlock.forward.
 */
#include "arch.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "fbnet/fbnet.h"

/* More than any network of the family has, few enough that no product overflows. */
#define MAX_CHANNELS 16384
#define MAX_STAGES   64  /* of a part */
#define MAX_BLOCKS   256 /* of a stage */
#define MAX_STRIDE   8
#define MAX_KERNEL   7

static const struct {
  const char *name;
  BlockKind kind;
  guint kernel; /* 0: the argument kernel_size says it */
  guint pw_groups;
  gboolean se;
  Activation act, gate;
} ops[] = {
  { "conv", BLOCK_CONV, 0, 1, FALSE, ACT_RELU },
  { "conv_hs", BLOCK_CONV, 0, 1, FALSE, ACT_HSWISH },
  { "conv_k1", BLOCK_CONV, 1, 1, FALSE, ACT_RELU },
  { "conv_k3", BLOCK_CONV, 3, 1, FALSE, ACT_RELU },
  { "conv_k5", BLOCK_CONV, 5, 1, FALSE, ACT_RELU },
  { "conv_k7", BLOCK_CONV, 7, 1, FALSE, ACT_RELU },
  { "conv_k1_hs", BLOCK_CONV, 1, 1, FALSE, ACT_HSWISH },
  { "conv_k3_hs", BLOCK_CONV, 3, 1, FALSE, ACT_HSWISH },
  { "conv_k5_hs", BLOCK_CONV, 5, 1, FALSE, ACT_HSWISH },
  { "irf", BLOCK_IRF, 0, 1, FALSE, ACT_RELU },
  { "ir_k3", BLOCK_IRF, 3, 1, FALSE, ACT_RELU },
  { "ir_k5", BLOCK_IRF, 5, 1, FALSE, ACT_RELU },
  { "ir_k3_hs", BLOCK_IRF, 3, 1, FALSE, ACT_HSWISH },
  { "ir_k5_hs", BLOCK_IRF, 5, 1, FALSE, ACT_HSWISH },
  { "ir_k3_g2", BLOCK_IRF, 3, 2, FALSE, ACT_RELU },
  { "ir_k5_g2", BLOCK_IRF, 5, 2, FALSE, ACT_RELU },
  { "ir_k3_se", BLOCK_IRF, 3, 1, TRUE, ACT_RELU, ACT_SIGMOID },
  { "ir_k5_se", BLOCK_IRF, 5, 1, TRUE, ACT_RELU, ACT_SIGMOID },
  { "ir_k3_sehsig", BLOCK_IRF, 3, 1, TRUE, ACT_RELU, ACT_HSIGMOID },
  { "ir_k5_sehsig", BLOCK_IRF, 5, 1, TRUE, ACT_RELU, ACT_HSIGMOID },
  { "ir_k3_sehsig_hs", BLOCK_IRF, 3, 1, TRUE, ACT_HSWISH, ACT_HSIGMOID },
  { "ir_k5_sehsig_hs", BLOCK_IRF, 5, 1, TRUE, ACT_HSWISH, ACT_HSIGMOID },
  { "ir_pool", BLOCK_POOL, 1, 1, FALSE, ACT_RELU },
  { "ir_pool_hs", BLOCK_POOL, 1, 1, FALSE, ACT_HSWISH },
  { "skip", BLOCK_SKIP, 1, 1, FALSE, ACT_RELU },
};

/* zero_last_bn_gamma and drop_connect_rate mean something in training only. */
static const char *const known_arguments[] = { "expansion", "bias", "width_divisor", "always_pw",
  "less_se_channels", "round_se_channels", "dw_skip_bnrelu", "skip_pwl_bn", "skip_shuffle",
  "mid_expand_out", "pw_groups", "pwl_groups", "padding", "kernel_size", "dw_args", "relu_args",
  "se_args", "zero_last_bn_gamma", "drop_connect_rate", NULL };

/* One block's tuple with all its arguments merged. */
typedef struct {
  const char *op;
  BlockKind kind;
  guint out, kernel, stride, upsample, repeat;
  double expansion;
  guint width_divisor, pw_groups, pwl_groups, pad;
  gboolean bias, always_pw, less_se, round_se, dw_plain, pwl_plain, skip_shuffle, mid_from_out;
  gboolean any_kernel, se;
  Activation act, gate;
} BlockSpec;

/* What holds for a whole architecture. */
typedef struct {
  const cJSON *basic_args; /* or NULL */
  guint width_divisor;
  double scale_factor;
  Norm norm;
  const char *where;
} Builder;

guint
arch_divisible (double num, guint divisor)
{
  double result = floor (num);

  if (divisor > 0 && fmod (num, divisor) != 0) {
    result = MAX (1.0, floor (num / divisor + 0.5)) * divisor;
    if (result < 0.95 * num)
      result += divisor;
  }
  return (guint) MAX (result, (double) divisor);
}

ConvLayer
arch_plain_conv (const char *name, guint in, guint out, guint kernel, gboolean bias)
{
  return (ConvLayer){ .in = in,
    .out = out,
    .kernel = kernel,
    .stride = 1,
    .pad = kernel / 2,
    .groups = 1,
    .bias = bias,
    .conv_name = g_strdup (name) };
}

void
arch_conv_clear (ConvLayer *layer)
{
  g_free (layer->conv_name);
  g_free (layer->norm_name);
  g_free (layer->input_name);
  *layer = (ConvLayer){ 0 };
}

gsize
arch_conv_output (gsize input, const ConvLayer *layer, guint upsample)
{
  const gsize padded = input * upsample + 2 * layer->pad;

  return padded < layer->kernel ? 0 : (padded - layer->kernel) / layer->stride + 1;
}

guint64
arch_conv_parameters (const ConvLayer *layer)
{
  const guint64 weights =
      (guint64) layer->out * (layer->in / layer->groups) * layer->kernel * layer->kernel;
  const gboolean learns = layer->norm.kind == NORM_BATCH || layer->norm.kind == NORM_GROUP;

  return weights + (layer->bias ? layer->out : 0) + (learns ? 2 * (guint64) layer->out : 0);
}

void
arch_block_foreach (const Block *block, ConvLayerFunc func, gpointer data)
{
  for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
    if (block->layers[i].out != 0)
      func (&block->layers[i], data);
  }
}

void
arch_part_free (Part *part)
{
  if (part == NULL)
    return;
  for (guint s = 0; s < part->n_stages; s++) {
    for (guint b = 0; b < part->stages[s].n_blocks; b++) {
      Block *block = &part->stages[s].blocks[b];
      for (guint i = 0; i < N_BLOCK_LAYERS; i++)
        arch_conv_clear (&block->layers[i]);
      g_free (block->name);
    }
    g_free (part->stages[s].blocks);
  }
  g_free (part->stages);
  g_free (part);
}

/* --- Reading a block's tuple ------------------------------------------------------------------ */

static gboolean
parse_activation (const char *text, Activation *act)
{
  static const struct {
    const char *name;
    Activation act;
  } names[] = { { "relu", ACT_RELU }, { "hswish", ACT_HSWISH }, { "swish", ACT_SWISH } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_strcmp0 (text, names[i].name) == 0) {
      *act = names[i].act;
      return TRUE;
    }
  }
  return FALSE;
}

/* mobile_cv writes an operator's arguments as its name or as {"name": its name, …}. */
static const char *
operator_name (const cJSON *item)
{
  if (cJSON_IsObject (item))
    item = cJSON_GetObjectItemCaseSensitive (item, "name");
  return cJSON_GetStringValue (item);
}

static void
apply_se_args (BlockSpec *spec, JsonReader *args)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (args->object, "se_args");
  const char *name = operator_name (item);

  if (item == NULL)
    return;
  spec->se = !cJSON_IsNull (item);
  if (g_strcmp0 (name, "se") == 0)
    spec->gate = ACT_SIGMOID;
  else if (g_strcmp0 (name, "se_hsig") == 0)
    spec->gate = ACT_HSIGMOID;
  else if (spec->se)
    json_fail (args, "se_args", "\"se\", \"se_hsig\" or null");
}

/* One number, or torch's pair of equal ones. */
static guint
padding (JsonReader *args, guint kernel, guint unchanged)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (args->object, "padding");
  double pair[2] = { unchanged, unchanged };

  if (!cJSON_IsArray (item))
    return json_uint (args, "padding", 0, kernel, &unchanged);
  json_numbers (args, "padding", pair, 2, 0, kernel, FALSE);
  if (!args->failed && (pair[0] != pair[1] || pair[0] != floor (pair[0])))
    json_fail (args, "padding", "the same whole number for both directions");
  return (guint) pair[0];
}

/* mobile_cv's IRFBlock pads by half its kernel and ConvBNRelu, as torch, not at all. */
static void
apply_kernel (BlockSpec *spec, JsonReader *args)
{
  if (!cJSON_HasObjectItem (args->object, "kernel_size"))
    return;
  if (!spec->any_kernel) {
    json_fail (args, "kernel_size", "none, as the op's name says it");
    return;
  }
  spec->kernel = json_uint (args, "kernel_size", 1, MAX_KERNEL, NULL);
  if (spec->kind == BLOCK_IRF)
    spec->pad = spec->kernel / 2;
}

static void
apply_padding (BlockSpec *spec, JsonReader *args)
{
  spec->pad = padding (args, spec->kernel, spec->pad);
  if (cJSON_HasObjectItem (args->object, "dw_args")) {
    static const char *const keys[] = { "padding", NULL };
    JsonReader dw = json_open (args, "dw_args", args->path, FALSE);
    json_only_keys (&dw, keys);
    spec->pad = padding (&dw, spec->kernel, spec->pad);
    args->failed |= dw.failed;
  }
}

static void
apply_arguments (BlockSpec *spec, JsonReader *args)
{
  const cJSON *relu = cJSON_GetObjectItemCaseSensitive (args->object, "relu_args");

  if (args->object == NULL)
    return;
  json_only_keys (args, known_arguments);
  spec->expansion = json_number (args, "expansion", 0.01, 64, &spec->expansion);
  spec->width_divisor = json_uint (args, "width_divisor", 1, 256, &spec->width_divisor);
  spec->pw_groups = json_uint (args, "pw_groups", 1, 64, &spec->pw_groups);
  spec->pwl_groups = json_uint (args, "pwl_groups", 1, 64, &spec->pwl_groups);
  spec->bias = json_bool (args, "bias", spec->bias);
  spec->always_pw = json_bool (args, "always_pw", spec->always_pw);
  spec->less_se = json_bool (args, "less_se_channels", spec->less_se);
  spec->round_se = json_bool (args, "round_se_channels", spec->round_se);
  spec->dw_plain = json_bool (args, "dw_skip_bnrelu", spec->dw_plain);
  spec->pwl_plain = json_bool (args, "skip_pwl_bn", spec->pwl_plain);
  spec->skip_shuffle = json_bool (args, "skip_shuffle", spec->skip_shuffle);
  spec->mid_from_out = json_bool (args, "mid_expand_out", spec->mid_from_out);
  if (relu != NULL && !parse_activation (operator_name (relu), &spec->act))
    json_fail (args, "relu_args", "\"relu\", \"hswish\" or \"swish\"");
  apply_padding (spec, args);
  apply_se_args (spec, args);
}

/* What mobile_cv builds where nobody says a kernel. */
static guint
default_kernel (BlockKind kind)
{
  return kind == BLOCK_IRF ? 3 : 1;
}

static gboolean
find_op (BlockSpec *spec, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++) {
    if (g_strcmp0 (name, ops[i].name) == 0) {
      const guint kernel = ops[i].kernel > 0 ? ops[i].kernel : default_kernel (ops[i].kind);
      *spec = (BlockSpec){ .op = ops[i].name,
        .kind = ops[i].kind,
        .kernel = kernel,
        .any_kernel = ops[i].kernel == 0,
        .pad = kernel / 2,
        .expansion = 6,
        .pw_groups = ops[i].pw_groups,
        .pwl_groups = 1,
        .se = ops[i].se,
        .act = ops[i].act,
        .gate = ops[i].gate };
      /* Only the IRF family says bias=False; a plain convolution keeps torch's default. */
      spec->bias = spec->kind == BLOCK_CONV;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
int_in (const cJSON *item, int min, int max)
{
  return cJSON_IsNumber (item) && item->valuedouble >= min && item->valuedouble <= max
      && item->valuedouble == floor (item->valuedouble);
}

static void
set_tuple_error (GError **error, const char *path, const char *expected, const cJSON *found)
{
  char *text = found != NULL ? cJSON_PrintUnformatted (found) : NULL;

  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected %s, found %.80s", path,
      expected, text != NULL ? text : "nothing");
  cJSON_free (text);
}

/* Of the architecture, then of the block: what comes later counts. */
static gboolean
apply_all (const Builder *builder, BlockSpec *spec, const cJSON *item, const char *path,
    void (*apply) (BlockSpec *spec, JsonReader *args), GError **error)
{
  JsonReader basic = { builder->basic_args, path, error, FALSE };

  apply (spec, &basic);
  for (; item != NULL && !basic.failed; item = item->next) {
    JsonReader args = { item, path, error, FALSE };
    if (!cJSON_IsObject (item)) {
      set_tuple_error (error, path, "objects after op, out_channels, stride, repeat", item);
      return FALSE;
    }
    apply (spec, &args);
    basic.failed |= args.failed;
  }
  return !basic.failed;
}

static gboolean
parse_block (const Builder *builder, const cJSON *tuple, const char *path, BlockSpec *spec,
    GError **error)
{
  const cJSON *op = cJSON_GetArrayItem (tuple, 0);
  const cJSON *out = cJSON_GetArrayItem (tuple, 1);
  const cJSON *stride = cJSON_GetArrayItem (tuple, 2);
  const cJSON *repeat = cJSON_GetArrayItem (tuple, 3);

  if (!cJSON_IsArray (tuple) || !cJSON_IsString (op)) {
    set_tuple_error (error, path, "a block [op, out_channels, stride, repeat, {arguments}…]",
        tuple);
    return FALSE;
  }
  if (!find_op (spec, op->valuestring)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected an op this version can build (conv*, irf, ir_k*, ir_pool, skip), found "
        "\"%s\"",
        path, op->valuestring);
    return FALSE;
  }
  if (!int_in (out, 1, MAX_CHANNELS) || !int_in (repeat, 1, MAX_BLOCKS)
      || !int_in (stride, -MAX_STRIDE, MAX_STRIDE) || stride->valueint == 0) {
    set_tuple_error (error, path,
        "whole numbers for out_channels (1…16384), stride (-8…8, not 0) and repeat (1…256)", tuple);
    return FALSE;
  }
  spec->out = out->valueint;
  spec->repeat = repeat->valueint;
  spec->stride = stride->valueint > 0 ? stride->valueint : 1;
  spec->upsample = stride->valueint < 0 ? -stride->valueint : 1;
  spec->width_divisor = builder->width_divisor;

  /* A padding is judged by the kernel, wherever that stands. */
  return apply_all (builder, spec, repeat->next, path, apply_kernel, error)
      && apply_all (builder, spec, repeat->next, path, apply_arguments, error);
}

/* --- From a tuple to layers ------------------------------------------------------------------- */

static ConvLayer
make_conv (const Block *block, const char *suffix, guint in, guint out, guint kernel, Norm norm,
    Activation act)
{
  ConvLayer layer = { .in = in,
    .out = out,
    .kernel = kernel,
    .stride = 1,
    .groups = 1,
    .norm = norm,
    .act = act };

  layer.conv_name = g_strconcat (block->name, suffix, ".conv", NULL);
  if (norm.kind != NORM_NONE)
    layer.norm_name = g_strconcat (block->name, suffix, ".bn", NULL);
  return layer;
}

static void
make_conv_block (Block *block, const BlockSpec *spec, Norm norm)
{
  block->pwl = make_conv (block, "", block->in, block->out, spec->kernel, norm, spec->act);
  block->pwl.stride = spec->stride;
  block->pwl.pad = spec->pad;
  block->pwl.bias = spec->bias;
  block->upsample = spec->upsample;
}

static void
make_skip_block (Block *block, const BlockSpec *spec)
{
  const Norm batch = { NORM_BATCH };

  if (block->in == block->out && spec->stride == 1)
    return;
  /* mobile_cv hands `skip` no arguments: always batch norm and ReLU. */
  block->kind = BLOCK_CONV;
  block->pwl = make_conv (block, ".conv", block->in, block->out, 1, batch, ACT_RELU);
  block->pwl.stride = spec->stride;
}

static void
make_pw (Block *block, const BlockSpec *spec, guint mid, Norm norm)
{
  if (mid == block->in && !spec->always_pw)
    return;
  block->pw = make_conv (block, ".pw", block->in, mid, 1, norm, spec->act);
  block->pw.bias = spec->bias;
  block->pw.groups = spec->pw_groups;
}

static void
make_se (Block *block, const BlockSpec *spec, guint mid)
{
  const Norm none = { NORM_NONE };
  const double ratio = spec->less_se ? 0.25 / spec->expansion : 0.25;
  const double squeezed = spec->round_se ? rint (mid * ratio) : floor (mid * ratio);
  const guint n = arch_divisible (squeezed, spec->width_divisor);

  block->se_squeeze = make_conv (block, ".se.se.0", mid, n, 1, none, spec->act);
  block->se_squeeze.bias = TRUE;
  block->se_excite = arch_plain_conv ("", n, mid, 1, TRUE);
  g_free (block->se_excite.conv_name);
  block->se_excite.conv_name = g_strconcat (block->name, ".se.se.1", NULL);
  block->se_excite.act = spec->gate;
}

static void
make_irf_block (Block *block, const BlockSpec *spec, guint mid, Norm norm)
{
  const Norm none = { NORM_NONE };

  make_pw (block, spec, mid, norm);
  block->shuffle_groups = spec->skip_shuffle ? 1 : spec->pw_groups;
  block->upsample = spec->upsample;
  block->dw = make_conv (block, ".dw", mid, mid, spec->kernel, spec->dw_plain ? none : norm,
      spec->dw_plain ? ACT_NONE : spec->act);
  block->dw.stride = spec->stride;
  block->dw.pad = spec->pad;
  block->dw.groups = mid;
  block->dw.depthwise = TRUE;
  block->dw.bias = spec->bias;
  if (spec->se)
    make_se (block, spec, mid);
  block->pwl =
      make_conv (block, ".pwl", mid, block->out, 1, spec->pwl_plain ? none : norm, ACT_NONE);
  block->pwl.bias = spec->bias;
  block->pwl.groups = spec->pwl_groups;
  block->residual = block->in == block->out && spec->stride == 1 && spec->upsample == 1;
}

static void
make_pool_block (Block *block, const BlockSpec *spec, guint mid, Norm norm)
{
  const Norm none = { NORM_NONE };

  make_pw (block, spec, mid, norm);
  block->pwl = make_conv (block, ".pwl", mid, block->out, 1, none, spec->act);
  block->pwl.bias = spec->bias;
}

/* The layer that sees more than a pixel. */
static const ConvLayer *
spatial_layer (const Block *block)
{
  return block->kind == BLOCK_CONV ? &block->pwl : &block->dw;
}

static gboolean
keeps_size (const ConvLayer *layer)
{
  return 2 * layer->pad + 1 == layer->kernel;
}

gboolean
arch_block_keeps_grid (const Block *block)
{
  return block->kind == BLOCK_SKIP
      || (block->kind != BLOCK_POOL && block->upsample == 1 && keeps_size (spatial_layer (block)));
}

/* A residual is added pixel by pixel. */
static gboolean
check_residual (const Block *block, const char *path, GError **error)
{
  if (!block->residual || keeps_size (&block->dw))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a padding of %u, as the block's input is added to its output, found %u in %s",
      path, block->dw.kernel / 2, block->dw.pad, block->dw.conv_name);
  return FALSE;
}

static gboolean
check_groups (const Block *block, const char *path, GError **error)
{
  for (guint i = 0; i < N_BLOCK_LAYERS; i++) {
    const ConvLayer *layer = &block->layers[i];
    const gboolean split =
        layer->groups > 1 && (layer->in % layer->groups != 0 || layer->out % layer->groups != 0);
    const gboolean uneven =
        layer->norm.kind == NORM_GROUP && layer->out % layer->norm.n_groups != 0;
    if (layer->out != 0 && (split || uneven)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: expected channels that divide into %u groups, found %u to %u in %s", path,
          uneven ? layer->norm.n_groups : layer->groups, layer->in, layer->out, layer->conv_name);
      return FALSE;
    }
  }
  return TRUE;
}

/* The tensors between a block's layers, by the names of `quantization.activations`. */
static void
name_inputs (Block *block)
{
  g_autofree char *input = g_strconcat (block->name, ".input", NULL);
  ConvLayer *const layers[] = { &block->pw, &block->dw, &block->pwl };

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    ConvLayer *layer = layers[i];
    if (layer->out == 0)
      continue;
    if (layer == &block->pwl && block->se_squeeze.out != 0) {
      g_free (input);
      input = g_strconcat (block->name, ".se", NULL);
    }
    layer->input_name = input;
    input = g_strconcat (layer->conv_name, conv_has_table (layer) ? ".act" : NULL, NULL);
  }
}

static char *
expand_prefix (const char *prefix, guint stage, guint block)
{
  g_autofree char *s = g_strdup_printf ("%u", stage);
  g_autofree char *b = g_strdup_printf ("%u", block);
  GString *name = g_string_new (prefix);

  g_string_replace (name, "{S}", s, 0);
  g_string_replace (name, "{B}", b, 0);
  return g_string_free (name, FALSE);
}

static gboolean
make_block (const Builder *builder, Block *block, const BlockSpec *spec, const char *path,
    GError **error)
{
  const double base = spec->mid_from_out ? block->out : block->in;
  const double mid = arch_divisible (base * spec->expansion, spec->width_divisor);

  block->kind = spec->kind;
  block->op = spec->op;
  block->upsample = 1;
  if (mid > MAX_CHANNELS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected an expansion to at most %d channels, found %.0f", path, MAX_CHANNELS, mid);
    return FALSE;
  }
  if (spec->kind == BLOCK_CONV)
    make_conv_block (block, spec, builder->norm);
  else if (spec->kind == BLOCK_SKIP)
    make_skip_block (block, spec);
  else if (spec->kind == BLOCK_POOL)
    make_pool_block (block, spec, mid, builder->norm);
  else
    make_irf_block (block, spec, mid, builder->norm);
  name_inputs (block);
  return check_groups (block, path, error) && check_residual (block, path, error);
}

/* --- Stages and parts ------------------------------------------------------------------------- */

static gboolean
build_stage (const Builder *builder, Stage *stage, const cJSON *tuples, const char *prefix,
    GError **error)
{
  const cJSON *tuple;
  guint channels = stage->in;

  stage->stride = 1;
  cJSON_ArrayForEach (tuple, tuples)
  {
    BlockSpec spec;
    g_autofree char *path =
        g_strdup_printf ("%s[%u]: block %u", builder->where, stage->index, stage->n_blocks);
    if (!parse_block (builder, tuple, path, &spec, error))
      return FALSE;
    if (stage->n_blocks + spec.repeat > MAX_BLOCKS) {
      set_tuple_error (error, path, "at most 256 blocks in a stage", tuple);
      return FALSE;
    }
    if (builder->scale_factor != 1)
      spec.out = arch_divisible (floor (spec.out * builder->scale_factor), builder->width_divisor);
    Block *blocks =
        memory_resize (stage->blocks, stage->n_blocks + spec.repeat, sizeof (Block), error);
    if (blocks == NULL)
      return FALSE;
    stage->blocks = blocks;
    memset (&stage->blocks[stage->n_blocks], 0, spec.repeat * sizeof (Block));
    for (guint i = 0; i < spec.repeat; i++) {
      Block *block = &stage->blocks[stage->n_blocks];
      block->name = expand_prefix (prefix, stage->index, stage->n_blocks);
      block->in = channels;
      block->out = channels = spec.out;
      stage->n_blocks++;
      if (!make_block (builder, block, &spec, path, error))
        return FALSE;
      stage->stride = MIN (stage->stride * spec.stride, 1u << 16);
      spec.stride = spec.upsample = 1; /* only the first copy strides */
    }
  }
  stage->out = channels;
  return TRUE;
}

Norm
arch_read_norm (JsonReader *parent, const char *key, const char *path)
{
  static const char *const keys[] = { "name", "num_groups", NULL };
  static const struct {
    const char *name;
    NormKind kind;
    NormPooling pooling;
  } kinds[] = { { "bn", NORM_BATCH, POOL_PIXELS }, { "sync_bn", NORM_BATCH, POOL_PIXELS },
    { "naiveSyncBN", NORM_BATCH, POOL_EQUALLY }, { "frozen_bn", NORM_FROZEN }, { "gn", NORM_GROUP },
    { "none", NORM_NONE } };
  JsonReader reader = json_open (parent, key, path, FALSE);
  const char *name = json_string (&reader, "name", FALSE);
  Norm norm = { NORM_NONE };
  guint i = 0;

  json_only_keys (&reader, keys);
  while (i < G_N_ELEMENTS (kinds) && g_strcmp0 (name, kinds[i].name) != 0)
    i++;
  if (i == G_N_ELEMENTS (kinds))
    json_fail (&reader, "name", "one of bn, sync_bn, naiveSyncBN, frozen_bn, gn, none");
  else
    norm = (Norm){ kinds[i].kind, 0, kinds[i].pooling };
  if (norm.kind == NORM_GROUP)
    norm.n_groups = json_uint (&reader, "num_groups", 1, MAX_CHANNELS, NULL);
  parent->failed |= reader.failed;
  return norm;
}

static gboolean
read_builder (Builder *builder, const cJSON *architecture, GError **error)
{
  const guint default_divisor = 1;
  const double default_scale = 1;
  JsonReader reader = { architecture, "architecture", error, FALSE };
  const JsonReader basic = json_open (&reader, "basic_args", "architecture.basic_args", TRUE);

  builder->basic_args = basic.object;
  builder->width_divisor = json_uint (&reader, "width_divisor", 1, 256, &default_divisor);
  builder->scale_factor = json_number (&reader, "scale_factor", 0.01, 16, &default_scale);
  builder->norm = arch_read_norm (&reader, "norm", "architecture.norm");
  return !reader.failed;
}

Part *
arch_build_part (const cJSON *architecture, const char *part, const char *prefix, guint in,
    const char *where, GError **error)
{
  JsonReader reader = { architecture, where, error, FALSE };
  const cJSON *stages = json_array (&reader, part, 1, FALSE);
  g_autofree char *path = g_strdup_printf ("%s.%s", where, part);
  Builder builder = { .where = path };
  const cJSON *tuples;

  if (stages == NULL || !read_builder (&builder, architecture, error))
    return NULL;
  if (cJSON_GetArraySize (stages) > MAX_STAGES) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected at most %d stages, found %d",
        path, MAX_STAGES, cJSON_GetArraySize (stages));
    return NULL;
  }
  Part *result = g_new0 (Part, 1);
  result->stages = memory_new0 (Stage, (gsize) cJSON_GetArraySize (stages), error);
  if (result->stages == NULL)
    goto error;
  cJSON_ArrayForEach (tuples, stages)
  {
    Stage *stage = &result->stages[result->n_stages];
    stage->index = result->n_stages++;
    stage->in = in;
    if (!cJSON_IsArray (tuples) || cJSON_GetArraySize (tuples) == 0) {
      set_tuple_error (error, path, "stages that are arrays of blocks", tuples);
      goto error;
    }
    if (!build_stage (&builder, stage, tuples, prefix, error))
      goto error;
    in = stage->out;
  }
  return result;

error:
  arch_part_free (result);
  return NULL;
}
