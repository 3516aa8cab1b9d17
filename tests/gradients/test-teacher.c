/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A teacher's answers are what its model computes; a model that says the same of a picture without objects
 * has nothing to learn there, and one that is told that nothing is there unlearns.
 */
#include <string.h>

#include "train/rcnn.h"

#define WIDTH  83
#define HEIGHT 61
#define N      2

typedef struct {
  FbnetModel *model;
  Params *params, *teacher_params;
  Group *group;
  Net net;
  TrainSample samples[N];
  const TrainSample *batch[N];
} Pupil;

static void
freeze_layer (const ConvLayer *layer, gpointer params)
{
  params_freeze_layer (params, layer);
}

static Pupil *
pupil_new (void)
{
  g_autofree char *path = g_strconcat (g_getenv ("FBNET_TEST_DATA"), "/tiny-gn.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  Pupil *pupil = g_new0 (Pupil, 1);

  pupil->model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  pupil->params = params_new (pupil->model);
  pupil->teacher_params = params_new (pupil->model);
  layers_foreach (pupil->model->layers, freeze_layer, pupil->teacher_params);
  pupil->group = group_new (1, NULL);
  pupil->net = (Net){ pupil->params, tape_new (), pupil->group, 0, STATISTICS_STORED, 0.1,
    g_new0 (Real, pupil->params->n_values), FALSE };
  for (guint i = 0; i < N; i++) {
    guint8 *pixels = g_new (guint8, WIDTH * HEIGHT * 3);
    for (gsize p = 0; p < WIDTH * HEIGHT * 3; p++)
      pixels[p] = (guint8) g_test_rand_int_range (0, 256);
    pupil->samples[i] = (TrainSample){ .width = WIDTH, .height = HEIGHT, .pixels = pixels };
    pupil->batch[i] = &pupil->samples[i];
  }
  return pupil;
}

static void
pupil_free (Pupil *pupil)
{
  for (guint i = 0; i < N; i++)
    g_free ((gpointer) pupil->samples[i].pixels);
  tape_free (pupil->net.tape);
  g_free (pupil->net.gradient);
  params_free (pupil->params);
  params_free (pupil->teacher_params);
  group_free (pupil->group);
  fbnet_model_unref (pupil->model);
  g_free (pupil);
}

/* The largest of all gradients after one way forth and back. */
static double
largest_gradient (Pupil *pupil, Teacher *teacher)
{
  RcnnSettings settings = rcnn_settings_of (pupil->model);
  double largest = 0;

  settings.masks = FALSE;
  tape_reset (pupil->net.tape);
  memset (pupil->net.gradient, 0, pupil->params->n_values * sizeof (Real));
  rcnn_forward (&pupil->net, teacher, &settings, pupil->batch, N, 1, 0, 0);
  tape_backward (pupil->net.tape);
  for (gsize i = 0; i < pupil->params->n_values; i++)
    largest = MAX (largest, fabs ((double) pupil->net.gradient[i]));
  return largest;
}

/* Whether the teacher runs the whole trunk or begins where both are still one. */
static void
test_same (gconstpointer n_shared)
{
  Pupil *pupil = pupil_new ();
  Teacher *teacher = teacher_new (pupil->teacher_params, GPOINTER_TO_UINT (n_shared));
  const double taught = largest_gradient (pupil, teacher);
  const double untaught = largest_gradient (pupil, NULL);

  g_test_message ("largest gradient: %.2g with the teacher, %.2g without", taught, untaught);
  g_assert_cmpfloat (taught, <, 1e-9);
  g_assert_cmpfloat (untaught, >, 1e-3);
  teacher_free (teacher);
  pupil_free (pupil);
}

/* A model that has moved is drawn back: a step against the gradient lowers the losses. */
static void
test_moved (void)
{
  Pupil *pupil = pupil_new ();
  Teacher *teacher = teacher_new (pupil->teacher_params, 0);
  const Param *scores = NULL;

  for (guint i = 0; i < pupil->params->params->len; i++) {
    const Param *p = params_get (pupil->params->params, (gint) i);
    if (g_str_equal (p->name, "roi_heads.box_predictor.cls_score.bias"))
      scores = p;
  }
  g_assert_nonnull (scores);
  pupil->params->values[scores->begin] += 0.5;
  g_assert_cmpfloat (largest_gradient (pupil, teacher), >, 1e-4);
  g_assert_cmpfloat (pupil->net.gradient[scores->begin], >, 0);
  teacher_free (teacher);
  pupil_free (pupil);
}

/* In a network of more classes the others have no part; the background stays behind all. */
static void
test_more_classes (void)
{
  Real classes[] = { 0.25, 0.5, 0.25, 0.125, 0.125, 0.75 }, target[5];
  const TeacherAnswers answers = { .classes = classes, .n_classes = 2 };
  guint class_id;

  teacher_answers_class (&answers, 0, target, 5);
  const Real expected[] = { 0.25, 0.5, 0, 0, 0.25 };
  for (guint i = 0; i < 5; i++)
    g_assert_cmpfloat (target[i], ==, expected[i]);
  g_assert_true (teacher_answers_object (&answers, 0, &class_id));
  g_assert_cmpuint (class_id, ==, 1);
  g_assert_false (teacher_answers_object (&answers, 1, &class_id));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/train/teacher/same", GUINT_TO_POINTER (0), test_same);
  g_test_add_data_func ("/train/teacher/same-shared", GUINT_TO_POINTER (2), test_same);
  g_test_add_func ("/train/teacher/moved", test_moved);
  g_test_add_func ("/train/teacher/more-classes", test_more_classes);
  return g_test_run ();
}
