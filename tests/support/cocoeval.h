/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's box metrics: average precision and average recall by the definition of cocodataset.org
 * (#detection-eval), matching and accumulating as pycocotools' COCOeval with iouType "bbox" does:
 * ten IoU thresholds 0.50 … 0.95, 101 recall points, four ranges of object area, three numbers of
 * detections per image.
 *
 *   truth = coco_truth_read ("instances.json", &error);
 *   results = coco_results_read ("results.json", truth, &error);
 *   eval = coco_eval_new (truth, results);
 *   summary = coco_eval_summarise (eval);
 */
#ifndef FBNET_TESTS_COCOEVAL_H
#define FBNET_TESTS_COCOEVAL_H

#include <glib.h>

/* Reference objects of an annotation file, by image and category. */
typedef struct CocoTruth CocoTruth;

/* Errors of domain FBNET_ERROR name the file, the entry and the field. */
CocoTruth *coco_truth_read (const char *path, GError **error);
void coco_truth_free (CocoTruth *truth); /* NULL is allowed */

/* Detections of a results file, by image and category. */
typedef struct CocoResults CocoResults;

/* A detection in an image that the annotation file lacks is an error, as in pycocotools' loadRes;
 * one of a category that it lacks counts nowhere. */
CocoResults *coco_results_read (const char *path, const CocoTruth *truth, GError **error);
void coco_results_free (CocoResults *results); /* NULL is allowed */

enum {
  COCO_N_IOUS = 10,      /* 0.50, 0.55 … 0.95 */
  COCO_N_RECALLS = 101,  /* 0, 0.01 … 1 */
  COCO_N_AREAS = 4,      /* all, small (to 32²), medium (to 96²), large */
  COCO_N_MAX_COUNTS = 3, /* the best 1, 10 and 100 detections of an image */
};

/* What one category gives; -1 where no object of that size exists. */
typedef struct {
  gint64 category_id;
  char *name;
  double precision[COCO_N_IOUS][COCO_N_RECALLS][COCO_N_AREAS]; /* with 100 detections */
  double recall[COCO_N_IOUS][COCO_N_AREAS][COCO_N_MAX_COUNTS];
} CocoCategoryEval;

/* By ascending category id; owns its memory, needs neither truth nor results any more. */
typedef struct {
  guint n_categories;
  CocoCategoryEval *categories;
} CocoEval;

CocoEval *coco_eval_new (const CocoTruth *truth, const CocoResults *results);
void coco_eval_free (CocoEval *eval); /* NULL is allowed */

/* The twelve numbers that COCO reports; -1: not defined for this set. */
typedef struct {
  double ap, ap50, ap75;
  double ap_small, ap_medium, ap_large;
  double ar_1, ar_10, ar_100;
  double ar_small, ar_medium, ar_large;
} CocoSummary;

CocoSummary coco_eval_summarise (const CocoEval *eval);

/* AP of one category over all IoUs and sizes; -1: it has no object. */
double coco_category_ap (const CocoCategoryEval *category);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoTruth, coco_truth_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoResults, coco_results_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoEval, coco_eval_free)

#endif
