/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's annotation file, read once into a table: images, categories, annotations. Format:
 * cocodataset.org, #format-data. What is wrong with an entry stands beside it: whether that spoils the
 * file, costs the entry, or does not matter is for those to say who want something of it.
 */
#ifndef FBNET_SUPPORT_COCO_H
#define FBNET_SUPPORT_COCO_H

#include <cjson/cJSON.h>
#include <glib.h>

/* Ids are integers; in the files of some annotation tools they are text, and "7" is 7. Other text has a
 * number in the table, which no integer of a JSON file is. */
typedef struct {
  gint64 id;
  const char *text_id;   /* the id where it is text, else NULL */
  const char *file_name; /* NULL: the file names none */
  guint width, height;   /* 0: the file does not say */
  char *flaw;            /* why the entry cannot be read, a sentence; NULL: it can */
} CocoImage;

typedef struct {
  gint64 id;
  const char *name;
} CocoCategory;

typedef struct {
  double x, y, width, height;
} CocoBox;

typedef struct {
  const cJSON *json; /* the entry, for what else it has */
  gint64 image_id, category_id;
  CocoBox box;
  gint64 id;
  double area;
  gboolean has_id, has_area;
  gboolean crowd;  /* "iscrowd": a group of objects */
  gboolean ignore; /* "ignore" */
  char *flaw;      /* why image_id and category_id cannot be read, a sentence; NULL: they can */
  char *box_flaw;  /* the same of the box */
} CocoAnnotation;

/* What there is lives as long as the file. */
typedef struct {
  char *path;
  cJSON *json;
  GArray *images;       /* CocoImage */
  GArray *categories;   /* CocoCategory */
  GArray *annotations;  /* CocoAnnotation; NULL: the file has no such array */
  GHashTable *text_ids; /* text → number of the table */
} CocoFile;

/* A file without arrays of images and categories, and a category without id and name, is an error. */
CocoFile *coco_file_read (const char *path, GError **error);

/* The same of a file that has been parsed; takes `json`. */
CocoFile *coco_file_new (cJSON *json, const char *path, GError **error);
void coco_file_free (CocoFile *file); /* NULL is allowed */

/* Why the image cannot be opened: its flaw, or that it has no file name; g_free() it. NULL: it can. */
char *coco_file_describe_flaw (const CocoFile *file, guint image);

/* FALSE with error, the flaw of the first image that has one; with need_names, an image needs a file
 * name. */
gboolean coco_file_check_images (const CocoFile *file, gboolean need_names, GError **error);

/* NULL with error: there are none. */
const GArray *coco_file_annotations (const CocoFile *file, GError **error);

/* The id that stands in `object`'s field, as the table has it. FALSE with error. */
gboolean coco_file_read_id (const CocoFile *file, const cJSON *object, const char *field,
    gint64 *id, const char *where, GError **error);

/* What messages call an entry, "FILE: annotations[3]"; g_free() it. */
char *coco_file_where (const CocoFile *file, const char *list, guint index);

/* The first category called `name`, or of that id; NULL: there is none. */
/* "FILE: 'person' is 1 and 2": of a category that has the name of one before it; else NULL. g_free() it. */
char *coco_file_describe_repeat (const CocoFile *file, guint index);

const CocoCategory *coco_file_find_name (const CocoFile *file, const char *name);
const CocoCategory *coco_file_find_category (const CocoFile *file, gint64 id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoFile, coco_file_free)

#endif
