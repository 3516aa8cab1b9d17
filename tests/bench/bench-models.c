/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every model of the family in one Markdown table: parameters and multiply-adds, as fbnet-model counts
 * them; milliseconds a frame on one and two threads, the least of the runs; and the most memory that a
 * process held which did nothing but load the model and run it on one thread. docs/models.md says what
 * a frame is.
 *
 *   bench-models [NAME…]
 *
 * Without a NAME all. FBNET_MODEL is the path of fbnet-model. Weights are random: neither time nor
 * memory depends on them but through the number of objects, which is fixed here.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/d2go/classifiers.h"
#include "import/d2go/config.h"
#include "import/d2go/fit.h"
#include "base/json.h"
#include "randommodel.h"
#include "timing.h"

#define N_OBJECTS  10 /* that have masks or keypoints */
#define MIN_RUNS   5
#define MAX_RUNS   200
#define BUDGET_MS  1500.0
#define MIB        (1024.0 * 1024.0)
#define CHILD_MODE "--run"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cJSON, cJSON_Delete)

static G_NORETURN void
stop (const char *name, const GError *error)
{
  fprintf (stderr, "%s: %s\n", name, error->message);
  exit (1);
}

/* --- A process of its own: one model, one number of threads ----------------------------------- */

typedef struct {
  FbnetDetector *detector;
  FbnetClassifier *classifier;
  FbnetDetections *found;
  float *probabilities;
} Runner;

/* All proposals reach the box head, N_OBJECTS the mask or keypoint head: nothing is suppressed. */
static gboolean
fix_numbers (FbnetDetector *detector, const FbnetModel *model, GError **error)
{
  FbnetParams params;

  fbnet_model_get_params (model, &params);
  params.rpn_iou_threshold = 1;
  params.iou_threshold = 1;
  params.max_detections = N_OBJECTS;
  return fbnet_detector_set_params (detector, &params, error);
}

static gboolean
runner_open (Runner *runner, FbnetModel *model, guint n_threads, GError **error)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };

  if (fbnet_model_get_task (model) == FBNET_TASK_CLASSIFICATION) {
    runner->classifier = fbnet_classifier_new (model, &options, error);
    runner->probabilities = g_new (float, fbnet_model_get_n_classes (model));
    return runner->classifier != NULL;
  }
  runner->detector = fbnet_detector_new (model, &options, error);
  runner->found = fbnet_detections_new ();
  return runner->detector != NULL && fix_numbers (runner->detector, model, error);
}

static gboolean
runner_run (Runner *runner, const FbnetImage *image, GError **error)
{
  if (runner->classifier != NULL)
    return fbnet_classifier_run (runner->classifier, image, runner->probabilities, error);
  if (!fbnet_detector_run (runner->detector, image, runner->found, error))
    return FALSE;
  if (runner->found->n == N_OBJECTS)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT, "expected %d objects, found %u", N_OBJECTS,
      runner->found->n);
  return FALSE;
}

/* The most memory that the process ever held, in KiB. */
static guint64
peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *line = NULL;

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    line = strstr (status, "VmHWM:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) : 0;
}

/* Prints: kernels, milliseconds, KiB. */
static int
run_child (const char *path, guint n_threads, guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *pixels = g_malloc (3 * (gsize) width * height);

  for (gsize i = 0; i < 3 * (gsize) width * height; i++)
    pixels[i] = (guint8) (i * 2654435761u >> 13);
  const FbnetImage image = { .format = FBNET_PIXEL_RGB,
    .width = width,
    .height = height,
    .planes = { pixels },
    .strides = { 3 * width } };
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  Runner runner = { NULL };
  if (model == NULL || !runner_open (&runner, model, n_threads, &error)
      || !runner_run (&runner, &image, &error))
    stop (path, error);

  double least = G_MAXDOUBLE, spent = 0;
  for (guint i = 0; i < MIN_RUNS || (i < MAX_RUNS && spent < BUDGET_MS); i++) {
    const double start = timing_now ();
    if (!runner_run (&runner, &image, &error))
      stop (path, error);
    const double elapsed = (timing_now () - start) / 1000;
    least = MIN (least, elapsed);
    spent += elapsed;
  }
  printf ("%s %f %" G_GUINT64_FORMAT "\n",
      runner.detector != NULL ? fbnet_detector_get_kernels (runner.detector)
                              : fbnet_classifier_get_kernels (runner.classifier),
      least, peak_memory ());
  return 0;
}

/* --- Models ----------------------------------------------------------------------------------- */

static cJSON *
describe (const char *name, GError **error)
{
  if (import_is_classifier (name))
    return import_describe_classifier (name, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, error);
  g_autoptr (cJSON) config = import_zoo_config (name, error);
  return config != NULL ? import_describe (config, name, error) : NULL;
}

typedef struct {
  TensorList *list;
  GRand *random;
} Filler;

static void
add_layer (const ConvLayer *layer, gpointer data)
{
  Filler *filler = data;

  random_model_add_layer (filler->list, filler->random, layer);
}

static gboolean
write_model (const char *path, const cJSON *description, GError **error)
{
  g_autoptr (Layers) layers = fit_layers (description, error);
  g_autoptr (TensorList) list = tensor_list_new ();

  if (layers == NULL)
    return FALSE;
  Filler filler = { list, g_rand_new_with_seed (1) };
  layers_foreach (layers, add_layer, &filler);
  g_rand_free (filler.random);
  random_model_tame (list);
  g_autofree char *text = cJSON_PrintUnformatted (description);
  return tensor_list_write (list, path, text, error);
}

/* --- The table -------------------------------------------------------------------------------- */

typedef struct {
  guint width, height; /* of the frame */
  char kernels[32];
  double parameters, multiply_adds;
  double ms[2]; /* on one and on two threads */
  double memory;
} Row;

/* What the program prints; its failure ends this one. */
static char *
run_program (const char *const *argv, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *out = NULL;
  int status = 0;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status,
          &error)
      || !g_spawn_check_wait_status (status, &error))
    stop (name, error);
  return out;
}

/* Of multiply-adds that a head costs per object only those of N_OBJECTS count. */
static void
count_costs (const char *name, const char *path, Row *row)
{
  const char *const argv[] = { g_getenv ("FBNET_MODEL"), "--json", path, NULL };
  g_autofree char *text = run_program (argv, name);
  g_autoptr (cJSON) object = cJSON_Parse (text);
  const cJSON *layer;

  row->parameters = cJSON_GetNumberValue (cJSON_GetObjectItem (object, "n_parameters"));
  row->multiply_adds = 0;
  cJSON_ArrayForEach (layer, cJSON_GetObjectItem (object, "layers"))
  {
    const char *layer_name = cJSON_GetStringValue (cJSON_GetObjectItem (layer, "name"));
    const double each = cJSON_GetNumberValue (cJSON_GetObjectItem (layer, "multiply_adds"));
    const double runs = cJSON_GetNumberValue (cJSON_GetObjectItem (layer, "runs"));
    const gboolean per_object =
        strstr (layer_name, "mask_head.") != NULL || strstr (layer_name, "keypoint_head.") != NULL;
    row->multiply_adds += each * (per_object ? MIN (runs, N_OBJECTS) : runs);
  }
}

static void
time_model (const char *self, const char *name, const char *path, guint n_threads, Row *row)
{
  g_autofree char *threads = g_strdup_printf ("%u", n_threads);
  g_autofree char *width = g_strdup_printf ("%u", row->width);
  g_autofree char *height = g_strdup_printf ("%u", row->height);
  const char *const argv[] = { self, CHILD_MODE, path, threads, width, height, NULL };
  g_autofree char *text = run_program (argv, name);
  unsigned long kib = 0;

  sscanf (text, "%31s %lf %lu", row->kernels, &row->ms[n_threads - 1], &kib);
  if (n_threads == 1)
    row->memory = (double) kib * 1024;
}

static guint
input_number (const cJSON *description, const char *name)
{
  const cJSON *input = cJSON_GetObjectItem (description, "input");

  return (guint) cJSON_GetNumberValue (cJSON_GetObjectItem (input, name));
}

/* The largest frame that is not made smaller: of a detector min_size × max_size, of a classifier a
 * square of `resize`. */
static void
choose_frame (const char *name, const cJSON *description, Row *row)
{
  const gboolean classifies = import_is_classifier (name);

  row->height = input_number (description, classifies ? "resize" : "min_size");
  row->width = input_number (description, classifies ? "resize" : "max_size");
}

static void
print_row (const char *name, const Row *row)
{
  printf ("| `%s` | %u × %u | %.2f | %.0f | %.1f | %.1f | %.0f |\n", name, row->height, row->width,
      row->parameters / 1e6, row->multiply_adds / 1e6, row->ms[0], row->ms[1], row->memory / MIB);
  fflush (stdout);
}

static void
measure (const char *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = describe (name, &error);
  g_autofree char *path = NULL;
  const int file =
      description != NULL ? g_file_open_tmp ("bench-XXXXXX.safetensors", &path, &error) : -1;

  if (file < 0)
    stop (name, error);
  g_close (file, NULL);
  Row row = { 0 };
  choose_frame (name, description, &row);
  if (!write_model (path, description, &error)) {
    g_unlink (path);
    stop (name, error);
  }
  count_costs (name, path, &row);
  for (guint n_threads = 1; n_threads <= G_N_ELEMENTS (row.ms); n_threads++)
    time_model (self, name, path, n_threads, &row);
  g_unlink (path);
  print_row (name, &row);
}

static void
measure_all (const char *self, char **names)
{
  for (; *names != NULL; names++) {
    /* Those made for int8 differ from the others by norms alone. */
    if (!g_str_has_suffix (*names, "_i8f"))
      measure (self, *names);
  }
}

int
main (int argc, char **argv)
{
  if (argc == 6 && strcmp (argv[1], CHILD_MODE) == 0)
    return run_child (argv[2], (guint) atoi (argv[3]), (guint) atoi (argv[4]),
        (guint) atoi (argv[5]));
  if (g_getenv ("FBNET_MODEL") == NULL) {
    fprintf (stderr, "FBNET_MODEL: expected the path of fbnet-model\n");
    return 2;
  }
  printf ("| model | frame | parameters, M | multiply-adds, M | 1 thread, ms | 2 threads, ms | "
          "memory, MiB |\n|---|---|---|---|---|---|---|\n");
  if (argc > 1) {
    measure_all (argv[0], argv + 1);
    return 0;
  }
  g_auto (GStrv) detectors = import_zoo_names ();
  g_auto (GStrv) classifiers = import_classifier_names ();
  measure_all (argv[0], detectors);
  measure_all (argv[0], classifiers);
  return 0;
}
