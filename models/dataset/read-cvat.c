/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CVAT's XML for images, version 1.1: one file, an element for each picture.
 */
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "numbers.h"
#include "readers.h"
#include "xmltree.h"

/* "x,y;x,y" */
static void
add_polygon (LabelSet *set, LabelPicture *picture, const XmlElement *shape)
{
  g_autoptr (GArray) points = numbers_split (xml_attribute (shape, "points"), ",;");

  if (points == NULL || points->len < 6 || points->len % 2 != 0) {
    problems_note (set->problems, BOX_BROKEN, picture->where);
    return;
  }
  label_object_add_polygon (label_picture_add_shape (picture, xml_attribute (shape, "label")),
      (const double *) (gpointer) points->data, points->len / 2);
}

/* Runs along rows in a rectangle; COCO's run along the picture's columns. */
static void
add_mask (LabelSet *set, LabelPicture *picture, const XmlElement *shape)
{
  const double left = xml_attribute_number (shape, "left"),
               top = xml_attribute_number (shape, "top");
  const double width = xml_attribute_number (shape, "width");
  const double height = xml_attribute_number (shape, "height");

  label_picture_add (picture, xml_attribute (shape, "label"), left, top, left + width,
      top + height);
}

static void
add_shape (LabelSet *set, LabelPicture *picture, const XmlElement *shape)
{
  const char *label = xml_attribute (shape, "label");

  if (strcmp (shape->name, "box") == 0)
    label_picture_add (picture, label, xml_attribute_number (shape, "xtl"),
        xml_attribute_number (shape, "ytl"), xml_attribute_number (shape, "xbr"),
        xml_attribute_number (shape, "ybr"));
  else if (strcmp (shape->name, "polygon") == 0)
    add_polygon (set, picture, shape);
  else if (strcmp (shape->name, "mask") == 0)
    add_mask (set, picture, shape);
  else if (strcmp (shape->name, "ellipse") == 0)
    label_object_add_ellipse (label_picture_add_shape (picture, label),
        xml_attribute_number (shape, "cx"), xml_attribute_number (shape, "cy"),
        xml_attribute_number (shape, "rx"), xml_attribute_number (shape, "ry"));
  else if (label != NULL)
    problems_note (set->problems, LABEL_SHAPE, picture->where);
}

static void
add_image (LabelSet *set, const LabelSource *source, const XmlElement *image, guint index)
{
  const char *name = xml_attribute (image, "name");
  g_autofree char *where =
      g_strdup_printf ("%s: image %s", source->path, name != NULL ? name : "without a name");

  if (name == NULL) {
    problems_note (set->problems, LABEL_ENTRY_UNREADABLE, where);
    return;
  }
  LabelPicture *picture = label_set_add (set, name, source->images, where);
  picture->width = number_to_side (xml_attribute_number (image, "width"));
  picture->height = number_to_side (xml_attribute_number (image, "height"));
  for (guint i = 0; i < image->children->len; i++)
    add_shape (set, picture, image->children->pdata[i]);
}

/* meta / task / labels / label / name; in some versions a project stands for the task. */
static void
declare_labels (LabelSet *set, const XmlElement *root)
{
  const XmlElement *meta = xml_child (root, "meta");
  const XmlElement *owner = xml_child (meta, "task");

  if (owner == NULL)
    owner = xml_child (meta, "project");
  const XmlElement *labels = xml_child (owner, "labels");
  for (guint i = 0; labels != NULL && i < labels->children->len; i++) {
    const char *name = xml_child_text (labels->children->pdata[i], "name");
    if (name != NULL && *name != '\0')
      label_set_declare (set, name);
  }
}

gboolean
read_cvat (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autoptr (XmlElement) root = xml_read (source->path, error);

  if (root == NULL)
    return FALSE;
  if (strcmp (root->name, "annotations") != 0) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected CVAT's element <annotations>, found <%s>", source->path, root->name);
    return FALSE;
  }
  declare_labels (set, root);
  for (guint i = 0; i < root->children->len; i++) {
    const XmlElement *child = root->children->pdata[i];
    if (strcmp (child->name, "image") == 0)
      add_image (set, source, child, i);
  }
  return TRUE;
}
