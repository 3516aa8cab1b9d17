/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keypoints on their way through the element: found, attached, switched off, drawn, asked of models
 * that have none.
 */
#include <gst/gst.h>
#include <string.h>

#include "frames.h"
#include "models.h"
#include "drawing.h"
#include "stream.h"

#define N_POINTS 17
#define PEOPLE   "000000252219.jpg"

typedef struct {
  Picture *picture; /* three people stand in a street */
  Stream *stream;
} People;

static gboolean
people_open (People *people, const char *settings)
{
  const char *model = models_keypoints ();

  if (model == NULL)
    return FALSE;
  g_autoptr (GError) error = NULL;
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "coco-val50", "images", PEOPLE, NULL);
  people->picture = picture_read (path, &error);
  g_assert_no_error (error);
  people->stream = stream_open (model, settings);
  stream_set_format (people->stream, "RGB", people->picture->width, people->picture->height, NULL);
  return TRUE;
}

static void
people_close (People *people)
{
  stream_close (people->stream);
  picture_free (people->picture);
}

/* What the library finds with the element's settings. */
static FbnetDetections *
find_directly (const People *people)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (models_keypoints (), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (fbnet_model_get_n_keypoints (model), ==, N_POINTS);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);
  g_assert_no_error (error);
  FbnetParams params;
  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.5f;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  FbnetDetections *found = fbnet_detections_new ();
  const FbnetImage image = picture_image (people->picture);
  fbnet_detector_run (detector, &image, found, &error);
  g_assert_no_error (error);
  return found;
}

static double
number_at (const GstStructure *structure, const char *field, guint index)
{
  const GValue *array = gst_structure_get_value (structure, field);

  g_assert_cmpuint (gst_value_array_get_size (array), ==, N_POINTS);
  return g_value_get_double (gst_value_array_get_value (array, index));
}

static const char *
name_at (const GstStructure *structure, guint index)
{
  const GValue *array = gst_structure_get_value (structure, "names");

  g_assert_cmpuint (gst_value_array_get_size (array), ==, N_POINTS);
  return g_value_get_string (gst_value_array_get_value (array, index));
}

/* Real weights on real people: every person's keypoints arrive as the library finds them, in order,
 * with COCO's names, in pixels of the frame. */
static void
test_people (void)
{
  People people;

  if (!people_open (&people, NULL))
    return;
  g_autoptr (FbnetDetections) expected = find_directly (&people);
  g_autoptr (GstBuffer) out = stream_push_rgb (people.stream, people.picture->pixels, 0);
  g_autoptr (GArray) seen = seen_on (out, &people.stream->info);
  g_assert_cmpuint (seen->len, >=, 3);
  g_assert_cmpuint (seen->len, ==, expected->n);
  for (guint i = 0; i < seen->len; i++) {
    const GstStructure *found =
        gst_video_region_of_interest_meta_get_param (SEEN (seen, i)->roi, "keypoints");
    const FbnetKeypoint *points = expected->items[i].keypoints;
    guint count = 0;
    g_assert_true (gst_structure_get_uint (found, "count", &count));
    g_assert_cmpuint (count, ==, N_POINTS);
    for (guint k = 0; k < N_POINTS; k++) {
      g_assert_cmpfloat (number_at (found, "x", k), ==, points[k].x);
      g_assert_cmpfloat (number_at (found, "y", k), ==, points[k].y);
      g_assert_cmpfloat (number_at (found, "score", k), ==, points[k].score);
    }
    g_assert_cmpstr (name_at (found, 0), ==, "nose");
    g_assert_cmpstr (name_at (found, 16), ==, "right_ankle");
    /* They stand upright. */
    g_assert_cmpfloat (number_at (found, "y", 0), <, number_at (found, "y", 11));
    g_assert_cmpfloat (number_at (found, "y", 11), <, number_at (found, "y", 15));
  }
  people_close (&people);
}

/* keypoints reads true on a model with the head; false leaves them out from the next frame on, and
 * nothing else: the boxes stay to the bit. */
static void
test_switch (void)
{
  People people;

  if (!people_open (&people, NULL))
    return;
  gboolean wanted = FALSE;
  g_object_get (people.stream->element, "keypoints", &wanted, NULL);
  g_assert_true (wanted);
  g_autoptr (GstBuffer) with = stream_push_rgb (people.stream, people.picture->pixels, 0);
  g_object_set (people.stream->element, "keypoints", FALSE, NULL);
  g_autoptr (GstBuffer) without = stream_push_rgb (people.stream, people.picture->pixels, 0);
  g_autoptr (GArray) before = seen_on (with, &people.stream->info);
  g_autoptr (GArray) after = seen_on (without, &people.stream->info);
  g_assert_cmpuint (after->len, ==, before->len);
  for (guint i = 0; i < after->len; i++) {
    const Seen *a = SEEN (after, i), *b = SEEN (before, i);
    g_assert_null (gst_video_region_of_interest_meta_get_param (a->roi, "keypoints"));
    g_assert_nonnull (gst_video_region_of_interest_meta_get_param (b->roi, "keypoints"));
    g_assert_cmpfloat (a->score, ==, b->score);
    g_assert_cmpfloat (a->x0, ==, b->x0);
  }
  people_close (&people);
}

static char *
draw (const People *people, gboolean keypoints)
{
  g_object_set (people->stream->element, "draw-keypoints", keypoints, NULL);
  g_autoptr (GstBuffer) out = stream_push_rgb (people->stream, people->picture->pixels, 0);
  return frames_checksum (out);
}

/* With draw-keypoints alone the frame is drawn upon; without it nothing is. */
static void
test_drawing (void)
{
  People people;

  if (!people_open (&people, NULL))
    return;
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (people.stream->element), "overlay")
      == NULL) {
    g_test_skip ("built without drawing");
    people_close (&people);
    return;
  }
  g_object_set (people.stream->element, "overlay", TRUE, "draw-boxes", FALSE, "draw-labels", FALSE,
      "draw-scores", FALSE, NULL);
  g_autoptr (GstBuffer) frame = frames_from_rgb (people.picture->pixels, &people.stream->info, 0);
  g_autofree char *original = frames_checksum (frame);
  g_autofree char *with = draw (&people, TRUE);
  g_autofree char *without = draw (&people, FALSE);
  g_assert_cmpstr (with, !=, original);
  g_assert_cmpstr (without, ==, original);
  people_close (&people);
}

/* A model without the head, on any machine: keypoints reads false; asking for them is told once, and
 * the frames pass. */
static void
test_no_head (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (Picture) picture = picture_draw (100, 80, 7);
  g_autoptr (Stream) stream = stream_open (path, NULL);
  gboolean wanted = TRUE;

  g_object_get (stream->element, "keypoints", &wanted, NULL);
  g_assert_false (wanted);
  g_object_set (stream->element, "keypoints", TRUE, NULL);
  stream_set_format (stream, "RGB", 100, 80, NULL);
  gst_buffer_unref (stream_push_rgb (stream, picture->pixels, 0));
  gst_buffer_unref (stream_push_rgb (stream, picture->pixels, 0));
  stream_check_one_warning (stream, "keypoint head");
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/keypoints/people", test_people);
  g_test_add_func ("/element/keypoints/switch", test_switch);
  g_test_add_func ("/element/keypoints/drawing", test_drawing);
  g_test_add_func ("/element/keypoints/no-head", test_no_head);
  const int status = g_test_run ();
  models_clean_up ();
  return status;
}
