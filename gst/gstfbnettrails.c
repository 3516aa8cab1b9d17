/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A ring of places per object.
 */
#include "gstfbnettrails.h"

typedef struct {
  guint64 id;
  guint frame; /* of the newest place */
  guint n;     /* places ever */
  GstFbnetPlace places[GST_FBNET_TRAIL_LENGTH];
} Trail;

struct _GstFbnetTrails {
  GArray *trails; /* of Trail */
  guint frame;
};

GstFbnetTrails *
gst_fbnet_trails_new (void)
{
  GstFbnetTrails *trails = g_new0 (GstFbnetTrails, 1);

  trails->trails = g_array_new (FALSE, TRUE, sizeof (Trail));
  return trails;
}

void
gst_fbnet_trails_free (GstFbnetTrails *trails)
{
  if (trails == NULL)
    return;
  g_array_unref (trails->trails);
  g_free (trails);
}

static Trail *
find (const GstFbnetTrails *trails, guint64 id)
{
  for (guint i = 0; i < trails->trails->len; i++) {
    Trail *trail = &g_array_index (trails->trails, Trail, i);
    if (trail->id == id)
      return trail;
  }
  return NULL;
}

static Trail *
find_or_begin (GstFbnetTrails *trails, guint64 id)
{
  Trail *trail = find (trails, id);

  if (trail != NULL)
    return trail;
  g_array_set_size (trails->trails, trails->trails->len + 1);
  trail = &g_array_index (trails->trails, Trail, trails->trails->len - 1);
  *trail = (Trail){ .id = id };
  return trail;
}

static void
forget_old (GstFbnetTrails *trails)
{
  for (guint i = trails->trails->len; i-- > 0;)
    if (trails->frame - g_array_index (trails->trails, Trail, i).frame >= GST_FBNET_TRAIL_LENGTH)
      g_array_remove_index_fast (trails->trails, i);
}

void
gst_fbnet_trails_follow (GstFbnetTrails *trails, const GstFbnetResult *result)
{
  trails->frame++;
  for (guint i = 0; result->tracks != NULL && i < result->found->n; i++) {
    const FbnetDetection *d = &result->found->items[i];
    Trail *trail = find_or_begin (trails, result->tracks[i].id);
    trail->frame = trails->frame;
    trail->places[trail->n++ % GST_FBNET_TRAIL_LENGTH] =
        (GstFbnetPlace){ (d->x0 + d->x1) / 2, (d->y0 + d->y1) / 2 };
  }
  forget_old (trails);
}

guint
gst_fbnet_trails_get (const GstFbnetTrails *trails, guint64 id,
    GstFbnetPlace places[GST_FBNET_TRAIL_LENGTH])
{
  const Trail *trail = find (trails, id);
  const guint n = trail != NULL ? MIN (trail->n, GST_FBNET_TRAIL_LENGTH) : 0;

  for (guint i = 0; i < n; i++)
    places[i] = trail->places[(trail->n - 1 - i) % GST_FBNET_TRAIL_LENGTH];
  return n;
}
