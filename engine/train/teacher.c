/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking the teacher: picture by picture, on a tape of its own that is forgotten after each, so that it
 * takes the memory of one picture.
 */
#include "teacher.h"

#include <string.h>

struct Teacher {
  Net net;
  guint n_shared;
};

Teacher *
teacher_new (Params *params, guint n_shared)
{
  Teacher *teacher = g_new0 (Teacher, 1);

  teacher->net = (Net){ .params = params, .tape = tape_new (), .statistics = STATISTICS_STORED };
  teacher->n_shared = MIN (n_shared, net_first_stage (params->model));
  return teacher;
}

void
teacher_free (Teacher *teacher)
{
  if (teacher == NULL)
    return;
  tape_free (teacher->net.tape);
  g_free (teacher);
}

guint
teacher_n_shared (const Teacher *teacher)
{
  return teacher->n_shared;
}

void
teacher_answers_clear (TeacherAnswers *answers)
{
  g_free (answers->objectness);
  g_free (answers->rpn_deltas);
  g_free (answers->classes);
  g_free (answers->deltas);
  *answers = (TeacherAnswers){ NULL };
}

static Var *
take_image (Tape *tape, const Var *x, gsize image)
{
  Var *one = tape_var (tape, 1, x->h, x->w, x->c, FALSE);
  const gsize size = var_size (one);

  memcpy (one->value, x->value + image * size, size * sizeof (Real));
  return one;
}

static void
softmax (Real *probabilities, const Real *logits, gsize c)
{
  Real max = logits[0];
  double sum = 0;

  for (gsize i = 1; i < c; i++)
    max = MAX (max, logits[i]);
  for (gsize i = 0; i < c; i++)
    sum += exp ((double) (logits[i] - max));
  for (gsize i = 0; i < c; i++)
    probabilities[i] = (Real) (exp ((double) (logits[i] - max)) / sum);
}

typedef struct {
  Var *logits, *deltas;
} RpnMaps;

/* The first picture's maps say how much room all need. */
static void
take_anchors (TeacherAnswers *answers, gsize n_images, gsize image, const RpnMaps *levels,
    guint n_levels)
{
  gsize n_anchors = 0;

  for (guint l = 0; l < n_levels; l++)
    n_anchors += var_size (levels[l].logits);
  if (answers->objectness == NULL) {
    answers->objectness = g_new (Real, n_images * n_anchors);
    answers->rpn_deltas = g_new (Real, 4 * n_images * n_anchors);
  }
  Real *objectness = answers->objectness + image * n_anchors;
  Real *deltas = answers->rpn_deltas + 4 * image * n_anchors;
  for (guint l = 0; l < n_levels; l++) {
    const gsize size = var_size (levels[l].logits);
    for (gsize i = 0; i < size; i++)
      *objectness++ = (Real) (1 / (1 + exp (-(double) levels[l].logits->value[i])));
    memcpy (deltas, levels[l].deltas->value, 4 * size * sizeof (Real));
    deltas += 4 * size;
  }
}

/* Of the ROIs from `first` on. */
static void
take_rois (TeacherAnswers *answers, gsize first, const Var *logits, const Var *deltas)
{
  const gsize c = answers->n_classes + 1;

  for (gsize i = 0; i < logits->n; i++)
    softmax (answers->classes + (first + i) * c, logits->value + i * c, c);
  memcpy (answers->deltas + first * answers->n_deltas, deltas->value,
      logits->n * answers->n_deltas * sizeof (Real));
}

/* ROIs `first` … first + n - 1 are the picture's. */
static void
ask_of_image (Teacher *teacher, const TeacherQuestion *question, gsize image, gsize first, gsize n,
    TeacherAnswers *answers)
{
  Net *net = &teacher->net;
  const Description *d = net->params->model->description;
  g_autofree guint32 *images = g_new0 (guint32, n);
  const NetRois rois = { question->rois.boxes + first, images, n };
  Features features;
  RpnMaps levels[MAX_LEVELS];
  Var *logits, *deltas;

  tape_reset (net->tape);
  net_features (net, take_image (net->tape, question->x, image), question->stage, &features);
  for (guint l = 0; l < d->n_levels; l++)
    net_rpn (net, features.levels[d->rpn_features[l]], &levels[l].logits, &levels[l].deltas);
  take_anchors (answers, question->x->n, image, levels, d->n_levels);
  net_box_head (net, net_pool (net, &features, &rois, question->resolution, d->box_sampling_ratio),
      &logits, &deltas);
  take_rois (answers, first, logits, deltas);
}

void
teacher_ask (Teacher *teacher, const TeacherQuestion *question, TeacherAnswers *answers)
{
  const FbnetModel *model = teacher->net.params->model;
  gsize first = 0;

  *answers = (TeacherAnswers){ .n_classes = model->description->n_classes,
    .n_deltas = layers_conv (model->layers, ROLE_BBOX_PRED)->out };
  answers->classes = g_new (Real, question->rois.n * (answers->n_classes + 1));
  answers->deltas = g_new (Real, question->rois.n * answers->n_deltas);
  for (gsize image = 0; image < question->x->n; image++) {
    gsize n = 0;
    while (first + n < question->rois.n && question->rois.images[first + n] == image)
      n++;
    ask_of_image (teacher, question, image, first, n, answers);
    first += n;
  }
  tape_reset (teacher->net.tape);
}

void
teacher_answers_class (const TeacherAnswers *answers, gsize roi, Real *target, gsize c)
{
  const Real *probabilities = answers->classes + roi * (answers->n_classes + 1);

  memset (target, 0, c * sizeof (Real));
  memcpy (target, probabilities, answers->n_classes * sizeof (Real));
  target[c - 1] = probabilities[answers->n_classes];
}

gboolean
teacher_answers_object (const TeacherAnswers *answers, gsize roi, guint *class_id)
{
  const Real *probabilities = answers->classes + roi * (answers->n_classes + 1);

  *class_id = 0;
  for (guint i = 1; i < answers->n_classes; i++)
    *class_id = probabilities[i] > probabilities[*class_id] ? i : *class_id;
  return answers->n_classes > 0 && (double) probabilities[*class_id] >= TEACHER_SURE;
}
