/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures and what people have drawn on them, whatever format it was kept in: classes by their names,
 * places in pixels. Readers (readers.h) fill it, checkpictures.h compares it with the pictures themselves,
 * cocoset.h writes it.
 */
#ifndef FBNET_DATASET_LABELSET_H
#define FBNET_DATASET_LABELSET_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "support/problems.h"

/* What is left out or mended, in the words that people are told it with. */
typedef enum {
  LABEL_FILE_UNREADABLE,
  LABEL_ENTRY_UNREADABLE,
  LABEL_NAMELESS,
  LABEL_NUMBER,
  LABEL_DROPPED,
  LABEL_SHAPE,
  LABEL_CROWD,
  PICTURE_MISSING,
  PICTURE_AMBIGUOUS,
  PICTURE_BROKEN,
  PICTURE_TURNED,
  PICTURE_EXCHANGED,
  PICTURE_OTHER_SIZE,
  PICTURE_MERGED,
  PICTURE_COPY,
  PICTURE_UNLABELLED,
  BOX_BROKEN,
  BOX_EMPTY,
  BOX_OUTSIDE,
  BOX_BEYOND,
  BOX_TWICE,
  N_LABEL_FLAWS,
} LabelFlaw;

/* In the pixels of the picture as it is seen, EXIF's turn applied, with (0, 0) at the outer corner of the
 * first one; before checkpictures.h in whatever the file has them. */
typedef struct {
  char *label;
  double x0, y0, x1, y1;
  GPtrArray *polygons; /* GArray of double, x and y in turn; NULL: none */
  cJSON *runs;         /* a COCO segmentation of run lengths, or NULL */
} LabelObject;

typedef struct {
  char *name;          /* of its file, as the annotations have it */
  char *images;        /* folder to look in */
  char *where;         /* the entry, for messages */
  guint width, height; /* as the annotations say, then as they are; 0: not said */
  gboolean shares;     /* places are shares of width and height */
  GPtrArray *objects;  /* LabelObject */
  char *path;          /* of the picture; NULL: not found yet */
  guint64 content;     /* a number made of the file's bytes: copies have the same */
} LabelPicture;

typedef struct {
  GPtrArray *labels;   /* char *: classes that a file lists, in its order, each once */
  GPtrArray *pictures; /* LabelPicture */
  Problems *problems;  /* LabelFlaw */
} LabelSet;

LabelSet *label_set_new (void);
void label_set_free (LabelSet *set); /* NULL is allowed */

/* Lists the class, if it is not yet. */
void label_set_declare (LabelSet *set, const char *label);

/* A new picture at the end; it belongs to the set. */
LabelPicture *label_set_add (LabelSet *set, const char *name, const char *images,
    const char *where);

/* A new object with this box; a polygon is added by label_object_add_polygon(), and widens the box. */
LabelObject *label_picture_add (LabelPicture *picture, const char *label, double x0, double y0,
    double x1, double y1);

/* The same without a box yet. */
LabelObject *label_picture_add_shape (LabelPicture *picture, const char *label);

/* n points, x and y in turn. */
void label_object_add_polygon (LabelObject *object, const double *points, guint n);

/* A circle or an ellipse, as a polygon of 32 corners. */
void label_object_add_ellipse (LabelObject *object, double x, double y, double rx, double ry);

void label_picture_free (gpointer picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LabelSet, label_set_free)

#endif
