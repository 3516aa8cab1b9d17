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
evaluate_saying (const char *tracks, const char *truth, const char *every, const char *said)
{
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", tracks, truth, "--every", every, "--json", NULL);

  command_expect (&command, 0, said);
  return cJSON_Parse (command.out);
}

static cJSON *
evaluate (const char *tracks, const char *truth, const char *every)
{
  return evaluate_saying (tracks, truth, every, "");
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

/* --- fbnet-track ------------------------------------------------------------------------------ */

static void
track (const char *data, const char *sequence, const char *every, const char *folder)
{
  g_autofree char *name = g_strconcat (sequence, ".txt", NULL);
  g_autofree char *detections = g_build_filename (data, "det", name, NULL);
  g_autofree char *tracks = g_build_filename (folder, name, NULL);
  g_auto (Command) command = command_run ("FBNET_TRACK", "--detections", detections, "--frame-rate",
      "30", "--every", every, "--max-aspect", "1.6", "--min-area", "100", "-o", tracks, NULL);

  command_expect (&command, 0, "");
}

static void
check_hota (const cJSON *report, double least)
{
  const double hota = score (cJSON_GetObjectItemCaseSensitive (report, "combined"), "HOTA");

  g_test_message ("HOTA %.4f", hota);
  g_assert_cmpfloat (hota, >=, least);
}

static void
check_mota_of (const cJSON *scores, const cJSON *bytetrack, const char *name)
{
  const cJSON *theirs = cJSON_GetObjectItemCaseSensitive (bytetrack, name);

  g_test_message ("%s: MOTA %.4f", name, score (scores, "MOTA"));
  g_assert_cmpfloat (score (scores, "MOTA"), >=, score (theirs, "MOTA") - 0.005);
}

static void
check_mota (const cJSON *report, const cJSON *reference, const char *every)
{
  g_autofree char *rate = g_strconcat ("every_", every, NULL);
  const cJSON *bytetrack =
      cJSON_GetObjectItemCaseSensitive (cJSON_GetObjectItemCaseSensitive (reference, "bytetrack"),
          rate);
  const cJSON *item;

  cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive (report, "sequences"))
  {
    check_mota_of (item, bytetrack, item->string);
  }
  check_mota_of (cJSON_GetObjectItemCaseSensitive (report, "combined"), bytetrack, "combined");
}

/* With one set of parameters the tracker is better than ByteTrack at every rate, which has .684, .671, .638 and
 * .605, and loses next to nothing of a sequence's MOTA anywhere. */
static void
test_tracker (void)
{
  static const struct {
    const char *every;
    double hota;
  } rates[] = { { "1", 0.692 }, { "3", 0.688 }, { "6", 0.682 }, { "10", 0.670 } };
  static const char *const sequences[] = { "MOT17-02", "MOT17-04", "MOT17-09", "MOT17-10",
    "MOT17-11" };
  g_autofree char *data = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "mot", NULL);
  g_autofree char *path = g_build_filename (data, "reference.json", NULL);
  g_autofree char *truth = g_build_filename (data, "gt", NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) reference = json_read (path, &error);
  g_assert_no_error (error);
  for (guint r = 0; r < G_N_ELEMENTS (rates); r++) {
    char *folder = folder_new ();
    for (guint s = 0; s < G_N_ELEMENTS (sequences); s++)
      track (data, sequences[s], rates[r].every, folder);
    g_autoptr (cJSON) report = evaluate (folder, truth, rates[r].every);
    check_hota (report, rates[r].hota);
    check_mota (report, reference, rates[r].every);
    folder_remove (folder);
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
evaluate_texts_saying (const char *truth, const char *tracks, const char *every, const char *said)
{
  Files files = write_files (truth, tracks);
  cJSON *report = evaluate_saying (files.tracks, files.truth, every, said);

  files_clear (&files);
  return report;
}

static cJSON *
evaluate_texts (const char *truth, const char *tracks, const char *every)
{
  return evaluate_texts_saying (truth, tracks, every, "");
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

/* Without tracks everything is missed, and nothing is NaN; that there are none is told. */
static void
test_nothing (void)
{
  g_autoptr (cJSON) report = evaluate_texts_saying (STILL (1) STILL (2), "", "1",
      "*tracks.txt: expected tracks, found none*");
  g_autoptr (cJSON) empty = evaluate_texts_saying ("", "", "1",
      "*truth.txt: expected a ground truth, found nothing in it*");

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

/* Of crowds and numbers of tracks that no memory would hold, not even a row is reckoned. */
static void
test_too_many (void)
{
  g_autoptr (GString) crowd = g_string_new (NULL), tracks = g_string_new (NULL);

  for (guint i = 0; i <= 2000; i++)
    g_string_append_printf (crowd, "7,%u,10,10,20,40\n", i);
  expect_failure (crowd->str,
      "*tracks.txt: line 2001: expected at most 2000 boxes of frame 7, found more\n");
  for (guint i = 0; i < 10001; i++)
    g_string_append_printf (tracks, "%u,%u,10,10,20,40,1,1\n", i + 1, i);
  Files files = write_files (tracks->str, tracks->str);
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", files.tracks, files.truth, NULL);
  command_expect (&command, 1,
      "*tracks.txt: expected at most 100000000 pairs*found 10001 × 10001\n");
  files_clear (&files);
}

/* What is wrong in a file is said with its line, the column, and what is there. */
static void
test_lines (void)
{
  expect_failure ("1,1,10,10,20,40\n2,1,10,10,20,40\n\n1,1,15,10,20,40\n",
      "*tracks.txt: line 4: expected every id once in frame 1, found 1 again, of line 1\n");
  expect_failure ("1,1,10,1e308,20,40\n",
      "*line 1: y: expected a number, -1000000*, found '1e308'\n");
  expect_failure ("1,1,10,10,20,1e7\n", "*line 1: height: expected*1000000, found '1e7'\n");
  expect_failure ("1,1,10,10,20,40\n1,2,nan,10,20,40\n",
      "*tracks.txt: line 2: x: expected a number, *, found 'nan'\n");
  expect_failure ("0,1,10,10,20,40\n",
      "*tracks.txt: line 1: frame: expected a whole number, 1*10000000, found '0'\n");
  expect_failure ("1,1.5,10,10,20,40\n", "*line 1: id: expected a whole number*, found '1.5'\n");
  expect_failure ("1,1,10,10,-20,40\n",
      "*line 1: width: expected a number, 0 … 1000000, found '-20'\n");
  expect_failure ("1,1,10,10,20,40;\n", "*line 1: height: expected*, found '40;'\n");
  expect_failure ("1,1,10,10,20,40,,1\n", "*line 1: score: expected a number, found ''\n");
  expect_failure ("1,1,10,10,20,40,1,car\n", "*line 1: class: expected*, found 'car'\n");
  expect_failure ("1,1,10,10,20,40,1,1,x\n", "*line 1: column 9: expected*, found 'x'\n");
  expect_failure ("1,1,10,10,20\n",
      "*line 1: expected frame, id, x, y, width, height,*found '1,1,10,10,20'\n");
}

/* A byte order mark, blanks and lines that end as Windows' do change nothing. */
static void
test_windows (void)
{
  g_autoptr (cJSON) report = evaluate_texts (STILL (1) STILL (2),
      "\xef\xbb\xbf"
      "1, 7 ,10,10,20,40,1\r\n2, 7 ,10,10,20,40,1\r\n",
      "1");

  expect (report, "HOTA", 1);
}

static void
expect_told (const char *truth, const char *tracks, const char *every, const char *sentence)
{
  Files files = write_files (truth, tracks);
  g_auto (Command) command =
      command_run ("FBNET_EVAL", "--tracks", files.tracks, files.truth, "--every", every, NULL);

  command_expect (&command, 0, sentence);
  files_clear (&files);
}

/* Tracks of other frames than the ground truth's are scored, and not silently. */
static void
test_other_frames (void)
{
  static const char long_one[] = STILL (1) STILL (2) STILL (3);

  expect_told (long_one, long_one, "2",
      "*tracks.txt: expected frames up to 2*by --every 2, found 3: *\n");
  expect_told (long_one, STILL (1) STILL (2), "1",
      "*tracks.txt: expected frames up to about 3*without --every, found none behind 2: *\n");
  expect_told (long_one, "", "1", "*tracks.txt: expected tracks, found none\n");
  expect_told ("1,7,10,10,20,40,1,-1,-1,-1\n2,7,10,10,20,40,0,1,1\n", STILL (1) STILL (2), "1",
      "*truth.txt: expected boxes that are considered, of class 1 *, found others only: *\n");
  expect_told ("1,7,10,10,20,40,0.95,1\n2,7,10,10,20,40,0.95,1\n", STILL (1) STILL (2), "1",
      "*truth.txt: expected boxes that are considered, of class 1 *, found others only: *\n");
}

/* In folders a file without its ground truth is told, and one without its tracks an error; a folder and a file are
 * no pair. */
static void
test_folders (void)
{
  char *truth = folder_new (), *tracks = folder_new ();
  g_autofree char *a = write_text (truth, "a.txt", STILL (1));
  g_autofree char *found = write_text (tracks, "a.txt", STILL (1));
  g_autofree char *more = write_text (tracks, "b.txt", STILL (1));
  g_auto (Command) told = command_run ("FBNET_EVAL", "--tracks", tracks, truth, NULL);
  g_auto (Command) absent = command_run ("FBNET_EVAL", "--tracks", truth, tracks, NULL);
  g_auto (Command) mixed = command_run ("FBNET_EVAL", "--tracks", found, truth, NULL);

  command_expect (&told, 0, "*b.txt: expected its ground truth, *b.txt, found none*not scored\n");
  command_expect (&absent, 1, "*b.txt: no such file\n");
  command_expect (&mixed, 1,
      "*a.txt: expected tracks in a folder as the ground truth * is, found a file\n");
  g_auto (Command) turned = command_run ("FBNET_EVAL", "--tracks", tracks, a, NULL);
  command_expect (&turned, 1,
      "*: expected tracks in a file as the ground truth *a.txt is, found a folder\n");
  g_auto (Command) nothing = command_run ("FBNET_EVAL", "--tracks", "no", truth, NULL);
  command_expect (&nothing, 1,
      "*no: expected tracks, a folder as the ground truth * is, found nothing\n");
  folder_remove (truth);
  folder_remove (tracks);
}

/* Options that do not go together. */
static void
test_failures (void)
{
  g_auto (Command) both = command_run ("FBNET_EVAL", "--tracks", "a", "--results", "b", "c", NULL);
  command_expect (&both, 2, "*--tracks: expected no --results*");
  g_auto (Command) plotted =
      command_run ("FBNET_EVAL", "--tracks", "a.txt", "b.txt", "--per-class", NULL);
  command_expect (&plotted, 2, "*--tracks: expected no --plot,*--per-class*");
  g_auto (Command) absent = command_run ("FBNET_EVAL", "--tracks", "a", "b", NULL);
  command_expect (&absent, 1, "*b: expected the ground truth, a file or a folder, found nothing\n");
  g_auto (Command) alone_too = command_run ("FBNET_EVAL", "--tracks", "a", NULL);
  command_expect (&alone_too, 2, "*expected one ground truth beside --tracks, *, found none*");
  g_auto (Command) three = command_run ("FBNET_EVAL", "--tracks", "a", "b", "c", "d", NULL);
  command_expect (&three, 2, "*expected one ground truth *, found 3 arguments: 'b' and 'c' …*");
  g_auto (Command) zero = command_run ("FBNET_EVAL", "--tracks", "a", "--every", "0", "b", NULL);
  command_expect (&zero, 2, "*--every: expected 1 or more, found 0*");
  g_auto (Command) alone = command_run ("FBNET_EVAL", "--every", "2", "--results", "a", "b", NULL);
  command_expect (&alone, 2, "*--every: expected --tracks*");
  g_auto (Command) threads = command_run ("FBNET_EVAL", "--tracks", "a", "b", "-t", "2", NULL);
  command_expect (&threads, 2, "*--threads: expected a --model*found --tracks*");
  g_auto (Command) bound =
      command_run ("FBNET_EVAL", "--tracks", "a", "b", "--iou-lower", "0.2", NULL);
  command_expect (&bound, 2, "*--iou-lower: expected no --tracks*");
}

/* fbnet-track numbers looks from 1, one without a detection too; what is wrong is said. */
static void
test_track (void)
{
  char *folder = folder_new ();
  g_autofree char *tracks = g_build_filename (folder, "tracks.txt", NULL);
  g_autofree char *found = write_text (folder, "found.txt",
      "1,-1,10,10,20,40,0.9\n5,-1,10,10,20,40,0.9\n5,-1,90,10,40,20,0.9\n2,-1,500,500,20,40,0.9\n");
  g_auto (Command) good = command_run ("FBNET_TRACK", "-d", found, "-r", "30", "-k", "2", "-o",
      tracks, "--max-aspect", "1.6", "--track-min-hits", "1", NULL);
  g_autofree char *text = NULL;

  command_expect (&good, 0, "");
  g_assert_true (g_file_get_contents (tracks, &text, NULL, NULL));
  g_assert_cmpstr (text, ==,
      "1,1,10.00,10.00,20.00,40.00,0.9000,1,-1,-1\n3,1,10.00,10.00,20.00,40.00,0.9000,1,-1,-1\n");
  g_auto (Command) standard = command_run ("FBNET_TRACK", "-d", found, "-r", "30", "-k", "2", "-o",
      "-", "--max-aspect", "1.6", "--track-min-hits", "1", NULL);
  command_expect (&standard, 0, "");
  g_assert_cmpstr (standard.out, ==, text);
  g_auto (Command) rate = command_run ("FBNET_TRACK", "-d", found, "-o", tracks, NULL);
  command_expect (&rate, 2, "*--frame-rate: expected above 0*found none*");
  g_auto (Command) back = command_run ("FBNET_TRACK", "-d", found, "-o", tracks, "-r", "-1", NULL);
  command_expect (&back, 2, "*--frame-rate: expected above 0*found -1*");
  g_auto (Command) aspect = command_run ("FBNET_TRACK", "-d", found, "-o", tracks, "-r", "30",
      "--max-aspect", "-1", NULL);
  command_expect (&aspect, 2, "*--max-aspect: expected above 0, found -1*");
  g_auto (Command) hits = command_run ("FBNET_TRACK", "-d", found, "-o", tracks, "-r", "30",
      "--track-min-hits", "0", NULL);
  command_expect (&hits, 2, "*--track-min-hits: expected 1*100, found 0*");
  g_autofree char *below = g_build_filename (found, "tracks.txt", NULL);
  g_auto (Command) inside = command_run ("FBNET_TRACK", "-d", found, "-o", below, "-r", "30", NULL);
  command_expect (&inside, 1,
      "*tracks.txt: cannot be written: expected a folder *found.txt, found a file\n");
  g_auto (Command) absent = command_run ("FBNET_TRACK", "-d", "no", "-o", tracks, "-r", "30", NULL);
  command_expect (&absent, 1, "*no: no such file*");
  folder_remove (folder);
}

static Command
track_text (const char *detections, const char *option, const char *value)
{
  char *folder = folder_new ();
  g_autofree char *found = write_text (folder, "found.txt", detections);
  Command command =
      command_run ("FBNET_TRACK", "-d", found, "-r", "30", "-o", "-", option, value, NULL);

  folder_remove (folder);
  return command;
}

/* What no tracker can use is left out and counted, with the first of it; a score of more than 1 is a sure one. */
static void
test_odd_detections (void)
{
  g_auto (Command) odd =
      track_text ("1,-1,10,10,20,40,3.5\n1,-1,90,10,0,0,0.9\n2,-1,10,10,20,40,54\n"
                  "2,-1,90,10,20,0,0.9\n2,-1,90,10,20,40,-0.5\n",
          NULL, NULL);
  command_expect (&odd, 0,
      "fbnet-track: *found.txt: 2 of 5 detections have no area: left out; first: line 2, 0 × 0 "
      "pixels, score 0.9\n"
      "fbnet-track: *found.txt: 1 of 5 detections has a score below 0: left out; first: line 5, *\n"
      "fbnet-track: *found.txt: 2 of 5 detections have a score above 1: taken for 1; first: line "
      "1, "
      "*\n");
  g_assert_cmpstr (odd.out, ==,
      "1,1,10.00,10.00,20.00,40.00,1.0000,1,-1,-1\n2,1,10.00,10.00,20.00,40.00,1.0000,1,-1,-1\n");
  g_auto (Command) nothing = track_text ("", NULL, NULL);
  command_expect (&nothing, 0, "*found.txt: expected detections, found none\n");
  g_auto (Command) unsure = track_text ("1,-1,10,10,20,40,0.3\n", NULL, NULL);
  command_expect (&unsure, 0, "*found.txt: expected tracks, found none: see --track-new-score,*\n");
  g_auto (Command) far = track_text ("1,-1,10,-1e9,20,40,0.3\n", NULL, NULL);
  command_expect (&far, 1, "*found.txt: line 1: y: expected a number, *, found '-1e9'\n");
}

/* Each class has tracks of its own, and is told as it was read. */
static void
test_classes (void)
{
  g_auto (Command) two = track_text ("1,-1,10,10,20,40,0.9,-1\n1,-1,12,10,20,40,0.9,2147483646\n"
                                     "2,-1,10,10,20,40,0.9,2147483646\n",
      NULL, NULL);
  command_expect (&two, 0, "");
  g_assert_true (g_pattern_match_simple (
      "1,1,*,0.9000,-1,*\n1,2,*,0.9000,2147483646,*\n2,2,*,0.9000,2147483646,*\n", two.out));
  g_auto (Command) large = track_text ("1,-1,10,10,20,40,0.9,88888888888\n", NULL, NULL);
  command_expect (&large, 1,
      "*found.txt: line 1: class: expected a whole number, -1 … 2147483646, found '88888888888'\n");
}

static void
test_own_input (void)
{
  char *folder = folder_new ();
  g_autofree char *found = write_text (folder, "found.txt", "1,-1,10,10,20,40,0.9\n");
  g_auto (Command) command =
      command_run ("FBNET_TRACK", "-d", found, "-r", "30", "-o", found, NULL);
  g_autofree char *text = NULL;

  command_expect (&command, 2, "*--output: expected another file than *found.txt*");
  g_assert_true (g_file_get_contents (found, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "1,-1,10,10,20,40,0.9\n");
  folder_remove (folder);
}

/* Scores that contradict each other are a wrong command line. */
static void
test_contradiction (void)
{
  g_auto (Command) high = track_text ("", "--track-low-score", "0.61");
  command_expect (&high, 2,
      "*: --track-low-score: expected at most track-high-score, which is 0.6, found 0.61\n*");
  g_auto (Command) new = track_text ("", "--track-new-score", "0.05");
  command_expect (&new, 2,
      "*track-low-score: expected at most track-new-score, which is 0.05, found 0.1\n*");
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
  g_test_add_func ("/tracks/tracker", test_tracker);
  g_test_add_func ("/tracks/track", test_track);
  g_test_add_func ("/tracks/odd-detections", test_odd_detections);
  g_test_add_func ("/tracks/contradiction", test_contradiction);
  g_test_add_func ("/tracks/classes", test_classes);
  g_test_add_func ("/tracks/own-input", test_own_input);
  g_test_add_func ("/tracks/switch", test_switch);
  g_test_add_func ("/tracks/fragment", test_fragment);
  g_test_add_func ("/tracks/distractors", test_distractors);
  g_test_add_func ("/tracks/every", test_every);
  g_test_add_func ("/tracks/nothing", test_nothing);
  g_test_add_func ("/tracks/lines", test_lines);
  g_test_add_func ("/tracks/windows", test_windows);
  g_test_add_func ("/tracks/other-frames", test_other_frames);
  g_test_add_func ("/tracks/folders", test_folders);
  g_test_add_func ("/tracks/failures", test_failures);
  g_test_add_func ("/tracks/too-many", test_too_many);
  g_test_add_func ("/tracks/text", test_text);
  return g_test_run ();
}
