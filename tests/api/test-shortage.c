/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Without memory for a large allocation nothing ends the host: loading a model, a new detector, new
 * parameters, frames, second looks, a tracker's and copies give FBNET_ERROR_MEMORY or what they always give, leave
 * nothing behind, and work the next time. With --all every single allocation fails once (minutes).
 */
#include <glib/gstdio.h>
#include <string.h>

#include "drawing.h"
#include "int8model.h"
#include "shortage.h"

typedef enum {
  PART_LOAD,
  PART_NEW,
  PART_PARAMS,
  PART_FIRST,
  PART_WARM,
} Phase;

typedef struct {
  char *path;
  Phase part; /* the one that memory lacks in */
  const char *kernels;
  gboolean stream; /* the parameters ask for statistics of the stream */
  Picture *picture;
  guint32 expected; /* of the detections; 0: not known yet */
} Case;

static gboolean all;

static void
begin (const Case *c, Phase part)
{
  if (c->part == part)
    shortage_on ();
}

static guint32
hash_bytes (guint32 hash, gconstpointer bytes, gsize n)
{
  const guint8 *p = bytes;

  for (gsize i = 0; i < n; i++)
    hash = (hash ^ p[i]) * 16777619;
  return hash;
}

static guint32
hash_detections (const FbnetDetections *found)
{
  guint32 hash = 2166136261;

  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *d = &found->items[i];
    const FbnetMask *mask = &d->mask;
    hash = hash_bytes (hash, &d->x0, 5 * sizeof (float));
    if (mask->data != NULL)
      hash = hash_bytes (hash, mask->data, (gsize) mask->width * mask->height);
  }
  return hash;
}

static gboolean
set_params (FbnetDetector *detector, Case *c, GError **error)
{
  float thresholds[3] = { 0.05f, 0.05f, 0.05f };
  FbnetParams params;

  fbnet_detector_get_params (detector, &params);
  params.score_threshold = 0.05f;
  if (c->stream)
    params.norm_statistics = FBNET_NORM_STATISTICS_STREAM;
  params.class_thresholds = thresholds;
  begin (c, PART_PARAMS);
  const gboolean good = fbnet_detector_set_params (detector, &params, error);
  shortage_off ();
  return good;
}

static gboolean
run (FbnetDetector *detector, Case *c, Phase part, FbnetDetections *found, GError **error)
{
  const FbnetImage image = picture_image (c->picture);

  begin (c, part);
  const gboolean good = fbnet_detector_run (detector, &image, found, error);
  shortage_off ();
  if (!good) {
    g_assert_cmpuint (found->n, ==, 0);
    return FALSE;
  }
  g_assert_cmpuint (found->n, >, 0);
  return TRUE;
}

/* A failure of a run must leave a detector that runs. */
static gboolean
run_twice (FbnetDetector *detector, Case *c, GError **error)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  const gboolean good =
      run (detector, c, PART_FIRST, found, error) && run (detector, c, PART_WARM, found, error);

  if (!good && c->stream)
    return FALSE; /* what has failed may have been followed */
  if (!good) {
    g_autoptr (FbnetDetections) again = fbnet_detections_new ();
    c->part = PART_LOAD;
    g_assert_true (run (detector, c, PART_FIRST, again, NULL));
    g_assert_cmpuint (hash_detections (again), ==, c->expected);
    return FALSE;
  }
  if (c->expected == 0)
    c->expected = hash_detections (found);
  g_assert_cmpuint (hash_detections (found), ==, c->expected);
  return TRUE;
}

static gboolean
act (gpointer data, GError **error)
{
  Case *c = data;
  const FbnetDetectorOptions options = { 1, c->kernels };

  begin (c, PART_LOAD);
  g_autoptr (FbnetModel) model = fbnet_model_load (c->path, error);
  shortage_off ();
  if (model == NULL)
    return FALSE;
  begin (c, PART_NEW);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, error);
  shortage_off ();
  return detector != NULL && set_params (detector, c, error) && run_twice (detector, c, error);
}

/* --- Cases ------------------------------------------------------------------------------------ */

static char *
tiny (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".safetensors", NULL);

  return g_build_filename (g_getenv ("FBNET_TEST_DATA"), file, NULL);
}

static void
check (const char *name, const char *path, const char *kernels, gboolean stream)
{
  static const char *const parts[] = { "load", "new", "set_params", "first run" };

  for (guint part = 0; part < G_N_ELEMENTS (parts); part++) {
    if (stream && part != PART_PARAMS && part != PART_FIRST)
      continue;
    g_autoptr (Picture) picture = picture_draw (121, 88, 7);
    Case c = { (char *) path, part, kernels, stream, picture, 0 };
    g_autofree char *what =
        g_strdup_printf ("%s, %s%s", name, parts[part], stream ? ", stream" : "");
    shortage_check (what, act, &c, all);
  }
}

static void
test_batch (void)
{
  g_autofree char *path = tiny ("tiny-bn");

  check ("tiny-bn", path, NULL, FALSE);
  check ("tiny-bn", path, NULL, TRUE);
}

static void
test_group (void)
{
  g_autofree char *path = tiny ("tiny-gn");

  check ("tiny-gn", path, "c", FALSE);
}

static void
test_int8 (void)
{
  g_autofree char *path = int8_model_file ();

  check ("tiny-bn in int8", path, NULL, FALSE);
  g_unlink (path);
}

/* --- Second looks ----------------------------------------------------------------------------- */

static gboolean
look_twice (FbnetZoom *zoom, FbnetDetector *detector, const FbnetImage *image, GError **error)
{
  const FbnetZoomOptions options = { 4, FBNET_ZOOM_SWEEP, 2 };

  shortage_on ();
  const FbnetDetections *found = fbnet_zoom_run (zoom, detector, image, &options, error);
  shortage_off ();
  g_assert_true (found == NULL || found->n > 0);
  return found != NULL;
}

static gboolean
act_zoom (gpointer data, GError **error)
{
  g_autofree char *path = tiny ("tiny-bn");
  g_autoptr (Picture) picture = picture_draw (121, 88, 7);
  const FbnetImage image = picture_image (picture);
  const FbnetDetectorOptions options = { 1, NULL };
  FbnetParams params;

  g_autoptr (FbnetModel) model = fbnet_model_load (path, NULL);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, NULL);
  fbnet_detector_get_params (detector, &params);
  params.score_threshold = 0.001f;
  params.iou_threshold = params.rpn_iou_threshold = 1;
  params.post_nms_count = params.max_detections = 100;
  g_assert_true (fbnet_detector_set_params (detector, &params, NULL));
  shortage_on ();
  g_autoptr (FbnetZoom) zoom = fbnet_zoom_new (model, &options, error);
  shortage_off ();
  return zoom != NULL && look_twice (zoom, detector, &image, error);
}

static void
test_zoom (void)
{
  shortage_check ("second looks", act_zoom, NULL, all);
}

/* --- Tracks ----------------------------------------------------------------------------------- */

#define CROWD 300

static void
draw_crowd (FbnetDetection crowd[CROWD], guint look)
{
  for (guint i = 0; i < CROWD; i++) {
    const float x = (float) (i % 20 * 30 + look), y = (float) (i / 20 * 30);
    crowd[i] = (FbnetDetection){ .x0 = x, .y0 = y, .x1 = x + 40, .y1 = y + 40, .score = 0.9f };
  }
}

/* A tracker that could not follow a look follows the next one, and tells no id twice. */
static gboolean
act_tracker (gpointer data, GError **error)
{
  FbnetDetection crowd[CROWD];
  gboolean good = TRUE;

  shortage_on ();
  g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (NULL, error);
  shortage_off ();
  for (guint look = 0; tracker != NULL && look < 3 && good; look++) {
    draw_crowd (crowd, look);
    shortage_on ();
    good = fbnet_tracker_update (tracker, crowd, CROWD, look / 30.0, error) != NULL;
    shortage_off ();
  }
  if (tracker == NULL)
    return FALSE;
  const FbnetTracks *tracks = fbnet_tracker_update (tracker, crowd, CROWD, 1, NULL);
  g_assert_cmpuint (tracks->n, ==, CROWD);
  for (guint i = 1; i < CROWD; i++)
    g_assert_cmpuint (tracks->items[i].id, >, tracks->items[i - 1].id);
  return good;
}

static void
test_tracker (void)
{
  shortage_check ("tracker", act_tracker, NULL, all);
}

/* --- Copies ----------------------------------------------------------------------------------- */

/* Of many, and of large masks. */
static gboolean
act_copies (gpointer data, GError **error)
{
  static guint8 pixels[100 * 100];
  FbnetDetection items[CROWD] = { 0 };
  const FbnetDetections found = { items, CROWD };
  guint n;

  items[0].mask = (FbnetMask){ .data = pixels, .width = 100, .height = 100 };
  shortage_on ();
  g_autoptr (FbnetDetections) copy = fbnet_detections_copy (&found);
  FbnetDetection **list = fbnet_detections_list (&found, &n);
  g_autoptr (GBytes) mask = fbnet_mask_get_bytes (&items[0].mask);
  shortage_off ();
  g_assert_true (copy == NULL || copy->n == CROWD);
  g_assert_cmpuint (n, ==, list != NULL ? CROWD : 0);
  for (guint i = 0; i < n; i++)
    fbnet_detection_free (list[i]);
  g_free (list);
  if (copy != NULL && list != NULL && mask != NULL)
    return TRUE;
  g_set_error_literal (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "copies");
  return FALSE;
}

static void
test_copies (void)
{
  shortage_check ("copies", act_copies, NULL, all);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  all = argc > 1 && strcmp (argv[1], "--all") == 0;
  g_test_add_func ("/shortage/batch", test_batch);
  g_test_add_func ("/shortage/group", test_group);
  g_test_add_func ("/shortage/int8", test_int8);
  g_test_add_func ("/shortage/zoom", test_zoom);
  g_test_add_func ("/shortage/tracker", test_tracker);
  g_test_add_func ("/shortage/copies", test_copies);
  return g_test_run ();
}
