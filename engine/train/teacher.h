/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a model knew before training: its answers to the pictures of a step, which are learned where
 * nothing is annotated, so that a detector that learns new classes keeps those that it has. Semantics:
 * distillation (Hinton, Vinyals and Dean 2015) of the RPN and of the box head on the proposals that are
 * sampled, after Shmelkov, Schmid and Alahari, Incremental Learning of Object Detectors without
 * Catastrophic Forgetting (ICCV 2017), by cross entropy with probabilities instead of squares of
 * logits.
 */
#ifndef FBNET_TRAIN_TEACHER_H
#define FBNET_TRAIN_TEACHER_H

#include "net.h"

/* From this probability on the teacher's box is learned, too. */
#define TEACHER_SURE 0.3

/* Where smooth L1 of its boxes turns straight: L1 would never come to rest where both say the same. */
#define TEACHER_BETA 0.1

/* One worker's. */
typedef struct Teacher Teacher;

/* Nothing of `params`, all of which are frozen, is changed; they may be shared and must outlive it. The
 * first `n_shared` stages of the trunk are those of the model in training, too. */
Teacher *teacher_new (Params *params, guint n_shared);
void teacher_free (Teacher *teacher); /* NULL is allowed */

/* How many stages of the trunk a question may leave out. */
guint teacher_n_shared (const Teacher *teacher);

typedef struct {
  const Var *x;     /* the batch, or what left the stage before `stage` */
  guint stage;      /* that reads it */
  NetRois rois;     /* by ascending image */
  guint resolution; /* of the box head's ROIs */
} TeacherQuestion;

/* Without a teacher all is NULL. */
typedef struct {
  Real *objectness; /* probability of each anchor, picture after picture, level after level */
  Real *rpn_deltas; /* 4 each */
  Real *classes;    /* of each ROI: n_classes probabilities, and that of the background */
  Real *deltas;     /* of each ROI: n_deltas, as the predictor gives them */
  gsize n_classes, n_deltas;
} TeacherAnswers;

void teacher_ask (Teacher *teacher, const TeacherQuestion *question, TeacherAnswers *answers);
void teacher_answers_clear (TeacherAnswers *answers);

/* The ROI's probabilities in a network of c - 1 classes, at least the teacher's; the others have none. */
void teacher_answers_class (const TeacherAnswers *answers, gsize roi, Real *target, gsize c);

/* The class that the ROI most probably is, where the teacher is sure enough. */
gboolean teacher_answers_object (const TeacherAnswers *answers, gsize roi, guint *class_id);

#endif
