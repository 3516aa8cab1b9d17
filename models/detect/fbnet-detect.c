/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-detect: pictures in, detections out. Each picture is read, run through one detector, and
 * handed on: as a line of JSON, or into a COCO results file; annotated if asked for. A picture that
 * fails costs a sentence on standard error, and the others go on.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "detectoptions.h"
#include "fbnet/fbnet.h"
#include "support/picture.h"
#include "picturedetector.h"
#include "support/progress.h"
#include "report.h"
#ifdef HAVE_ANNOTATE
#  include "support/annotate.h"
#endif

typedef struct {
  const Options *options;
  PictureDetector detector;
  Progress progress;
  GHashTable *annotated; /* paths that this run has written */
  gboolean failed;
} Session;

/* --- Messages --------------------------------------------------------------------------------- */

static void
print_error (const GError *error)
{
  g_printerr ("fbnet-detect: %s\n", error->message);
}

/* Takes the error. */
static void
session_fail (Session *session, GError *error)
{
  progress_hide (&session->progress);
  print_error (error);
  g_error_free (error);
  session->failed = TRUE;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static gboolean
make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0777) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot make the folder: %s", path,
      g_strerror (errno));
  return FALSE;
}

static gboolean
session_open (Session *session, const Options *options, GError **error)
{
  *session = (Session){ .options = options };
  session->annotated = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (!picture_detector_open (&session->detector, &options->detector, error))
    return FALSE;
  return !options->annotate || make_folder (options->annotate, error);
}

static void
session_close (Session *session)
{
  picture_detector_close (&session->detector);
  g_hash_table_unref (session->annotated);
}

/* --- One picture ------------------------------------------------------------------------------ */

#ifdef HAVE_ANNOTATE
static gboolean
is_same_file (const char *path, const char *other)
{
  GStatBuf a, b;
  return g_stat (path, &a) == 0 && g_stat (other, &b) == 0 && a.st_dev == b.st_dev
      && a.st_ino == b.st_ino;
}

/* FOLDER/STEM.png, or STEM-2.png and so on where this run has written that name already: pictures of
 * different folders may have one name. */
static char *
choose_annotated_path (Session *session, const char *picture_path)
{
  g_autofree char *stem = g_path_get_basename (picture_path);
  char *dot = strrchr (stem, '.');
  if (dot && dot != stem)
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
  for (guint i = 0; pictures && pictures[i]; i++) {
    if (!is_same_file (path, pictures[i]))
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
annotate (Session *session, Picture *picture, const char *picture_path, GError **error)
{
  if (!session->options->annotate)
    return TRUE;
  g_autofree char *path = choose_annotated_path (session, picture_path);
  return check_not_input (session, path, error)
      && annotate_picture (picture, session->detector.detections, session->detector.classes->labels,
          session->detector.classes->n_keypoints, path, error)
      && picture_write_png (picture, path, error);
}
#else
static gboolean
annotate (Session *session, Picture *picture, const char *picture_path, GError **error)
{
  return TRUE;
}
#endif

/* --- Pictures to lines ------------------------------------------------------------------------ */

static gboolean
print_line (const char *line, GError **error)
{
  if (puts (line) >= 0 && fflush (stdout) == 0)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "standard output: cannot write: %s",
      g_strerror (errno));
  return FALSE;
}

static gboolean
run_picture (Session *session, const char *path, GError **error)
{
  g_autoptr (Picture) picture = picture_detector_run (&session->detector, path, error);
  if (!picture)
    return FALSE;
  FbnetTimings timings;
  fbnet_detector_get_timings (session->detector.detector, &timings);
  const Report report = {
    .file = path,
    .picture = picture,
    .model = fbnet_model_get_name (session->detector.model),
    .kernels = fbnet_detector_get_kernels (session->detector.detector),
    .precision = fbnet_detector_get_precision (session->detector.detector),
    .int8_bias = fbnet_detector_get_int8_bias (session->detector.detector),
    .classes = session->detector.classes,
    .detections = session->detector.detections,
    .timings = session->options->timings ? &timings : NULL,
  };
  g_autofree char *line = report_to_json (&report);
  return print_line (line, error) && annotate (session, picture, path, error);
}

static void
run_pictures (Session *session)
{
  char **pictures = session->options->pictures;
  session->progress = progress_new (g_strv_length (pictures), "pictures");
  /* On a terminal the lines themselves show how far it is. */
  const gboolean shown = pictures[1] && !isatty (STDOUT_FILENO) && isatty (STDERR_FILENO);
  for (guint i = 0; pictures[i]; i++) {
    GError *error = NULL;
    if (!run_picture (session, pictures[i], &error))
      session_fail (session, error);
    if (shown)
      progress_step (&session->progress);
  }
}

/* --- COCO sets -------------------------------------------------------------------------------- */

static gboolean
run_coco_image (Session *session, const CocoImage *image, CocoWriter *writer, GError **error)
{
  const char *folder = session->options->images;
  g_autofree char *path = g_build_filename (folder, image->file_name, NULL);
  g_autoptr (Picture) picture =
      picture_detector_run_coco (&session->detector, folder, image, writer, error);
  return picture && annotate (session, picture, path, error);
}

static gboolean
run_coco (Session *session, GError **error)
{
  g_autoptr (CocoSet) set = coco_set_read (session->options->coco, error);
  guint n_unmatched;
  if (!set || !class_table_match (session->detector.classes, set, &n_unmatched, error))
    return FALSE;
  if (n_unmatched > 0)
    g_printerr ("fbnet-detect: %u of %u classes are no category of %s: their detections are left "
                "out\n",
        n_unmatched, session->detector.classes->n, session->options->coco);
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  session->progress = progress_new (set->images->len, "pictures");
  for (guint i = 0; i < set->images->len; i++) {
    GError *image_error = NULL;
    const CocoImage *image = &g_array_index (set->images, CocoImage, i);
    if (!run_coco_image (session, image, writer, &image_error))
      session_fail (session, image_error);
    progress_step (&session->progress);
  }
  return coco_writer_save (writer, session->options->coco_results, error);
}

/* --- Main ------------------------------------------------------------------------------------- */

static int
run (const Options *options)
{
  Session session;
  GError *error = NULL;
  if (!session_open (&session, options, &error)) {
    /* A parameter out of its range, or kernels that there are not: the command line's fault. */
    const int code =
        g_error_matches (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT) ? EXIT_USAGE : EXIT_FAILED;
    print_error (error);
    g_error_free (error);
    session_close (&session);
    return code;
  }
  if (!options->coco)
    run_pictures (&session);
  else if (!run_coco (&session, &error))
    session_fail (&session, error);
  const gboolean failed = session.failed;
  session_close (&session);
  return failed ? EXIT_FAILED : EXIT_DONE;
}

int
main (int argc, char **argv)
{
  /* Only how characters are coded: numbers keep their decimal point. */
  setlocale (LC_CTYPE, "");
  Options options;
  g_autoptr (GError) error = NULL;
  int code = EXIT_DONE;
  if (!options_parse (&options, argc, argv, &error)) {
    print_error (error);
    g_printerr ("Try 'fbnet-detect --help'.\n");
    code = EXIT_USAGE;
  } else if (options.version)
    g_print ("fbnet-detect %s\n", fbnet_version ());
  else
    code = run (&options);
  options_clear (&options);
  return code;
}
