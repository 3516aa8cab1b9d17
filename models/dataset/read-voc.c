/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pascal VOC: an XML file for each picture (VOC2012 development kit, section 8.1; labelImg writes it).
 */
#include <string.h>

#include "numbers.h"
#include "readers.h"
#include "xmltree.h"

/* Pixels count from 1, and the last one is inside: the left edge of pixel 1 is 0. */
static void
add_object (LabelSet *set, LabelPicture *picture, const XmlElement *object, const char *file)
{
  const XmlElement *box = xml_child (object, "bndbox");

  if (number_read (xml_child_text (object, "difficult")) == 1) {
    problems_note (set->problems, LABEL_CROWD, file);
    return;
  }
  label_picture_add (picture, xml_child_text (object, "name"), xml_child_number (box, "xmin") - 1,
      xml_child_number (box, "ymin") - 1, xml_child_number (box, "xmax"),
      xml_child_number (box, "ymax"));
}

/* Where the file does not name its picture, that has the file's own name. */
static char *
picture_name (const XmlElement *root, const char *file)
{
  const char *name = xml_child_text (root, "filename");

  if (name != NULL && *name != '\0')
    return g_strdup (name);
  g_autofree char *own = g_path_get_basename (file);
  char *dot = strrchr (own, '.');
  if (dot != NULL)
    *dot = '\0';
  return g_steal_pointer (&own);
}

static void
add_file (LabelSet *set, const LabelSource *source, const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (XmlElement) root = xml_read (file, &error);

  if (root == NULL) {
    note_unreadable (set, &error);
    return;
  }
  if (strcmp (root->name, "annotation") != 0) {
    problems_note (set->problems, LABEL_FILE_UNREADABLE, file);
    return;
  }
  const XmlElement *size = xml_child (root, "size");
  g_autofree char *name = picture_name (root, file);
  LabelPicture *picture = label_set_add (set, name, source->images, file);
  picture->width = number_to_side (xml_child_number (size, "width"));
  picture->height = number_to_side (xml_child_number (size, "height"));
  for (guint i = 0; i < root->children->len; i++) {
    const XmlElement *child = root->children->pdata[i];
    if (strcmp (child->name, "object") == 0)
      add_object (set, picture, child, file);
  }
}

gboolean
read_voc (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autoptr (GPtrArray) files = list_label_files (source->path, ".xml", error);

  for (guint i = 0; files != NULL && i < files->len; i++)
    add_file (set, source, files->pdata[i]);
  return files != NULL;
}
