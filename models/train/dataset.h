/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A data set to train on: annotation files in COCO's format (cocodataset.org, #format-data) and the
 * folders of their pictures, or a folder of pictures for each class. Which objects count, and in what order: detectron2 data/datasets/coco.py
 * load_coco_json, data/build.py. Samples are drawn from it by datasetreader.h.
 *
 * A file that is no data set is an error. Single entries that are broken are left out or mended, and
 * counted: dataset_problems().
 */
#ifndef FBNET_TRAIN_DATASET_H
#define FBNET_TRAIN_DATASET_H

#include "classfolders.h"

/* An annotation file and the folder that its file names start from. */
typedef struct {
  const char *annotations, *folder;
} DatasetSource;

typedef struct {
  gboolean keep_empty; /* pictures without objects are drawn, too: all of them is background */
  gboolean masks;      /* read them */
  guint n_keypoints;   /* that an object has; 0: they are not read */

  /* The share of the pictures, 0 … below 1, that is kept apart to evaluate with: by a random number of
   * each picture's file name, so that it is the same ones wherever the set lies; one at least. Only with
   * one source. */
  double hold_out;

  /* A picture is drawn about max (1, sqrt (T / f)) times an epoch, f being the share of pictures that
   * show the rarest of its classes (LVIS, Gupta et al. 2019; detectron2 RepeatFactorTrainingSampler).
   * 0: once. */
  double repeat_threshold;
} DatasetOptions;

/* Immutable but for what it has to say about broken pictures; shared by threads. */
typedef struct Dataset Dataset;

/* One after another; their categories are one list, in which an id has one name. `options` may be
 * NULL. */
Dataset *dataset_open (const DatasetSource *sources, guint n_sources, const DatasetOptions *options,
    GError **error);

/* The same of pictures that show one class each: each has one object, all of it. Of the options
 * repeat_threshold counts. NULL with error when there are not two classes. */
Dataset *dataset_open_folders (const ClassFolders *folders, const DatasetOptions *options,
    GError **error);

void dataset_free (Dataset *dataset); /* NULL is allowed */

guint dataset_n_pictures (const Dataset *dataset); /* that are drawn; >= 1 */
guint dataset_n_objects (const Dataset *dataset);
guint dataset_epoch_length (
    const Dataset *dataset); /* pictures drawn an epoch, repeated ones too */

/* Image ids (gint64) of the pictures kept apart, ascending; none of them is drawn. */
const GArray *dataset_held_out (const Dataset *dataset);

/* Class ids count the categories by ascending id, but for dataset_lead_with(). */
guint dataset_n_classes (const Dataset *dataset);
const char *dataset_label (const Dataset *dataset, guint class_id);
gint64 dataset_category (const Dataset *dataset, guint class_id);

/* Gives the set these classes (ids by name, none twice) before its own: objects of a class of the same
 * name are theirs, the other classes follow, with another id where theirs is taken. Before anything is
 * drawn. */
void dataset_lead_with (Dataset *dataset, const char *const *labels, const gint64 *ids, guint n);

/* Objects of a class. */
guint dataset_n_objects_of (const Dataset *dataset, guint class_id);

/* A sentence per flaw: how many entries have it, what became of them, which was the first.
 * NULL-terminated; the caller frees it with g_strfreev(). It grows while samples are drawn, as only
 * then pictures are looked at; dataset_n_broken_pictures() tells when. */
char **dataset_problems (Dataset *dataset);
guint dataset_n_broken_pictures (Dataset *dataset);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dataset, dataset_free)

#endif
