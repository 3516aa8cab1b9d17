/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of one block, and running them.
 */
#include "geometry.h"

#include "network/piece.h"
#include "randommodel.h"

char *
geometry_describe (const GeometryCase *c)
{
  g_autoptr (GString) arguments = g_string_new (NULL);
  char expansion[G_ASCII_DTOSTR_BUF_SIZE];

  if (c->expansion > 0)
    g_string_append_printf (arguments, ", {\"expansion\": %s}",
        g_ascii_dtostr (expansion, sizeof expansion, c->expansion));
  if (c->padding >= 0)
    g_string_append_printf (arguments, ", {\"padding\": %d}", c->padding);
  if (c->kernel > 0)
    g_string_append_printf (arguments, ", {\"kernel_size\": %u}", c->kernel);
  if (c->pw_groups > 0)
    g_string_append_printf (arguments, ", {\"pw_groups\": %u}", c->pw_groups);
  if (c->skip_shuffle)
    g_string_append (arguments, ", {\"skip_shuffle\": true}");
  if (c->pwl_groups > 0)
    g_string_append_printf (arguments, ", {\"pwl_groups\": %u}", c->pwl_groups);
  return g_strdup_printf ("[[[\"conv_k1\", %u, 1, 1]], [[\"%s\", %u, %d, 1%s]]]", c->in, c->op,
      c->out, c->stride, arguments->str);
}

FbnetModel *
geometry_model_new (const GeometryCase *c, guint32 seed, GError **error)
{
  g_autofree char *trunk = geometry_describe (c);
  g_autofree char *description = g_strdup_printf (
      "{\"format\": \"fbnet-model\", \"version\": 1, \"name\": \"geometry\", \"task\": "
      "\"classification\", \"input\": {\"channel_order\": \"RGB\", \"mean\": [0, 0, 0], \"std\": "
      "[1, "
      "1, 1], \"resize\": 8, \"crop\": 8}, \"architecture\": {\"name\": \"geometry\", "
      "\"width_divisor\": 1, \"norm\": %s, \"trunk\": %s}, \"backbone\": {\"prefix\": "
      "\"backbone.stages\"}, \"head\": {\"n_classes\": 2}}",
      c->norm, trunk);

  return random_model_new (description, seed, error);
}

Tensor
geometry_run (FbnetModel *model, const PackOptions *options, Workers *workers, const Tensor *in)
{
  Workspace workspace = { .network = cache_get_network (model, options, NULL), .workers = workers };
  Tensor current = *in;

  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++) {
    GError *error = NULL;
    Tensor next;
    piece_run_stage (&workspace, network_stage (workspace.network, ROLE_TRUNK, s), &current, TRUE,
        &next, &error);
    g_assert_no_error (error);
    if (s > 0)
      g_free (current.data);
    current = next;
  }
  arena_clear (&workspace.arena);
  return current;
}

Reference
geometry_run_plainly (FbnetModel *model, const Tensor *in)
{
  Reference out = reference_new (in->n, in->h, in->w, in->c);

  for (gsize i = 0; i < in->n * in->h * in->w * in->c; i++)
    out.data[i] = in->data[i];
  for (guint s = 0; s < layers_count (model->layers, ROLE_TRUNK); s++)
    out = reference_run_block (model, &layers_stage (model->layers, ROLE_TRUNK, s)->blocks[0], out,
        NULL);
  return out;
}
