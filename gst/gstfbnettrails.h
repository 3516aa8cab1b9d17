/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where followed objects were on the last frames that were drawn on.
 */
#ifndef GST_FBNET_TRAILS_H
#define GST_FBNET_TRAILS_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* Places of an object at most, one a frame; after as many frames without it its trail is forgotten. */
#define GST_FBNET_TRAIL_LENGTH 48

typedef struct {
  float x, y;
} GstFbnetPlace;

/* One thread at a time. */
typedef struct _GstFbnetTrails GstFbnetTrails;

GstFbnetTrails *gst_fbnet_trails_new (void);
void gst_fbnet_trails_free (GstFbnetTrails *trails); /* NULL is allowed */

/* Once per frame: the middles of the objects in `result`, if it has tracks. */
void gst_fbnet_trails_follow (GstFbnetTrails *trails, const GstFbnetResult *result);

/* The places of that object, the newest first, into `places`; returns how many there are. */
guint gst_fbnet_trails_get (const GstFbnetTrails *trails, guint64 id,
    GstFbnetPlace places[GST_FBNET_TRAIL_LENGTH]);

G_END_DECLS

#endif
