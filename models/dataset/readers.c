/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the readers share.
 */
#include "readers.h"

#include <string.h>

#include "fbnet/fbnet.h"
#include "support/folder.h"

GPtrArray *
list_label_files (const char *path, const char *ending, GError **error)
{
  const char *const endings[] = { ending, NULL };
  g_autoptr (GPtrArray) files = files_below (path, endings);

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
    g_ptr_array_add (files, g_strdup (path));
  if (files->len > 0)
    return g_steal_pointer (&files);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected a file, or a folder of files that end in %s, found neither", path, ending);
  return NULL;
}

void
note_unreadable (LabelSet *set, GError **error)
{
  problems_note (set->problems, LABEL_FILE_UNREADABLE, (*error)->message);
  g_clear_error (error);
}

static gboolean (*const readers[N_LABEL_FORMATS]) (LabelSet *set, const LabelSource *source,
    GError **error) = {
  [LABELS_COCO] = read_coco,
  [LABELS_VOC] = read_voc,
  [LABELS_YOLO] = read_yolo,
  [LABELS_VIA] = read_via,
  [LABELS_LABELME] = read_labelme,
  [LABELS_CVAT] = read_cvat,
  [LABELS_CSV] = read_csv,
};

gboolean
read_labels (LabelSet *set, LabelFormat format, const LabelSource *source, GError **error)
{
  if (format == LABELS_UNKNOWN)
    format = label_format_guess (source->path);
  if (format != LABELS_UNKNOWN)
    return readers[format](set, source, error);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected annotations as COCO, Pascal VOC, YOLO, VIA, labelme, CVAT or CSV, found %s",
      source->path,
      g_file_test (source->path, G_FILE_TEST_EXISTS) ? "none of them (--format NAME names one)"
                                                     : "nothing");
  return FALSE;
}
