/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-eval: how good are detections, those of a results file or those that a model makes now? A
 * model's detections go through the text of a results file, so that both ways give the same numbers.
 */
#include <locale.h>
#include <stdio.h>

#include "cocoeval.h"
#include "evalmatch.h"
#include "evaloptions.h"
#include "evalreport.h"
#include "support/jsonfile.h"
#include "detect/picturedetector.h"
#include "support/progress.h"
#ifdef HAVE_ANNOTATE
#  include "evalplot.h"
#endif

typedef struct {
  const EvalOptions *options;
  cJSON *annotations, *detections; /* both files */
  CocoProblems *problems;
  CocoTruth *truth;
  CocoResults *results;
  CocoEval *evals[COCO_N_KINDS];
  EvalMatch *match;
  gboolean failed; /* a picture did */
} Session;

static void
print_error (const GError *error)
{
  g_printerr ("fbnet-eval: %s\n", error->message);
}

static void
session_clear (Session *session)
{
  cJSON_Delete (session->annotations);
  cJSON_Delete (session->detections);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    coco_eval_free (session->evals[kind]);
  eval_match_free (session->match);
  coco_results_free (session->results);
  coco_truth_free (session->truth);
  coco_problems_free (session->problems);
}

/* --- A model's detections --------------------------------------------------------------------- */

static void
run_images (Session *session, PictureDetector *detector, const CocoSet *set, CocoWriter *writer)
{
  Progress progress = progress_new (set->images->len, "pictures");
  for (guint i = 0; i < set->images->len; i++) {
    g_autoptr (GError) error = NULL;
    const CocoImage *image = &g_array_index (set->images, CocoImage, i);
    g_autoptr (Picture) picture =
        picture_detector_run_coco (detector, session->options->images, image, writer, &error);
    if (!picture) {
      progress_hide (&progress);
      print_error (error);
      session->failed = TRUE;
    }
    progress_step (&progress);
  }
}

static gboolean
run_set (Session *session, PictureDetector *detector, CocoWriter *writer, GError **error)
{
  const EvalOptions *options = session->options;
  guint n_unmatched;
  g_autoptr (CocoSet) set = coco_set_new (session->annotations, options->annotations, TRUE, error);
  if (!set || !class_table_match (detector->classes, set, &n_unmatched, error))
    return FALSE;
  if (n_unmatched > 0)
    g_printerr ("fbnet-eval: %u of %u classes are no category of %s: their detections are left "
                "out\n",
        n_unmatched, detector->classes->n, options->annotations);
  run_images (session, detector, set, writer);
  return !options->write_results || coco_writer_save (writer, options->write_results, error);
}

static cJSON *
detect (Session *session, GError **error)
{
  PictureDetector detector;
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  const gboolean done = picture_detector_open (&detector, &session->options->detector, error)
      && run_set (session, &detector, writer, error);
  picture_detector_close (&detector);
  g_autofree char *text = done ? coco_writer_print (writer) : NULL;
  return text ? cJSON_Parse (text) : NULL;
}

/* --- Evaluation ------------------------------------------------------------------------------- */

/* What was asked for, else what both files have. */
static guint
choose_kinds (const Session *session)
{
  if (session->options->kinds != 0)
    return session->options->kinds;
  const cJSON *objects = cJSON_GetObjectItemCaseSensitive (session->annotations, "annotations");
  const guint both = coco_kinds_of (objects) & coco_kinds_of (session->detections);
  return both != 0 ? both : COCO_KIND_BIT (COCO_BOX);
}

static gboolean
read_tables (Session *session, guint kinds, GError **error)
{
  const EvalOptions *options = session->options;
  const char *source = options->results ? options->results : options->detector.model;
  session->truth = coco_truth_new (session->annotations, options->annotations, kinds,
      options->n_sigmas, session->problems, error);
  if (session->truth)
    session->results = coco_results_new (session->detections, source, session->truth, error);
  return session->results != NULL;
}

static void
evaluate (Session *session, guint kinds)
{
  const EvalOptions *options = session->options;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    if (kinds & COCO_KIND_BIT (kind))
      session->evals[kind] = coco_eval_new (session->truth, session->results, kind, options->sigmas,
          options->n_sigmas);
  if (options->match)
    session->match = eval_match_new (session->truth, session->results, options->iou_lower,
        options->iou_upper, options->min_score);
}

static gboolean
plot (const Session *session, GError **error)
{
#ifdef HAVE_ANNOTATE
  if (session->options->plot)
    return eval_plot ((const CocoEval *const *) session->evals, session->options->plot, error);
#endif
  return TRUE;
}

static gboolean
print_report (const Session *session, GError **error)
{
  const EvalOptions *options = session->options;
  g_auto (GStrv) problems = coco_problems_describe (session->problems);
  const EvalReport report = {
    .annotations = options->annotations,
    .source = options->results ? options->results : options->detector.model,
    .source_is_model = options->results == NULL,
    .truth = session->truth,
    .results = session->results,
    .evals = { session->evals[0], session->evals[1], session->evals[2] },
    .match = session->match,
    .problems = problems,
    .per_class = options->per_class,
  };
  for (guint i = 0; problems[i]; i++)
    g_printerr ("fbnet-eval: %s\n", problems[i]);
  g_autofree char *text =
      options->json ? eval_report_to_json (&report) : eval_report_to_text (&report);
  if (printf (options->json ? "%s\n" : "%s", text) >= 0 && fflush (stdout) == 0)
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_IO, "standard output: cannot write");
  return FALSE;
}

static gboolean
run (Session *session, GError **error)
{
  const EvalOptions *options = session->options;
  session->problems = coco_problems_new ();
  session->annotations = json_read (options->annotations, error);
  if (!session->annotations)
    return FALSE;
  session->detections =
      options->results ? json_read (options->results, error) : detect (session, error);
  if (!session->detections)
    return FALSE;
  const guint kinds = choose_kinds (session);
  if (!read_tables (session, kinds, error))
    return FALSE;
  evaluate (session, kinds);
  return plot (session, error) && print_report (session, error);
}

static int
run_and_report (const EvalOptions *options)
{
  Session session = { .options = options };
  g_autoptr (GError) error = NULL;
  int code = EXIT_DONE;
  if (!run (&session, &error)) {
    /* A parameter out of its range, or kernels that there are not: the command line's fault. */
    code = g_error_matches (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT) ? EXIT_USAGE : EXIT_FAILED;
    print_error (error);
  } else if (session.failed)
    code = EXIT_FAILED;
  session_clear (&session);
  return code;
}

int
main (int argc, char **argv)
{
  /* Only how characters are coded: numbers keep their decimal point. */
  setlocale (LC_CTYPE, "");
  EvalOptions options;
  g_autoptr (GError) error = NULL;
  int code = EXIT_DONE;
  if (!eval_options_parse (&options, argc, argv, &error)) {
    print_error (error);
    g_printerr ("Try 'fbnet-eval --help'.\n");
    code = EXIT_USAGE;
  } else if (options.version)
    g_print ("fbnet-eval %s\n", fbnet_version ());
  else
    code = run_and_report (&options);
  eval_options_clear (&options);
  return code;
}
