/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checkpoints for the importer's tests.
 */
#include "checkpoint-writer.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "import/d2go/fit.h"
#include "pickle-writer.h"
#include "recipe.h"

/* --- Weights ---------------------------------------------------------------------------------- */

static void
add_generated (TensorList *list, const char *prefix, const char *field, const gsize *shape,
    guint n_dims)
{
  g_autofree char *name = g_strconcat (prefix, ".", field, NULL);
  const FbnetTensorView *view = tensor_list_add (list, name, FBNET_DTYPE_F32, shape, n_dims);
  float *data = (float *) view->data;

  recipe_generate (data, view->n_bytes / sizeof *data, name, 7, 10);
  if (strcmp (field, "running_var") == 0)
    for (gsize i = 0; i < view->n_bytes / sizeof *data; i++)
      data[i] = fabsf (data[i]);
}

static void
add_layer (const ConvLayer *layer, gpointer list)
{
  const gsize weight[] = { layer->out, layer->in / layer->groups, layer->kernel, layer->kernel };
  const gsize per_channel[] = { layer->out };
  static const char *const fields[] = { "weight", "bias", "running_mean", "running_var" };
  const gboolean linear = strstr (layer->conv_name, "box_predictor") != NULL;

  add_generated (list, layer->conv_name, "weight", weight, linear ? 2 : 4);
  if (layer->bias)
    add_generated (list, layer->conv_name, "bias", per_channel, 1);
  for (guint i = 0; i < G_N_ELEMENTS (fields) && layer->norm.kind == NORM_BATCH; i++)
    add_generated (list, layer->norm_name, fields[i], per_channel, 1);
}

TensorList *
generate_tensors (const cJSON *description)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Layers) layers = fit_layers (description, &error);

  g_assert_no_error (error);
  TensorList *list = tensor_list_new ();
  layers_foreach (layers, add_layer, list);
  return list;
}

/* --- Files ------------------------------------------------------------------------------------ */

typedef struct {
  GByteArray *pickle;
  GArray *entries;  /* ZipEntry */
  GPtrArray *names; /* of the entries */
} Writer;

static void
add_entry (Writer *writer, char *name, GBytes *contents)
{
  const ZipEntry entry = { name, contents };

  g_ptr_array_add (writer->names, name);
  g_array_append_val (writer->entries, entry);
}

/* Each tensor has a storage of its own. */
static void
write_view (Writer *writer, const char *prefix, const FbnetTensorView *view)
{
  g_autofree char *name = g_strconcat (prefix, view->name, NULL);
  g_autofree char *key = g_strdup_printf ("%u", writer->entries->len);
  const char *type = view->dtype == FBNET_DTYPE_I64 ? "LongStorage" : "FloatStorage";
  gint32 shape[FBNET_MAX_DIMS], strides[FBNET_MAX_DIMS];
  gint32 n = 1;

  for (guint i = view->n_dims; i > 0; i--) {
    shape[i - 1] = (gint32) view->shape[i - 1];
    strides[i - 1] = n;
    n *= shape[i - 1];
  }
  write_string (writer->pickle, name);
  write_tensor (writer->pickle, type, key, n, 0, shape, strides, view->n_dims);
  add_entry (writer, g_strconcat ("x/data/", key, NULL),
      g_bytes_new_static (view->data, view->n_bytes));
}

static void
write_member (Writer *writer, const CheckpointMember *member)
{
  write_string (writer->pickle, member->key);
  if (member->tensors == NULL) {
    write_ops (writer->pickle, "N");
    return;
  }
  write_ops (writer->pickle, "}(");
  for (guint i = 0; i < member->tensors->views->len; i++)
    write_view (writer, member->prefix, member->tensors->views->pdata[i]);
  write_ops (writer->pickle, "u");
}

static char *
write_temporary (GBytes *bytes)
{
  char *path = NULL;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const int fd = g_file_open_tmp ("fbnet-XXXXXX.pth", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  return path;
}

/* As numpy writes its numbers by torch's protocol, in which bytes are a text that is to be encoded. */
static void
write_numpy_number (GByteArray *out)
{
  write_global (out, "numpy.core.multiarray", "scalar");
  write_global (out, "numpy", "dtype");
  write_string (out, "i8");
  write_ops (out, "\x89\x88\x87R(K\x03");
  write_string (out, "<");
  write_ops (out, "NNN");
  write_int (out, -1);
  write_int (out, -1);
  write_int (out, 0);
  write_ops (out, "tb");
  write_global (out, "_codecs", "encode");
  g_byte_array_append (out, (const guint8 *) "X\x08\0\0\0\x07\0\0\0\0\0\0\0", 13);
  write_string (out, "latin1");
  write_ops (out, "\x86R\x86R");
}

char *
save_checkpoint (const CheckpointMember *members, guint n)
{
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  g_autoptr (GArray) entries = g_array_new (FALSE, TRUE, sizeof (ZipEntry));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  Writer writer = { pickle, entries, names };

  write_ops (pickle, "\x80\x02}(");
  for (guint i = 0; i < n; i++)
    write_member (&writer, &members[i]);
  write_string (pickle, "iteration");
  write_numpy_number (pickle);
  write_ops (pickle, "u.");
  add_entry (&writer, g_strdup ("x/data.pkl"), g_bytes_new (pickle->data, pickle->len));
  g_autoptr (GBytes) zip = zip_entries ((const ZipEntry *) entries->data, entries->len, FALSE);
  for (guint i = 0; i < entries->len; i++)
    g_bytes_unref (g_array_index (entries, ZipEntry, i).contents);
  return write_temporary (zip);
}
