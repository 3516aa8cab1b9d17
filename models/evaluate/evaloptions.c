/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-eval.
 */
#include "evaloptions.h"

#include <string.h>

#include "cocoeval.h"
#include "detect/picturedetector.h"
#include "support/commandline.h"
#ifdef HAVE_ANNOTATE
#  include "support/plot.h"
#endif

/* No value that can be meant: the option was not given. */
#define NOT_GIVEN       (-G_MAXDOUBLE)
#define MIN_SCORE       0.5
#define EVERY_NOT_GIVEN G_MININT

/* They judge detections, and find none. */
static const char *const bounds[] = { "iou-lower", "iou-upper", NULL };

EvalOptions
eval_options_new (void)
{
  guint n;
  const FbnetParamInfo *zoom = fbnet_zoom_options_table (&n);

  return (EvalOptions){ .params = param_options_new (),
    .bounds = param_options_new (),
    .zoom = param_options_new_of (zoom, n),
    .min_score = NOT_GIVEN,
    .every = EVERY_NOT_GIVEN };
}

void
eval_options_clear (EvalOptions *options)
{
  param_options_free (options->params);
  param_options_free (options->bounds);
  param_options_free (options->zoom);
  g_free (options->model);
  g_free (options->results);
  g_free (options->tracks);
  g_free (options->images);
  g_free (options->write_results);
  g_free (options->plot);
  g_free (options->kinds_text);
  g_free (options->sigmas_text);
  g_free (options->sigmas);
  g_strfreev (options->arguments);
}

void
eval_options_add (gpointer options, GOptionContext *context)
{
  static const char *const none[] = { NULL };
  EvalOptions *o = options;
  const GOptionEntry entries[] = {
    { "results", 'r', 0, G_OPTION_ARG_FILENAME, &o->results, "Evaluate this COCO results file",
        "FILE" },
    { "tracks", 0, 0, G_OPTION_ARG_FILENAME, &o->tracks,
        "... or these tracks, a file or a folder of MOTChallenge's format", "TRACKS" },
    { "every", 0, 0, G_OPTION_ARG_INT, &o->every,
        "... which were made of every Kth frame of the ground truth; default 1", "K" },
    { "images", 0, 0, G_OPTION_ARG_FILENAME, &o->images,
        "... or run --model on the pictures of this folder", "DIR" },
    { "write-results", 0, 0, G_OPTION_ARG_FILENAME, &o->write_results,
        "Keep what the model found as COCO results", "FILE" },
    { "metrics", 0, 0, G_OPTION_ARG_STRING, &o->kinds_text,
        "What to compare: bbox, segm, keypoints; default: all that both files have", "LIST" },
    { "oks-sigmas", 0, 0, G_OPTION_ARG_STRING, &o->sigmas_text,
        "One number per keypoint; default: those of COCO's 17", "LIST" },
    { "per-class", 0, 0, G_OPTION_ARG_NONE, &o->per_class, "Add a table of the classes", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "Print one line of JSON instead of text", NULL },
    { "match", 0, 0, G_OPTION_ARG_NONE, &o->match,
        "Add how many boxes are object, background and ignored by --iou-lower and --iou-upper, "
        "which ask for it, too",
        NULL },
    { "confusion", 0, 0, G_OPTION_ARG_NONE, &o->confusion,
        "Add which class is taken for which, boxes at an IoU of 0.5", NULL },
    { "min-score", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_score,
        "... of both among detections of a score of at least X; default 0.5", "X" },
#ifdef HAVE_ANNOTATE
    { "plot", 'p', 0, G_OPTION_ARG_FILENAME, &o->plot, "Draw precision over recall",
        "FILE.svg|.png|.pdf" },
#endif
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->arguments, NULL,
        "ANNOTATIONS.json" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add_all_but (o->params, context, bounds);
  param_options_add (o->bounds, context, bounds);
  param_options_add_all_but (o->zoom, context, none);
}

/* --- Lists ------------------------------------------------------------------------------------ */

static gboolean
parse_kinds (EvalOptions *options, GError **error)
{
  g_auto (GStrv) names =
      g_strsplit (options->kinds_text != NULL ? options->kinds_text : "", ",", -1);

  for (guint i = 0; names[i] != NULL; i++) {
    guint kind = 0;
    while (kind < COCO_N_KINDS && strcmp (names[i], coco_kind_name (kind)) != 0)
      kind++;
    if (kind == COCO_N_KINDS)
      return usage_error (error,
          "--metrics: expected bbox, segm, keypoints, or some of them with commas between, found "
          "'%s'",
          names[i]);
    options->kinds |= COCO_KIND_BIT (kind);
  }
  return TRUE;
}

static gboolean
parse_sigmas (EvalOptions *options, GError **error)
{
  if (options->sigmas_text == NULL) {
    options->sigmas = g_memdup2 (coco_person_sigmas, sizeof coco_person_sigmas);
    options->n_sigmas = COCO_N_PERSON_KEYPOINTS;
    return TRUE;
  }
  g_auto (GStrv) numbers = g_strsplit (options->sigmas_text, ",", -1);
  options->n_sigmas = g_strv_length (numbers);
  options->sigmas = g_new (double, MAX (options->n_sigmas, 1));
  for (guint i = 0; i < options->n_sigmas; i++) {
    char *end;
    options->sigmas[i] = g_ascii_strtod (numbers[i], &end);
    if (options->sigmas[i] > 0 && options->sigmas[i] < 1e6 && *end == '\0')
      continue;
    return usage_error (error,
        "--oks-sigmas: expected numbers above 0 with commas between, found '%s'", numbers[i]);
  }
  return options->n_sigmas > 0 || usage_error (error, "--oks-sigmas: expected numbers, found none");
}

/* --- Checks ----------------------------------------------------------------------------------- */

/* No model runs beside `other`: what says how one is to run means nothing. */
static gboolean
check_no_run (const EvalOptions *options, const char *other, GError **error)
{
  const char *param = param_options_given (options->params, NULL);
  const char *given = param != NULL ? param : param_options_given (options->zoom, NULL);

  return given == NULL
      || usage_error (error, "--%s: expected a --model that it says something of, found %s", given,
          other);
}

/* One, which `expected` says, is what is left of the command line. */
static gboolean
check_argument (const EvalOptions *options, const char *expected, GError **error)
{
  const guint n = options->arguments != NULL ? g_strv_length (options->arguments) : 0;

  if (n == 1)
    return TRUE;
  return n == 0 ? usage_error (error, "expected %s, found none", expected)
                : usage_error (error, "expected %s, found %u arguments: '%s' and '%s'%s", expected,
                    n, options->arguments[0], options->arguments[1], n > 2 ? " …" : "");
}

/* Tracks are compared with their ground truth, and with nothing else. */
static gboolean
check_tracks (EvalOptions *options, GError **error)
{
  if (!check_argument (options, "one ground truth beside --tracks, a file or a folder", error))
    return FALSE;
  if (options->results != NULL || options->model != NULL || options->images != NULL
      || options->write_results != NULL)
    return usage_error (error,
        "--tracks: expected no --results, --model, --images or --write-results beside it");
  if (options->plot != NULL || options->kinds_text != NULL || options->sigmas_text != NULL
      || options->per_class || options->match || options->confusion
      || options->min_score != NOT_GIVEN)
    return usage_error (error,
        "--tracks: expected no --plot, --metrics, --oks-sigmas, --per-class, --match, --confusion "
        "or --min-score beside it, which are for detections");
  const char *bound = param_options_given (options->bounds, NULL);
  if (bound != NULL)
    return usage_error (error, "--%s: expected no --tracks beside it", bound);
  if (!check_no_run (options, "--tracks", error))
    return FALSE;
  if (options->every == EVERY_NOT_GIVEN)
    options->every = 1;
  return options->every >= 1
      || usage_error (error, "--every: expected 1 or more, found %d", options->every);
}

static gboolean
check_source (const EvalOptions *options, GError **error)
{
  const gboolean model = options->model != NULL;

  if (!check_argument (options, "one ANNOTATIONS.json", error))
    return FALSE;
  if (model == (options->results != NULL))
    return usage_error (error, "expected either --results or --model, found both or none");
  if (model != (options->images != NULL))
    return usage_error (error, "--model and --images: expected both or none of them");
  if (options->write_results != NULL && !model)
    return usage_error (error, "--write-results: expected a --model, found none");
  if (options->every != EVERY_NOT_GIVEN)
    return usage_error (error, "--every: expected --tracks, found none");
  return model || check_no_run (options, "--results", error);
}

static gboolean
check_plot (const EvalOptions *options, GError **error)
{
#ifdef HAVE_ANNOTATE
  return plot_check_format ("--plot", options->plot, error);
#else
  return TRUE; /* there is no such option */
#endif
}

/* Any of the bounds asks for the report. */
static gboolean
complete_match (EvalOptions *options, GError **error)
{
  const ParamOptions *given = options->bounds;
  const FbnetParamInfo *lower = fbnet_params_find ("iou-lower");
  const FbnetParamInfo *upper = fbnet_params_find ("iou-upper");

  options->match |= param_options_has (given, lower->name) || param_options_has (given, upper->name)
      || (options->min_score != NOT_GIVEN && !options->confusion);
  options->iou_lower = param_options_number (given, lower->name, lower->usual);
  options->iou_upper = param_options_number (given, upper->name, upper->usual);
  if (options->min_score == NOT_GIVEN)
    options->min_score = MIN_SCORE;
  return options->iou_lower <= options->iou_upper
      || usage_error (error,
          "--iou-lower, --iou-upper: expected the lower not above the upper, found %g and %g",
          options->iou_lower, options->iou_upper);
}

gboolean
eval_options_check (gpointer options, GError **error)
{
  EvalOptions *o = options;

  if (!param_options_check (o->params, error) || !param_options_check (o->bounds, error)
      || !picture_detector_check_zoom (o->zoom, error))
    return FALSE;
  if (o->tracks != NULL)
    return check_tracks (o, error);
  if (!check_source (o, error) || !check_plot (o, error) || !complete_match (o, error)
      || !parse_kinds (o, error) || !parse_sigmas (o, error))
    return FALSE;
  o->annotations = o->arguments[0];
  return TRUE;
}
