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
  PictureDetector detector;
  cJSON *detections;
  CocoProblems *problems, *result_problems;
  CocoTruth *truth;
  CocoResults *results;
  CocoEval *evals[COCO_N_KINDS];
  EvalMatch *match;
  Confusion *confusion;
} Session;

/* Where boxes are taken for the same thing by most. */
#define CONFUSION_IOU 0.5

static void
session_clear (Session *session)
{
  picture_detector_close (&session->detector);
  cJSON_Delete (session->detections);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++)
    coco_eval_free (session->evals[kind]);
  eval_match_free (session->match);
  confusion_free (session->confusion);
  coco_results_free (session->results);
  coco_truth_free (session->truth);
  coco_file_free (session->annotations);
  coco_problems_free (session->problems);
  coco_problems_free (session->result_problems);
}

/* --- A model's detections --------------------------------------------------------------------- */

static gboolean
run_set (Session *session, CocoWriter *writer, GError **error)
{
  const EvalOptions *o = session->options;
  const CocoRun all = {
    .file = session->annotations,
    .folder = o->images,
    .unit = "{picture|pictures}",
    .console = session->console,
  };

  return coco_run (&all, &session->detector, writer, error)
      && (o->write_results == NULL || coco_writer_save (writer, o->write_results, error));
}

/* Looks a picture; 0 where there were no second ones. */
static double
mean_passes (const PictureDetector *detector)
{
  return detector->zoom != NULL && detector->n_pictures > 0
      ? (double) detector->n_passes / (double) detector->n_pictures
      : 0;
}

static cJSON *
detect (Session *session, GError **error)
{
  g_autoptr (CocoWriter) writer = coco_writer_new ();

  return run_set (session, writer, error) ? coco_writer_to_json (writer) : NULL;
}

/* --- Evaluation ------------------------------------------------------------------------------- */

static guint
kinds_of_detector (const FbnetDetector *detector)
{
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  return COCO_KIND_BIT (COCO_BOX) | (params.masks ? COCO_KIND_BIT (COCO_MASK) : 0)
      | (params.keypoints ? COCO_KIND_BIT (COCO_KEYPOINTS) : 0);
}

/* What was asked for, else what both sides have. */
static guint
choose_kinds (const Session *session)
{
  if (session->options->kinds != 0)
    return session->options->kinds;
  const guint found = session->detections != NULL ? coco_kinds_of_results (session->detections)
                                                  : kinds_of_detector (session->detector.detector);
  const guint both = coco_kinds_of_file (session->annotations) & found;
  return both != 0 ? both : COCO_KIND_BIT (COCO_BOX);
}

static void
say_problems (const Session *session, const CocoProblems *problems)
{
  g_auto (GStrv) sentences = coco_problems_describe (problems);

  for (guint i = 0; sentences[i] != NULL; i++)
    console_say (session->console, "%s", sentences[i]);
}

/* What is wrong with the annotations is told before a model works for hours. */
static gboolean
read_truth (Session *session, guint kinds, GError **error)
{
  session->problems = coco_problems_new ();
  session->truth = coco_truth_new (session->annotations, kinds, session->options->n_sigmas,
      session->problems, error);
  if (session->truth == NULL)
    return FALSE;
  say_problems (session, session->problems);
  return TRUE;
}

static gboolean
read_results (Session *session, GError **error)
{
  const EvalOptions *options = session->options;
  const char *source = options->results != NULL ? options->results : options->model;

  session->result_problems = coco_problems_new ();
  session->results = coco_results_new (session->detections, source, session->truth,
      session->result_problems, error);
  if (session->results == NULL)
    return FALSE;
  say_problems (session, session->result_problems);
  return TRUE;
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
  if (options->confusion)
    session->confusion =
        confusion_new (session->truth, session->results, CONFUSION_IOU, options->min_score);
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
  g_auto (GStrv) of_truth = coco_problems_describe (session->problems);
  g_auto (GStrv) of_results = coco_problems_describe (session->result_problems);
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  g_strv_builder_addv (all, (const char **) of_truth);
  g_strv_builder_addv (all, (const char **) of_results);
  g_auto (GStrv) problems = g_strv_builder_end (all);
  const EvalReport report = {
    .annotations = options->annotations,
    .source = options->results != NULL ? options->results : options->model,
    .source_is_model = options->results == NULL,
    .truth = session->truth,
    .results = session->results,
    .evals = { session->evals[0], session->evals[1], session->evals[2] },
    .match = session->match,
    .confusion = session->confusion,
    .problems = problems,
    .per_class = options->per_class,
    .passes = mean_passes (&session->detector),
  };

  g_autofree char *text =
      options->json ? eval_report_to_json (&report) : eval_report_to_text (&report);
  return options->json ? output_print_line (text, error) : output_print (text, error);
}

/* The file of detections, or the model that will make them. */
static gboolean
open_source (Session *session, GError **error)
{
  const EvalOptions *options = session->options;

  if (options->results == NULL)
    return picture_detector_open (&session->detector, options->model, options->params,
        options->zoom, error);
  session->detections = json_read (options->results, error);
  return session->detections != NULL;
}

static gboolean
evaluate_all (Session *session, GError **error)
{
  const EvalOptions *options = session->options;

  session->annotations = coco_file_read (options->annotations, error);
  if (session->annotations == NULL || !open_source (session, error))
    return FALSE;
  const guint kinds = choose_kinds (session);
  if (!read_truth (session, kinds, error))
    return FALSE;
  if (session->detections == NULL)
    session->detections = detect (session, error);
  if (session->detections == NULL || !read_results (session, error))
    return FALSE;
  evaluate (session, kinds);
  return plot (session, error) && print_report (session, error);
}

/* --- Tracks ----------------------------------------------------------------------------------- */

static gboolean
evaluate_tracks (const EvalOptions *options, Console *console, GError **error)
{
  g_autofree char *text = track_report (options->tracks, options->arguments[0],
      (guint) options->every, options->json, console, error);

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
    return evaluate_tracks (o, console, error);
  const gboolean done = evaluate_all (&session, error);

  session_clear (&session);
  return done;
}

static void
name_files (gpointer options, Confines *confines)
{
  const EvalOptions *o = options;

  confines_add_inputs (confines, o->arguments);
  confines_add_input (confines, o->results);
  confines_add_input (confines, o->tracks);
  confines_add_input (confines, o->model);
  confines_add_input (confines, o->images);
  confines_add_output (confines, OUTPUT_FILE, "--write-results", o->write_results);
  confines_add_output (confines, OUTPUT_FILE, "--plot", o->plot);
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
  .name_files = name_files,
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
