/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-eval --tracks as its users run it: TrackEval's own numbers, and cases small enough to count by hand.
 */
#include <math.h>

#include "command.h"
#include "support/jsonfile.h"

static double
score (const cJSON *scores, const char *name)
{
  const cJSON *item = cJSON_GetObjectItemCaseSensitive (scores, name);

  if (!cJSON_IsNumber (item))
    g_error ("expected the score %s, found none", name);
  return item->valuedouble;
}

static cJSON *
evaluate (const char *tracks, const char *truth, const char *every)
{
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", tracks, truth, "--every", every, "--json", NULL);

  command_expect (&command, 0, "");
  return cJSON_Parse (command.out);
}

/* --- TrackEval's numbers ---------------------------------------------------------------------- */

static void
compare_scores (const cJSON *found, const cJSON *expected)
{
  const cJSON *item;

  cJSON_ArrayForEach (item, expected)
  {
    g_test_message ("%s %g", item->string, item->valuedouble);
    g_assert_cmpfloat_with_epsilon (score (found, item->string), item->valuedouble, 1e-4);
  }
}

static void
compare_results (const char *data, const char *tracker, const char *every, const cJSON *expected)
{
  g_autofree char *name = g_strdup_printf ("%s-every-%s", tracker, every);
  g_autofree char *tracks = g_build_filename (data, "results", name, NULL);
  g_autofree char *truth = g_build_filename (data, "gt", NULL);
  g_autoptr (cJSON) report = evaluate (tracks, truth, every);
  const cJSON *sequences = cJSON_GetObjectItemCaseSensitive (report, "sequences");
  const cJSON *item;

  g_assert_true (report->child == sequences);
  g_assert_cmpint (cJSON_GetArraySize (sequences), ==, cJSON_GetArraySize (expected) - 1);
  cJSON_ArrayForEach (item, expected)
  {
    g_test_message ("%s %s", name, item->string);
    const cJSON *found = cJSON_GetObjectItemCaseSensitive (sequences, item->string);
    compare_scores (found != NULL ? found : cJSON_GetObjectItemCaseSensitive (report, "combined"),
        item);
  }
}

/* Eight sets of tracks, of two trackers at four rates, score what TrackEval says, sequence by sequence and
 * combined. */
static void
test_reference (void)
{
  g_autofree char *data = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "mot", NULL);
  g_autofree char *path = g_build_filename (data, "reference.json", NULL);
  const cJSON *tracker, *rate;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) reference = json_read (path, &error);
  g_assert_no_error (error);
  cJSON_ArrayForEach (tracker, reference)
  {
    cJSON_ArrayForEach (rate, tracker)
    {
      compare_results (data, tracker->string, rate->string + strlen ("every_"), rate);
    }
  }
}

/* --- By hand ---------------------------------------------------------------------------------- */

typedef struct {
  char *folder, *truth, *tracks;
} Files;

static Files
write_files (const char *truth, const char *tracks)
{
  Files files = { .folder = folder_new () };

  files.truth = write_text (files.folder, "truth.txt", truth);
  files.tracks = write_text (files.folder, "tracks.txt", tracks);
  return files;
}

static void
files_clear (Files *files)
{
  folder_remove (files->folder);
  g_free (files->truth);
  g_free (files->tracks);
}

static cJSON *
evaluate_texts (const char *truth, const char *tracks, const char *every)
{
  Files files = write_files (truth, tracks);
  cJSON *report = evaluate (files.tracks, files.truth, every);

  files_clear (&files);
  return report;
}

static void
expect (const cJSON *report, const char *name, double value)
{
  g_test_message ("%s: expected %g", name, value);
  g_assert_cmpfloat_with_epsilon (score (cJSON_GetObjectItemCaseSensitive (report, "combined"),
                                      name),
      value, 1e-9);
}

#define STILL(frame) #frame ",7,10,10,20,40,1,1,1\n"

/* An object of four frames that is one track is perfect; as two tracks of two frames it has one switch, half
 * of its frames under one identity, and an association of 2 / (4 + 2 - 2) in every frame. */
static void
test_switch (void)
{
  static const char truth[] = STILL (1) STILL (2) STILL (3) STILL (4);
  g_autoptr (cJSON) whole = evaluate_texts (truth, truth, "1");
  g_autoptr (cJSON) halves = evaluate_texts (truth,
      "1,1,10,10,20,40,1\n2,1,10,10,20,40,1\n3,2,10,10,20,40,1\n4,2,10,10,20,40,1\n", "1");
  static const char *const shares[] = { "HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1" };

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    expect (whole, shares[i], 1);
  expect (halves, "IDSW", 1);
  expect (halves, "Frag", 0);
  expect (halves, "IDF1", 0.5);
  expect (halves, "AssA", 0.5);
  expect (halves, "DetA", 1);
  expect (halves, "HOTA", sqrt (0.5));
  expect (halves, "MOTA", 0.75);
}

/* A box that is missed in the middle is a fragment and no switch; one beside it all is a false positive. */
static void
test_fragment (void)
{
  g_autoptr (cJSON) report = evaluate_texts (STILL (1) STILL (2) STILL (3) STILL (4),
      "1,1,10,10,20,40,1\n2,9,500,500,20,40,1\n4,1,10,10,20,40,1\n3,1,10,10,20,40,1\n", "1");

  expect (report, "Frag", 1);
  expect (report, "IDSW", 0);
  expect (report, "FP", 1);
  expect (report, "FN", 1);
  expect (report, "MOTA", 0.5);
  expect (report, "IDP", 0.75);
}

/* A track on a distractor is neither right nor wrong; ground truth that is not considered is not missed. */
static void
test_distractors (void)
{
  g_autoptr (cJSON) report = evaluate_texts (
      STILL (1) "1,8,100,10,20,40,1,8,1\n1,9,200,10,20,40,0,1,1\n1,3,300,10,20,40,1,3,1\n",
      "1,1,10,10,20,40,1\n1,2,102,10,20,40,1\n", "1");

  expect (report, "FP", 0);
  expect (report, "FN", 0);
  expect (report, "HOTA", 1);
}

/* Every second frame: 1, 3 and 5 are 1, 2 and 3 of the tracks. */
static void
test_every (void)
{
  g_autoptr (cJSON) report = evaluate_texts (STILL (1) STILL (2) STILL (3) STILL (5),
      "1,1,10,10,20,40,1\n2,1,10,10,20,40,1\n3,1,10,10,20,40,1\n", "2");

  expect (report, "FN", 0);
  expect (report, "MOTA", 1);
}

/* Without tracks everything is missed, and nothing is NaN. */
static void
test_nothing (void)
{
  g_autoptr (cJSON) report = evaluate_texts (STILL (1) STILL (2), "", "1");
  g_autoptr (cJSON) empty = evaluate_texts ("", "", "1");

  expect (report, "FN", 2);
  expect (report, "HOTA", 0);
  expect (report, "MOTA", 0);
  expect (empty, "HOTA", 0);
  expect (empty, "IDF1", 0);
}

static void
expect_failure (const char *tracks, const char *sentence)
{
  Files files = write_files (STILL (1), tracks);
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", files.tracks, files.truth, NULL);

  command_expect (&command, 1, sentence);
  files_clear (&files);
}

/* What is wrong in a file is said with its line. */
static void
test_failures (void)
{
  expect_failure ("1,1,10,10,20,40\n1,1,15,10,20,40\n",
      "*tracks.txt: frame 1: expected every id once, found 1 twice\n");
  expect_failure ("1,1,10,10,20,40\n1,2,nan,10,20,40\n", "*tracks.txt: line 2: expected*nan*");
  expect_failure ("0,1,10,10,20,40\n", "*tracks.txt: line 1: expected*");
  expect_failure ("1,1,10,10,20\n", "*tracks.txt: line 1: expected*");
  expect_failure ("1,1,10,10,20,40;\n", "*tracks.txt: line 1: expected*");
  g_auto (Command) both = command_run ("FBNET_EVAL", "--tracks", "a", "--results", "b", "c", NULL);
  command_expect (&both, 2, "*--tracks: expected no --results*");
  g_auto (Command) absent = command_run ("FBNET_EVAL", "--tracks", "a", "b", NULL);
  command_expect (&absent, 1, "*b: no such file*");
  g_auto (Command) zero = command_run ("FBNET_EVAL", "--tracks", "a", "--every", "0", "b", NULL);
  command_expect (&zero, 2, "*--every: expected 1 or more, found 0*");
  g_auto (Command) alone = command_run ("FBNET_EVAL", "--every", "2", "--results", "a", "b", NULL);
  command_expect (&alone, 2, "*--every: expected --tracks*");
}

/* As text: a heading, a line per sequence, one for all. */
static void
test_text (void)
{
  Files files = write_files (STILL (1), STILL (1));
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", files.tracks, files.truth, NULL);

  command_expect (&command, 0, "");
  g_assert_true (
      g_pattern_match_simple ("* HOTA *IDR\ntruth * 1.0000 *\ncombined * 1.0000 *\n", command.out));
  files_clear (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tracks/reference", test_reference);
  g_test_add_func ("/tracks/switch", test_switch);
  g_test_add_func ("/tracks/fragment", test_fragment);
  g_test_add_func ("/tracks/distractors", test_distractors);
  g_test_add_func ("/tracks/every", test_every);
  g_test_add_func ("/tracks/nothing", test_nothing);
  g_test_add_func ("/tracks/failures", test_failures);
  g_test_add_func ("/tracks/text", test_text);
  return g_test_run ();
}
