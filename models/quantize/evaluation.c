/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections of a model, by COCO's measure.
 */
#include "evaluation.h"

#include "evaluate/cocoeval.h"
#include "support/jsonfile.h"
#include "detect/picturedetector.h"
#include "support/progress.h"

static gboolean
run_images (PictureDetector *detector, const CocoSet *set, const char *folder, CocoWriter *writer,
    GError **error)
{
  Progress progress = progress_new (set->images->len, "pictures evaluated");

  for (guint i = 0; i < set->images->len; i++) {
    const CocoImage *image = &g_array_index (set->images, CocoImage, i);
    g_autoptr (Picture) picture =
        picture_detector_run_coco (detector, folder, image, writer, error);
    if (picture == NULL) {
      progress_hide (&progress);
      return FALSE;
    }
    progress_step (&progress);
  }
  return TRUE;
}

/* As the text of a results file, which is how fbnet-eval reads them, too. */
static cJSON *
detect (const char *model, const CocoSet *set, const char *folder, GError **error)
{
  DetectorOptions options = detector_options_new ();
  PictureDetector detector;
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  guint n_unmatched;

  options.model = g_strdup (model);
  const gboolean done = picture_detector_open (&detector, &options, error)
      && class_table_match (detector.classes, set, &n_unmatched, error)
      && run_images (&detector, set, folder, writer, error);
  picture_detector_close (&detector);
  detector_options_clear (&options);
  g_autofree char *text = done ? coco_writer_print (writer) : NULL;
  return text != NULL ? cJSON_Parse (text) : NULL;
}

static gboolean
measure (Accuracy *accuracy, const cJSON *annotations, const char *path, const cJSON *detections,
    const char *model, GError **error)
{
  const cJSON *objects = cJSON_GetObjectItemCaseSensitive (annotations, "annotations");
  const guint both = coco_kinds_of (objects) & coco_kinds_of (detections);
  const guint kinds = both | COCO_KIND_BIT (COCO_BOX);
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (annotations, path, kinds, COCO_N_PERSON_KEYPOINTS, problems, error);
  g_autoptr (CocoResults) results =
      truth != NULL ? coco_results_new (detections, model, truth, error) : NULL;

  if (results == NULL)
    return FALSE;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (!(kinds & COCO_KIND_BIT (kind)))
      continue;
    g_autoptr (CocoEval) eval = coco_eval_new (truth, results, kind, coco_person_sigmas,
        kind == COCO_KEYPOINTS ? COCO_N_PERSON_KEYPOINTS : 0);
    accuracy->measured[kind] = TRUE;
    accuracy->ap[kind] = coco_eval_get (eval, "AP");
  }
  return TRUE;
}

gboolean
evaluate_model (Accuracy *accuracy, const char *model, const cJSON *annotations,
    const char *annotations_path, const char *images, GError **error)
{
  g_autoptr (CocoSet) set = coco_set_new (annotations, annotations_path, TRUE, error);
  g_autoptr (cJSON) detections = set != NULL ? detect (model, set, images, error) : NULL;

  if (detections == NULL)
    return FALSE;
  *accuracy = (Accuracy){ .n_images = set->images->len };
  return measure (accuracy, annotations, annotations_path, detections, model, error);
}
