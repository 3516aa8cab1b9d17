/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a frame shows anything that the last one looked at did not, and where.
 */
#ifndef GST_FBNET_STILL_H
#define GST_FBNET_STILL_H

#include "gstfbnetview.h"

G_BEGIN_DECLS

/* What the network was given last. One thread at a time, the streaming thread. */
typedef struct _GstFbnetStill GstFbnetStill;

GstFbnetStill *gst_fbnet_still_new (void);
void gst_fbnet_still_free (GstFbnetStill *still); /* NULL is allowed */

/* Whether the filled view differs nowhere from the one kept by more than `threshold`, and is of the same stream,
 * network and parameters; `seen`: objects are told of that one: then it is looked at again after a while, as is one
 * that was looked at in parts. */
gboolean gst_fbnet_still_is (const GstFbnetStill *still, const GstFbnetView *view, guint threshold,
    gboolean seen);

/* Where it differs, into the view. */
void gst_fbnet_still_find_motion (const GstFbnetStill *still, GstFbnetView *view, guint threshold);

/* Once that is known: whether it is enough to look at what moved. */
void gst_fbnet_still_allow_part (const GstFbnetStill *still, GstFbnetView *view);

/* The view is going to be looked at, and gets a serial number. FALSE with error: no memory. */
gboolean gst_fbnet_still_keep (GstFbnetStill *still, GstFbnetView *view, GError **error);

/* (transfer none): when the frame came that the kept view is of. */
const GstFbnetMoment *gst_fbnet_still_get_moment (const GstFbnetStill *still);

G_END_DECLS

#endif
