/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Microseconds a look of the tracker, for crowds of several sizes that walk about.
 */
#include <fbnet/fbnet.h>
#include <math.h>

#include "timing.h"

#define N_LOOKS 600

/* Half of them one way and half the other, some unsure, none for ever in sight. */
static guint
look (FbnetDetection *found, guint n, guint f)
{
  guint n_found = 0;

  for (guint i = 0; i < n; i++) {
    const double speed = (i % 2 == 0 ? 1.5 : -1.5) * (1 + i % 5 / 5.0);
    const float x = (float) (fmod (137.0 * i + speed * f + 9600, 1920));
    const float y = (float) (fmod (71.0 * i, 900) + 3 * sin (0.2 * f + i));
    if ((f + 7 * i) % 31 < 3)
      continue;
    found[n_found++] = (FbnetDetection){
      .x0 = x,
      .y0 = y,
      .x1 = x + 40,
      .y1 = y + 110,
      .score = (f + i) % 9 == 0 ? 0.4f : 0.85f,
    };
  }
  return n_found;
}

static void
bench (guint n)
{
  g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (NULL, NULL);
  g_autofree FbnetDetection *found = g_new0 (FbnetDetection, n);
  double samples[N_LOOKS];

  for (guint f = 0; f < N_LOOKS; f++) {
    const guint n_found = look (found, n, f);
    const double begin = timing_now ();
    fbnet_tracker_update (tracker, found, n_found, f / 30.0, NULL);
    samples[f] = timing_now () - begin;
  }
  const Timing timing = timing_of (samples, N_LOOKS);
  g_print ("%5u objects: %9.1f µs a look (median; least %.1f)\n", n, timing.median, timing.least);
}

int
main (int argc, char **argv)
{
  static const guint sizes[] = { 1, 10, 30, 100, 300, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    bench (sizes[i]);
  return 0;
}
