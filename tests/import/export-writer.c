/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Int8 exports for the importer's tests. A module is an object with its children as attributes; its class has its code in
 * code/__torch__.py, of which the importer reads the calls that carry numbers.
 */
#include "export-writer.h"

#include <glib/gstdio.h>
#include <math.h>

#include "import/d2go/fit.h"
#include "pickle-writer.h"
#include "recipe.h"

typedef struct {
  GByteArray *pickle;
  GString *code;
  GArray *entries;  /* ZipEntry */
  GPtrArray *names; /* of the entries */
  guint n_classes;
} Writer;

/* --- Tensors ---------------------------------------------------------------------------------- */

/* Takes the bytes. Returns the storage's key. */
static const char *
add_storage (Writer *writer, gpointer data, gsize n_bytes)
{
  char *name = g_strdup_printf ("x/data/%u", writer->entries->len);
  const ZipEntry entry = { name, g_bytes_new_take (data, n_bytes) };

  g_ptr_array_add (writer->names, name);
  g_array_append_val (writer->entries, entry);
  return name + strlen ("x/data/");
}

static void
write_vector (Writer *writer, const char *type, gpointer data, guint n, gsize n_bytes)
{
  const char *key = add_storage (writer, data, n_bytes);

  write_tensor (writer->pickle, type, key, (gint32) n, 0, (gint32[]){ (gint32) n }, (gint32[]){ 1 },
      1);
}

#define SPREAD 40 /* of the weights' bytes */

double
export_weight_scale (guint n_in)
{
  return 1.4 / SPREAD / sqrt (n_in);
}

static void
write_weight (Writer *writer, const ConvLayer *layer, guint n_dims)
{
  const guint n_in = layer->in / layer->groups * layer->kernel * layer->kernel;
  const guint n = layer->out * n_in;
  const gint32 kernel = (gint32) layer->kernel;
  const gint32 shape[] = { (gint32) layer->out, (gint32) (layer->in / layer->groups), kernel,
    kernel };
  const gint32 strides[] = { (gint32) n_in, kernel * kernel, kernel, 1 };
  g_autofree float *floats = g_new (float, n);
  gint8 *bytes = g_new (gint8, n);
  double *scales = g_new (double, layer->out);

  recipe_generate (floats, n, layer->conv_name, 7, 1);
  for (guint i = 0; i < n; i++)
    bytes[i] = (gint8) CLAMP (floats[i] * SPREAD, -127, 127);
  for (guint i = 0; i < layer->out; i++)
    scales[i] = export_weight_scale (n_in);
  write_global (writer->pickle, "torch._utils", "_rebuild_qtensor");
  write_ops (writer->pickle, "((");
  write_string (writer->pickle, "storage");
  write_global (writer->pickle, "torch", "QInt8Storage");
  write_string (writer->pickle, add_storage (writer, bytes, n));
  write_string (writer->pickle, "cpu");
  write_int (writer->pickle, (gint32) n);
  write_ops (writer->pickle, "tQ");
  write_int (writer->pickle, 0);
  write_ints (writer->pickle, shape, n_dims);
  write_ints (writer->pickle, strides, n_dims);
  write_ops (writer->pickle, "(");
  write_global (writer->pickle, "torch", "per_channel_affine");
  write_vector (writer, "DoubleStorage", scales, layer->out, layer->out * sizeof *scales);
  write_vector (writer, "LongStorage", g_new0 (gint64, layer->out), layer->out,
      layer->out * sizeof (gint64));
  write_int (writer->pickle, 0);
  write_ops (writer->pickle, "t\x89");
  write_global (writer->pickle, "collections", "OrderedDict");
  write_ops (writer->pickle, ")RtR");
}

static void
write_bias (Writer *writer, const ConvLayer *layer)
{
  if (!layer->bias && layer->norm.kind == NORM_NONE)
    write_ops (writer->pickle, "N");
  else
    write_vector (writer, "FloatStorage", g_new0 (float, layer->out), layer->out,
        layer->out * sizeof (float));
}

/* --- Modules ---------------------------------------------------------------------------------- */

/* An object of a class of its own, whose code makes the call. */
static void
write_object (Writer *writer, const char *call)
{
  g_autofree char *name = g_strdup_printf ("C%u", writer->n_classes++);

  g_string_append_printf (writer->code, "class %s(Module):\n  def forward(self, x):\n    %s\n\n",
      name, call);
  write_global (writer->pickle, "__torch__", name);
  write_ops (writer->pickle, ")\x81");
}

static void
begin_module (Writer *writer, const char *key)
{
  if (key != NULL)
    write_string (writer->pickle, key);
  write_object (writer, "pass");
  write_ops (writer->pickle, "}(");
}

static void
end_module (Writer *writer)
{
  write_ops (writer->pickle, "ub");
}

static void
write_leaf (Writer *writer, const char *key, const char *call)
{
  write_string (writer->pickle, key);
  write_object (writer, call);
  write_ops (writer->pickle, "}b");
}

/* Where floats become bytes: QUANT_STUBS.STUBS.0. */
static void
write_stub (Writer *writer)
{
  begin_module (writer, "quant_stubs");
  begin_module (writer, "stubs");
  write_leaf (writer, "0",
      "return torch.quantize_per_tensor(x, " G_STRINGIFY (EXPORT_SCALE) ", " G_STRINGIFY (
          EXPORT_ZERO_POINT) ", 13)");
  end_module (writer);
  end_module (writer);
}

/* As torch.nn.quantized.Conv2d keeps itself, up to its bias. */
static void
write_conv_state (Writer *writer, const ConvLayer *layer)
{
  const struct {
    guint number;
  } pairs[] = { { layer->kernel }, { layer->stride }, { layer->pad }, { 1 } };

  write_ops (writer->pickle, "(");
  write_int (writer->pickle, (gint32) layer->in);
  write_int (writer->pickle, (gint32) layer->out);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    write_ints (writer->pickle, (gint32[]){ (gint32) pairs[i].number, (gint32) pairs[i].number },
        2);
  write_ops (writer->pickle, "\x89");
  write_ints (writer->pickle, (gint32[]){ 0, 0 }, 2);
  write_int (writer->pickle, (gint32) layer->groups);
  write_string (writer->pickle, "zeros");
  write_weight (writer, layer, 4);
  write_bias (writer, layer);
  write_ops (writer->pickle, "tb");
}

static void
write_conv (Writer *writer, const char *key, const ConvLayer *layer)
{
  if (layer->out == 0)
    return;
  write_string (writer->pickle, key);
  write_object (writer,
      layer->act == ACT_RELU ? "return quantized.conv2d_relu(x, w, 0.05, 0)"
                             : "return quantized.conv2d(x, w, 0.05, 128)");
  write_conv_state (writer, layer);
}

static void
write_linear (Writer *writer, const char *key, const ConvLayer *layer)
{
  write_string (writer->pickle, key);
  write_object (writer, "return quantized.linear(x, w, 0.05, 128)");
  write_ops (writer->pickle, "(");
  write_weight (writer, layer, 2);
  write_bias (writer, layer);
  write_ops (writer->pickle, "tb");
}

static void
write_block (Writer *writer, const Block *block)
{
  begin_module (writer, block->name);
  if (block->kind == BLOCK_CONV) {
    write_conv (writer, "conv", &block->pwl);
  } else {
    write_conv (writer, "pw", &block->pw);
    write_conv (writer, "dw", &block->dw);
    write_conv (writer, "pwl", &block->pwl);
  }
  if (block->residual)
    write_leaf (writer, "res_conn", "return quantized.add(x, y, 0.05, 128)");
  end_module (writer);
}

/* The blocks of all stages of the role, in one Sequential. */
static void
write_blocks (Writer *writer, const char *key, const Layers *layers, Role role)
{
  const Stage *stage;

  begin_module (writer, key);
  begin_module (writer, "0");
  for (guint s = 0; (stage = layers_stage (layers, role, s)) != NULL; s++)
    for (guint b = 0; b < stage->n_blocks; b++)
      write_block (writer, &stage->blocks[b]);
  end_module (writer);
  end_module (writer);
}

static void
write_backbone (Writer *writer, const Layers *layers)
{
  const Stage *stage;

  begin_module (writer, "backbone");
  write_stub (writer);
  begin_module (writer, "body");
  for (guint s = 0; (stage = layers_stage (layers, ROLE_TRUNK, s)) != NULL; s++) {
    g_autofree char *name = g_strdup_printf ("trunk%u", s);
    begin_module (writer, name);
    for (guint b = 0; b < stage->n_blocks; b++)
      write_block (writer, &stage->blocks[b]);
    end_module (writer);
  }
  end_module (writer);
  end_module (writer);
}

static void
write_rpn (Writer *writer, const Layers *layers)
{
  begin_module (writer, "proposal_generator");
  begin_module (writer, "rpn_head");
  write_stub (writer);
  write_blocks (writer, "rpn_feature", layers, ROLE_RPN);
  begin_module (writer, "rpn_regressor");
  write_conv (writer, "cls_logits", layers_conv (layers, ROLE_RPN_LOGITS));
  write_conv (writer, "bbox_pred", layers_conv (layers, ROLE_RPN_DELTAS));
  end_module (writer);
  end_module (writer);
  end_module (writer);
}

static void
write_heads (Writer *writer, const Layers *layers)
{
  begin_module (writer, "roi_heads");
  begin_module (writer, "box_head");
  write_stub (writer);
  write_blocks (writer, "roi_box_conv", layers, ROLE_BOX);
  end_module (writer);
  begin_module (writer, "box_predictor");
  write_stub (writer);
  write_linear (writer, "cls_score", layers_conv (layers, ROLE_CLS_SCORE));
  write_linear (writer, "bbox_pred", layers_conv (layers, ROLE_BBOX_PRED));
  end_module (writer);
  end_module (writer);
}

/* --- The archive ------------------------------------------------------------------------------ */

static void
add_entry (Writer *writer, const char *name, const void *data, gsize size)
{
  char *own = g_strdup (name);
  const ZipEntry entry = { own, g_bytes_new (data, size) };

  g_ptr_array_add (writer->names, own);
  g_array_append_val (writer->entries, entry);
}

static char *
write_archive (Writer *writer)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  gsize size;

  add_entry (writer, "x/data.pkl", writer->pickle->data, writer->pickle->len);
  add_entry (writer, "x/constants.pkl", "\x80\x02).", 4);
  add_entry (writer, "x/code/__torch__.py", writer->code->str, writer->code->len);
  g_autoptr (GBytes) zip =
      zip_entries ((const ZipEntry *) writer->entries->data, writer->entries->len, FALSE);
  const char *data = g_bytes_get_data (zip, &size);
  const int fd = g_file_open_tmp ("fbnet-XXXXXX.pt", &path, &error);
  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (path, data, (gssize) size, &error);
  g_assert_no_error (error);
  return path;
}

char *
save_export (const cJSON *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Layers) layers = fit_layers (description, &error);
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  g_autoptr (GString) code = g_string_new (NULL);
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (ZipEntry));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  Writer writer = { pickle, code, entries, names, 0 };

  g_assert_no_error (error);
  write_ops (pickle, "\x80\x02");
  begin_module (&writer, NULL);
  write_backbone (&writer, layers);
  write_rpn (&writer, layers);
  write_heads (&writer, layers);
  end_module (&writer);
  write_ops (pickle, ".");
  char *path = write_archive (&writer);
  for (guint i = 0; i < entries->len; i++)
    g_bytes_unref (g_array_index (entries, ZipEntry, i).contents);
  return path;
}
