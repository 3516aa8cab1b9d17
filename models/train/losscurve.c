/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The points of a loss curve.
 */
#include "losscurve.h"

#include <math.h>
#include <string.h>

#include "support/files.h"
#include "support/jsonfile.h"

/* The fields of a line, in the order in which they are read. A loss that the model has not is not there. */
static const char *const fields[] = { "step", "rate", "rpn_objectness", "rpn_box", "classes", "box",
  "mask", "keypoint" };

#define N_NEEDED 2

static gboolean
read_line (const char *line, LossPoint *point)
{
  g_autoptr (cJSON) object = json_parse (line, strlen (line), "log", NULL);
  double values[G_N_ELEMENTS (fields)];

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive (object, fields[i]);
    values[i] = 0;
    if (item == NULL && i >= N_NEEDED)
      continue;
    if (!cJSON_IsNumber (item) || !isfinite (item->valuedouble) || item->valuedouble < 0)
      return FALSE;
    values[i] = item->valuedouble;
  }
  *point = (LossPoint){ (guint) MIN (values[0], G_MAXINT), values[1],
    { .rpn_objectness = values[2],
        .rpn_box = values[3],
        .classes = values[4],
        .box = values[5],
        .mask = values[6],
        .keypoint = values[7] } };
  return point->step > 0;
}

/* A run that was killed has logged steps that its successor took again. */
static void
add_point (GArray *points, const LossPoint *point)
{
  guint n = points->len;

  while (n > 0 && g_array_index (points, LossPoint, n - 1).step >= point->step)
    n--;
  g_array_set_size (points, n);
  g_array_append_val (points, *point);
}

GArray *
loss_curve_read (const char *path, guint last)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (LossPoint));
  gsize size;
  g_autofree char *text = file_read (path, &size, NULL);
  LossPoint point;

  if (text == NULL)
    return points;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    if (read_line (lines[i], &point) && point.step <= last)
      add_point (points, &point);
  }
  return points;
}

TrainLosses
loss_curve_mean (const GArray *points, guint n)
{
  TrainLosses mean = { 0 };

  n = MIN (n, points->len);
  for (guint i = points->len - n; i < points->len; i++) {
    const TrainLosses *l = &g_array_index (points, LossPoint, i).losses;
    mean.rpn_objectness += l->rpn_objectness / n;
    mean.rpn_box += l->rpn_box / n;
    mean.classes += l->classes / n;
    mean.box += l->box / n;
    mean.mask += l->mask / n;
    mean.keypoint += l->keypoint / n;
    mean.n_rois += l->n_rois / n;
    mean.n_right += l->n_right / n;
  }
  return mean;
}
