/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The formats of annotations that people have, told apart by a look at a file.
 */
#ifndef FBNET_SUPPORT_LABELFORMAT_H
#define FBNET_SUPPORT_LABELFORMAT_H

#include <glib.h>

typedef enum {
  LABELS_UNKNOWN,
  LABELS_COCO,
  LABELS_VOC,
  LABELS_YOLO,
  LABELS_VIA,
  LABELS_LABELME,
  LABELS_CVAT,
  LABELS_CSV,
  N_LABEL_FORMATS,
} LabelFormat;

/* For an option: "voc"; for people: "Pascal VOC XML". */
const char *label_format_name (LabelFormat format);
const char *label_format_title (LabelFormat format);

/* LABELS_UNKNOWN: none is called so. */
LabelFormat label_format_find (const char *name);

/* What a file looks like, or the first one of a folder that looks like anything. */
LabelFormat label_format_guess (const char *path);

/* Where COCO was expected: "; it looks like Pascal VOC XML, of which `fbnet-dataset …` makes COCO"; empty
 * where it looks like nothing else. g_free() it. */
char *label_format_hint (const char *path);

#endif
