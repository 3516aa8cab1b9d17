/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The float model at work, watched.
 */
#include "observations.h"

#include "watched.h"

struct Observations {
  Watched model;
  GHashTable *observed; /* name → Observed */
};

static void
observed_free (gpointer data)
{
  Observed *observed = data;

  histogram_free (observed->histogram);
  g_free (observed->sums);
  g_free (observed);
}

static Observed *
observed_new (gsize n_channels)
{
  Observed *observed = g_new0 (Observed, 1);

  observed->histogram = histogram_new ();
  observed->n_channels = n_channels;
  observed->sums = g_new0 (double, n_channels);
  return observed;
}

static void
observe (const char *name, const Tensor *tensor, gpointer data)
{
  Observations *self = data;
  const gsize pixels = tensor->n * tensor->h * tensor->w;
  Observed *observed = g_hash_table_lookup (self->observed, name);

  if (observed == NULL) {
    observed = observed_new (tensor->c);
    g_hash_table_insert (self->observed, g_strdup (name), observed);
  }
  histogram_add (observed->histogram, tensor->data, pixels * tensor->c);
  for (gsize p = 0; p < pixels; p++) {
    for (gsize c = 0; c < tensor->c; c++)
      observed->sums[c] += tensor->data[p * tensor->c + c];
  }
  observed->n_pixels += pixels;
}

Observations *
observations_new (FbnetModel *model, const char *kernels, guint n_threads, GError **error)
{
  Observations *self = g_new0 (Observations, 1);

  self->observed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, observed_free);
  if (!watched_open (&self->model, model, kernels, n_threads, observe, self, error))
    g_clear_pointer (&self, observations_free);
  return self;
}

void
observations_free (Observations *self)
{
  if (self == NULL)
    return;
  watched_close (&self->model);
  g_hash_table_unref (self->observed);
  g_free (self);
}

gboolean
observations_add_image (Observations *self, const FbnetImage *image, GError **error)
{
  return watched_run (&self->model, image, error);
}

const Observed *
observations_find (const Observations *self, const char *name)
{
  return g_hash_table_lookup (self->observed, name);
}
