/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How good a model in training is on pictures that it does not learn from: measured now and then, the
 * best one kept, and when there is no more to gain.
 */
#ifndef FBNET_TRAIN_VALIDATION_H
#define FBNET_TRAIN_VALIDATION_H

#include "classaccuracy.h"
#include "evaluate/accuracy.h"
#include "train/trainer.h"

typedef struct {
  const char *annotations, *images; /* of a detector */
  const GArray *only;               /* gint64: the images of the file that count; NULL: all */
  gboolean
      persons; /* of a detector of COCO's keypoints, which OKS is defined for: they count, too */
  const ClassFolders *folders; /* of a classifier, instead; must outlive the validation */
  const char *best;            /* where the best model is kept */
  guint patience; /* measurements without a better one after which it is over; 0: never */
  guint plateau;  /* measurements without a better one that are a reduction; 0: none are */
  gboolean half;  /* models are written in half precision */
} ValidationOptions;

typedef struct Validation Validation;

/* The strings are copied. NULL with error when the file cannot be read. */
Validation *validation_new (const ValidationOptions *options, GError **error);
void validation_free (Validation *validation); /* NULL is allowed */

guint validation_n_images (const Validation *validation);

/* FALSE with error when no category of the file, no folder, is called as one of these. */
gboolean validation_check_labels (const Validation *validation, const char *const *labels,
    guint n_labels, GError **error);

/* Measures the trainer's model after a step; if it is better than all before, it is the best now. `text`
 * receives a sentence about it; g_free() it. FALSE with error. */
gboolean validation_measure (Validation *validation, const Trainer *trainer, guint step,
    char **text, GError **error);

/* Writes the better one of the best and the trainer's model to `path`, and changes nothing else. */
gboolean validation_write (const Validation *validation, const Trainer *trainer, const char *path,
    char **text, GError **error);

/* Writes the best to `path`. */
gboolean validation_copy_best (const Validation *validation, const char *path, GError **error);

gboolean validation_is_over (const Validation *validation);

/* How often there were as many measurements without a better one as a plateau has. */
guint validation_n_reductions (const Validation *validation);

/* Average precision, or accuracy, of the best, and the step that it is of; step 0: of what the run began with. */
double validation_best (const Validation *validation, guint *step);

/* What a run that goes on later needs to know, and back. FALSE with error. */
char *validation_to_text (const Validation *validation);
gboolean validation_from_text (Validation *validation, const char *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Validation, validation_free)

#endif
