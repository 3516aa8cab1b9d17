/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The safetensors container, read from bytes and written to a file. Every number of the header is
 * hostile until checked.
 */
#include "safetensors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/replace.h"

#define MAX_HEADER (16u << 20)

static const struct {
  const char *name;
  gsize size;
} dtypes[] = {
  [FBNET_DTYPE_F32] = { "F32", 4 },
  [FBNET_DTYPE_F16] = { "F16", 2 },
  [FBNET_DTYPE_I64] = { "I64", 8 },
  [FBNET_DTYPE_I32] = { "I32", 4 },
  [FBNET_DTYPE_I8] = { "I8", 1 },
  [FBNET_DTYPE_U8] = { "U8", 1 },
};

const char *
fbnet_dtype_name (FbnetDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), NULL);
  return dtypes[dtype].name;
}

gsize
fbnet_dtype_size (FbnetDtype dtype)
{
  g_return_val_if_fail ((guint) dtype < G_N_ELEMENTS (dtypes), 0);
  return dtypes[dtype].size;
}

static gboolean
parse_dtype (const char *text, FbnetDtype *dtype)
{
  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++) {
    if (text != NULL && strcmp (text, dtypes[i].name) == 0) {
      *dtype = i;
      return TRUE;
    }
  }
  return FALSE;
}

/* A whole, exactly represented number 0 … 2^53 that a size can be. */
static gboolean
read_size (const cJSON *item, gsize *size)
{
  const double most = MIN (9007199254740992.0, (double) G_MAXSIZE);

  if (!cJSON_IsNumber (item) || !(item->valuedouble >= 0 && item->valuedouble <= most)
      || item->valuedouble != floor (item->valuedouble))
    return FALSE;
  *size = (gsize) item->valuedouble;
  return TRUE;
}

static gboolean
read_shape (JsonReader *entry, FbnetTensorView *view, gsize *n_elements)
{
  const cJSON *shape = json_array (entry, "shape", 0, FALSE);
  const cJSON *item;

  *n_elements = 1;
  if (shape == NULL)
    return FALSE;
  cJSON_ArrayForEach (item, shape)
  {
    if (view->n_dims == FBNET_MAX_DIMS || !read_size (item, &view->shape[view->n_dims])
        || !g_size_checked_mul (n_elements, *n_elements, view->shape[view->n_dims])) {
      json_fail (entry, "shape", "at most 8 whole numbers whose product fits memory");
      return FALSE;
    }
    view->n_dims++;
  }
  return TRUE;
}

static gboolean
read_view (JsonReader *entry, FbnetTensorView *view, const guint8 *data, gsize data_size)
{
  const cJSON *offsets = json_array (entry, "data_offsets", 2, FALSE);
  gsize begin, end, n_elements, n_bytes;

  if (offsets == NULL)
    return FALSE;
  if (!parse_dtype (json_string (entry, "dtype", FALSE), &view->dtype)) {
    json_fail (entry, "dtype", "one of F32, F16, I64, I32, I8, U8");
    return FALSE;
  }
  if (!read_shape (entry, view, &n_elements))
    return FALSE;
  if (cJSON_GetArraySize (offsets) != 2 || !read_size (cJSON_GetArrayItem (offsets, 0), &begin)
      || !read_size (cJSON_GetArrayItem (offsets, 1), &end) || begin > end || end > data_size) {
    g_autofree char *expected =
        g_strdup_printf ("[begin, end] within the file's %" G_GSIZE_FORMAT " bytes of data",
            data_size);
    json_fail (entry, "data_offsets", expected);
    return FALSE;
  }
  if (!g_size_checked_mul (&n_bytes, n_elements, dtypes[view->dtype].size)
      || n_bytes != end - begin) {
    json_fail (entry, "data_offsets", "as many bytes as the shape and the type take");
    return FALSE;
  }
  if ((guintptr) (data + begin) % dtypes[view->dtype].size != 0) {
    json_fail (entry, "data_offsets", "a beginning aligned to the type's size");
    return FALSE;
  }
  view->data = data + begin;
  view->n_bytes = n_bytes;
  return TRUE;
}

static int
compare_offsets (gconstpointer a, gconstpointer b)
{
  const FbnetTensorView *const *x = a;
  const FbnetTensorView *const *y = b;

  if ((*x)->data != (*y)->data)
    return (*x)->data < (*y)->data ? -1 : 1;
  return ((*x)->n_bytes > (*y)->n_bytes) - ((*x)->n_bytes < (*y)->n_bytes);
}

/* Zeros that bring the next tensor to a boundary of 8 bytes, the largest type. */
static gboolean
is_padding (const guint8 *begin, const guint8 *end)
{
  static const guint8 zeros[8];

  return end - begin < 8 && memcmp (begin, zeros, (gsize) (end - begin)) == 0;
}

/* The format wants the tensors side by side, from the first byte to the last: bytes of no tensor could be
 * anything. */
static gboolean
check_layout (const Safetensors *file, const guint8 *data, gsize data_size, const char *name,
    GError **error)
{
  g_autofree const FbnetTensorView **sorted =
      memory_new (const FbnetTensorView *, file->n_views, error);
  const guint8 *end = data;

  if (sorted == NULL)
    return FALSE;
  for (guint i = 0; i < file->n_views; i++)
    sorted[i] = &file->views[i];
  qsort (sorted, file->n_views, sizeof *sorted, compare_offsets);
  for (guint i = 0; i < file->n_views; i++) {
    const guint8 *begin = sorted[i]->data;
    if (begin < end || !is_padding (end, begin)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: expected tensors side by side, found \"%s\" %s what stands before it", name,
          sorted[i]->name, begin < end ? "overlapping" : "apart from");
      return FALSE;
    }
    end = begin + sorted[i]->n_bytes;
  }
  if (end == data + data_size)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected the end of the file behind the last tensor, found %" G_GSIZE_FORMAT
      " bytes more",
      name, (gsize) (data + data_size - end));
  return FALSE;
}

static gboolean
read_metadata (Safetensors *file, const cJSON *item, GError **error)
{
  JsonReader metadata = { item, "__metadata__", NULL, FALSE };
  const char *description = json_string (&metadata, "fbnet", TRUE);

  file->description = memory_copy_text (description, error);
  return description == NULL || file->description != NULL;
}

static gboolean
read_entry (Safetensors *file, const cJSON *item, const guint8 *data, gsize data_size,
    const char *name, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s: tensor \"%s\"", name, json_key_text (item->string));
  JsonReader entry = { item, path, error, FALSE };
  FbnetTensorView *view = &file->views[file->n_views];

  if (strlen (item->string) > JSON_MAX_KEY) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected names of at most %d bytes, found one of %" G_GSIZE_FORMAT, name, JSON_MAX_KEY,
        strlen (item->string));
    return FALSE;
  }
  if (!read_view (&entry, view, data, data_size))
    return FALSE;
  view->name = g_strdup (item->string);
  file->n_views++;
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const FbnetTensorView *const *x = a;
  const FbnetTensorView *const *y = b;

  return strcmp ((*x)->name, (*y)->name);
}

static gboolean
read_entries (Safetensors *file, const cJSON *header, const guint8 *data, gsize data_size,
    const char *name, GError **error)
{
  const gsize n = (gsize) cJSON_GetArraySize (header);
  const cJSON *item;

  file->views = memory_new0 (FbnetTensorView, n, error);
  file->by_name = file->views != NULL ? memory_new (const FbnetTensorView *, n, error) : NULL;
  if (file->by_name == NULL)
    return FALSE;
  cJSON_ArrayForEach (item, header)
  {
    if (strcmp (item->string, "__metadata__") == 0
            ? !read_metadata (file, item, error)
            : !read_entry (file, item, data, data_size, name, error))
      return FALSE;
  }
  for (guint i = 0; i < file->n_views; i++)
    file->by_name[i] = &file->views[i];
  qsort (file->by_name, file->n_views, sizeof *file->by_name, compare_names);
  return TRUE;
}

/* The usual mistake: a zip archive, or a pickle, as torch.save() and torch.jit.save() write them. */
static gboolean
is_of_torch (const guint8 *data)
{
  return memcmp (data, "PK\3\4", 4) == 0 || (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5);
}

Safetensors *
safetensors_parse (GBytes *bytes, const char *name, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint64 header_size = 0;

  if (size < 8) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a safetensors model file, found only %" G_GSIZE_FORMAT " bytes", name, size);
    return NULL;
  }
  for (guint i = 0; i < 8; i++)
    header_size |= (guint64) data[i] << (8 * i);
  if (header_size > size - 8 && is_of_torch (data)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a safetensors model file, found a file of PyTorch's, of which fbnet-import "
        "makes one",
        name);
    return NULL;
  }
  if (header_size > MAX_HEADER || header_size > size - 8) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a safetensors model file (header of at most %u bytes, inside the file of "
        "%" G_GSIZE_FORMAT " bytes), found a header length of %" G_GUINT64_FORMAT,
        name, MAX_HEADER, size, header_size);
    return NULL;
  }
  g_autofree char *what = g_strdup_printf ("%s: header", name);
  cJSON *header = json_parse_object ((const char *) data + 8, header_size, what, error);
  if (header == NULL)
    return NULL;

  Safetensors *file = g_new0 (Safetensors, 1);
  file->bytes = g_bytes_ref (bytes);
  const guint8 *tensors = data + 8 + header_size;
  const gsize tensors_size = size - 8 - header_size;
  const gboolean good = read_entries (file, header, tensors, tensors_size, name, error)
      && check_layout (file, tensors, tensors_size, name, error);
  cJSON_Delete (header);
  if (!good)
    g_clear_pointer (&file, safetensors_free);
  return file;
}

void
safetensors_free (Safetensors *file)
{
  if (file == NULL)
    return;
  for (guint i = 0; i < file->n_views; i++)
    g_free ((char *) file->views[i].name);
  g_free (file->by_name);
  g_free (file->views);
  g_free (file->description);
  g_bytes_unref (file->bytes);
  g_free (file);
}

const FbnetTensorView *
safetensors_find (const Safetensors *file, const char *tensor)
{
  const FbnetTensorView sought = { .name = tensor };
  const FbnetTensorView *const key = &sought;
  const FbnetTensorView *const *found =
      bsearch (&key, file->by_name, file->n_views, sizeof *file->by_name, compare_names);

  return found != NULL ? *found : NULL;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static gboolean
check_view (const char *path, const FbnetTensorView *view, GError **error)
{
  gsize n_bytes = dtypes[view->dtype].size;
  gboolean fits = TRUE;

  for (guint d = 0; d < view->n_dims; d++)
    fits = fits && g_size_checked_mul (&n_bytes, n_bytes, view->shape[d]);
  if (fits && n_bytes == view->n_bytes)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s: tensor \"%s\": expected as many bytes as its shape and type take, found "
      "%" G_GSIZE_FORMAT,
      path, view->name, view->n_bytes);
  return FALSE;
}

static void
add_entry (cJSON *header, const FbnetTensorView *view, gsize offset)
{
  cJSON *entry = cJSON_AddObjectToObject (header, view->name);
  cJSON *shape, *offsets;

  cJSON_AddStringToObject (entry, "dtype", dtypes[view->dtype].name);
  shape = cJSON_AddArrayToObject (entry, "shape");
  for (guint d = 0; d < view->n_dims; d++)
    cJSON_AddItemToArray (shape, cJSON_CreateNumber (view->shape[d]));
  offsets = cJSON_AddArrayToObject (entry, "data_offsets");
  cJSON_AddItemToArray (offsets, cJSON_CreateNumber (offset));
  cJSON_AddItemToArray (offsets, cJSON_CreateNumber (offset + view->n_bytes));
}

/* The format wants tensors side by side without holes, so the wide types come first: then each one
 * is aligned. The sort is stable. */
static const FbnetTensorView **
widest_first (const FbnetTensorView *tensors, guint n_tensors, GError **error)
{
  const FbnetTensorView **order = memory_new (const FbnetTensorView *, n_tensors, error);
  guint n = 0;

  for (gsize size = 8; order != NULL && size > 0; size /= 2) {
    for (guint i = 0; i < n_tensors; i++) {
      if (dtypes[tensors[i].dtype].size == size)
        order[n++] = &tensors[i];
    }
  }
  return order;
}

/* The header as text, freed with cJSON_free(). */
static char *
print_header (const char *description, const FbnetTensorView *const *order, guint n_tensors,
    GError **error)
{
  gsize offset = 0;

  errno = 0;
  cJSON *header = cJSON_CreateObject ();
  cJSON *metadata = cJSON_AddObjectToObject (header, "__metadata__");
  cJSON_AddStringToObject (metadata, "format", "pt");
  cJSON_AddStringToObject (metadata, "fbnet", description);
  for (guint i = 0; i < n_tensors; i++) {
    add_entry (header, order[i], offset);
    offset += order[i]->n_bytes;
  }
  char *text = cJSON_PrintUnformatted (header);
  /* cJSON leaves out what it has no memory for. */
  if (errno == ENOMEM)
    g_clear_pointer (&text, cJSON_free);
  if (text == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected memory for a header of %u tensors, found less", n_tensors);
  cJSON_Delete (header);
  return text;
}

/* The whole file: the header's length, the header, filled up with spaces, and the tensors. */
static guint8 *
serialize (const char *text, const FbnetTensorView *const *order, guint n_tensors, gsize total,
    gsize *size, GError **error)
{
  const gsize used = strlen (text), length = ((used + 8 + 63) & ~(gsize) 63) - 8;
  guint8 *out = memory_new (guint8, 8 + length + total, error);

  if (out == NULL)
    return NULL;
  for (guint i = 0; i < 8; i++)
    out[i] = (guint8) ((guint64) length >> (8 * i));
  memcpy (out + 8, text, used);
  memset (out + 8 + used, ' ', length - used);
  guint8 *to = out + 8 + length;
  for (guint i = 0; i < n_tensors; i++) {
    if (order[i]->n_bytes > 0)
      memcpy (to, order[i]->data, order[i]->n_bytes);
    to += order[i]->n_bytes;
  }
  *size = 8 + length + total;
  return out;
}

gboolean
fbnet_model_write (const char *path, const char *description, const FbnetTensorView *tensors,
    guint n_tensors, GError **error)
{
  g_return_val_if_fail (path != NULL && description != NULL, FALSE);
  g_return_val_if_fail (tensors != NULL || n_tensors == 0, FALSE);

  gsize total = 0;
  for (guint i = 0; i < n_tensors; i++) {
    if (!check_view (path, &tensors[i], error))
      return FALSE;
    total += tensors[i].n_bytes;
  }
  if (total > G_MAXUINT - MAX_HEADER) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected less than 4 GB of tensors, found %" G_GSIZE_FORMAT " bytes", path, total);
    return FALSE;
  }
  gsize size = 0;
  g_autofree const FbnetTensorView **order = widest_first (tensors, n_tensors, error);
  if (order == NULL)
    return FALSE;
  char *text = print_header (description, order, n_tensors, error);
  if (text == NULL)
    return FALSE;
  g_autofree guint8 *out = serialize (text, order, n_tensors, total, &size, error);
  cJSON_free (text);
  return out != NULL && replace_file (path, out, size, error);
}

/* --- Half precision --------------------------------------------------------------------------- */

/* IEEE 754 binary16 to binary32, exact. */
static float
half_to_float (guint16 half)
{
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  float magnitude;

  if (exponent == 31)
    magnitude = fraction == 0 ? INFINITY : NAN;
  else if (exponent == 0)
    magnitude = ldexpf ((float) fraction, -24);
  else
    magnitude = ldexpf ((float) (1024 + fraction), exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

guint16
half_from_float (float x)
{
  const guint16 sign = signbit (x) ? 0x8000 : 0;
  int exponent;

  if (isnan (x))
    return sign | 0x7e00;
  if (x == 0)
    return sign;
  if (fabsf (x) >= 65520.0f)
    return sign | 0x7c00;
  frexpf (x, &exponent);
  /* Units of the last place: 2^-24 below the normal numbers, then 2^-10 of the leading one. Rounding up
   * to the next power of two carries into the exponent by itself. */
  const int unit = MAX (exponent - 11, -24);
  const guint units = (guint) rintf (ldexpf (fabsf (x), -unit));
  return sign | (guint16) (units + ((guint) (unit + 24) << 10));
}

float
tensor_element (const FbnetTensorView *view, gsize i)
{
  if (view->dtype == FBNET_DTYPE_I8)
    return ((const gint8 *) view->data)[i];
  if (view->dtype == FBNET_DTYPE_F16)
    return half_to_float (((const guint16 *) view->data)[i]);
  return ((const float *) view->data)[i];
}
