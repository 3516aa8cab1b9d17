/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * VGG Image Annotator, versions 1 and 2: an object with an entry for each picture, in a project below
 * "_via_img_metadata".
 */
#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "numbers.h"
#include "readers.h"
#include "support/jsonfile.h"

/* What people call the attribute that says what a region is. */
static const char *const usual[] = { "label", "class", "name", "type", "category", "object" };

static const cJSON *
find_attribute (const cJSON *attributes, const char *wanted)
{
  if (wanted != NULL)
    return cJSON_GetObjectItemCaseSensitive (attributes, wanted);
  if (cJSON_GetArraySize (attributes) == 1)
    return attributes->child;
  for (guint i = 0; i < G_N_ELEMENTS (usual); i++) {
    const cJSON *found = cJSON_GetObjectItem (attributes, usual[i]);
    if (found != NULL)
      return found;
  }
  return NULL;
}

/* Text; of check boxes, an object, the one that is checked. */
static const char *
read_label (const cJSON *region, const char *wanted)
{
  const cJSON *attributes = cJSON_GetObjectItemCaseSensitive (region, "region_attributes");
  const cJSON *attribute = find_attribute (attributes, wanted), *option;

  if (cJSON_IsObject (attribute)) {
    cJSON_ArrayForEach (option, attribute)
    {
      if (cJSON_IsTrue (option))
        return option->string;
    }
  }
  return cJSON_GetStringValue (attribute);
}

static void
add_polygon (LabelSet *set, LabelPicture *picture, const char *label, const cJSON *shape)
{
  const cJSON *xs = cJSON_GetObjectItemCaseSensitive (shape, "all_points_x");
  const cJSON *ys = cJSON_GetObjectItemCaseSensitive (shape, "all_points_y");
  const int n = cJSON_GetArraySize (xs);
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (double));
  const cJSON *x = xs != NULL ? xs->child : NULL, *y = ys != NULL ? ys->child : NULL;

  for (; x != NULL && y != NULL; x = x->next, y = y->next) {
    const double pair[] = { cJSON_IsNumber (x) ? x->valuedouble : NAN,
      cJSON_IsNumber (y) ? y->valuedouble : NAN };
    g_array_append_vals (points, pair, 2);
  }
  if (n < 3 || points->len != 2 * (guint) n || cJSON_GetArraySize (ys) != n)
    problems_note (set->problems, BOX_BROKEN, picture->where);
  else
    label_object_add_polygon (label_picture_add_shape (picture, label),
        (const double *) (gpointer) points->data, (guint) n);
}

static void
add_region (LabelSet *set, LabelPicture *picture, const cJSON *region, const char *wanted)
{
  const cJSON *shape = cJSON_GetObjectItemCaseSensitive (region, "shape_attributes");
  const char *kind = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (shape, "name"));
  const char *label = read_label (region, wanted);
  const double x = number_of_field (shape, "x"), y = number_of_field (shape, "y");
  const double r = number_of_field (shape, "r");

  if (g_strcmp0 (kind, "rect") == 0)
    label_picture_add (picture, label, x, y, x + number_of_field (shape, "width"),
        y + number_of_field (shape, "height"));
  else if (g_strcmp0 (kind, "polygon") == 0)
    add_polygon (set, picture, label, shape);
  else if (g_strcmp0 (kind, "circle") == 0 || g_strcmp0 (kind, "ellipse") == 0)
    label_object_add_ellipse (label_picture_add_shape (picture, label),
        number_of_field (shape, "cx"), number_of_field (shape, "cy"),
        isnan (r) ? number_of_field (shape, "rx") : r,
        isnan (r) ? number_of_field (shape, "ry") : r);
  else
    problems_note (set->problems, LABEL_SHAPE, picture->where);
}

static void
add_entry (LabelSet *set, const LabelSource *source, const cJSON *entry)
{
  const char *name = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (entry, "filename"));
  const cJSON *regions = cJSON_GetObjectItemCaseSensitive (entry, "regions"), *region;
  g_autofree char *where =
      g_strdup_printf ("%s: %s", source->path, entry->string != NULL ? entry->string : "an entry");

  if (name == NULL || regions == NULL) {
    problems_note (set->problems, LABEL_ENTRY_UNREADABLE, where);
    return;
  }
  LabelPicture *picture = label_set_add (set, name, source->images, where);
  cJSON_ArrayForEach (region, regions) add_region (set, picture, region, source->attribute);
}

gboolean
read_via (LabelSet *set, const LabelSource *source, GError **error)
{
  g_autoptr (cJSON) root = json_read (source->path, error);
  const cJSON *entries, *entry;

  if (root == NULL)
    return FALSE;
  entries = cJSON_GetObjectItemCaseSensitive (root, "_via_img_metadata");
  if (entries == NULL)
    entries = root;
  if (!cJSON_IsObject (entries)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected VIA's object of pictures, found something else", source->path);
    return FALSE;
  }
  cJSON_ArrayForEach (entry, entries) add_entry (set, source, entry);
  return TRUE;
}
