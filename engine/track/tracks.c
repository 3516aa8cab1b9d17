/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Copies of what a tracker tells, for languages that keep things.
 */
#include <string.h>

#include "base/memory.h"
#include "fbnet/fbnet.h"

static FbnetTrack *
copy_track (const FbnetTrack *track)
{
  return g_memdup2 (track, sizeof *track);
}

void
fbnet_track_free (FbnetTrack *track)
{
  g_free (track);
}

FbnetTrack **
fbnet_tracks_list (const FbnetTracks *tracks, guint *n)
{
  g_return_val_if_fail (tracks != NULL && n != NULL, NULL);
  FbnetTrack **list = memory_new (FbnetTrack *, tracks->n, NULL);

  *n = list != NULL ? tracks->n : 0;
  for (guint i = 0; i < *n; i++)
    list[i] = copy_track (&tracks->items[i]);
  return list;
}

/* The tracks lie behind the struct. */
static FbnetTracks *
copy_tracks (const FbnetTracks *tracks)
{
  const gsize size = tracks->n * sizeof (FbnetTrack);
  FbnetTracks *copy = memory_take (1, sizeof *copy + size, NULL);

  if (copy == NULL)
    return NULL;
  *copy = (FbnetTracks){ (const FbnetTrack *) (copy + 1), tracks->n };
  if (size > 0)
    memcpy (copy + 1, tracks->items, size);
  return copy;
}

G_DEFINE_BOXED_TYPE (FbnetTrack, fbnet_track, copy_track, fbnet_track_free)
G_DEFINE_BOXED_TYPE (FbnetTracks, fbnet_tracks, copy_tracks, g_free)
