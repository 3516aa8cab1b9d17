/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Scores of tracks, sequence by sequence and combined.
 */
#include "trackreport.h"

#include <string.h>

#include "fbnet/fbnet.h"
#include "support/jsonfile.h"
#include "trackscores.h"

/* --- Files ------------------------------------------------------------------------------------ */

typedef struct {
  char *name, *tracks, *truth;
} Pair;

static void
pair_clear (gpointer data)
{
  Pair *pair = data;

  g_free (pair->name);
  g_free (pair->tracks);
  g_free (pair->truth);
}

static char *
sequence_name (const char *path)
{
  char *name = g_path_get_basename (path);

  if (g_str_has_suffix (name, ".txt"))
    name[strlen (name) - strlen (".txt")] = '\0';
  return name;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (((const Pair *) a)->name, ((const Pair *) b)->name);
}

static void
add_pair (GArray *pairs, char *tracks, char *truth)
{
  const Pair pair = { sequence_name (truth), tracks, truth };

  g_array_append_val (pairs, pair);
}

static GArray *
list_pairs (const char *tracks, const char *truth, GError **error)
{
  g_autoptr (GArray) pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  GDir *folder = g_dir_open (truth, 0, NULL);

  g_array_set_clear_func (pairs, pair_clear);
  if (folder == NULL) {
    add_pair (pairs, g_strdup (tracks), g_strdup (truth));
    return g_steal_pointer (&pairs);
  }
  for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
    if (g_str_has_suffix (name, ".txt"))
      add_pair (pairs, g_build_filename (tracks, name, NULL), g_build_filename (truth, name, NULL));
  g_dir_close (folder);
  g_array_sort (pairs, compare_names);
  if (pairs->len > 0)
    return g_steal_pointer (&pairs);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a .txt file per sequence, found none", truth);
  return NULL;
}

/* --- Report ----------------------------------------------------------------------------------- */

static void
append_line (GString *text, const char *name, const TrackCounts *counts)
{
  double scores[TRACK_N_SCORES];

  track_scores (scores, counts);
  g_string_append_printf (text, "%-16s", name);
  for (guint i = 0; i < TRACK_N_SCORES; i++)
    g_string_append_printf (text, track_score_is_count (i) ? " %6.0f" : " %6.4f", scores[i]);
  g_string_append_c (text, '\n');
}

static void
append_heading (GString *text)
{
  g_string_append_printf (text, "%-16s", "");
  for (guint i = 0; i < TRACK_N_SCORES; i++)
    g_string_append_printf (text, " %6s", track_score_name (i));
  g_string_append_c (text, '\n');
}

static cJSON *
to_json (const TrackCounts *counts)
{
  double scores[TRACK_N_SCORES];
  cJSON *object = cJSON_CreateObject ();

  track_scores (scores, counts);
  for (guint i = 0; i < TRACK_N_SCORES; i++)
    cJSON_AddNumberToObject (object, track_score_name (i), scores[i]);
  return object;
}

static char *
report_as_text (const GArray *pairs, const TrackCounts *counts, const TrackCounts *combined)
{
  GString *text = g_string_new (NULL);

  append_heading (text);
  for (guint i = 0; i < pairs->len; i++)
    append_line (text, g_array_index (pairs, Pair, i).name, &counts[i]);
  append_line (text, "combined", combined);
  return g_string_free (text, FALSE);
}

static char *
report_as_json (const GArray *pairs, const TrackCounts *counts, const TrackCounts *combined)
{
  g_autoptr (cJSON) object = cJSON_CreateObject ();
  cJSON *sequences = cJSON_AddObjectToObject (object, "sequences");

  for (guint i = 0; i < pairs->len; i++)
    cJSON_AddItemToObject (sequences, g_array_index (pairs, Pair, i).name, to_json (&counts[i]));
  cJSON_AddItemToObject (object, "combined", to_json (combined));
  return json_print_line (object);
}

char *
track_report (const char *tracks, const char *truth, guint every, gboolean json, GError **error)
{
  g_autoptr (GArray) pairs = list_pairs (tracks, truth, error);
  TrackCounts combined = { 0 };

  if (pairs == NULL)
    return NULL;
  g_autofree TrackCounts *counts = g_new0 (TrackCounts, pairs->len);
  for (guint i = 0; i < pairs->len; i++) {
    const Pair *pair = &g_array_index (pairs, Pair, i);
    g_autoptr (TrackSequence) sequence =
        track_sequence_read (pair->tracks, pair->truth, every, error);
    if (sequence == NULL)
      return NULL;
    track_counts_add (&counts[i], sequence);
    track_counts_sum (&combined, &counts[i]);
  }
  return (json ? report_as_json : report_as_text) (pairs, counts, &combined);
}
