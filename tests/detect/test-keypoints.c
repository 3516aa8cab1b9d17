/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keypoints on their way out: lines of JSON, COCO's results, the skeleton in annotated pictures.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "support/cocowriter.h"
#include "support/jsonfile.h"
#include "detect/report.h"
#ifdef HAVE_ANNOTATE
#  include "support/annotate.h"
#endif

#define N_POINTS 17

static FbnetDetection
person (const FbnetKeypoint *keypoints)
{
  return (FbnetDetection){ .x0 = 20,
    .y0 = 20,
    .x1 = 300,
    .y1 = 220,
    .score = 0.75f,
    .keypoints = keypoints };
}

static void
fill_ramp (FbnetKeypoint *keypoints)
{
  for (guint i = 0; i < N_POINTS; i++)
    keypoints[i] = (FbnetKeypoint){ 10.25f * i, 100 - 3.5f * i, i / 32.0f };
}

/* A line of fbnet-detect has x, y and score of every keypoint, the very floats. */
static void
test_report (void)
{
  FbnetKeypoint keypoints[N_POINTS];

  fill_ramp (keypoints);
  const FbnetDetection item = person (keypoints);
  const FbnetDetections detections = { &item, 1 };
  const char *labels[] = { "person" };
  const ClassTable classes = { .n = 1, .labels = labels, .n_keypoints = N_POINTS };
  const Picture picture = { 320, 240, NULL };
  const Report report = { .file = "x.png",
    .picture = &picture,
    .model = "m",
    .kernels = "c",
    .classes = &classes,
    .detections = &detections };
  g_autofree char *line = report_to_json (&report);
  g_autoptr (cJSON) object = cJSON_Parse (line);
  const cJSON *found =
      cJSON_GetObjectItem (cJSON_GetArrayItem (cJSON_GetObjectItem (object, "detections"), 0),
          "keypoints");
  g_assert_cmpint (cJSON_GetArraySize (found), ==, N_POINTS);
  for (int i = 0; i < N_POINTS; i++) {
    const cJSON *point = cJSON_GetArrayItem (found, i);
    g_assert_cmpint (cJSON_GetArraySize (point), ==, 3);
    g_assert_cmpfloat (cJSON_GetArrayItem (point, 0)->valuedouble, ==, keypoints[i].x);
    g_assert_cmpfloat (cJSON_GetArrayItem (point, 1)->valuedouble, ==, keypoints[i].y);
    g_assert_cmpfloat ((float) cJSON_GetArrayItem (point, 2)->valuedouble, ==, keypoints[i].score);
  }
}

static cJSON *
save_and_parse (const CocoWriter *writer)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  const int fd = g_file_open_tmp ("fbnet-XXXXXX.json", &path, &error);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  coco_writer_save (writer, path, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_unlink (path);
  return cJSON_Parse (text);
}

/* A COCO result has x, y, score of all keypoints in one row, half a pixel less than ours, as
 * detectron2's evaluator writes them; the detection's score is the result's. */
static void
test_coco (void)
{
  static const gint64 category_ids[] = { 1 };
  FbnetKeypoint keypoints[N_POINTS];

  fill_ramp (keypoints);
  const FbnetDetection item = person (keypoints);
  const FbnetDetections detections = { &item, 1 };
  g_autoptr (CocoWriter) writer = coco_writer_new ();
  const CocoImage image = { .id = 42 };
  coco_writer_add (writer, &image, 320, 240, &detections, category_ids, N_POINTS);
  g_autoptr (cJSON) results = save_and_parse (writer);
  g_assert_cmpint (cJSON_GetArraySize (results), ==, 1);
  const cJSON *result = cJSON_GetArrayItem (results, 0);
  const cJSON *found = cJSON_GetObjectItem (result, "keypoints");
  g_assert_cmpint (cJSON_GetArraySize (found), ==, 3 * N_POINTS);
  g_assert_cmpfloat (cJSON_GetObjectItem (result, "score")->valuedouble, ==, 0.75);
  g_assert_cmpint (cJSON_GetObjectItem (result, "category_id")->valueint, ==, 1);
  for (int i = 0; i < N_POINTS; i++) {
    const double x = cJSON_GetArrayItem (found, 3 * i)->valuedouble;
    const double y = cJSON_GetArrayItem (found, 3 * i + 1)->valuedouble;
    g_assert_cmpfloat (x, ==, keypoints[i].x - 0.5);
    g_assert_cmpfloat (y, ==, keypoints[i].y - 0.5);
    g_assert_cmpfloat ((float) cJSON_GetArrayItem (found, 3 * i + 2)->valuedouble, ==,
        keypoints[i].score);
  }
}

#ifdef HAVE_ANNOTATE
#  define GREY 90

/* `skeleton` of the category person in COCO's person_keypoints_val2017.json. */
static const guint8 bones[][2] = { { 16, 14 }, { 14, 12 }, { 17, 15 }, { 15, 13 }, { 12, 13 },
  { 6, 12 }, { 7, 13 }, { 6, 7 }, { 6, 8 }, { 7, 9 }, { 8, 10 }, { 9, 11 }, { 2, 3 }, { 1, 2 },
  { 1, 3 }, { 2, 4 }, { 3, 5 }, { 4, 6 }, { 5, 7 } };

static gboolean
is_bone (guint from, guint to)
{
  for (guint i = 0; i < G_N_ELEMENTS (bones); i++) {
    const guint a = bones[i][0] - 1u, b = bones[i][1] - 1u;
    if ((a == from && b == to) || (a == to && b == from))
      return TRUE;
  }
  return FALSE;
}

/* Draws a person of n points with only two of them seen, at (100, 80) and (200, 160), with these
 * scores; whether there is a line half way between them. */
static gboolean
draws_line (guint n, guint from, guint to, float from_score, float to_score)
{
  FbnetKeypoint keypoints[N_POINTS + 1] = { 0 };

  keypoints[from] = (FbnetKeypoint){ 100, 80, from_score };
  keypoints[to] = (FbnetKeypoint){ 200, 160, to_score };
  const FbnetDetection item = person (keypoints);
  const FbnetDetections detections = { &item, 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_new (320, 240, "test", &error);
  g_assert_no_error (error);
  memset (picture->pixels, GREY, 3 * 320 * 240);
  annotate_picture (picture, &detections, NULL, n, "test", &error);
  g_assert_no_error (error);
  return picture->pixels[3 * (120 * 320 + 150)] != GREY;
}

/* Of all pairs of points exactly those of COCO's skeleton are joined. */
static void
test_skeleton (void)
{
  for (guint from = 0; from < N_POINTS; from++)
    for (guint to = from + 1; to < N_POINTS; to++)
      g_assert_cmpint (draws_line (N_POINTS, from, to, 0.5f, 0.5f), ==, is_bone (from, to));
}

/* A bone needs both its ends, and points that are not COCO's 17 have none. */
static void
test_no_skeleton (void)
{
  g_assert_true (draws_line (N_POINTS, 5, 7, 0.06f, 0.06f));
  g_assert_false (draws_line (N_POINTS, 5, 7, 0.5f, 0.04f));
  g_assert_false (draws_line (N_POINTS, 5, 7, 0.04f, 0.5f));
  g_assert_false (draws_line (N_POINTS - 1, 5, 7, 0.5f, 0.5f));
  g_assert_false (draws_line (N_POINTS + 1, 5, 7, 0.5f, 0.5f));
}

/* Boxes have the palette's colours, which the element draws with too. */
static void
test_palette (void)
{
  for (guint class_id = 0; class_id < 80; class_id++) {
    const FbnetDetection item = { 100, 80, 200, 160, 0.75f, class_id, { 0 }, NULL };
    const FbnetDetections detections = { &item, 1 };
    const guint32 color = fbnet_palette_color (class_id);
    const guint8 rgb[] = { color >> 16 & 0xff, color >> 8 & 0xff, color & 0xff };
    g_autoptr (GError) error = NULL;
    g_autoptr (Picture) picture = picture_new (320, 240, "test", &error);
    g_assert_no_error (error);
    annotate_picture (picture, &detections, NULL, 0, "test", &error);
    g_assert_no_error (error);
    g_assert_cmpmem (picture->pixels + 3 * (120 * 320 + 100), 3, rgb, 3);
  }
}
#endif

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keypoints/report", test_report);
  g_test_add_func ("/keypoints/coco", test_coco);
#ifdef HAVE_ANNOTATE
  g_test_add_func ("/keypoints/skeleton", test_skeleton);
  g_test_add_func ("/keypoints/no-skeleton", test_no_skeleton);
  g_test_add_func ("/keypoints/palette", test_palette);
#endif
  return g_test_run ();
}
