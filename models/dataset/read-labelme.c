/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * labelme: a JSON file for each picture, with shapes and, often, the picture itself in it.
 */
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "numbers.h"
#include "readers.h"
#include "support/jsonfile.h"

/* [[x, y], …] as x, y in turn. NULL: something else is among them. */
static GArray *
read_points (const cJSON *shape)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (double));
  const cJSON *point;

  cJSON_ArrayForEach (point, cJSON_GetObjectItemCaseSensitive (shape, "points"))
  {
    const cJSON *x = cJSON_GetArrayItem (point, 0), *y = cJSON_GetArrayItem (point, 1);
    if (!cJSON_IsNumber (x) || !cJSON_IsNumber (y))
      return NULL;
    g_array_append_val (points, x->valuedouble);
    g_array_append_val (points, y->valuedouble);
  }
  return g_steal_pointer (&points);
}

static gboolean
is_type (const char *type, const char *name)
{
  return g_strcmp0 (type, name) == 0;
}

/* A circle is its middle and a point on it; a rectangle two corners. */
static void
add_shape (LabelSet *set, LabelPicture *picture, const cJSON *shape)
{
  const char *label = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (shape, "label"));
  const char *type = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (shape, "shape_type"));
  g_autoptr (GArray) points = read_points (shape);
  const double *p = points != NULL ? (const double *) (gpointer) points->data : NULL;
  const guint n = points != NULL ? points->len / 2 : 0;
  const gboolean polygon = type == NULL || is_type (type, "polygon");

  if (points == NULL || (polygon && n < 3) || (!polygon && n < 2))
    problems_note (set->problems, n == 0 ? BOX_BROKEN : LABEL_SHAPE, picture->where);
  else if (polygon)
    label_object_add_polygon (label_picture_add_shape (picture, label), p, n);
  else if (is_type (type, "rectangle") || is_type (type, "mask"))
    label_picture_add (picture, label, MIN (p[0], p[2]), MIN (p[1], p[3]), MAX (p[0], p[2]),
        MAX (p[1], p[3]));
  else if (is_type (type, "circle"))
    label_object_add_ellipse (label_picture_add_shape (picture, label), p[0], p[1],
        hypot (p[2] - p[0], p[3] - p[1]), hypot (p[2] - p[0], p[3] - p[1]));
  else
    problems_note (set->problems, LABEL_SHAPE, picture->where);
}

static void
add_file (LabelSet *set, const LabelSource *source, const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) root = json_read (file, &error);
  const cJSON *shapes = root != NULL ? json_get_array (root, "shapes", file, &error) : NULL;
  const char *name = shapes != NULL ? json_get_string (root, "imagePath", file, &error) : NULL;
  const cJSON *shape;

  if (name == NULL) {
    note_unreadable (set, &error);
    return;
  }
  LabelPicture *picture = label_set_add (set, name, source->images, file);
  picture->width = number_to_side (number_of_field (root, "imageWidth"));
  picture->height = number_to_side (number_of_field (root, "imageHeight"));
  cJSON_ArrayForEach (shape, shapes) add_shape (set, picture, shape);
}

gboolean
read_labelme (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autoptr (GPtrArray) files = list_label_files (source->path, ".json", error);

  for (guint i = 0; files != NULL && i < files->len; i++)
    add_file (set, source, files->pdata[i]);
  return files != NULL;
}
