/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What second looks cost: milliseconds of processor time of a picture that is in memory, on one thread, with one look and
 * with second ones in turns, the least of the rounds, mean over a folder of pictures.
 *
 *   bench-looks WEIGHTS FOLDER [ROUNDS]
 *
 * WEIGHTS is what fbnet-import reads; they run in the precision that they are stored in, and in float32.
 */
#include <fbnet/fbnet.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>

#include "import/d2go/import.h"
#include "support/picture.h"
#include "timing.h"

#define N_ROUNDS 3

static const FbnetZoomOptions settings[] = {
  { 1, FBNET_ZOOM_UNCERTAIN, 2.5f },
  { 2, FBNET_ZOOM_UNCERTAIN, 3.5f },
  { 2, FBNET_ZOOM_UNCERTAIN, 2.5f },
  { 4, FBNET_ZOOM_UNCERTAIN, 2.5f },
};

static void
stop (const GError *error)
{
  fprintf (stderr, "%s\n", error->message);
  exit (1);
}

/* --- Model and pictures ----------------------------------------------------------------------- */

/* A file that is loaded stays in memory for as long as its model. */
static FbnetModel *
import (const char *weights, GError **error)
{
  const ImportOptions options = { .precision = IMPORT_AS_STORED };
  g_autoptr (Imported) imported = import_read (weights, &options, error);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "bench-looks-XXXXXX", NULL);
  const int file = g_mkstemp (path);
  FbnetModel *model = NULL;
  guint64 n_parameters;

  if (file < 0)
    g_error ("%s: expected a new file, found none", path);
  if (imported != NULL && import_write (imported, path, &n_parameters, error))
    model = fbnet_model_load (path, error);
  g_close (file, NULL);
  g_unlink (path);
  return model;
}

static GPtrArray *
read_pictures (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) pictures = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);

  if (dir == NULL)
    return NULL;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    Picture *picture = picture_read (path, error);
    if (picture == NULL)
      return NULL;
    g_ptr_array_add (pictures, picture);
  }
  return g_steal_pointer (&pictures);
}

/* --- Looks ------------------------------------------------------------------------------------ */

typedef struct {
  FbnetDetector *detector;
  FbnetZoom *zoom;
} Eye;

/* Microseconds of one picture. */
static double
look (const Eye *eye, const FbnetImage *image, const FbnetZoomOptions *options)
{
  g_autoptr (GError) error = NULL;
  const double began = timing_thread_now ();

  if (fbnet_zoom_run (eye->zoom, eye->detector, image, options, &error) == NULL)
    stop (error);
  return timing_thread_now () - began;
}

static void
measure (const Eye *eye, const GPtrArray *pictures, const FbnetZoomOptions *options, guint n_rounds)
{
  const FbnetZoomOptions once = { 0, options->policy, options->factor };
  double of_once = 0, of_all = 0;
  guint n_passes = 0;

  for (guint i = 0; i < pictures->len; i++) {
    const FbnetImage image = picture_image (g_ptr_array_index (pictures, i));
    double least_once = G_MAXDOUBLE, least_all = G_MAXDOUBLE;
    for (guint r = 0; r < n_rounds; r++) {
      least_once = MIN (least_once, look (eye, &image, &once));
      least_all = MIN (least_all, look (eye, &image, options));
    }
    of_once += least_once;
    of_all += least_all;
    n_passes += 1 + fbnet_zoom_get_n_regions (eye->zoom);
  }
  const double n = MAX (pictures->len, 1);
  printf ("| %7u | %6.1f | %11.2f | %8.2f | %12.2f | %5.2f |\n", options->regions,
      (double) options->factor, n_passes / n, of_once / n / 1000, of_all / n / 1000,
      of_all / of_once);
  fflush (stdout);
}

static void
measure_all (FbnetModel *model, FbnetPrecision precision, const GPtrArray *pictures, guint n_rounds)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .precision = precision };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_autoptr (FbnetZoom) zoom = detector != NULL ? fbnet_zoom_new (model, &options, &error) : NULL;

  if (zoom == NULL)
    stop (error);
  printf ("\n%s, ms\n| regions | factor | mean passes | one look | second looks | times |\n",
      precision == FBNET_PRECISION_FLOAT32 ? "float32" : "as stored");
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    measure (&(Eye){ detector, zoom }, pictures, &settings[i], n_rounds);
}

int
main (int argc, char **argv)
{
  const guint n_rounds = argc > 3 ? (guint) MAX (atoi (argv[3]), 1) : N_ROUNDS;
  g_autoptr (GError) error = NULL;

  if (argc < 3) {
    fprintf (stderr, "Usage: bench-looks WEIGHTS FOLDER [ROUNDS]\n");
    return 1;
  }
  if (!g_file_test (argv[1], G_FILE_TEST_EXISTS)) {
    printf ("%s: no golden data\n", argv[1]);
    return 77;
  }
  g_autoptr (FbnetModel) model = import (argv[1], &error);
  g_autoptr (GPtrArray) pictures = model != NULL ? read_pictures (argv[2], &error) : NULL;
  if (pictures == NULL)
    stop (error);
  measure_all (model, FBNET_PRECISION_AUTO, pictures, n_rounds);
  measure_all (model, FBNET_PRECISION_FLOAT32, pictures, n_rounds);
  return 0;
}
