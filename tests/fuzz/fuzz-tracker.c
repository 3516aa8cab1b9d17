/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: the bytes are options and looks, with boxes, scores and times of any kind. What the tracker
 * tells is finite, no id stands twice, and each track is of a detection of its own.
 */
#include <math.h>

#include "fbnet/fbnet.h"
#include "fuzz.h"
#include "take.h"

#define MOST 24

static void
check (const FbnetTracks *tracks, const FbnetDetection *found, guint n)
{
  guint64 taken[MOST] = { 0 };

  for (guint i = 0; i < tracks->n; i++) {
    const FbnetTrack *t = &tracks->items[i];
    g_assert (isfinite (t->x0) && isfinite (t->y0) && isfinite (t->x1) && isfinite (t->y1));
    g_assert (t->id > 0 && isfinite (t->score));
    for (guint j = 0; j < i; j++)
      g_assert (tracks->items[j].id != t->id);
    if (t->detection < 0)
      continue;
    g_assert ((guint) t->detection < n && taken[t->detection] == 0);
    g_assert (found[t->detection].class_id == t->class_id);
    taken[t->detection] = t->id;
  }
}

/* Mostly pixels and times that go on, sometimes anything. */
static float
take_number (Take *take, float scale)
{
  const guint8 byte = take_byte (take);

  return byte == 255 ? take_float (take) : byte * scale;
}

static FbnetDetection
take_detection (Take *take)
{
  const float x = take_number (take, 2), y = take_number (take, 2);

  return (FbnetDetection){ .x0 = x,
    .y0 = y,
    .x1 = x + take_number (take, 1),
    .y1 = y + take_number (take, 1),
    .score = take_number (take, 1 / 254.0f),
    .class_id = take_index (take, 3) };
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Take take = { data, size, 0 };
  FbnetTrackerOptions options;
  double time = 0;

  fbnet_tracker_options_init (&options);
  options.min_hits = 1 + take_index (&take, 4);
  options.timeout = take_number (&take, 0.05f);
  options.low_score = take_number (&take, 0.005f);
  options.high_score = MAX (options.high_score, options.low_score);
  options.new_score = MAX (options.new_score, options.low_score);
  g_autoptr (FbnetTracker) tracker = fbnet_tracker_new (&options, NULL);
  for (guint look = 0; tracker != NULL && look < 64 && !take_is_over (&take); look++) {
    FbnetDetection found[MOST];
    const guint n = take_index (&take, MOST + 1);
    for (guint i = 0; i < n; i++)
      found[i] = take_detection (&take);
    time += take_number (&take, 0.02f);
    if (take_index (&take, 4) == 0)
      fbnet_tracker_move_camera (tracker, take_number (&take, 10), take_number (&take, 10));
    check (fbnet_tracker_update (tracker, found, n, time, NULL), found, n);
    check (fbnet_tracker_predict (tracker, time + take_number (&take, 0.01f)), found, 0);
  }
  return 0;
}
