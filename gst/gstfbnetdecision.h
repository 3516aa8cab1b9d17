/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which frames are looked at, and the one reason why or why not: decided here and nowhere else.
 */
#ifndef GST_FBNET_DECISION_H
#define GST_FBNET_DECISION_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* In the order in which they are asked about; the last four are found out after the decision to look. */
typedef enum {
  GST_FBNET_REASON_LOOKED,   /* given to the network */
  GST_FBNET_REASON_DISABLED, /* enable=false */
  GST_FBNET_REASON_GAP,      /* the buffer says that there is nothing in it */
  GST_FBNET_REASON_INTERVAL, /* inference-interval */
  GST_FBNET_REASON_RATE,     /* max-inference-rate */
  GST_FBNET_REASON_QOS,      /* it would be shown too late already */
  GST_FBNET_REASON_BUSY,  /* an earlier frame is being looked at for longer than this one lasts */
  GST_FBNET_REASON_STILL, /* still-threshold: it shows nothing new */
  GST_FBNET_REASON_UNREADABLE, /* the buffer could not be mapped as a frame */
  GST_FBNET_REASON_REFUSED,    /* memory-limit or multiply-add-limit is below what it would take */
  GST_FBNET_REASON_CANCELLED,  /* given up because of a flush or a state change */
  GST_FBNET_N_REASONS,
} GstFbnetReason;

/* (transfer none): "looked", "disabled", … */
const char *gst_fbnet_reason_get_name (GstFbnetReason reason);

/* What the properties ask for. */
typedef struct {
  gboolean enable, qos;
  guint interval;                        /* ≥ 1 */
  gint rate_numerator, rate_denominator; /* looks a second; a numerator of 0: as many as come */
} GstFbnetRules;

/* What is known of a frame before it is looked at. */
typedef struct {
  gboolean gap;
  gboolean busy;              /* nobody would look at it before the next one comes */
  GstClockTime time;          /* ns, from frame to frame on one clock, not decreasing */
  GstClockTime running_time;  /* of the frame, or GST_CLOCK_TIME_NONE */
  GstClockTime earliest_time; /* what comes before it is late, or GST_CLOCK_TIME_NONE */
} GstFbnetCircumstances;

/* What is remembered from frame to frame; all zero: no frame has come. */
typedef struct {
  gboolean looked;  /* at some frame */
  guint since;      /* frames since that one, itself not among them */
  GstClockTime due; /* the rate allows the next look from then on */
} GstFbnetHistory;

/* Depends on nothing but its arguments, and changes nothing but `history`. */
GstFbnetReason gst_fbnet_decide (const GstFbnetRules *rules,
    const GstFbnetCircumstances *circumstances, GstFbnetHistory *history);

G_END_DECLS

#endif
