/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules, circumstances and history of a frame → look at it, or the reason not to.
 */
#include "gstfbnetdecision.h"

/* Times of frames are rounded: three thirtieths of a second are a little less than a tenth. */
#define RATE_SLACK GST_MSECOND

const char *
gst_fbnet_reason_get_name (GstFbnetReason reason)
{
  static const char *const names[GST_FBNET_N_REASONS] = { "looked", "disabled", "gap", "interval",
    "rate", "qos", "busy", "still", "unreadable", "refused", "cancelled" };

  return names[reason];
}

static GstClockTime
period_of (const GstFbnetRules *rules)
{
  return gst_util_uint64_scale_int (GST_SECOND, rules->rate_denominator, rules->rate_numerator);
}

static gboolean
is_late (const GstFbnetRules *rules, const GstFbnetCircumstances *c)
{
  return rules->qos && GST_CLOCK_TIME_IS_VALID (c->running_time)
      && GST_CLOCK_TIME_IS_VALID (c->earliest_time) && c->running_time < c->earliest_time;
}

/* On the average over some frames the rate is kept, also where it is no part of the frame rate; a
 * pause is not made up for. */
static void
note_look (const GstFbnetRules *rules, GstClockTime time, GstFbnetHistory *history)
{
  history->looked = TRUE;
  history->since = 0;
  if (rules->rate_numerator == 0) {
    history->due = 0;
    return;
  }
  const GstClockTime period = period_of (rules);
  const gboolean in_step = history->due > 0 && time < history->due + period;
  history->due = (in_step ? history->due : time) + period;
}

GstFbnetReason
gst_fbnet_decide (const GstFbnetRules *rules, const GstFbnetCircumstances *circumstances,
    GstFbnetHistory *history)
{
  if (!rules->enable)
    return GST_FBNET_REASON_DISABLED;
  if (circumstances->gap)
    return GST_FBNET_REASON_GAP;
  history->since++;
  if (history->looked && history->since < rules->interval)
    return GST_FBNET_REASON_INTERVAL;
  if (history->looked && rules->rate_numerator > 0
      && circumstances->time + RATE_SLACK < history->due)
    return GST_FBNET_REASON_RATE;
  if (is_late (rules, circumstances))
    return GST_FBNET_REASON_QOS;
  if (circumstances->busy)
    return GST_FBNET_REASON_BUSY;
  note_look (rules, circumstances->time, history);
  return GST_FBNET_REASON_LOOKED;
}
