/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-eval.
 */
#include "evaloptions.h"

#include <string.h>

#include "cocoeval.h"
#ifdef HAVE_ANNOTATE
#  include "support/plot.h"
#endif

static const char summary[] = "Compares detections with a COCO annotation file: average precision "
                              "and recall of boxes, masks\n"
                              "and keypoints, by pycocotools' rules.";

static const char description[] =
    "Thresholds, sizes and counts that are not given are those of the model file.\n"
    "\n"
    "Examples:\n"
    "  fbnet-eval instances_val2017.json --results results.json\n"
    "  fbnet-eval instances_val2017.json --model model.safetensors --images val2017 \\\n"
    "      --per-class --plot curves.svg\n"
    "\n"
    "Exit status: 0 all went well; 1 a file, the model or at least one picture failed; 2 the\n"
    "command line is wrong. Broken annotations are counted on standard error.\n";

/* No value that can be meant: the option was not given. */
#define NOT_GIVEN (-1.0)

static GOptionContext *
context_new (EvalOptions *o)
{
  const GOptionEntry entries[] = {
    { "results", 'r', 0, G_OPTION_ARG_FILENAME, &o->results, "Evaluate this COCO results file",
        "FILE" },
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
        "Add how many boxes are object, background and ignored by the IoU bounds", NULL },
    { "iou-lower", 0, 0, G_OPTION_ARG_DOUBLE, &o->iou_lower,
        "... background is below X; default 0.3", "X" },
    { "iou-upper", 0, 0, G_OPTION_ARG_DOUBLE, &o->iou_upper,
        "... an object is from X on; default 0.7", "X" },
    { "min-score", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_score,
        "... among detections of a score of at least X; default 0.5", "X" },
#ifdef HAVE_ANNOTATE
    { "plot", 'p', 0, G_OPTION_ARG_FILENAME, &o->plot, "Draw precision over recall",
        "FILE.svg|.png|.pdf" },
#endif
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->arguments, NULL,
        "ANNOTATIONS.json" },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  detector_options_add (&o->detector, context);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  return context;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static gboolean
parse_kinds (EvalOptions *options, GError **error)
{
  g_auto (GStrv) names = g_strsplit (options->kinds_text ? options->kinds_text : "", ",", -1);
  for (guint i = 0; names[i]; i++) {
    guint kind = 0;
    while (kind < COCO_N_KINDS && strcmp (names[i], coco_kind_name (kind)) != 0)
      kind++;
    if (kind == COCO_N_KINDS) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "--metrics: expected bbox, segm, keypoints, or some of them with commas between, found "
          "'%s'",
          names[i]);
      return FALSE;
    }
    options->kinds |= COCO_KIND_BIT (kind);
  }
  return TRUE;
}

static gboolean
parse_sigmas (EvalOptions *options, GError **error)
{
  if (!options->sigmas_text) {
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
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--oks-sigmas: expected numbers above 0 with commas between, found '%s'", numbers[i]);
    return FALSE;
  }
  return options->n_sigmas > 0 || usage_error (error, "--oks-sigmas: expected numbers, found none");
}

/* --- Checks ----------------------------------------------------------------------------------- */

static gboolean
check_source (const EvalOptions *options, GError **error)
{
  const gboolean model = options->detector.model != NULL;
  if (!options->arguments || options->arguments[1])
    return usage_error (error, "expected one ANNOTATIONS.json, found none or several");
  if (model == (options->results != NULL))
    return usage_error (error, "expected either --results or --model, found both or none");
  if (model != (options->images != NULL))
    return usage_error (error, "--model and --images: expected both or none of them");
  if (options->write_results && !model)
    return usage_error (error, "--write-results: expected a --model, found none");
  return TRUE;
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
  double *const values[] = { &options->iou_lower, &options->iou_upper, &options->min_score };
  const double defaults[] = { 0.3, 0.7, 0.5 };
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    options->match |= *values[i] != NOT_GIVEN;
    if (*values[i] == NOT_GIVEN)
      *values[i] = defaults[i];
  }
  if (options->iou_lower >= 0 && options->iou_lower <= options->iou_upper
      && options->iou_upper <= 1)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--iou-lower, --iou-upper: expected numbers from 0 to 1, the lower not above the upper, "
      "found "
      "%g and %g",
      options->iou_lower, options->iou_upper);
  return FALSE;
}

static gboolean
check (EvalOptions *options, GError **error)
{
  if (options->version)
    return TRUE;
  if (!check_source (options, error) || !check_plot (options, error)
      || !complete_match (options, error) || !parse_kinds (options, error)
      || !parse_sigmas (options, error))
    return FALSE;
  options->annotations = options->arguments[0];
  return detector_options_check (&options->detector, error);
}

gboolean
eval_options_parse (EvalOptions *options, int argc, char **argv, GError **error)
{
  *options = (EvalOptions){ .detector = detector_options_new (),
    .iou_lower = NOT_GIVEN,
    .iou_upper = NOT_GIVEN,
    .min_score = NOT_GIVEN };
  GOptionContext *context = context_new (options);
  const gboolean parsed = g_option_context_parse (context, &argc, &argv, error);
  g_option_context_free (context);
  return parsed && check (options, error);
}

void
eval_options_clear (EvalOptions *options)
{
  detector_options_clear (&options->detector);
  g_free (options->results);
  g_free (options->images);
  g_free (options->write_results);
  g_free (options->plot);
  g_free (options->kinds_text);
  g_free (options->sigmas_text);
  g_free (options->sigmas);
  g_strfreev (options->arguments);
}
