/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's metrics: average precision and average recall of boxes, masks and keypoints by the definition
 * of cocodataset.org (#detection-eval), matching and accumulating as pycocotools' COCOeval does: ten
 * thresholds of overlap 0.50 … 0.95, 101 recall points, four ranges of object area, up to three
 * numbers of detections per image.
 *
 *   truth = coco_truth_new (file, kinds, 0, problems, &error);
 *   results = coco_results_new (detections, "results.json", truth, &error);
 *   eval = coco_eval_new (truth, results, COCO_BOX, NULL, 0);
 *   ap = coco_eval_get (eval, "AP");
 */
#ifndef FBNET_EVALUATE_COCOEVAL_H
#define FBNET_EVALUATE_COCOEVAL_H

#include <glib.h>

#include "cocodata.h"

/* Of the keypoints of COCO's person: how far apart two annotators set a point, as a share of the
 * object's size (pycocotools' kpt_oks_sigmas). */
#define COCO_N_PERSON_KEYPOINTS 17
extern const double coco_person_sigmas[COCO_N_PERSON_KEYPOINTS];

enum {
  COCO_N_IOUS = 10,     /* 0.50, 0.55 … 0.95 */
  COCO_N_RECALLS = 101, /* 0, 0.01 … 1 */
  COCO_N_AREAS = 4,     /* all, small (to 32²), medium (to 96²), large */
  COCO_N_MAX_COUNTS =
      3, /* the best 1, 10 and 100 detections of an image; of keypoints the best 20 */
};

/* What one category gives; -1 where no object of that size exists. */
typedef struct {
  gint64 category_id;
  char *name;
  guint n_objects;                                             /* that count, of all sizes */
  guint n_detections;                                          /* among the most per image */
  double precision[COCO_N_IOUS][COCO_N_RECALLS][COCO_N_AREAS]; /* with the most detections */
  double recall[COCO_N_IOUS][COCO_N_AREAS][COCO_N_MAX_COUNTS];
} CocoCategoryEval;

/* By ascending category id; owns its memory, needs neither truth nor results any more. */
typedef struct {
  CocoKind kind;
  guint n_categories;
  CocoCategoryEval *categories;
} CocoEval;

/* Truth and results must have been read with the bit of `kind`. `sigmas`: one per keypoint, only for
 * keypoints. */
CocoEval *coco_eval_new (const CocoTruth *truth, const CocoResults *results, CocoKind kind,
    const double *sigmas, guint n_sigmas);
void coco_eval_free (CocoEval *eval); /* NULL is allowed */

/* One of the numbers that COCO reports for a kind. */
typedef struct {
  const char *name;  /* "AP50" */
  const char *title; /* "AP at IoU 0.50" */
  gboolean recall;   /* else precision */
  gint threshold;    /* index; -1: the mean over all */
  guint area;        /* index */
  guint max_count;   /* index; recall only */
} CocoMetric;

/* In pycocotools' order: twelve for boxes and masks, ten for keypoints. */
const CocoMetric *coco_metrics (CocoKind kind, guint *n);

/* The mean over the categories, and one category's; -1: not defined for this set. */
double coco_eval_measure (const CocoEval *eval, const CocoMetric *metric);
double coco_category_measure (const CocoCategoryEval *category, const CocoMetric *metric);

/* The same by the metric's name, which the kind must have. */
double coco_eval_get (const CocoEval *eval, const char *name);
double coco_category_get (const CocoEval *eval, guint index, const char *name);

/* Intersection over union of a detection's box and an object's; over the detection's area for a crowd. */
double coco_box_overlap (const CocoBox *detection, const CocoBox *object, gboolean crowd);

/* 0.50, 0.55 … */
double coco_iou_threshold (guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoEval, coco_eval_free)

#endif
