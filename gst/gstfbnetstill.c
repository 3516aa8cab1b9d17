/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The views' inputs compared with those before.
 */
#include "gstfbnetstill.h"

/* Objects that stand still are looked at again so often, and frames as a whole: what leaves or comes slowly is
 * noticed at last. */
#define BEAT GST_SECOND

/* Squares that moved, at most: all of the usual input's. */
#define MOST_MOVED 280

struct _GstFbnetStill {
  GPtrArray *motions; /* of FbnetMotion, one per input; the first n hold something */
  guint n;
  GstFbnetMoment moment;
  GstFbnetMoment whole; /* of the last one that had to be looked at as a whole */
  gboolean in_parts;    /* the one kept had not */
  guint serial;
  guint revision, generation, jumps;
};

GstFbnetStill *
gst_fbnet_still_new (void)
{
  GstFbnetStill *still = g_new0 (GstFbnetStill, 1);

  still->motions = g_ptr_array_new_with_free_func ((GDestroyNotify) fbnet_motion_free);
  return still;
}

void
gst_fbnet_still_free (GstFbnetStill *still)
{
  if (still == NULL)
    return;
  g_ptr_array_unref (still->motions);
  g_free (still);
}

static gboolean
is_comparable (const GstFbnetStill *still, const GstFbnetView *view)
{
  return still->n > 0 && still->n == view->n_inputs && still->revision == view->revision
      && still->generation == view->generation && still->jumps == view->jumps;
}

gboolean
gst_fbnet_still_is (const GstFbnetStill *still, const GstFbnetView *view, guint threshold,
    gboolean seen)
{
  if (!is_comparable (still, view)
      || ((seen || still->in_parts)
          && gst_fbnet_moment_distance (&still->whole, &view->moment) >= BEAT))
    return FALSE;
  for (guint i = 0; i < still->n; i++)
    if (!fbnet_motion_is_still (g_ptr_array_index (still->motions, i),
            g_ptr_array_index (view->inputs, i), threshold))
      return FALSE;
  return TRUE;
}

void
gst_fbnet_still_find_motion (const GstFbnetStill *still, GstFbnetView *view, guint threshold)
{
  /* Where nothing is known to have moved, all of the frame is looked at. */
  if (!is_comparable (still, view) || !gst_fbnet_list_reserve (view->moved, MOST_MOVED, NULL))
    return;
  const guint n =
      fbnet_motion_find (g_ptr_array_index (still->motions, 0), g_ptr_array_index (view->inputs, 0),
          threshold, (FbnetRegion *) (gpointer) view->moved->data, MOST_MOVED);
  gst_fbnet_list_set_length (view->moved, n);
}

void
gst_fbnet_still_allow_part (const GstFbnetStill *still, GstFbnetView *view)
{
  const gboolean known = view->moved->len > 0 && view->moved->len < MOST_MOVED;

  if (known && view->x == 0 && view->y == 0
      && gst_fbnet_moment_distance (&still->whole, &view->moment) < BEAT)
    view->since = still->serial;
}

gboolean
gst_fbnet_still_keep (GstFbnetStill *still, GstFbnetView *view, GError **error)
{
  still->n = 0;
  for (guint i = 0; i < view->n_inputs; i++) {
    if (i == still->motions->len)
      g_ptr_array_add (still->motions, fbnet_motion_new ());
    if (!fbnet_motion_keep (g_ptr_array_index (still->motions, i),
            g_ptr_array_index (view->inputs, i), error))
      return FALSE;
  }
  still->n = view->n_inputs;
  still->moment = view->moment;
  view->serial = ++still->serial;
  still->in_parts = view->since != 0;
  if (!still->in_parts)
    still->whole = view->moment;
  still->revision = view->revision;
  still->generation = view->generation;
  still->jumps = view->jumps;
  return TRUE;
}

const GstFbnetMoment *
gst_fbnet_still_get_moment (const GstFbnetStill *still)
{
  return &still->moment;
}
