/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files for tests of the element, made of the golden fixtures' weights.
 */
#ifndef TESTS_MODELS_H
#define TESTS_MODELS_H

#include <glib.h>

/* Real COCO weights; the picture shows a dog before a bicycle, and a truck. */
#define FIXTURE_COCO "faster_rcnn_fbnetv3a_dsmask_C4_coco/dogbike"
/* Generated weights, with a mask head. */
#define FIXTURE_MASKS "mask_rcnn_fbnetv3a_dsmask_C4"

/* (transfer none): a model file of the fixture's weights, written once per process. NULL, with the
 * running test marked as skipped, on a machine without golden data. */
const char *models_file (const char *fixture);

/* (transfer none): a model file of the description (JSON) with random weights, called `name`; written
 * once per process. Needs no golden data. */
const char *models_random (const char *name, const char *description);

/* (transfer none): an export of COCO's weights, a file below weights/, imported, dequantised or as it is; once per
 * process. NULL, with the running test marked as skipped, without golden data or the importer. */
const char *models_weights (const char *name);
const char *models_weights_int8 (const char *name);

/* The one with keypoints. */
const char *models_keypoints (void);

/* (transfer full): a path in the folder of the model files, for a test's own files. */
char *models_path (const char *name);

/* Removes the folder: at the end of main(). */
void models_clean_up (void);

#endif
