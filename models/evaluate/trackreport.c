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

/* Both files, or both folders. */
static gboolean
check_kinds (const char *tracks, const char *truth, GError **error)
{
  const gboolean is_folder = g_file_test (truth, G_FILE_TEST_IS_DIR);
  const gboolean tracks_are = g_file_test (tracks, G_FILE_TEST_IS_DIR);

  if (!g_file_test (truth, G_FILE_TEST_EXISTS))
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
        "%s: expected the ground truth, a file or a folder, found nothing", truth);
  else if (!g_file_test (tracks, G_FILE_TEST_EXISTS))
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
        "%s: expected tracks, a %s as the ground truth %s is, found nothing", tracks,
        is_folder ? "folder" : "file", truth);
  else if (tracks_are != is_folder)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected tracks in a %s as the ground truth %s is, found a %s", tracks,
        is_folder ? "folder" : "file", truth, tracks_are ? "folder" : "file");
  else
    return TRUE;
  return FALSE;
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

/* --- What may not belong together ------------------------------------------------------------- */

/* Who scores a folder means all of it. */
static void
tell_unpaired (const char *tracks, const char *truth, Console *console)
{
  GDir *folder = g_dir_open (tracks, 0, NULL);

  if (folder == NULL)
    return;
  for (const char *name; (name = g_dir_read_name (folder)) != NULL;) {
    g_autofree char *counterpart = g_build_filename (truth, name, NULL);
    if (g_str_has_suffix (name, ".txt") && !g_file_test (counterpart, G_FILE_TEST_EXISTS))
      console_say (console, "%s/%s: expected its ground truth, %s, found none: it is not scored",
          tracks, name, counterpart);
  }
  g_dir_close (folder);
}

/* Tracks of other frames than the ground truth's end elsewhere. Ends may differ where nobody is seen at first or at
 * last: that a third is missing, or a frame that the ground truth does not have, is told, and scored all the same. */
static void
tell_ends (const Pair *pair, const TrackSequence *sequence, guint every, Console *console)
{
  const guint tracks = sequence->found_end, truth = sequence->truth_end;
  g_autofree char *thinned =
      every > 1 ? g_strdup_printf (" by --every %u", every) : g_strdup (" without --every");

  if (truth == 0)
    console_say (console, "%s: expected a ground truth, found nothing in it", pair->truth);
  else if (sequence->n_truth == 0)
    console_say (console,
        "%s: expected boxes that are considered, of class 1 (pedestrians), found others only: is "
        "it the ground truth?",
        pair->truth);
  else if (tracks == 0)
    console_say (console, "%s: expected tracks, found none", pair->tracks);
  else if (tracks > truth)
    console_say (console,
        "%s: expected frames up to %u, the last that has a ground truth%s, found %u: were the "
        "tracks made of other frames?",
        pair->tracks, truth, thinned, tracks);
  else if ((guint64) 3 * tracks <= (guint64) 2 * truth)
    console_say (console,
        "%s: expected frames up to about %u, the last that has a ground truth%s, found none behind "
        "%u: were the tracks made of fewer frames?",
        pair->tracks, truth, thinned, tracks);
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
track_report (const char *tracks, const char *truth, guint every, gboolean json, Console *console,
    GError **error)
{
  g_autoptr (GArray) pairs =
      check_kinds (tracks, truth, error) ? list_pairs (tracks, truth, error) : NULL;
  TrackCounts combined = { 0 };

  if (pairs == NULL)
    return NULL;
  tell_unpaired (tracks, truth, console);
  g_autofree TrackCounts *counts = g_new0 (TrackCounts, pairs->len);
  for (guint i = 0; i < pairs->len; i++) {
    const Pair *pair = &g_array_index (pairs, Pair, i);
    g_autoptr (TrackSequence) sequence =
        track_sequence_read (pair->tracks, pair->truth, every, error);
    if (sequence == NULL)
      return NULL;
    tell_ends (pair, sequence, every, console);
    track_counts_add (&counts[i], sequence);
    track_counts_sum (&combined, &counts[i]);
  }
  return (json ? report_as_json : report_as_text) (pairs, counts, &combined);
}
