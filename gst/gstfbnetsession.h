/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the frames follow: the network in use and the settings as they were when the last frame came. Both
 * change between two frames only.
 */
#ifndef GST_FBNET_SESSION_H
#define GST_FBNET_SESSION_H

#include "gstfbnetnetwork.h"
#include "gstfbnetsettings.h"

G_BEGIN_DECLS

/* Of the streaming thread. */
typedef struct {
  GstFbnetSettings settings;
  GstFbnetNetwork *network; /* NULL unless the session is started */
  FbnetParams params;       /* made of both */
  guint revision;           /* of `params`; never 0 once it is started */
} GstFbnetNow;

typedef struct _GstFbnetSession GstFbnetSession;

/* Another network is in use, from the file `text`: in the streaming thread, before the first frame that it
 * is for. Or it could not be, and `text` says why: in the loader's thread. No lock is held. */
typedef void (*GstFbnetUpdatedFunc) (GstElement *element, gboolean success, const char *text);

/* `element` (transfer none) posts what there is to say. */
GstFbnetSession *gst_fbnet_session_new (GstElement *element, GstFbnetUpdatedFunc updated);
void gst_fbnet_session_free (GstFbnetSession *session); /* NULL is allowed; stopped */

/* --- The streaming thread, while the session is started. */

/* Opens the network that the settings name. FALSE, with an error on the bus, if it cannot be, or if the
 * settings do not go with it: the session must still be stopped. */
gboolean gst_fbnet_session_start (GstFbnetSession *session);
void gst_fbnet_session_stop (GstFbnetSession *session);

/* Always the same place; as of the last call of the next function. */
const GstFbnetNow *gst_fbnet_session_get_now (GstFbnetSession *session);

/* Before a frame: takes a network that has been loaded, and what was set. What cannot be followed is told
 * once and left out. */
void gst_fbnet_session_follow (GstFbnetSession *session);

/* --- Any thread. */

/* FALSE: no such property. `offers`: whether gst_fbnet_session_offers_attaching() gives another answer now. */
gboolean gst_fbnet_session_set (GstFbnetSession *session, GParamSpec *spec, guint id,
    const GValue *value, gboolean *offers);
gboolean gst_fbnet_session_get (GstFbnetSession *session, guint id, GValue *value);

/* Whether drawings may travel beside the frames, as the properties say. */
gboolean gst_fbnet_session_offers_attaching (GstFbnetSession *session);

/* (transfer full) (nullable): the one in use. */
GstFbnetNetwork *gst_fbnet_session_ref_network (GstFbnetSession *session);

G_END_DECLS

#endif
