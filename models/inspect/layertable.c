/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's costs of a frame as a table; see layertable.h.
 */
#include "layertable.h"

#include "model/costs.h"
#include "model/model.h"

static const char *
op_of (const Cost *cost)
{
  if (cost->block != NULL)
    return cost->block->op;
  return cost->entry->reads == READS_MEAN ? "linear" : "conv";
}

static void
add_row (const Cost *cost, gpointer data)
{
  const LayerRow row = {
    .name = g_strdup (cost->block != NULL ? cost->block->name : cost->entry->conv->conv_name),
    .op = g_strdup (op_of (cost)),
    .channels = cost->channels,
    .height = (guint) cost->height,
    .width = (guint) cost->width,
    .parameters = cost->parameters,
    .multiply_adds = cost->multiply_adds,
    .runs = cost->runs,
  };

  g_array_append_val ((GArray *) data, row);
}

static guint
round_up (guint value, guint multiple)
{
  return multiple > 1 ? (value + multiple - 1) / multiple * multiple : value;
}

static void
clear_row (gpointer data)
{
  LayerRow *row = data;

  g_free (row->name);
  g_free (row->op);
}

LayerTable *
layer_table_new (const FbnetModel *model)
{
  const Description *d = model->description;
  LayerTable *table = g_new0 (LayerTable, 1);

  table->rows = g_array_new (FALSE, FALSE, sizeof (LayerRow));
  g_array_set_clear_func (table->rows, clear_row);
  if (d->task == FBNET_TASK_DETECTION) {
    table->input_height = round_up (d->params.min_size, d->size_divisibility);
    table->input_width = round_up (d->params.max_size, d->size_divisibility);
  } else {
    table->input_height = table->input_width = d->crop;
  }
  table->multiply_adds = costs_of_frame (d, model->layers, table->input_height, table->input_width,
      &d->params, add_row, table->rows);
  return table;
}

void
layer_table_free (LayerTable *table)
{
  if (table == NULL)
    return;
  g_array_unref (table->rows);
  g_free (table);
}
