/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Size and speed of mobile_cv's classifiers, with random weights, a frame of 640 × 480 pixels in, on
 * one and two threads, then quantised: parameters and multiply-adds in millions; milliseconds, least
 * and median of the runs.
 *
 *   bench-classifiers [RUNS [NAME…]]
 *
 * RUNS 0 only counts. Without a NAME: one of each family.
 */
#include <stdio.h>
#include <stdlib.h>

#include "benchquantize.h"
#include "classifiers.h"
#include "model.h"
#include "randommodel.h"
#include "timing.h"

#define FRAME_WIDTH  640
#define FRAME_HEIGHT 480

static const char *const usual[] = { "FBNetV2_F1", "FBNetV2_F4", "FBNetV3_A", "dmasking_l3",
  "eff_0", "fbnet_a", "fbnet_c", "mnv3", NULL };

/* --- Counting --------------------------------------------------------------------------------- */

typedef struct {
  gsize height, width; /* of the map so far */
  double multiply_adds, parameters;
} Cost;

static void
add_layer (Cost *cost, const ConvLayer *layer, guint upsample, gboolean pooled)
{
  if (layer->out == 0)
    return;
  const gsize height = pooled ? 1 : conv_output (cost->height, layer, upsample);
  const gsize width = pooled ? 1 : conv_output (cost->width, layer, upsample);
  const double weights =
      (double) layer->in / layer->groups * layer->out * layer->kernel * layer->kernel;
  cost->multiply_adds += weights * (double) (height * width);
  cost->parameters += weights + (layer->bias ? layer->out : 0)
      + (layer->norm.kind != NORM_NONE ? 2 * layer->out : 0);
  if (!pooled) {
    cost->height = height;
    cost->width = width;
  }
}

static void
add_block (Cost *cost, const Block *block)
{
  add_layer (cost, &block->pw, 1, FALSE);
  add_layer (cost, &block->dw, block->upsample, FALSE);
  add_layer (cost, &block->se_squeeze, 1, TRUE);
  add_layer (cost, &block->se_excite, 1, TRUE);
  add_layer (cost, &block->pwl, 1, block->kind == BLOCK_POOL);
}

static Cost
count (const Description *description)
{
  Cost cost = { .height = description->crop, .width = description->crop };
  Part *trunk =
      arch_build_part (description->architecture, "trunk", "{S}_{B}", 3, description->name, NULL);
  for (guint s = 0; s < trunk->n_stages; s++)
    for (guint b = 0; b < trunk->stages[s].n_blocks; b++)
      add_block (&cost, &trunk->stages[s].blocks[b]);
  ConvLayer head = arch_plain_conv ("head", trunk->stages[trunk->n_stages - 1].out,
      description->n_classes, 1, TRUE);
  add_layer (&cost, &head, 1, TRUE);
  arch_conv_clear (&head);
  arch_part_free (trunk);
  return cost;
}

/* --- Running ---------------------------------------------------------------------------------- */

static gboolean
run (FbnetModel *model, const FbnetImage *image, guint n_threads, gsize n_runs, GError **error)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (FbnetClassifier) classifier = fbnet_classifier_new (model, &options, error);
  g_autofree float *probabilities = g_new (float, fbnet_model_get_n_classes (model));
  g_autofree double *times = g_new (double, n_runs);
  if (classifier == NULL || !fbnet_classifier_run (classifier, image, probabilities, error))
    return FALSE;
  for (gsize i = 0; i < n_runs; i++) {
    const double start = timing_now ();
    if (!fbnet_classifier_run (classifier, image, probabilities, error))
      return FALSE;
    times[i] = (timing_now () - start) / 1000;
  }
  const Timing timing = timing_of (times, (guint) n_runs);
  printf ("  %u: min %7.2f median %7.2f ms", n_threads, timing.least, timing.median);
  return TRUE;
}

static gboolean
bench (const char *name, const FbnetImage *image, gsize n_runs, GError **error)
{
  cJSON *tree = import_describe_classifier (name, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, error);
  if (tree == NULL)
    return FALSE;
  g_autofree char *text = cJSON_PrintUnformatted (tree);
  cJSON_Delete (tree);
  Description *description = description_parse (text, name, error);
  if (description == NULL)
    return FALSE;
  const Cost cost = count (description);
  printf ("%-16s %4u %8.3f M %9.1f M", name, description->crop, cost.parameters / 1e6,
      cost.multiply_adds / 1e6);
  description_free (description);
  g_autoptr (FbnetModel) model = n_runs > 0 ? random_model_new (text, 1, error) : NULL;
  for (guint n_threads = 1; n_threads <= 2 && model != NULL; n_threads++)
    if (!run (model, image, n_threads, n_runs, error))
      return FALSE;
  g_autoptr (FbnetModel) int8 = model != NULL ? bench_quantize (model, image, error) : NULL;
  if (model != NULL && int8 == NULL)
    return FALSE;
  if (int8 != NULL)
    printf ("  int8");
  for (guint n_threads = 1; n_threads <= 2 && int8 != NULL; n_threads++)
    if (!run (int8, image, n_threads, n_runs, error))
      return FALSE;
  putchar ('\n');
  return model != NULL || n_runs == 0;
}

int
main (int argc, char *argv[])
{
  const gsize n_runs = argc > 1 ? (gsize) MAX (atoi (argv[1]), 0) : 20;
  const char *const *names = argc > 2 ? (const char *const *) argv + 2 : usual;
  g_autofree guint8 *pixels = g_malloc (3 * FRAME_WIDTH * FRAME_HEIGHT);
  for (gsize i = 0; i < 3 * FRAME_WIDTH * FRAME_HEIGHT; i++)
    pixels[i] = (guint8) (i * 2654435761u >> 13);
  const FbnetImage image = { .format = FBNET_PIXEL_RGB,
    .width = FRAME_WIDTH,
    .height = FRAME_HEIGHT,
    .planes = { pixels },
    .strides = { 3 * FRAME_WIDTH } };
  for (; *names != NULL; names++) {
    g_autoptr (GError) error = NULL;
    if (!bench (*names, &image, n_runs, &error)) {
      fprintf (stderr, "\n%s\n", error->message);
      return 1;
    }
    fflush (stdout);
  }
  return 0;
}
