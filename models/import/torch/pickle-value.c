/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plain values that a pickle becomes: making them, reading them, and how deep they may nest.
 */
#include "fbnet/fbnet.h"
#include "pickle-private.h"

#include <string.h>

static gboolean
has_items (const PickleValue *value)
{
  return value->kind == PICKLE_LIST || value->kind == PICKLE_TUPLE || value->kind == PICKLE_SET
      || value->kind == PICKLE_DICT;
}

static void
value_free (gpointer data)
{
  PickleValue *value = data;

  if (has_items (value))
    g_ptr_array_unref (value->items);
  else if (value->kind == PICKLE_TENSOR)
    g_free (value->tensor);
  g_free (value);
}

PickleValue *
pickle_value_new (Pickle *pickle, PickleKind kind, GError **error)
{
  if (pickle->values->len >= PICKLE_MAX_VALUES) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "more than %u values", PICKLE_MAX_VALUES);
    return NULL;
  }
  PickleValue *value = g_new0 (PickleValue, 1);
  /* Containers and tensors get their memory from the caller: until then there is nothing to free. */
  value->kind = kind;
  g_ptr_array_add (pickle->values, value);
  return value;
}

PickleValue *
pickle_text_new (Pickle *pickle, PickleKind kind, const void *data, gsize length, GError **error)
{
  char *text = g_try_malloc (length + 1);

  if (text == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "no memory for %zu bytes of text", length);
    return NULL;
  }
  if (length > 0)
    memcpy (text, data, length);
  text[length] = '\0';
  g_ptr_array_add (pickle->texts, text);
  PickleValue *value = pickle_value_new (pickle, kind, error);
  if (value != NULL)
    value->text = (PickleText){ text, length };
  return value;
}

PickleValue *
pickle_container_new (Pickle *pickle, PickleKind kind, GError **error)
{
  PickleValue *value = pickle_value_new (pickle, kind, error);

  if (value != NULL)
    value->items = g_ptr_array_new ();
  return value;
}

void
pickle_free (Pickle *pickle)
{
  if (pickle == NULL)
    return;
  g_ptr_array_set_free_func (pickle->values, value_free);
  g_ptr_array_unref (pickle->values);
  g_ptr_array_unref (pickle->texts);
  g_free (pickle->folder);
  g_free (pickle);
}

const PickleValue *
pickle_root (const Pickle *pickle)
{
  return pickle->root;
}

/* --- Depth ------------------------------------------------------------------------------------ */

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

static gboolean measure (PickleValue *value, guint depth, GError **error);

static gboolean
refuse_depth (GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "values nest deeper than %u",
      PICKLE_MAX_DEPTH);
  return FALSE;
}

static gboolean
measure_child (PickleValue *parent, PickleValue *child, guint depth, GError **error)
{
  if (child == NULL)
    return TRUE;
  if (child->mark == MARK_OPEN) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "a %s contains itself",
        pickle_kind_name (child->kind));
    return FALSE;
  }
  if (child->mark == MARK_NEW && !measure (child, depth + 1, error))
    return FALSE;
  parent->height = MAX (parent->height, child->height + 1);
  return parent->height <= PICKLE_MAX_DEPTH || refuse_depth (error);
}

/* Values are shared through the memo: each is entered once, so that this stays linear. */
static gboolean
measure (PickleValue *value, guint depth, GError **error)
{
  if (depth > PICKLE_MAX_DEPTH)
    return refuse_depth (error);
  value->mark = MARK_OPEN;
  if (has_items (value)) {
    for (guint i = 0; i < value->items->len; i++)
      if (!measure_child (value, value->items->pdata[i], depth, error))
        return FALSE;
  } else if (value->kind == PICKLE_OBJECT) {
    if (!measure_child (value, value->object.arguments, depth, error)
        || !measure_child (value, value->object.state, depth, error))
      return FALSE;
  }
  value->mark = MARK_DONE;
  return TRUE;
}

gboolean
pickle_check_depth (PickleValue *root, GError **error)
{
  return measure (root, 0, error);
}

/* --- Reading ---------------------------------------------------------------------------------- */

const PickleValue *
pickle_dict_get (const PickleValue *dict, const char *key)
{
  if (dict == NULL || dict->kind != PICKLE_DICT)
    return NULL;
  /* From the end: of two equal keys, Python keeps the later value. */
  for (guint i = dict->items->len; i >= 2; i -= 2) {
    const char *found = pickle_string (dict->items->pdata[i - 2]);
    if (found != NULL && strcmp (found, key) == 0)
      return dict->items->pdata[i - 1];
  }
  return NULL;
}

const PickleValue *
pickle_item (const PickleValue *sequence, guint index)
{
  if (sequence == NULL || !has_items (sequence) || index >= sequence->items->len)
    return NULL;
  return sequence->items->pdata[index];
}

guint
pickle_length (const PickleValue *sequence)
{
  if (sequence == NULL || !has_items (sequence))
    return 0;
  return sequence->kind == PICKLE_DICT ? sequence->items->len / 2 : sequence->items->len;
}

const char *
pickle_string (const PickleValue *value)
{
  return value != NULL && value->kind == PICKLE_STRING ? value->text.data : NULL;
}

const PickleTensor *
pickle_tensor (const PickleValue *value)
{
  return value != NULL && value->kind == PICKLE_TENSOR ? value->tensor : NULL;
}

gboolean
pickle_number (const PickleValue *value, double *number)
{
  if (value != NULL && value->kind == PICKLE_INT)
    *number = (double) value->integer;
  else if (value != NULL && value->kind == PICKLE_FLOAT)
    *number = value->number;
  else
    return FALSE;
  return TRUE;
}

gint64
pickle_integer (const PickleValue *value, gint64 fallback)
{
  return value != NULL && value->kind == PICKLE_INT ? value->integer : fallback;
}

const PickleValue *
pickle_attribute (const PickleValue *object, const char *name)
{
  if (object == NULL || object->kind != PICKLE_OBJECT)
    return NULL;
  return pickle_dict_get (object->object.state, name);
}

const char *
pickle_kind_name (PickleKind kind)
{
  static const char *const names[] = { "None", "bool", "int", "big int", "float", "str", "bytes",
    "list", "tuple", "set", "dict", "name", "object", "storage", "tensor" };

  return names[kind];
}

static const struct {
  const char *name;
  gsize size;
} dtypes[] = {
  [TORCH_F64] = { "float64", 8 },
  [TORCH_F32] = { "float32", 4 },
  [TORCH_F16] = { "float16", 2 },
  [TORCH_BF16] = { "bfloat16", 2 },
  [TORCH_I64] = { "int64", 8 },
  [TORCH_I32] = { "int32", 4 },
  [TORCH_I16] = { "int16", 2 },
  [TORCH_I8] = { "int8", 1 },
  [TORCH_U8] = { "uint8", 1 },
  [TORCH_BOOL] = { "bool", 1 },
  [TORCH_QINT8] = { "qint8", 1 },
  [TORCH_QUINT8] = { "quint8", 1 },
  [TORCH_QINT32] = { "qint32", 4 },
};

gsize
torch_dtype_size (TorchDtype dtype)
{
  return dtypes[dtype].size;
}

const char *
torch_dtype_name (TorchDtype dtype)
{
  return dtypes[dtype].name;
}
