/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The endless stream of samples that is drawn from a data set.
 */
#ifndef FBNET_TRAIN_DATASETREADER_H
#define FBNET_TRAIN_DATASETREADER_H

#include "augment.h"
#include "dataset.h"
#include "train/sample.h"

/* What a thread draws with. The data set must outlive it. */
typedef struct DatasetReader DatasetReader;

/* The options are copied; NULL with error when one is out of its range. */
DatasetReader *dataset_reader_new (Dataset *dataset, const AugmentOptions *options, GError **error);
void dataset_reader_free (DatasetReader *reader); /* NULL is allowed */

/* Number `draw` of the stream that `seed` names: depends on nothing else but files and options,
 * so that it may be drawn by any thread, in any order, in another run. The stream is a row of epochs,
 * each with all pictures in an order of its own. For a picture that cannot be read the next one of
 * the epoch takes its place (detectron2 data/common.py MapDataset draws another, too). NULL with
 * error: none can be read, or no memory. */
TrainSample *dataset_reader_draw (DatasetReader *reader, guint64 seed, guint64 draw,
    GError **error);

/* Of a drawn sample. */
const char *dataset_sample_path (const TrainSample *sample);
void dataset_sample_free (TrainSample *sample); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrainSample, dataset_sample_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DatasetReader, dataset_reader_free)

#endif
