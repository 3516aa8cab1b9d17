/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reader for each of the formats that people have their annotations in.
 */
#ifndef FBNET_DATASET_READERS_H
#define FBNET_DATASET_READERS_H

#include "labelset.h"
#include "support/labelformat.h"

typedef struct {
  const char *path;   /* of a file, or of a folder of files */
  const char *images; /* the folder of the pictures */
  const char *names;  /* a file of class names, a line each, or NULL: the format's own */
  const char *
      attribute; /* VIA: of a region, in which its class stands; NULL: the only one, or the usual */
} LabelSource;

/* Adds what the source has. Entries that are broken are noted; FALSE with error when the source as a whole
 * is not of this format. */
gboolean read_labels (LabelSet *set, LabelFormat format, const LabelSource *source, GError **error);

/* The formats' own, each in its file. */
gboolean read_coco (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_voc (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_yolo (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_via (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_labelme (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_cvat (LabelSet *set, const LabelSource *source, GError **error);
gboolean read_csv (LabelSet *set, const LabelSource *source, GError **error);

/* The file itself, or all files below a folder whose names end so, in the order of their names. */
GPtrArray *list_label_files (const char *path, const char *ending, GError **error);

/* Notes why a file could not be read, and forgets the error. */
void note_unreadable (LabelSet *set, GError **error);

#endif
