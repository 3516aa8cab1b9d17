/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-eval: how good are detections, those of a results file or those that a model makes now? A
 * model's detections go through the text of a results file, so that both ways give the same numbers.
 */
#include "cocoeval.h"
#include "detect/cocorun.h"
#include "evalmatch.h"
#include "evaloptions.h"
#include "evalreport.h"
#include "support/commandline.h"
#include "support/jsonfile.h"
#include "trackreport.h"
#ifdef HAVE_ANNOTATE
#  include "evalplot.h"
#endif

typedef struct {
  const EvalOptions *options;
  Console *console;
  CocoFile *annotations;
  cJSON *detections;
  CocoProblems *problems;
  CocoTruth *truth;
  CocoResults *results;
  CocoEval *evals[COCO_N_KINDS];
  EvalMatch *match;
} Session;

static void
session_clear (Session *session)
{
  cJSON_Delete (session->detections);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    coco_eval_free (session->evals[kind]);
  eval_match_free (session->match);
  coco_results_free (session->results);
  coco_truth_free (session->truth);
  coco_file_free (session->annotations);
  coco_problems_free (session->problems);
}

/* --- A model's detections --------------------------------------------------------------------- */

static gboolean
run_set (Session *session, PictureDetector *detector, CocoWriter *writer, GError **error)
{
  const EvalOptions *o = session->options;
  const CocoRun all = {
    .file = session->annotations,
    .folder = o->images,
    .unit = "pictures",
    .console = session->console,
  };

  return coco_run (&all, detector, writer, error)
      && (o->write_results == NULL || coco_writer_save (writer, o->write_results, error));
}

static cJSON *
detect (Session *session, GError **error)
{
  const EvalOptions *o = session->options;
  PictureDetector detector;
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  const gboolean done = picture_detector_open (&detector, o->model, o->params, error)
      && run_set (session, &detector, writer, error);

  picture_detector_close (&detector);
  return done ? coco_writer_to_json (writer) : NULL;
}

/* --- Evaluation ------------------------------------------------------------------------------- */

/* What was asked for, else what both files have. */
static guint
choose_kinds (const Session *session)
{
  if (session->options->kinds != 0)
    return session->options->kinds;
  const guint both =
      coco_kinds_of_file (session->annotations) & coco_kinds_of_results (session->detections);
  return both != 0 ? both : COCO_KIND_BIT (COCO_BOX);
}

static gboolean
read_tables (Session *session, guint kinds, GError **error)
{
  const EvalOptions *options = session->options;
  const char *source = options->results != NULL ? options->results : options->model;

  session->truth =
      coco_truth_new (session->annotations, kinds, options->n_sigmas, session->problems, error);
  if (session->truth != NULL)
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
  if (session->options->plot != NULL)
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
    .source = options->results != NULL ? options->results : options->model,
    .source_is_model = options->results == NULL,
    .truth = session->truth,
    .results = session->results,
    .evals = { session->evals[0], session->evals[1], session->evals[2] },
    .match = session->match,
    .problems = problems,
    .per_class = options->per_class,
  };

  for (guint i = 0; problems[i] != NULL; i++)
    console_say (session->console, "%s", problems[i]);
  g_autofree char *text =
      options->json ? eval_report_to_json (&report) : eval_report_to_text (&report);
  return options->json ? output_print_line (text, error) : output_print (text, error);
}

static gboolean
evaluate_all (Session *session, GError **error)
{
  const EvalOptions *options = session->options;

  session->problems = coco_problems_new ();
  session->annotations = coco_file_read (options->annotations, error);
  if (session->annotations == NULL)
    return FALSE;
  session->detections =
      options->results != NULL ? json_read (options->results, error) : detect (session, error);
  if (session->detections == NULL)
    return FALSE;
  const guint kinds = choose_kinds (session);
  if (!read_tables (session, kinds, error))
    return FALSE;
  evaluate (session, kinds);
  return plot (session, error) && print_report (session, error);
}

/* --- Tracks ----------------------------------------------------------------------------------- */

static gboolean
evaluate_tracks (const EvalOptions *options, GError **error)
{
  g_autofree char *text = track_report (options->tracks, options->arguments[0],
      (guint) options->every, options->json, error);

  if (text == NULL)
    return FALSE;
  return options->json ? output_print_line (text, error) : output_print (text, error);
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  const EvalOptions *o = options;
  Session session = { .options = options, .console = console };

  if (o->tracks != NULL)
    return evaluate_tracks (o, error);
  const gboolean done = evaluate_all (&session, error);

  session_clear (&session);
  return done;
}

static const Program program = {
  .name = "fbnet-eval",
  .summary =
      "Compares detections with a COCO annotation file: average precision and recall of "
      "boxes, masks\n"
      "and keypoints, by pycocotools' rules. Compares tracks with ground truth by TrackEval's.",
  .examples = "What is not given of a model's run is as the model file has it. Broken annotations "
              "are counted\n"
              "on standard error.\n"
              "\n"
              "Examples:\n"
              "  fbnet-eval instances_val2017.json --results results.json\n"
              "  fbnet-eval instances_val2017.json --model model.safetensors --images val2017 \\\n"
              "      --per-class --plot curves.svg\n"
              "  fbnet-eval --tracks tracks gt --every 3\n",
  .failures = "a file, the model or at least one picture failed",
  .add_options = eval_options_add,
  .check = eval_options_check,
  .run = run,
};

int
main (int argc, char **argv)
{
  EvalOptions options = eval_options_new ();
  const int code = program_main (&program, &options, argc, argv);

  eval_options_clear (&options);
  return code;
}
