/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures and what people have drawn on them.
 */
#include "labelset.h"

#include <math.h>
#include <string.h>

#define ELLIPSE_CORNERS 32

static const char *const flaws[N_LABEL_FLAWS] = {
  [LABEL_FILE_UNREADABLE] = "annotation files that cannot be read: left out",
  [LABEL_ENTRY_UNREADABLE] = "entries that cannot be read: left out",
  [LABEL_NAMELESS] = "objects without a class: left out",
  [LABEL_NUMBER] = "objects of a class number that has no name: left out",
  [LABEL_DROPPED] = "objects of classes that were to be dropped: left out",
  [LABEL_SHAPE] = "points, lines and other shapes without an area: left out",
  [LABEL_CROWD] = "crowds, or objects to be ignored: left out",
  [PICTURE_MISSING] = "annotated pictures that are not there: left out, and their objects",
  [PICTURE_AMBIGUOUS] = "annotated pictures of whose name there are several: left out",
  [PICTURE_BROKEN] = "pictures that cannot be read: left out, and their objects",
  [PICTURE_TURNED] =
      "pictures annotated as the camera lay, not as they are seen: their objects are "
      "turned along",
  [PICTURE_EXCHANGED] = "pictures whose width and height their annotations exchange, though "
                        "nothing turns the picture "
                        "(exchange them there): left out, and their objects",
  [PICTURE_OTHER_SIZE] = "pictures of another size than their annotations say: left out, and their "
                         "objects",
  [PICTURE_MERGED] = "pictures that are annotated several times: their objects are put together",
  [PICTURE_COPY] = "pictures that are copies of others: they count, on the same side of the split",
  [PICTURE_UNLABELLED] = "pictures without an object: they count as background",
  [BOX_BROKEN] = "objects whose place is no numbers: left out",
  [BOX_EMPTY] = "objects without an area: left out",
  [BOX_OUTSIDE] = "objects outside of their picture: left out",
  [BOX_BEYOND] = "objects that reach beyond their picture: cut to it",
  [BOX_TWICE] = "objects that are annotated twice: they count once",
};

static void
polygon_free (gpointer polygon)
{
  g_array_unref (polygon);
}

static void
object_free (gpointer data)
{
  LabelObject *object = data;

  g_free (object->label);
  g_clear_pointer (&object->polygons, g_ptr_array_unref);
  cJSON_Delete (object->runs);
  g_free (object);
}

void
label_picture_free (gpointer data)
{
  LabelPicture *picture = data;

  g_free (picture->name);
  g_free (picture->images);
  g_free (picture->where);
  g_free (picture->path);
  g_ptr_array_unref (picture->objects);
  g_free (picture);
}

LabelSet *
label_set_new (void)
{
  LabelSet *set = g_new0 (LabelSet, 1);

  set->labels = g_ptr_array_new_with_free_func (g_free);
  set->pictures = g_ptr_array_new_with_free_func (label_picture_free);
  set->problems = problems_new (flaws, N_LABEL_FLAWS);
  return set;
}

void
label_set_free (LabelSet *set)
{
  if (set == NULL)
    return;
  g_ptr_array_unref (set->labels);
  g_ptr_array_unref (set->pictures);
  problems_free (set->problems);
  g_free (set);
}

void
label_set_declare (LabelSet *set, const char *label)
{
  if (!g_ptr_array_find_with_equal_func (set->labels, label, g_str_equal, NULL))
    g_ptr_array_add (set->labels, g_strdup (label));
}

LabelPicture *
label_set_add (LabelSet *set, const char *name, const char *images, const char *where)
{
  LabelPicture *picture = g_new0 (LabelPicture, 1);

  picture->name = g_strdup (name);
  picture->images = g_strdup (images);
  picture->where = g_strdup (where);
  picture->objects = g_ptr_array_new_with_free_func (object_free);
  g_ptr_array_add (set->pictures, picture);
  return picture;
}

LabelObject *
label_picture_add (LabelPicture *picture, const char *label, double x0, double y0, double x1,
    double y1)
{
  LabelObject *object = g_new0 (LabelObject, 1);

  object->label = g_strstrip (g_strdup (label != NULL ? label : ""));
  object->x0 = x0;
  object->y0 = y0;
  object->x1 = x1;
  object->y1 = y1;
  g_ptr_array_add (picture->objects, object);
  return object;
}

LabelObject *
label_picture_add_shape (LabelPicture *picture, const char *label)
{
  return label_picture_add (picture, label, INFINITY, INFINITY, -INFINITY, -INFINITY);
}

void
label_object_add_polygon (LabelObject *object, const double *points, guint n)
{
  GArray *polygon = g_array_new (FALSE, FALSE, sizeof (double));

  if (object->polygons == NULL)
    object->polygons = g_ptr_array_new_with_free_func (polygon_free);
  g_array_append_vals (polygon, points, 2 * n);
  g_ptr_array_add (object->polygons, polygon);
  for (guint i = 0; i < n; i++) {
    object->x0 = MIN (object->x0, points[2 * i]);
    object->x1 = MAX (object->x1, points[2 * i]);
    object->y0 = MIN (object->y0, points[2 * i + 1]);
    object->y1 = MAX (object->y1, points[2 * i + 1]);
  }
}

void
label_object_add_ellipse (LabelObject *object, double x, double y, double rx, double ry)
{
  double points[2 * ELLIPSE_CORNERS];

  for (guint i = 0; i < ELLIPSE_CORNERS; i++) {
    points[2 * i] = x + rx * cos (2 * G_PI * i / ELLIPSE_CORNERS);
    points[2 * i + 1] = y + ry * sin (2 * G_PI * i / ELLIPSE_CORNERS);
  }
  label_object_add_polygon (object, points, ELLIPSE_CORNERS);
}
