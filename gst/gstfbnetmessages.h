/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the element says on the bus: errors and warnings, results, skipped inferences. No lock may be held
 * by who calls any of these.
 */
#ifndef GST_FBNET_MESSAGES_H
#define GST_FBNET_MESSAGES_H

#include <gst/base/gstbasetransform.h>

#include "gstfbnetlook.h"
#include "gstfbnettruth.h"

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_POST_NONE,
  GST_FBNET_POST_ON_CHANGE,
  GST_FBNET_POST_ON_DETECT,
  GST_FBNET_POST_EVERY_FRAME,
} GstFbnetPostMessages;

GType gst_fbnet_post_messages_get_type (void);

/* `type` is GST_MESSAGE_ERROR or GST_MESSAGE_WARNING. */
void gst_fbnet_post (gpointer element, GstMessageType type, GQuark domain, gint code,
    const char *text, const char *hint);

/* What the engine says, under the code of GStreamer that means the same. */
void gst_fbnet_post_engine_error (gpointer element, GstMessageType type, const GError *error);

/* About a property. */
void gst_fbnet_post_settings (gpointer element, GstMessageType type, const char *text);

/* Frames come as fast as they can be looked at, and no faster. */
void gst_fbnet_post_too_slow (gpointer element, GstClockTime look, GstClockTime frame);

/* A frame was not looked at because it is late. */
void gst_fbnet_post_qos (GstBaseTransform *element, GstBuffer *buffer, gboolean live, gint64 jitter,
    double proportion, guint64 n_looked, guint64 n_late);

/* Remembers what was told last. */
typedef struct {
  GArray *labels; /* of GQuark, sorted; NULL: nothing was told */
} GstFbnetTeller;

void gst_fbnet_teller_clear (GstFbnetTeller *teller);

/* If `when` says so, tells of the frame; `result` (nullable) is what it carries, `fresh` if for the first
 * time. */
void gst_fbnet_teller_tell (GstFbnetTeller *teller, GstBaseTransform *element, GstBuffer *buffer,
    GstFbnetPostMessages when, const GstFbnetResult *result, gboolean fresh,
    const GstFbnetTruth *truth);

G_END_DECLS

#endif
