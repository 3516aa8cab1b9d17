/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which frames are looked at, and the one reason: frame by frame, without an element.
 */
#include "gstfbnetdecision.h"

#define LOOKED GST_FBNET_REASON_LOOKED

static const GstFbnetRules usual = { TRUE, TRUE, 1, 0, 1 };

/* Frame `i` of `fps` a second, on time. */
static GstFbnetCircumstances
frame (guint i, guint fps)
{
  const GstClockTime time = gst_util_uint64_scale_int (i, GST_SECOND, (gint) fps);

  return (GstFbnetCircumstances){ FALSE, FALSE, time, time, GST_CLOCK_TIME_NONE };
}

/* Looks at `n` frames by the rules; counts those with `reason`. */
static guint
count (const GstFbnetRules *rules, guint n, guint fps, GstFbnetReason reason)
{
  GstFbnetHistory history = { 0 };
  guint found = 0;

  for (guint i = 0; i < n; i++) {
    const GstFbnetCircumstances c = frame (i, fps);
    found += gst_fbnet_decide (rules, &c, &history) == reason;
  }
  return found;
}

/* With nothing against it every frame is looked at. */
static void
test_usual (void)
{
  g_assert_cmpuint (count (&usual, 30, 30, LOOKED), ==, 30);
}

/* Of several reasons the first in the list is told. */
static void
test_order (void)
{
  GstFbnetRules rules = { FALSE, TRUE, 2, 1, 1 };
  GstFbnetHistory history = { 0 };
  GstFbnetCircumstances c = frame (1, 30);

  c.gap = c.busy = TRUE;
  c.earliest_time = 10 * GST_SECOND;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_DISABLED);
  rules.enable = TRUE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_GAP);
  c.gap = FALSE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_QOS);
  rules.qos = FALSE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_BUSY);
  c.busy = FALSE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, LOOKED);
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_INTERVAL);
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_RATE);
}

/* Every Nth frame, beginning with the first; a frame that could not be looked at is made up for by the
 * next. */
static void
test_interval (void)
{
  const GstFbnetRules rules = { TRUE, TRUE, 3, 0, 1 };
  static const gboolean busy[] = { FALSE, FALSE, FALSE, TRUE, FALSE, FALSE, FALSE, FALSE };
  static const gboolean looked[] = { TRUE, FALSE, FALSE, FALSE, TRUE, FALSE, FALSE, TRUE };
  GstFbnetHistory history = { 0 };

  g_assert_cmpuint (count (&rules, 30, 30, LOOKED), ==, 10);
  for (guint i = 0; i < G_N_ELEMENTS (busy); i++) {
    GstFbnetCircumstances c = frame (i, 30);
    c.busy = busy[i];
    g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history) == LOOKED, ==, looked[i]);
  }
}

/* A rate is kept where it divides the frame rate, whose times are rounded, and on the average where it
 * does not; one above it changes nothing. */
static void
test_rate (void)
{
  static const struct {
    gint numerator, denominator;
    guint fps, expected; /* in ten seconds */
  } cases[] = {
    { 10, 1, 30, 100 },
    { 10, 1, 25, 100 },
    { 7, 1, 30, 70 },
    { 1, 2, 30, 5 },
    { 30000, 1001, 30, 300 },
    { 60, 1, 30, 300 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const GstFbnetRules rules = { TRUE, TRUE, 1, cases[i].numerator, cases[i].denominator };
    const guint n = count (&rules, 10 * cases[i].fps, cases[i].fps, LOOKED);
    g_test_message ("%d/%d of %u: %u", cases[i].numerator, cases[i].denominator, cases[i].fps, n);
    g_assert_cmpuint (n, >=, cases[i].expected - 1);
    g_assert_cmpuint (n, <=, cases[i].expected + 1);
  }
}

/* After a pause of a second the rate begins anew and does not make up for it. */
static void
test_rate_after_pause (void)
{
  const GstFbnetRules rules = { TRUE, TRUE, 1, 10, 1 };
  GstFbnetHistory history = { 0 };
  guint n = 0;

  for (guint i = 0; i < 60; i++) {
    const GstFbnetCircumstances c = frame (i < 30 ? i : i + 30, 30);
    n += gst_fbnet_decide (&rules, &c, &history) == LOOKED;
  }
  g_assert_cmpuint (n, ==, 20);
}

/* A frame is late if its running time is before the earliest that can still be shown; without one of the
 * two, or without qos, none is. */
static void
test_qos (void)
{
  GstFbnetRules rules = usual;
  GstFbnetHistory history = { 0 };
  GstFbnetCircumstances c = frame (30, 30);

  c.earliest_time = GST_SECOND + 1;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, GST_FBNET_REASON_QOS);
  c.earliest_time = GST_SECOND;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, LOOKED);
  c.earliest_time = GST_SECOND + 1;
  c.running_time = GST_CLOCK_TIME_NONE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, LOOKED);
  c.running_time = 0;
  rules.qos = FALSE;
  g_assert_cmpint (gst_fbnet_decide (&rules, &c, &history), ==, LOOKED);
}

/* Every reason has a name of its own. */
static void
test_names (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < GST_FBNET_N_REASONS; i++)
    g_assert_true (g_hash_table_add (names, (gpointer) gst_fbnet_reason_get_name (i)));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/decision/usual", test_usual);
  g_test_add_func ("/element/decision/order", test_order);
  g_test_add_func ("/element/decision/interval", test_interval);
  g_test_add_func ("/element/decision/rate", test_rate);
  g_test_add_func ("/element/decision/rate-after-pause", test_rate_after_pause);
  g_test_add_func ("/element/decision/qos", test_qos);
  g_test_add_func ("/element/decision/names", test_names);
  return g_test_run ();
}
