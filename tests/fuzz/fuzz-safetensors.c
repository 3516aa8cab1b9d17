/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a safetensors file; what is read is written, read again, and the same.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fuzz.h"
#include "model/safetensors.h"

static void
check_same (const Safetensors *a, const Safetensors *b)
{
  g_assert (a->n_views == b->n_views);
  g_assert (g_strcmp0 (a->description, b->description) == 0);
  for (guint i = 0; i < a->n_views; i++) {
    const FbnetTensorView *x = &a->views[i], *y = safetensors_find (b, x->name);
    g_assert (y != NULL && x->dtype == y->dtype && x->n_dims == y->n_dims);
    g_assert (x->n_bytes == y->n_bytes && memcmp (x->data, y->data, x->n_bytes) == 0);
    for (guint d = 0; d < x->n_dims; d++)
      g_assert (x->shape[d] == y->shape[d]);
  }
}

/* The writer takes no description that is NULL. */
static void
check_writing (const Safetensors *file)
{
  g_autofree char *path = NULL, *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_close (g_file_open_tmp ("fuzz-XXXXXX.safetensors", &path, NULL), NULL);
  g_assert_true (fbnet_model_write (path, file->description, file->views, file->n_views, &error));
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_unlink (path);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_steal_pointer (&text), size);
  Safetensors *again = safetensors_parse (bytes, "again", &error);
  g_assert_no_error (error);
  check_same (file, again);
  safetensors_free (again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree guint8 *aligned = g_memdup2 (data, size);
  g_autoptr (GBytes) bytes = g_bytes_new_static (aligned, size);
  g_autoptr (GError) error = NULL;
  Safetensors *file = safetensors_parse (bytes, "fuzz", &error);

  g_assert ((file == NULL) == (error != NULL));
  if (file != NULL && file->description != NULL)
    check_writing (file);
  safetensors_free (file);
  return 0;
}
