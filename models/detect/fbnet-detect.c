/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-detect: pictures in, detections out. Each picture is read, run through one detector, and
 * handed on: as a line of JSON, or into a COCO results file; annotated if asked for. A picture that
 * fails costs a sentence on standard error, and the others go on.
 */
#include <string.h>

#include "cocorun.h"
#include "detectoptions.h"
#include "report.h"
#include "support/commandline.h"
#include "support/files.h"
#ifdef HAVE_ANNOTATE
#  include "support/annotate.h"
#endif

typedef struct {
  const DetectOptions *options;
  Console *console;
  PictureDetector detector;
  GHashTable *annotated; /* paths that this run has written */
  FbnetTracker *tracker; /* or NULL */
  guint n_frames;
  guint width, height;  /* of the sequence's frames; 0: there was none */
  gboolean told_change; /* of size */
} Session;

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
open_tracker (Session *session, GError **error)
{
  if (!session->options->tracking)
    return TRUE;
  session->tracker = param_options_new_tracker (session->options->tracker, error);
  return session->tracker != NULL;
}

/* The pictures of a set are not looked through one by one for those that would be replaced. */
static gboolean
check_annotations (const DetectOptions *options, GError **error)
{
  if (options->images == NULL || !file_is_same (options->annotate, options->images))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "%s: expected another folder for --annotate than that of the pictures to be read",
      options->annotate);
  return FALSE;
}

static gboolean
session_open (Session *session, const DetectOptions *options, Console *console, GError **error)
{
  *session = (Session){ .options = options, .console = console };
  session->annotated = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!open_tracker (session, error)
      || !picture_detector_open (&session->detector, options->model, options->params, options->zoom,
          error))
    return FALSE;
  return options->annotate == NULL || check_annotations (options, error);
}

static void
session_close (Session *session)
{
  picture_detector_close (&session->detector);
  fbnet_tracker_free (session->tracker);
  g_hash_table_unref (session->annotated);
}

/* --- One picture ------------------------------------------------------------------------------ */

#ifdef HAVE_ANNOTATE
/* FOLDER/STEM.png, or STEM-2.png and so on where this run has written that name already: pictures of
 * different folders may have one name. */
static char *
choose_annotated_path (Session *session, const char *picture_path)
{
  g_autofree char *stem = g_path_get_basename (picture_path);
  char *dot = strrchr (stem, '.');

  if (dot != NULL && dot != stem)
    *dot = '\0';
  for (guint i = 1;; i++) {
    g_autofree char *name =
        i == 1 ? g_strconcat (stem, ".png", NULL) : g_strdup_printf ("%s-%u.png", stem, i);
    g_autofree char *path = g_build_filename (session->options->annotate, name, NULL);
    if (g_hash_table_add (session->annotated, g_strdup (path)))
      return g_steal_pointer (&path);
  }
}

static gboolean
check_not_input (const Session *session, const char *path, GError **error)
{
  char **pictures = session->options->pictures;

  for (guint i = 0; pictures != NULL && pictures[i] != NULL; i++) {
    if (!file_is_same (path, pictures[i]))
      continue;
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: the annotated picture would replace a picture to be read; choose another folder for "
        "--annotate",
        path);
    return FALSE;
  }
  return TRUE;
}

/* Draws into the picture itself: nobody needs its pixels any more. */
static gboolean
annotate (gpointer data, Picture *picture, const char *picture_path, GError **error)
{
  Session *session = data;

  if (session->options->annotate == NULL)
    return TRUE;
  g_autofree char *path = choose_annotated_path (session, picture_path);
  return check_not_input (session, path, error)
      && annotate_picture (picture, session->detector.detections, session->detector.classes->labels,
          session->detector.classes->n_keypoints, path, error)
      && picture_write_png (picture, path, error);
}
#else
static gboolean
annotate (gpointer session, Picture *picture, const char *picture_path, GError **error)
{
  return TRUE;
}
#endif

/* --- Pictures to lines ------------------------------------------------------------------------ */

/* A camera's frames have one size. Nothing of another's is where anything was before. */
static void
begin_sequence (Session *session, const Picture *picture, const char *path)
{
  const gboolean other = picture->width != session->width || picture->height != session->height;

  if (other && session->width > 0) {
    fbnet_tracker_reset (session->tracker);
    if (!session->told_change)
      console_say (session->console,
          "%s: expected %u×%u pixels, as the frames before, found %u×%u: here, and wherever the "
          "size "
          "changes, another sequence begins",
          path, session->width, session->height, picture->width, picture->height);
    session->told_change = TRUE;
  }
  session->width = picture->width;
  session->height = picture->height;
}

/* The next frame of the sequence, in *tracks; NULL where none is followed. */
static gboolean
follow (Session *session, const Picture *picture, const char *path, const FbnetTracks **tracks,
    GError **error)
{
  const FbnetDetections *found = session->detector.detections;
  const double time = session->n_frames / session->options->frame_rate;

  *tracks = NULL;
  if (session->tracker == NULL)
    return TRUE;
  begin_sequence (session, picture, path);
  *tracks = fbnet_tracker_update (session->tracker, found->items, found->n, time, error);
  return *tracks != NULL;
}

static gboolean
run_picture (gpointer data, const char *path, GError **error)
{
  Session *session = data;
  const PictureDetector *detector = &session->detector;
  g_autoptr (Picture) picture = picture_detector_run (&session->detector, path, error);
  FbnetTimings timings;
  const FbnetTracks *tracks;
  const gboolean done = picture != NULL && follow (session, picture, path, &tracks, error);

  session->n_frames++; /* what cannot be read takes its time, too */
  if (!done)
    return FALSE;
  fbnet_detector_get_timings (detector->detector, &timings);
  const Report report = {
    .file = path,
    .picture = picture,
    .model = fbnet_model_get_name (detector->model),
    .kernels = fbnet_detector_get_kernels (detector->detector),
    .precision = fbnet_detector_get_precision (detector->detector),
    .int8_bias = fbnet_detector_get_int8_bias (detector->detector),
    .classes = detector->classes,
    .detections = detector->detections,
    .zoom = detector->zoom,
    .tracks = tracks,
    .timings = session->options->timings ? &timings : NULL,
  };
  g_autofree char *line = report_to_json (&report);
  return output_print_line (line, error) && annotate (session, picture, path, error);
}

static void
run_pictures (Session *session)
{
  char **pictures = session->options->pictures;
  const guint n = g_strv_length (pictures);

  console_each (session->console, pictures, n,
      n > 1 ? console_unit_beside_output ("{picture|pictures}") : NULL, run_picture, session);
}

/* --- COCO sets -------------------------------------------------------------------------------- */

static void
tell_repeats (const CocoFile *file, Console *console)
{
  guint n = 0;
  g_autofree char *first = NULL;

  for (guint i = 0; i < file->categories->len; i++) {
    g_autofree char *repeat = coco_file_describe_repeat (file, i);
    if (repeat != NULL && n++ == 0)
      first = g_steal_pointer (&repeat);
  }
  if (n > 0)
    console_say (console, "%s: detections take the first%s", first,
        n > 1 ? ", and so it is with other names" : "");
}

static gboolean
run_coco (Session *session, GError **error)
{
  const DetectOptions *o = session->options;
  g_autoptr (CocoFile) file = coco_file_read (o->coco, error);
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  const CocoRun all = {
    .file = file,
    .folder = o->images,
    .unit = "{picture|pictures}",
    .console = session->console,
    .func = annotate,
    .data = session,
  };

  if (file == NULL)
    return FALSE;
  tell_repeats (file, session->console);
  return coco_run (&all, &session->detector, writer, error)
      && coco_writer_save (writer, o->coco_results, error);
}

/* --- Main ------------------------------------------------------------------------------------- */

static gboolean
run (gpointer options, Console *console, GError **error)
{
  const DetectOptions *o = options;
  Session session;
  gboolean done = session_open (&session, o, console, error);

  if (done && o->coco != NULL)
    done = run_coco (&session, error);
  else if (done)
    run_pictures (&session);
  session_close (&session);
  return done;
}

/* The images of a list are in it, and may lie anywhere. */
static void
name_files (gpointer options, Confines *confines)
{
  const DetectOptions *o = options;

  confines_add_inputs (confines, o->pictures);
  confines_add_input (confines, o->model);
  confines_add_output (confines, OUTPUT_FOLDER, "--annotate", o->annotate);
  confines_add_output (confines, OUTPUT_TEXT, "--coco-results", o->coco_results);
  confines->reads_all = o->coco != NULL;
}

static const Program program = {
  .name = "fbnet-detect",
  .summary =
      "Finds objects in PNG and JPEG pictures: one line of JSON per picture on standard output.",
  .examples = "What is not given is as the model file has it.\n"
              "\n"
              "Examples:\n"
              "  fbnet-detect --model model.safetensors --annotate seen street.jpg\n"
              "  fbnet-detect --model model.safetensors --coco instances_val2017.json \\\n"
              "      --images val2017 --coco-results results.json\n",
  .failures = "the model or at least one picture failed, the others were done",
  .add_options = detect_options_add,
  .check = detect_options_check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  DetectOptions options = detect_options_new ();
  const int code = program_main (&program, &options, argc, argv);

  detect_options_clear (&options);
  return code;
}
