/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections of a model, by COCO's measure.
 */
#include "accuracy.h"

#include "cocoeval.h"
#include "detect/cocorun.h"
#include "support/jsonfile.h"

static cJSON *
detect (const AccuracySet *set, const char *model, GError **error)
{
  const CocoRun all = { .file = set->annotations, .folder = set->images, .unit = set->unit };
  PictureDetector detector;
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  const gboolean done = picture_detector_open (&detector, model, set->params, NULL, error)
      && coco_run (&all, &detector, writer, error);

  picture_detector_close (&detector);
  return done ? coco_writer_to_json (writer) : NULL;
}

static gboolean
measure (Accuracy *accuracy, const CocoFile *annotations, const cJSON *detections,
    const char *model, GError **error)
{
  const guint both = coco_kinds_of_file (annotations) & coco_kinds_of_results (detections);
  const guint kinds = both | COCO_KIND_BIT (COCO_BOX);
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (annotations, kinds, COCO_N_PERSON_KEYPOINTS, problems, error);
  g_autoptr (CocoResults) results =
      truth != NULL ? coco_results_new (detections, model, truth, problems, error) : NULL;

  if (results == NULL)
    return FALSE;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (!(kinds & COCO_KIND_BIT (kind)))
      continue;
    g_autoptr (CocoEval) eval = coco_eval_new (truth, results, kind, coco_person_sigmas,
        kind == COCO_KEYPOINTS ? COCO_N_PERSON_KEYPOINTS : 0);
    accuracy->measured[kind] = TRUE;
    accuracy->ap[kind] = coco_eval_get (eval, "AP");
    accuracy->ap50[kind] = coco_eval_get (eval, "AP50");
  }
  return TRUE;
}

gboolean
accuracy_measure (Accuracy *accuracy, const AccuracySet *set, const char *model, GError **error)
{
  g_autoptr (cJSON) detections = detect (set, model, error);

  if (detections == NULL)
    return FALSE;
  *accuracy = (Accuracy){ .n_images = set->annotations->images->len };
  return measure (accuracy, set->annotations, detections, model, error);
}
