/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's files: the images and categories that an annotation file lists, and the results file that
 * COCO's evaluation reads. Format: cocodataset.org, #format-data and #format-results.
 */
#ifndef FBNET_TOOLS_COCO_H
#define FBNET_TOOLS_COCO_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "fbnet/fbnet.h"

typedef struct {
  gint64 id;
  char *file_name;     /* NULL: the file names none */
  guint width, height; /* 0: the file does not say */
} CocoImage;

typedef struct {
  gint64 id;
  char *name;
} CocoCategory;

typedef struct {
  GArray *images;     /* CocoImage, in the file's order */
  GArray *categories; /* CocoCategory, in the file's order */
} CocoSet;

/* From the annotation file `path`, read into `file`. */
CocoSet *coco_set_new (const cJSON *file, const char *path, gboolean need_file_names,
    GError **error);
CocoSet *coco_set_read (const char *path, GError **error);
void coco_set_free (CocoSet *set); /* NULL is allowed */

/* The id of the category called `name`; -1: there is none. */
gint64 coco_set_find_category (const CocoSet *set, const char *name);

gboolean coco_set_has_category (const CocoSet *set, gint64 id);

/* A results file in the making. */
typedef struct CocoWriter CocoWriter;

CocoWriter *coco_writer_new (void);
void coco_writer_free (CocoWriter *writer); /* NULL is allowed */

/* Appends the detections of an image of width × height pixels, with n_keypoints keypoints each if
 * they have any. category_ids has one id per class; detections of a class with -1 are left out. */
void coco_writer_add (CocoWriter *writer, gint64 image_id, guint width, guint height,
    const FbnetDetections *detections, const gint64 *category_ids, guint n_keypoints);

/* What json_read() would make of the file; the caller owns it. */
cJSON *coco_writer_to_json (const CocoWriter *writer);

/* Replaces the file only when all of it was written. */
gboolean coco_writer_save (const CocoWriter *writer, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoSet, coco_set_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoWriter, coco_writer_free)

#endif
