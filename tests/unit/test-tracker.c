/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tracker on scenes whose truth is known: who is who, through crossings, gaps, a moving camera, clocks that
 * jump, and nonsense.
 */
#include <fbnet/fbnet.h>
#include <math.h>

#define RATE 30.0
#define MANY 1000

static FbnetDetection
object (double x, double y, float score, guint class_id)
{
  return (FbnetDetection){
    .x0 = (float) (x - 20),
    .y0 = (float) (y - 50),
    .x1 = (float) (x + 20),
    .y1 = (float) (y + 50),
    .score = score,
    .class_id = class_id,
  };
}

static FbnetTracker *
tracker_new (void)
{
  g_autoptr (GError) error = NULL;
  FbnetTracker *tracker = fbnet_tracker_new (NULL, &error);

  g_assert_no_error (error);
  return tracker;
}

/* The track that is detection `index` of the look; 0 if none is. */
static guint64
id_of (const FbnetTracks *tracks, gint index)
{
  for (guint i = 0; i < tracks->n; i++)
    if (tracks->items[i].detection == index)
      return tracks->items[i].id;
  return 0;
}

static const FbnetTracks *
look_at_one (FbnetTracker *tracker, double x, double time)
{
  const FbnetDetection found = object (x, 100, 0.9f, 0);

  return fbnet_tracker_update (tracker, &found, 1, time, NULL);
}

/* Two that walk through each other, at every frame and at ten and six looks a second, keep their ids. */
static void
test_crossing (void)
{
  static const guint steps[] = { 1, 3, 5 };

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++) {
    g_autoptr (FbnetTracker) tracker = tracker_new ();
    for (guint f = 0; f < 120; f += steps[s]) {
      const FbnetDetection found[] = { object (100 + 3.0 * f, 100, 0.9f, 0),
        object (460 - 3.0 * f, 112, 0.9f, 0) };
      const FbnetTracks *tracks = fbnet_tracker_update (tracker, found, 2, f / RATE, NULL);
      g_assert_cmpuint (tracks->n, ==, 2);
      g_assert_cmpuint (id_of (tracks, 0), ==, 1);
      g_assert_cmpuint (id_of (tracks, 1), ==, 2);
    }
  }
}

/* One that is away for less than the timeout, walking on, is the same; after longer it is another. */
static void
test_gap (void)
{
  static const struct {
    double gap;
    guint64 id;
  } cases[] = { { 0.4, 1 }, { 0.9, 1 }, { 1.5, 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (FbnetTracker) tracker = tracker_new ();
    for (guint f = 0; f < 30; f++)
      look_at_one (tracker, 100 + 2.0 * f, f / RATE);
    guint f = 30;
    for (; f < 30 + cases[i].gap * RATE; f++)
      g_assert_cmpuint (fbnet_tracker_update (tracker, NULL, 0, f / RATE, NULL)->n, ==, 0);
    look_at_one (tracker, 100 + 2.0 * f, f / RATE);
    f++;
    const FbnetTracks *tracks = look_at_one (tracker, 100 + 2.0 * f, f / RATE);
    g_assert_cmpuint (tracks->n, ==, 1);
    g_assert_cmpuint (tracks->items[0].id, ==, cases[i].id);
    if (cases[i].id == 1)
      g_assert_cmpfloat (fabsf (tracks->items[0].vx - 60), <, 20);
  }
}

/* A camera that jumps by more than a width takes nobody's id, where the boxes agree on the jump. */
static void
test_camera (void)
{
  static const double widths[] = { 0, 70, 130, 260, 340, 470, 560 };
  g_autoptr (FbnetTracker) tracker = tracker_new ();

  for (guint f = 0; f < 40; f++) {
    const double shift = f >= 20 ? 60 : 0;
    FbnetDetection found[G_N_ELEMENTS (widths)];
    for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
      found[i] = object (100 + widths[i] + shift, 200 + 5.0 * (i % 3), 0.9f, 0);
    const FbnetTracks *tracks =
        fbnet_tracker_update (tracker, found, G_N_ELEMENTS (widths), f / RATE, NULL);
    for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
      g_assert_cmpuint (id_of (tracks, (gint) i), ==, i + 1);
  }
}

/* A single object of a camera that jumps by more than its width is the same one if the tracker is told; else nothing
 * says so. Several calls add up, and what is no number is none. */
static void
test_told_camera (void)
{
  for (guint told = 0; told < 2; told++) {
    g_autoptr (FbnetTracker) tracker = tracker_new ();
    for (guint f = 0; f < 20; f++)
      look_at_one (tracker, 100, f / RATE);
    if (told) {
      fbnet_tracker_move_camera (tracker, 50, 0);
      fbnet_tracker_move_camera (tracker, 40, 0);
      fbnet_tracker_move_camera (tracker, NAN, INFINITY);
      fbnet_tracker_move_camera (tracker, 0, -1e300);
    }
    const FbnetTracks *tracks = look_at_one (tracker, 190, 20 / RATE);
    g_assert_cmpuint (id_of (tracks, 0), ==, told);
  }
}

/* Behind a camera that pans, objects that stand in the world are expected where it will have them, new ones too, and
 * their speed is the picture's. When it stops to be told, they are found all the same. */
static void
test_panning (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();

  for (guint f = 0; f < 60; f++) {
    const double x = 100 + 12.0 * f;
    if (f > 0 && f < 40)
      fbnet_tracker_move_camera (tracker, 12, 0);
    const FbnetTracks *tracks = look_at_one (tracker, x, f / RATE);
    g_assert_cmpuint (id_of (tracks, 0), ==, 1);
    if (f < 10 || f >= 40)
      continue;
    g_assert_cmpfloat_with_epsilon (tracks->items[0].vx, 12 * RATE, 1);
    tracks = fbnet_tracker_predict (tracker, (f + 1) / RATE);
    g_assert_cmpuint (tracks->n, ==, 1);
    g_assert_cmpfloat_with_epsilon (tracks->items[0].x0, x + 12 - 20, 0.5);
  }
  fbnet_tracker_move_camera (tracker, 1000, 0);
  fbnet_tracker_reset (tracker);
  look_at_one (tracker, 100, 60 / RATE);
  g_assert_cmpuint (id_of (look_at_one (tracker, 100, 61 / RATE), 0), ==, 2);
}

/* At one place, one of another class is another. */
static void
test_classes (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();

  for (guint f = 0; f < 20; f++) {
    const FbnetDetection found = object (100, 100, 0.9f, f < 10 ? 3 : 5);
    const FbnetTracks *tracks = fbnet_tracker_update (tracker, &found, 1, f / RATE, NULL);
    g_assert_cmpuint (tracks->n, ==, f == 10 ? 0 : 1);
    if (tracks->n == 0)
      continue;
    g_assert_cmpuint (tracks->items[0].id, ==, f < 10 ? 1 : 2);
    g_assert_cmpuint (tracks->items[0].class_id, ==, found.class_id);
  }
}

/* An unsure detection begins nothing, but goes on with a track; what is surer is told from the look on that the
 * options ask for. */
static void
test_scores (void)
{
  FbnetTrackerOptions options;
  g_autoptr (GError) error = NULL;

  fbnet_tracker_options_init (&options);
  options.min_hits = 3;
  options.score = FBNET_TRACK_SCORE_MEDIAN;
  g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (&options, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fbnet_tracker_update (tracker, NULL, 0, 0, NULL)->n, ==, 0);
  for (guint f = 1; f < 30; f++) {
    const gboolean unsure = f < 10 || f == 20;
    const FbnetDetection found = object (100, 100, unsure ? 0.3f : 0.9f, 0);
    const FbnetTracks *tracks = fbnet_tracker_update (tracker, &found, 1, f / RATE, NULL);
    g_assert_cmpuint (tracks->n, ==, f >= 12 ? 1 : 0);
    if (tracks->n > 0) {
      g_assert_cmpuint (tracks->items[0].hits, ==, f - 9);
      g_assert_cmpfloat (tracks->items[0].score, ==, 0.9f);
    }
  }
}

/* The three scores of one track. */
static void
test_score_modes (void)
{
  static const float scores[] = { 0.7f, 0.9f, 0.65f, 0.8f, 0.3f };
  static const float expected[] = { [FBNET_TRACK_SCORE_DETECTION] = 0.3f,
    [FBNET_TRACK_SCORE_MEDIAN] = 0.7f,
    [FBNET_TRACK_SCORE_MAXIMUM] = 0.9f };

  for (guint mode = 0; mode < G_N_ELEMENTS (expected); mode++) {
    FbnetTrackerOptions options;
    const FbnetTracks *tracks = NULL;
    fbnet_tracker_options_init (&options);
    options.score = mode;
    g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (&options, NULL);
    for (guint f = 0; f < G_N_ELEMENTS (scores); f++) {
      const FbnetDetection found = object (100, 100, scores[f], 0);
      tracks = fbnet_tracker_update (tracker, &found, 1, f / RATE, NULL);
      g_assert_cmpuint (tracks->n, ==, 1);
    }
    g_assert_cmpfloat (tracks->items[0].score, ==, expected[mode]);
  }
}

/* Between looks a box moves as it did, whatever is asked for before; the tracker stays as it is. */
static void
test_prediction (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();

  for (guint f = 0; f < 60; f++)
    look_at_one (tracker, 100 + 4.0 * f, f / RATE);
  for (guint i = 0; i < 2; i++) {
    const FbnetTracks *tracks = fbnet_tracker_predict (tracker, 69 / RATE);
    g_assert_cmpuint (tracks->n, ==, 1);
    g_assert_cmpint (tracks->items[0].detection, ==, -1);
    g_assert_cmpfloat (fabsf ((tracks->items[0].x0 + tracks->items[0].x1) / 2 - (100 + 4 * 69)), <,
        8);
  }
  const float now = fbnet_tracker_predict (tracker, 59 / RATE)->items[0].x0;
  g_assert_cmpfloat (now, ==, fbnet_tracker_predict (tracker, 0)->items[0].x0);
  g_assert_cmpfloat (now, ==, fbnet_tracker_predict (tracker, NAN)->items[0].x0);
  g_assert_cmpuint (look_at_one (tracker, 100 + 4.0 * 60, 60 / RATE)->items[0].id, ==, 1);
}

/* Reset forgets everything but which ids were given. */
static void
test_reset (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();

  for (guint i = 1; i < 5; i++) {
    const FbnetTracks *tracks = look_at_one (tracker, 100, 1000.0 * i);
    g_assert_cmpuint (tracks->n, ==, 1);
    g_assert_cmpuint (tracks->items[0].id, ==, i);
    fbnet_tracker_reset (tracker);
    g_assert_cmpuint (fbnet_tracker_predict (tracker, 0)->n, ==, 0);
  }
}

/* Clocks that stand still, go back, jump or say nothing: what stands still is one object, unless it was away for
 * longer than the timeout. */
static void
test_clocks (void)
{
  static const double times[] = { 5, 5, 5, 4, 4.1, NAN, NAN, 4.2, -INFINITY, 3, 3.5, 3.5 };
  g_autoptr (FbnetTracker) tracker = tracker_new ();
  g_autoptr (FbnetTracker) unknown = tracker_new ();
  const FbnetTracks *tracks;

  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    tracks = look_at_one (tracker, 100, times[i]);
    g_assert_cmpuint (tracks->n, ==, 1);
    g_assert_cmpuint (tracks->items[0].id, ==, 1);
    g_assert_cmpfloat (tracks->items[0].age, >=, 0);
  }
  tracks = look_at_one (tracker, 100, 1e9);
  g_assert_cmpuint (tracks->n, ==, 0);
  for (guint i = 0; i < 90; i++)
    tracks = look_at_one (unknown, 100 + 3.0 * i, NAN);
  g_assert_cmpuint (tracks->items[0].id, ==, 1);
  g_assert_cmpfloat (fabsf (tracks->items[0].vx - 90), <, 20);
}

static void
check_sound (const FbnetTracks *tracks, const FbnetDetection *found, guint n, guint64 *seen)
{
  for (guint i = 0; i < tracks->n; i++) {
    const FbnetTrack *track = &tracks->items[i];
    g_assert_true (isfinite (track->x0) && isfinite (track->y0) && isfinite (track->x1)
        && isfinite (track->y1) && isfinite (track->vx) && isfinite (track->vy)
        && isfinite (track->age));
    g_assert_cmpfloat (track->x1, >, track->x0);
    g_assert_cmpint (track->detection, <, n);
    g_assert_cmpint (track->detection, >=, 0);
    g_assert_cmpuint (found[track->detection].class_id, ==, track->class_id);
    g_assert_cmpuint (seen[track->detection], ==, 0);
    seen[track->detection] = track->id;
    for (guint j = 0; j < i; j++)
      g_assert_cmpuint (tracks->items[j].id, !=, track->id);
  }
}

static float
any_number (GRand *rand)
{
  static const float odd[] = { NAN, INFINITY, -INFINITY, 0, -1, 1e30f, 1e-30f, -1e30f };

  if (g_rand_int_range (rand, 0, 12) == 0)
    return odd[g_rand_int_range (rand, 0, G_N_ELEMENTS (odd))];
  return (float) g_rand_double_range (rand, 0, 300);
}

/* Whatever boxes, scores and times come: numbers are finite, no id stands twice, nothing is out of bounds. */
static void
test_nonsense (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (FbnetTracker) tracker = tracker_new ();
  double time = 0;

  for (guint look = 0; look < 2000; look++) {
    FbnetDetection found[12];
    guint64 seen[12] = { 0 };
    const guint n = (guint) g_rand_int_range (rand, 0, 13);
    for (guint i = 0; i < n; i++)
      found[i] = (FbnetDetection){
        .x0 = any_number (rand),
        .y0 = any_number (rand),
        .x1 = any_number (rand),
        .y1 = any_number (rand),
        .score = any_number (rand) / 300,
        .class_id = (guint) g_rand_int_range (rand, 0, 2),
      };
    time += g_rand_double_range (rand, -0.1, 0.4);
    check_sound (fbnet_tracker_update (tracker, found, n, look % 7 == 0 ? any_number (rand) : time,
                     NULL),
        found, n, seen);
  }
}

/* What is no detection is no track: scores that are no probability, boxes without area or out of any picture. */
static void
test_passed_over (void)
{
  static const FbnetDetection odd[] = {
    { .x1 = 20, .y1 = 40, .score = 1.5f },
    { .x1 = 20, .y1 = 40, .score = INFINITY },
    { .x1 = 20, .y1 = 40, .score = -0.5f },
    { .x1 = 20, .y1 = 40, .score = NAN },
    { .x1 = 0, .y1 = 40, .score = 0.9f },
    { .x1 = 20, .y1 = -40, .score = 0.9f },
    { .x0 = -1e30f, .x1 = 20, .y1 = 40, .score = 0.9f },
    { .x1 = 20, .y1 = 2e6f, .score = 0.9f },
  };

  for (guint i = 0; i < G_N_ELEMENTS (odd); i++) {
    g_autoptr (FbnetTracker) tracker = tracker_new ();
    g_assert_cmpuint (fbnet_tracker_update (tracker, &odd[i], 1, 0, NULL)->n, ==, 0);
  }
}

/* A thousand in a row walk without losing an id. */
static void
test_many (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();
  g_autofree FbnetDetection *found = g_new (FbnetDetection, MANY);

  for (guint f = 0; f < 6; f++) {
    for (guint i = 0; i < MANY; i++)
      found[i] = object (60.0 * (i % 40) + 2.0 * f, 120.0 * (i / 40), 0.9f, 0);
    const FbnetTracks *tracks = fbnet_tracker_update (tracker, found, MANY, f / RATE, NULL);
    g_assert_cmpuint (tracks->n, ==, MANY);
    for (guint i = 0; i < MANY; i++)
      g_assert_cmpuint (tracks->items[i].id, ==, i + 1);
  }
}

/* Options out of their range are refused by name, and nothing changes. */
static void
test_options (void)
{
  g_autoptr (FbnetTracker) tracker = tracker_new ();
  FbnetTrackerOptions options;
  g_autoptr (GError) error = NULL;
  guint n;

  g_assert_nonnull (fbnet_tracker_options_table (&n));
  g_assert_cmpuint (n, ==, 6);
  fbnet_tracker_options_init (&options);
  options.min_hits = 0;
  g_assert_false (fbnet_tracker_set_options (tracker, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "track-min-hits: expected 1 … 100, found 0");
  g_clear_error (&error);
  fbnet_tracker_options_init (&options);
  options.timeout = NAN;
  g_assert_null (fbnet_tracker_new (&options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_clear_error (&error);
  fbnet_tracker_options_init (&options);
  options.low_score = options.high_score; /* a boundary may be one for both */
  g_assert_true (fbnet_tracker_set_options (tracker, &options, NULL));
  options.low_score = 0.61f;
  g_assert_false (fbnet_tracker_set_options (tracker, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_cmpstr (error->message, ==,
      "track-low-score: expected at most track-high-score, which is 0.6, found 0.61");
  fbnet_tracker_options_init (&options);
  options.min_hits = 1;
  g_assert_true (fbnet_tracker_set_options (tracker, &options, NULL));
  fbnet_tracker_update (tracker, NULL, 0, 0, NULL);
  g_assert_cmpuint (look_at_one (tracker, 100, 1)->n, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tracker/crossing", test_crossing);
  g_test_add_func ("/tracker/gap", test_gap);
  g_test_add_func ("/tracker/camera", test_camera);
  g_test_add_func ("/tracker/told-camera", test_told_camera);
  g_test_add_func ("/tracker/panning", test_panning);
  g_test_add_func ("/tracker/classes", test_classes);
  g_test_add_func ("/tracker/scores", test_scores);
  g_test_add_func ("/tracker/score-modes", test_score_modes);
  g_test_add_func ("/tracker/prediction", test_prediction);
  g_test_add_func ("/tracker/reset", test_reset);
  g_test_add_func ("/tracker/clocks", test_clocks);
  g_test_add_func ("/tracker/nonsense", test_nonsense);
  g_test_add_func ("/tracker/passed-over", test_passed_over);
  g_test_add_func ("/tracker/many", test_many);
  g_test_add_func ("/tracker/options", test_options);
  return g_test_run ();
}
