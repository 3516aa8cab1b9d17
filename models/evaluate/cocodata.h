/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What COCO's metrics compare: the objects of an annotation file and the detections of a results file,
 * by image and category. Format: cocodataset.org, #format-data and #format-results; what a result
 * lacks is made from what it has as pycocotools' COCO.loadRes makes it.
 *
 * A file that is not COCO's at all is an error. Single entries that are broken are left out or
 * mended, and counted: see coco_problems_describe().
 */
#ifndef FBNET_EVALUATE_COCODATA_H
#define FBNET_EVALUATE_COCODATA_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "support/coco.h"
#include "support/masks.h"
#include "support/problems.h"

/* What is compared. */
typedef enum {
  COCO_BOX,
  COCO_MASK,
  COCO_KEYPOINTS,
  COCO_N_KINDS,
} CocoKind;

#define COCO_KIND_BIT(kind) (1u << (kind))

/* "bbox", "segm", "keypoints", as pycocotools calls them. */
const char *coco_kind_name (CocoKind kind);

/* Bits of the kinds that at least one annotation, or one of the results, has fields for. */
guint coco_kinds_of_file (const CocoFile *file);
guint coco_kinds_of_results (const cJSON *results);

/* An object of an annotation file or a detection of a results file. */
typedef struct {
  CocoBox box;
  double area;         /* as the file says; in results that of box, mask or keypoints */
  double score;        /* results only */
  gboolean crowd;      /* truth only: a group of objects, matched by any number of detections */
  gboolean unlabelled; /* truth only: without a single keypoint */
  RleMask *mask;       /* NULL: none was asked for, or it could not be read */
  double *keypoints;   /* (x, y, visibility) of each; NULL: none */
} CocoObject;

/* Entries with a flaw, by flaw. */
typedef Problems CocoProblems;

CocoProblems *coco_problems_new (void);
void coco_problems_free (CocoProblems *problems); /* NULL is allowed */

/* A sentence per flaw: how many entries have it, what became of them, which was the first.
 * NULL-terminated; the caller frees it with g_strfreev(). */
char **coco_problems_describe (const CocoProblems *problems);

/* The reference: images, categories, objects. */
typedef struct CocoTruth CocoTruth;

/* Masks and keypoints only if `kinds` has their bits; n_keypoints of them each. File and problems must
 * outlive it. */
CocoTruth *coco_truth_new (const CocoFile *file, guint kinds, guint n_keypoints,
    CocoProblems *problems, GError **error);
void coco_truth_free (CocoTruth *truth); /* NULL is allowed */

/* Ascending, each once. */
guint coco_truth_n_images (const CocoTruth *truth);
gint64 coco_truth_image (const CocoTruth *truth, guint index);
guint coco_truth_n_categories (const CocoTruth *truth);
const CocoCategory *coco_truth_category (const CocoTruth *truth, guint index);
guint coco_truth_n_objects (const CocoTruth *truth);

/* CocoObject each; NULL: none. */
const GArray *coco_truth_objects (const CocoTruth *truth, gint64 image_id, gint64 category_id);

/* Detections. */
typedef struct CocoResults CocoResults;

/* From the results file `path`, read into `file`. A detection in an image that the annotation file
 * lacks is an error, as in pycocotools; one of a category that it lacks counts nowhere. */
CocoResults *coco_results_new (const cJSON *file, const char *path, const CocoTruth *truth,
    CocoProblems *problems, GError **error);
void coco_results_free (CocoResults *results); /* NULL is allowed */

guint coco_results_n_detections (const CocoResults *results);
const GArray *coco_results_detections (const CocoResults *results, gint64 image_id,
    gint64 category_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoProblems, coco_problems_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoTruth, coco_truth_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoResults, coco_results_free)

#endif
