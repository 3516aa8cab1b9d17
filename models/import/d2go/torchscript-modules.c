/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A whole TorchScript archive: layers from the tree of modules, whose names are D2Go's, and the
 * stages' numbers from the text of the modules' code. The text is not run and not parsed: the few
 * calls that carry numbers are searched for, and a number that is not found is not given.
 */
#include <math.h>
#include <string.h>

#include "torchscript-file.h"
#include "fbnet/fbnet.h"

/* --- Modules ---------------------------------------------------------------------------------- */

static const PickleValue *
module_at (const PickleValue *module, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);

  for (guint i = 0; names[i] != NULL; i++)
    module = pickle_attribute (module, names[i]);
  return module != NULL && module->kind == PICKLE_OBJECT ? module : NULL;
}

/* GeneralizedRCNN, below however many wrappers. Modules may be shared: each is entered once. */
static const PickleValue *
find_detector (const PickleValue *module, GHashTable *seen)
{
  if (module == NULL || module->kind != PICKLE_OBJECT
      || !g_hash_table_add (seen, (gpointer) module))
    return NULL;
  if (module_at (module, "backbone") != NULL && module_at (module, "proposal_generator") != NULL
      && module_at (module, "roi_heads") != NULL)
    return module;
  const PickleValue *state = module->object.state;
  for (guint i = 0; i < pickle_length (state) && state->kind == PICKLE_DICT; i++) {
    const PickleValue *found = find_detector (pickle_item (state, 2 * i + 1), seen);
    if (found != NULL)
      return found;
  }
  return NULL;
}

/* The part of a file's text that is about one of its classes. */
static char *
cut_class (const char *text, gsize size, const char *class_name)
{
  g_autofree char *head = g_strdup_printf ("class %s(", class_name);
  const char *start = g_strstr_len (text, (gssize) size, head);

  if (start == NULL)
    return g_strndup (text, size);
  const char *end = g_strstr_len (start, (gssize) (size - (gsize) (start - text)), "\nclass ");
  return g_strndup (start, end != NULL ? (gsize) (end - start) : size - (gsize) (start - text));
}

/* "__torch__.a.b.C" has its code in code/__torch__/a/b.py. NULL when there is none. */
static char *
read_code (Archive *archive, const PickleValue *module)
{
  if (module == NULL)
    return NULL;
  g_auto (GStrv) names = g_strsplit (module->object.class_name, ".", -1);
  g_autofree char *class_name = g_steal_pointer (&names[g_strv_length (names) - 1]);
  g_autofree char *path = g_strjoinv ("/", names);
  g_autofree char *entry = g_strconcat ("code/", path, ".py", NULL);
  g_autoptr (GBytes) bytes =
      archive_has (archive, entry) ? archive_read (archive, entry, NULL) : NULL;
  if (bytes == NULL)
    return NULL;
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  return g_utf8_validate (text, (gssize) size, NULL) ? cut_class (text, size, class_name) : NULL;
}

/* What the pattern's only group matches first; NAN when it does not. */
static double
search_number (const char *code, const char *pattern)
{
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (code == NULL || !g_regex_match (regex, code, 0, &match))
    return NAN;
  g_autofree char *text = g_match_info_fetch (match, 1);
  return g_ascii_strtod (text, NULL);
}

/* The scale and zero point that a module's code gives a call: its last two numbers, but for what
 * `after` says comes behind them. */
static TorchScriptQuant
search_quant (Archive *archive, const PickleValue *module, const char *call, const char *after)
{
  g_autofree char *code = read_code (archive, module);
  g_autofree char *scale =
      g_strdup_printf ("\\b%s\\([^\\n]*, ([0-9.e+-]+), [0-9]+%s\\)\\n", call, after);
  g_autofree char *zero_point =
      g_strdup_printf ("\\b%s\\([^\\n]*, [0-9.e+-]+, ([0-9]+)%s\\)\\n", call, after);

  return (TorchScriptQuant){ search_number (code, scale), search_number (code, zero_point) };
}

/* A QuantStub; 13 is torch.quint8. */
static TorchScriptQuant
read_stub (Archive *archive, const PickleValue *detector, const char *path)
{
  g_autofree char *stub = g_strconcat (path, ".quant_stubs.stubs.0", NULL);

  return search_quant (archive, module_at (detector, stub), "torch\\.quantize_per_tensor", ", 13");
}

/* --- Layers ----------------------------------------------------------------------------------- */

static gboolean
read_layer (Archive *archive, const PickleValue *module, const char *name, TorchScriptConv *conv,
    GError **error)
{
  const PickleValue *layer = module_at (module, name);

  if (layer == NULL)
    return TRUE;
  const PickleValue *inner = module_at (layer, "conv");
  const PickleValue *own = inner != NULL ? inner : layer;
  if (!torchscript_read_conv (archive, own, conv, error)) {
    g_prefix_error (error, "%s: ", name);
    return FALSE;
  }
  g_autofree char *code = read_code (archive, own);
  conv->relu = code != NULL && strstr (code, "quantized.conv2d_relu(") != NULL;
  conv->out = search_quant (archive, own, "quantized\\.(?:conv2d|conv2d_relu|linear)", "");
  return TRUE;
}

/* torch.upsample_nearest2d (x, None, [2., 2.]), or interpolate () with that factor. */
static guint
read_upsample (Archive *archive, const PickleValue *module)
{
  if (module == NULL)
    return 1;
  g_autofree char *code = read_code (archive, module);
  g_autoptr (GRegex) regex =
      g_regex_new ("(?:upsample_nearest2d|interpolate)\\(.*\\[([0-9.]+), \\1\\]", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  if (code == NULL || !g_regex_match (regex, code, 0, &match))
    return 0;
  g_autofree char *factor = g_match_info_fetch (match, 1);
  const double number = g_ascii_strtod (factor, NULL);
  return number >= 1 && number <= 16 ? (guint) number : 0;
}

static gboolean
read_block (Archive *archive, const PickleValue *module, TorchScriptBlock *block, GError **error)
{
  *block =
      (TorchScriptBlock){ .upsample = read_upsample (archive, module_at (module, "upsample")) };
  if (module_at (module, "se") != NULL) {
    g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "squeeze and excite in an int8 export");
    return FALSE;
  }
  if (module_at (module, "conv") != NULL)
    return read_layer (archive, module, "conv", &block->pwl, error);
  block->residual = module_at (module, "res_conn") != NULL;
  block->sum = search_quant (archive, module_at (module, "res_conn"), "quantized\\.add", "");
  return read_layer (archive, module, "pw", &block->pw, error)
      && read_layer (archive, module, "dw", &block->dw, error)
      && read_layer (archive, module, "pwl", &block->pwl, error);
}

/* The blocks of a Sequential, in order. */
static gboolean
read_blocks (Archive *archive, const PickleValue *module, GArray *blocks, GError **error)
{
  const PickleValue *state = module != NULL ? module->object.state : NULL;

  for (guint i = 0; i < pickle_length (state) && state->kind == PICKLE_DICT; i++) {
    const char *name = pickle_string (pickle_item (state, 2 * i));
    const PickleValue *child = pickle_item (state, 2 * i + 1);
    if (name == NULL || child->kind != PICKLE_OBJECT)
      continue;
    TorchScriptBlock block;
    if (!read_block (archive, child, &block, error)) {
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
    g_array_append_val (blocks, block);
  }
  return TRUE;
}

static gboolean
read_trunk (Archive *archive, const PickleValue *detector, GArray *blocks, GError **error)
{
  for (guint stage = 0;; stage++) {
    g_autofree char *path = g_strdup_printf ("backbone.body.trunk%u", stage);
    const PickleValue *module = module_at (detector, path);
    if (module == NULL)
      return TRUE;
    if (!read_blocks (archive, module, blocks, error)) {
      g_prefix_error (error, "trunk%u: ", stage);
      return FALSE;
    }
  }
}

static gboolean
read_layers (Archive *archive, const PickleValue *detector, TorchScript *e, GError **error)
{
  const PickleValue *rpn = module_at (detector, "proposal_generator.rpn_head");
  const PickleValue *heads = module_at (detector, "roi_heads");
  const PickleValue *keypoints = module_at (heads, "keypoint_head.predictor.kps_score_lowres");

  e->trunk_in = read_stub (archive, detector, "backbone");
  e->rpn_in = read_stub (archive, detector, "proposal_generator.rpn_head");
  e->box_in = read_stub (archive, detector, "roi_heads.box_head");
  e->predictor_in = read_stub (archive, detector, "roi_heads.box_predictor");
  e->mask_in = read_stub (archive, detector, "roi_heads.mask_head");
  e->kpts_in = read_stub (archive, detector, "roi_heads.keypoint_head");
  return read_trunk (archive, detector, e->trunk, error)
      && read_blocks (archive, module_at (rpn, "rpn_feature.0"), e->rpn, error)
      && read_layer (archive, rpn, "rpn_regressor.cls_logits", &e->rpn_logits, error)
      && read_layer (archive, rpn, "rpn_regressor.bbox_pred", &e->rpn_deltas, error)
      && read_blocks (archive, module_at (heads, "box_head.roi_box_conv.0"), e->box, error)
      && read_layer (archive, heads, "box_predictor.cls_score", &e->cls_score, error)
      && read_layer (archive, heads, "box_predictor.bbox_pred", &e->bbox_pred, error)
      && read_blocks (archive, module_at (heads, "mask_head.feature_extractor.0"), e->mask, error)
      && read_layer (archive, heads, "mask_head.predictor.mask_fcn_logits", &e->mask_logits, error)
      && read_blocks (archive, module_at (heads, "keypoint_head.feature_extractor.0"), e->kpts,
          error)
      && (keypoints == NULL || read_block (archive, keypoints, &e->keypoint_logits, error));
}

/* --- Numbers in the code ---------------------------------------------------------------------- */

static double
zero_if_absent (double number)
{
  return isnan (number) ? 0 : number;
}

/* The variable that batched_nms () is called by in this code: `_0 = …ops.boxes.batched_nms`. Its
 * last argument is the threshold; a slice of its result is the count. */
static void
search_nms (const char *code, double *threshold, double *count)
{
  *threshold =
      search_number (code, "= _[0-9]+\\([a-z0-9_]+, [a-z0-9_]+, [a-z0-9_]+, ([0-9.e-]+), \\)\\n");
  *count =
      zero_if_absent (search_number (code, "torch\\.slice\\(keep[0-9]*, 0, 0, ([0-9]+), 1\\)"));
}

/* Deltas are divided by tensors: dx, dy, dw, dh = torch.div (…, CONSTANTS.cN). */
static gboolean
search_weights (Archive *archive, const char *code, const PickleValue *constants, double out[4],
    GError **error)
{
  static const char *const names[] = { "dx", "dy", "dw", "dh" };

  for (guint i = 0; i < 4; i++) {
    g_autofree char *pattern =
        g_strdup_printf ("\\b%s = torch\\.div\\(_[0-9]+, CONSTANTS\\.c([0-9]+)\\)", names[i]);
    const double index = search_number (code, pattern);
    g_autofree double *number = NULL;
    gsize n = 0;
    if (isnan (index) || index > G_MAXINT)
      continue;
    if (!torchscript_read_list (archive, pickle_item (constants, (guint) index), &number, &n,
            error))
      return FALSE;
    if (n == 1)
      out[i] = number[0];
  }
  return TRUE;
}

static void
search_pooler (Archive *archive, const PickleValue *pooler, double *resolution, double *ratio)
{
  static const char *const start = "roi_align\\([^)]*, [0-9.e-]+, ";
  g_autofree char *code = read_code (archive, module_at (pooler, "level_poolers.0"));
  g_autofree char *side = g_strconcat (start, "([0-9]+), \\1, [0-9]+, True\\)", NULL);
  g_autofree char *samples = g_strconcat (start, "[0-9]+, [0-9]+, ([0-9]+), True\\)", NULL);

  *resolution = zero_if_absent (search_number (code, side));
  *ratio = search_number (code, samples);
}

static void
search_anchor_offset (Archive *archive, const PickleValue *generator, TorchScriptFacts *facts)
{
  g_autofree char *code = read_code (archive, generator);
  const double start = search_number (code, "torch\\.arange\\(([0-9.e-]+), _[0-9]+, [0-9]+,");
  const double stride = search_number (code, "torch\\.arange\\([0-9.e-]+, _[0-9]+, ([0-9]+),");

  facts->anchor_offset = start / stride;
}

/* To what length a wrapper around the detector scales the frame's shorter side. */
static double
search_wrapper_size (Archive *archive, const PickleValue *root)
{
  g_autofree char *code = read_code (archive, root);

  return zero_if_absent (search_number (code, "scale = torch\\.div\\(([0-9.]+), "));
}

static gboolean
read_facts (Archive *archive, const PickleValue *root, const PickleValue *detector,
    const PickleValue *constants, TorchScriptFacts *facts, GError **error)
{
  const PickleValue *rpn = module_at (detector, "proposal_generator");
  const PickleValue *heads = module_at (detector, "roi_heads");
  const PickleValue *generator = module_at (rpn, "anchor_generator");
  const PickleValue *other = module_at (heads, "mask_pooler");
  g_autofree char *rpn_code = read_code (archive, rpn);
  g_autofree char *heads_code = read_code (archive, heads);

  search_nms (rpn_code, &facts->rpn_iou_threshold, &facts->post_nms_count);
  search_nms (heads_code, &facts->iou_threshold, &facts->max_detections);
  facts->pre_nms_count =
      zero_if_absent (search_number (rpn_code, "torch\\.clamp\\([A-Za-z_]+, None, ([0-9]+)\\)"));
  facts->score_threshold =
      search_number (heads_code, "filter_mask = torch\\.gt\\([a-z0-9_]+, ([0-9.e-]+)\\)");
  search_pooler (archive, module_at (heads, "box_pooler"), &facts->box_resolution,
      &facts->box_sampling_ratio);
  search_pooler (archive, other != NULL ? other : module_at (heads, "keypoint_pooler"),
      &facts->head_resolution, &facts->head_sampling_ratio);
  search_anchor_offset (archive, generator, facts);
  facts->wrapper_size = search_wrapper_size (archive, root);
  return search_weights (archive, rpn_code, constants, facts->rpn_weights, error)
      && search_weights (archive, heads_code, constants, facts->box_weights, error)
      && torchscript_read_triple (archive, pickle_attribute (detector, "pixel_mean"), facts->mean,
          error)
      && torchscript_read_triple (archive, pickle_attribute (detector, "pixel_std"), facts->std,
          error)
      && torchscript_read_list (archive,
          pickle_attribute (module_at (generator, "cell_anchors"), "0"), &facts->cells,
          &facts->n_cells, error)
      && torchscript_read_list (archive, pickle_attribute (root, "coco_idx"), &facts->category_ids,
          &facts->n_category_ids, error);
}

TorchScript *
torchscript_read_modules (Archive *archive, GError **error)
{
  g_autoptr (TorchScript) e = torchscript_new ();
  Pickle *tree = archive_pickle (archive, "data.pkl", "data", error);

  if (tree == NULL)
    return NULL;
  g_ptr_array_add (e->pickles, tree);
  Pickle *constants = archive_pickle (archive, "constants.pkl", "constants", error);
  if (constants == NULL)
    return NULL;
  g_ptr_array_add (e->pickles, constants);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  const PickleValue *detector = find_detector (pickle_root (tree), seen);
  if (detector == NULL) {
    const gboolean optimized = pickle_attribute (pickle_root (tree), "mobile_optimized") != NULL;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected modules backbone, proposal_generator and roi_heads, found %s",
        archive_name (archive),
        optimized ? "an export that optimize_for_mobile() has made one piece of; import what it "
                    "was made of"
                  : "none");
    return NULL;
  }
  if (!read_layers (archive, detector, e, error)
      || !read_facts (archive, pickle_root (tree), detector, pickle_root (constants), &e->facts,
          error)) {
    g_prefix_error (error, "%s: ", archive_name (archive));
    return NULL;
  }
  return g_steal_pointer (&e);
}
