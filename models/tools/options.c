/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#include "options.h"

/* No value that can be meant: the option was not given. */
#define NOT_GIVEN_NUMBER (-G_MAXDOUBLE)
#define NOT_GIVEN_COUNT  G_MININT

static const char summary[] =
    "Finds objects in PNG and JPEG pictures: one line of JSON per picture on standard output.";

static const char description[] =
    "Thresholds, sizes and counts that are not given are those of the model file.\n"
    "\n"
    "Examples:\n"
    "  fbnet-detect --model model.safetensors --annotate seen street.jpg\n"
    "  fbnet-detect --model model.safetensors --coco instances_val2017.json \\\n"
    "      --images val2017 --coco-results results.json\n"
    "\n"
    "Exit status: 0 all went well; 1 the model or at least one picture failed, the others were\n"
    "done; 2 the command line is wrong.\n";

static const Options defaults = {
  .score_threshold = NOT_GIVEN_NUMBER,
  .iou_threshold = NOT_GIVEN_NUMBER,
  .min_size = NOT_GIVEN_COUNT,
  .max_size = NOT_GIVEN_COUNT,
  .pre_nms = NOT_GIVEN_COUNT,
  .post_nms = NOT_GIVEN_COUNT,
  .max_detections = NOT_GIVEN_COUNT,
};

static GOptionContext *
context_new (Options *o)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
    { "score-threshold", 's', 0, G_OPTION_ARG_DOUBLE, &o->score_threshold,
        "Detections must be more probable than X", "X" },
    { "iou-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o->iou_threshold,
        "Of boxes of a class that overlap more than X only the best stays", "X" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->threads,
        "Threads; 0, the default: one per processor", "N" },
    { "kernels", 0, 0, G_OPTION_ARG_STRING, &o->kernels,
        "Kernel set: c, openblas, avx2, avx512; default: the best", "NAME" },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &o->precision,
        "Arithmetic: float32, or int8 for a quantised model; default: as the model is stored",
        "NAME" },
    { "int8-bias", 0, 0, G_OPTION_ARG_STRING, &o->int8_bias,
        "In int8, biases beyond 32 bits count in full (wide) or saturate as in PyTorch (exact); "
        "default: as the model says, mostly wide",
        "NAME" },
    { "min-size", 0, 0, G_OPTION_ARG_INT, &o->min_size,
        "Pictures are resized: their shorter side to N pixels", "N" },
    { "max-size", 0, 0, G_OPTION_ARG_INT, &o->max_size, "... their longer side to at most N", "N" },
    { "pre-nms", 0, 0, G_OPTION_ARG_INT, &o->pre_nms, "Proposals kept before suppression", "N" },
    { "post-nms", 0, 0, G_OPTION_ARG_INT, &o->post_nms, "Proposals kept after suppression", "N" },
    { "max-detections", 0, 0, G_OPTION_ARG_INT, &o->max_detections,
        "At most N detections per picture, the best", "N" },
    { "no-masks", 0, 0, G_OPTION_ARG_NONE, &o->no_masks, "No masks, even if the model has them",
        NULL },
    { "no-keypoints", 0, 0, G_OPTION_ARG_NONE, &o->no_keypoints,
        "No keypoints, even if the model has them", NULL },
#ifdef HAVE_ANNOTATE
    { "annotate", 'a', 0, G_OPTION_ARG_FILENAME, &o->annotate,
        "Write each picture, with its detections drawn in, as PNG to DIR", "DIR" },
#endif
    { "timings", 0, 0, G_OPTION_ARG_NONE, &o->timings, "Add milliseconds per stage to each line",
        NULL },
    { "coco", 0, 0, G_OPTION_ARG_FILENAME, &o->coco,
        "Run all images of a COCO annotation file instead of PICTUREs", "FILE" },
    { "images", 0, 0, G_OPTION_ARG_FILENAME, &o->images, "Where the images of --coco lie", "DIR" },
    { "coco-results", 0, 0, G_OPTION_ARG_FILENAME, &o->coco_results,
        "Where the results of --coco go", "FILE" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->pictures, NULL, "PICTURE..." },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  return context;
}

static gboolean
usage_error (GError **error, const char *sentence)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, sentence);
  return FALSE;
}

/* The engine takes counts without a sign: what is below zero must be said here. */
static gboolean
check_counts (const Options *options, GError **error)
{
  const struct {
    const char *name;
    gint value;
  } counts[] = {
    { "threads", options->threads },
    { "min-size", options->min_size },
    { "max-size", options->max_size },
    { "pre-nms", options->pre_nms },
    { "post-nms", options->post_nms },
    { "max-detections", options->max_detections },
  };
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    if (counts[i].value >= 0 || counts[i].value == NOT_GIVEN_COUNT)
      continue;
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--%s: expected a number from 0 on, found %d", counts[i].name, counts[i].value);
    return FALSE;
  }
  return TRUE;
}

/* The name's index in the list, whose first one stands for not given; -1: none of them. */
static int
find_name (const char *name, const char *const *names)
{
  if (!name)
    return 0;
  for (int i = 1; names[i]; i++) {
    if (g_str_equal (names[i], name))
      return i;
  }
  return -1;
}

/* As FbnetPrecision and FbnetInt8Bias. */
static const char *const precisions[] = { "", "float32", "int8", NULL };
static const char *const biases[] = { "", "wide", "exact", NULL };

static gboolean
check_names (const Options *options, GError **error)
{
  if (find_name (options->precision, precisions) < 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--precision: expected float32 or int8, found %s", options->precision);
  else if (find_name (options->int8_bias, biases) < 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--int8-bias: expected wide or exact, found %s", options->int8_bias);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check (const Options *options, GError **error)
{
  if (options->version)
    return TRUE;
  if (!options->model)
    return usage_error (error, "--model: expected a model file, found none");
  const guint n_coco =
      (options->coco != NULL) + (options->images != NULL) + (options->coco_results != NULL);
  if (n_coco != 0 && n_coco != 3)
    return usage_error (error, "--coco, --images and --coco-results: expected all or none of them");
  if (n_coco == 0 && !options->pictures)
    return usage_error (error, "expected at least one PICTURE, found none");
  if (n_coco == 3 && options->pictures)
    return usage_error (error, "expected either PICTUREs or --coco, found both");
  return check_counts (options, error) && check_names (options, error);
}

gboolean
options_parse (Options *options, int argc, char **argv, GError **error)
{
  *options = defaults;
  GOptionContext *context = context_new (options);
  const gboolean parsed = g_option_context_parse (context, &argc, &argv, error);
  g_option_context_free (context);
  return parsed && check (options, error);
}

void
options_clear (Options *options)
{
  g_free (options->model);
  g_free (options->kernels);
  g_free (options->precision);
  g_free (options->int8_bias);
  g_free (options->annotate);
  g_free (options->coco);
  g_free (options->images);
  g_free (options->coco_results);
  g_strfreev (options->pictures);
}

FbnetDetectorOptions
options_detector (const Options *options)
{
  return (FbnetDetectorOptions){ .n_threads = (guint) options->threads,
    .kernels = options->kernels,
    .precision = (FbnetPrecision) find_name (options->precision, precisions),
    .int8_bias = (FbnetInt8Bias) find_name (options->int8_bias, biases) };
}

static void
apply_number (float *param, double given)
{
  if (given != NOT_GIVEN_NUMBER)
    *param = (float) given;
}

static void
apply_count (guint *param, gint given)
{
  if (given != NOT_GIVEN_COUNT)
    *param = (guint) given;
}

void
options_apply (const Options *options, FbnetParams *params)
{
  apply_number (&params->score_threshold, options->score_threshold);
  apply_number (&params->iou_threshold, options->iou_threshold);
  apply_count (&params->min_size, options->min_size);
  apply_count (&params->max_size, options->max_size);
  apply_count (&params->pre_nms_count, options->pre_nms);
  apply_count (&params->post_nms_count, options->post_nms);
  apply_count (&params->max_detections, options->max_detections);
  if (options->no_masks)
    params->masks = FALSE;
  if (options->no_keypoints)
    params->keypoints = FALSE;
}
