/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be set of a tracker: a row for each option.
 */
#include "options.h"

#define OPTION(member) G_STRUCT_OFFSET (FbnetTrackerOptions, member)
#define ALWAYS         FBNET_CHANGE_NOTHING, FBNET_SCOPE_DETECTION

#define MAX_TIMEOUT 3600
#define MAX_HITS    100

static const FbnetChoice scores[] = {
  [FBNET_TRACK_SCORE_DETECTION] = { "detection", "The detection's own" },
  [FBNET_TRACK_SCORE_MEDIAN] = { "median", "The median of the last nine" },
  [FBNET_TRACK_SCORE_MAXIMUM] = { "maximum", "The greatest of the last nine" },
};

static const FbnetParamInfo table[] = {
  { "track-timeout", "How long a track is kept that is not seen", "seconds", NULL,
      FBNET_PARAM_FLOAT, OPTION (timeout), 0, MAX_TIMEOUT, 1, FALSE, NULL, ALWAYS },
  { "track-min-hits", "Looks in which an object is found before its track is told", NULL, NULL,
      FBNET_PARAM_COUNT, OPTION (min_hits), 1, MAX_HITS, 2, FALSE, NULL, ALWAYS },
  { "track-score", "Which score is told for a track", NULL, NULL, FBNET_PARAM_CHOICE,
      OPTION (score), 0, G_N_ELEMENTS (scores) - 1, FBNET_TRACK_SCORE_DETECTION, FALSE, scores,
      ALWAYS },
  { "track-high-score", "Detections of at least this score are matched first", NULL, NULL,
      FBNET_PARAM_FLOAT, OPTION (high_score), 0, 1, 0.6, FALSE, NULL, ALWAYS },
  { "track-low-score", "Detections below this score are not looked at", NULL, NULL,
      FBNET_PARAM_FLOAT, OPTION (low_score), 0, 1, 0.1, FALSE, NULL, ALWAYS },
  { "track-new-score", "A detection of at least this score may begin a track", NULL, NULL,
      FBNET_PARAM_FLOAT, OPTION (new_score), 0, 1, 0.65, FALSE, NULL, ALWAYS },
};

const FbnetParamInfo *
fbnet_tracker_options_table (guint *n)
{
  g_return_val_if_fail (n != NULL, NULL);
  *n = G_N_ELEMENTS (table);
  return table;
}

void
fbnet_tracker_options_init (FbnetTrackerOptions *options)
{
  g_return_if_fail (options != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    fbnet_param_set (&table[i], options, table[i].usual);
}

static void
write_score (char *text, float score)
{
  g_ascii_formatd (text, G_ASCII_DTOSTR_BUF_SIZE, "%.6g", (double) score);
}

/* What is not looked at can neither be matched first nor begin a track. */
static gboolean
check_low_score (const FbnetTrackerOptions *options, const char *other, float most, GError **error)
{
  char low[G_ASCII_DTOSTR_BUF_SIZE], bound[G_ASCII_DTOSTR_BUF_SIZE];

  if (options->low_score <= most)
    return TRUE;
  write_score (low, options->low_score);
  write_score (bound, most);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "track-low-score: expected at most %s, which is %s, found %s", other, bound, low);
  return FALSE;
}

gboolean
tracker_options_check (const FbnetTrackerOptions *options, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    if (!fbnet_param_check (&table[i], fbnet_param_get (&table[i], options), error))
      return FALSE;
  }
  return check_low_score (options, "track-high-score", options->high_score, error)
      && check_low_score (options, "track-new-score", options->new_score, error);
}
