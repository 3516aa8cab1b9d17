/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who looks: the streaming thread, in step with the stream, or a thread of its own beside it. Both look at
 * views in the same way, can be broken off by a new generation, and leave the newest look for all to see.
 */
#ifndef GST_FBNET_WORKER_H
#define GST_FBNET_WORKER_H

#include "gstfbnetlook.h"

G_BEGIN_DECLS

typedef struct _GstFbnetWorker GstFbnetWorker;

/* Told of every look that was finished and is of the present generation, in the thread that looked,
 * before others see it. No lock is held. */
typedef void (*GstFbnetLookFunc) (const GstFbnetLook *look, gpointer data);

GstFbnetWorker *gst_fbnet_worker_new (GstFbnetLookFunc done, gpointer data);
void gst_fbnet_worker_free (GstFbnetWorker *worker); /* NULL is allowed */

/* From here on a thread takes what is submitted. */
void gst_fbnet_worker_start (GstFbnetWorker *worker);
gboolean gst_fbnet_worker_has_thread (GstFbnetWorker *worker);

/* Breaks off, joins the thread if there is one, and lets go of everything. */
void gst_fbnet_worker_stop (GstFbnetWorker *worker);

/* --- Generations. Any thread. */

/* What is being looked at is broken off, what was found is forgotten. */
void gst_fbnet_worker_renew (GstFbnetWorker *worker);

/* The same, and until it is released every look ends at once. */
void gst_fbnet_worker_hold (GstFbnetWorker *worker);
void gst_fbnet_worker_release (GstFbnetWorker *worker);

guint gst_fbnet_worker_get_generation (GstFbnetWorker *worker);

/* --- Views. The streaming thread. */

/* Once per frame, at the time `now` (g_get_monotonic_time()): whether, by the time the last look took, a
 * view submitted now would still wait when the next frame comes, and give way to it. Before the first look has
 * ended nobody knows. */
gboolean gst_fbnet_worker_is_busy (GstFbnetWorker *worker, gint64 now);

/* Has views' memory for copies of frames of `size` bytes made now, before they come. */
void gst_fbnet_worker_reserve (GstFbnetWorker *worker, gsize size);

/* (transfer none): the one to be filled for the next look. */
GstFbnetView *gst_fbnet_worker_get_view (GstFbnetWorker *worker);

/* Hands it to the thread, in place of one that still waits: TRUE if there was one. Never waits. */
gboolean gst_fbnet_worker_submit (GstFbnetWorker *worker);

/* Looks at it in this thread. */
gboolean gst_fbnet_worker_look (GstFbnetWorker *worker, GError **error);

/* (transfer full) (nullable): the newest look of the present generation. Or NULL with `error`, if since
 * the last call a look in the thread failed for another reason than being broken off. */
GstFbnetLook *gst_fbnet_worker_get_newest (GstFbnetWorker *worker, GError **error);

G_END_DECLS

#endif
