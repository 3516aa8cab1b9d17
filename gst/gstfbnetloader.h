/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks opened in the background: of several requests only the newest is served.
 */
#ifndef GST_FBNET_LOADER_H
#define GST_FBNET_LOADER_H

#include "gstfbnetnetwork.h"

G_BEGIN_DECLS

typedef struct _GstFbnetLoader GstFbnetLoader;

/* In the loader's thread, no lock held. Opens what is wanted now: (transfer full), or NULL with `error`. */
typedef GstFbnetNetwork *(*GstFbnetOpenFunc) (gpointer data, GError **error);

/* In the loader's thread, no lock held, after the newest request was served, or failed with `error`. */
typedef void (*GstFbnetOpenedFunc) (gpointer data, const GError *error);

GstFbnetLoader *gst_fbnet_loader_new (GstFbnetOpenFunc open, GstFbnetOpenedFunc opened,
    gpointer data);
void gst_fbnet_loader_free (GstFbnetLoader *loader); /* NULL is allowed; stopped */

/* Requests count from here on; those before are nothing but wishes for the start. */
void gst_fbnet_loader_start (GstFbnetLoader *loader);

/* Waits for what is being opened. */
void gst_fbnet_loader_stop (GstFbnetLoader *loader);
gboolean gst_fbnet_loader_is_started (GstFbnetLoader *loader);

/* Any thread. Returns at once. */
void gst_fbnet_loader_request (GstFbnetLoader *loader);

/* Whether something is being opened or lies ready. */
gboolean gst_fbnet_loader_is_busy (GstFbnetLoader *loader);

/* Whether a newer request has come than the one that was served last. */
gboolean gst_fbnet_loader_is_wanted (GstFbnetLoader *loader);

/* (transfer full) (nullable): what lies ready. */
GstFbnetNetwork *gst_fbnet_loader_take (GstFbnetLoader *loader);

G_END_DECLS

#endif
