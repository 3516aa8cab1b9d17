/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tools' command lines share.
 */
#include "options.h"

/* No value that can be meant: the option was not given. */
#define NOT_GIVEN_NUMBER (-G_MAXDOUBLE)
#define NOT_GIVEN_COUNT  G_MININT

DetectorOptions
detector_options_new (void)
{
  return (DetectorOptions){
    .score_threshold = NOT_GIVEN_NUMBER,
    .iou_threshold = NOT_GIVEN_NUMBER,
    .norm_momentum = NOT_GIVEN_NUMBER,
    .min_size = NOT_GIVEN_COUNT,
    .max_size = NOT_GIVEN_COUNT,
    .pre_nms = NOT_GIVEN_COUNT,
    .post_nms = NOT_GIVEN_COUNT,
    .max_detections = NOT_GIVEN_COUNT,
  };
}

void
detector_options_clear (DetectorOptions *options)
{
  g_free (options->model);
  g_free (options->kernels);
  g_free (options->precision);
  g_free (options->int8_bias);
  g_free (options->normalization);
  g_free (options->norm_statistics);
}

void
detector_options_add (DetectorOptions *o, GOptionContext *context)
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
        "default: as the model says",
        "NAME" },
    { "norm-statistics", 0, 0, G_OPTION_ARG_STRING, &o->norm_statistics,
        "Batch norms' mean and variance: stored, the default, or following the pictures (stream)",
        "NAME" },
    { "norm-momentum", 0, 0, G_OPTION_ARG_DOUBLE, &o->norm_momentum,
        "How much a picture counts in the stream; default: 0.1", "X" },
    { "normalization", 0, 0, G_OPTION_ARG_STRING, &o->normalization,
        "How pictures are pooled there: gn, sync-bn, naive-sync-bn; default: as trained", "NAME" },
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
    { NULL },
  };
  g_option_context_add_main_entries (context, entries, NULL);
}

gboolean
usage_error (GError **error, const char *sentence)
{
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, sentence);
  return FALSE;
}

/* In the order of FbnetPrecision and so on; the first is what holds when nothing was given. */
static const char *const precisions[] = { "auto", "float32", "int8", NULL };
static const char *const biases[] = { "auto", "wide", "exact", NULL };
static const char *const normalizations[] = { "auto", "gn", "sync-bn", "naive-sync-bn", NULL };
static const char *const statistics[] = { "stored", "stream", NULL };

/* The name's index in its list; -1: it is not in there. */
static int
find_name (const char *name, const char *const *names)
{
  if (!name)
    return 0;
  for (int i = 0; names[i]; i++) {
    if (g_str_equal (names[i], name))
      return i;
  }
  return -1;
}

static gboolean
check_names (const DetectorOptions *options, GError **error)
{
  const struct {
    const char *option, *given;
    const char *const *names;
    const char *expected;
  } lists[] = {
    { "precision", options->precision, precisions, "float32 or int8" },
    { "int8-bias", options->int8_bias, biases, "wide or exact" },
    { "normalization", options->normalization, normalizations, "gn, sync-bn or naive-sync-bn" },
    { "norm-statistics", options->norm_statistics, statistics, "stored or stream" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    if (find_name (lists[i].given, lists[i].names) >= 0)
      continue;
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s: expected %s, found %s",
        lists[i].option, lists[i].expected, lists[i].given);
    return FALSE;
  }
  return TRUE;
}

FbnetDetectorOptions
detector_options_how (const DetectorOptions *options)
{
  return (FbnetDetectorOptions){ .n_threads = (guint) options->threads,
    .kernels = options->kernels,
    .precision = (FbnetPrecision) find_name (options->precision, precisions),
    .int8_bias = (FbnetInt8Bias) find_name (options->int8_bias, biases),
    .normalization = (FbnetNormalization) find_name (options->normalization, normalizations) };
}

/* The engine takes counts without a sign: what is below zero must be said here. */
gboolean
detector_options_check (const DetectorOptions *options, GError **error)
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
  return check_names (options, error);
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
detector_options_apply (const DetectorOptions *options, FbnetParams *params)
{
  apply_number (&params->score_threshold, options->score_threshold);
  apply_number (&params->iou_threshold, options->iou_threshold);
  apply_number (&params->norm_momentum, options->norm_momentum);
  params->norm_statistics = (FbnetNormStatistics) find_name (options->norm_statistics, statistics);
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
