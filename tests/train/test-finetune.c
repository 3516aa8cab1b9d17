/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fine-tuning as docs/finetuning.md does it, in short: frames of two clips, COCO's weights,
 * fbnet-train, and fbnet-eval on frames that the training has not seen.
 */
#include "command.h"
#include "support/jsonfile.h"

#define STEPS           "24"
#define EXIT_NO_DECODER 77 /* of extract-frames */

static char *
data_file (const char *name)
{
  return g_build_filename (g_getenv ("FBNET_TEST_DATA"), name, NULL);
}

/* FALSE where GStreamer cannot decode the clips. */
static gboolean
extract_frames (const char *golden, const char *annotations, const char *folder)
{
  const char *const clips[] = { "car-detection.mp4", "one-by-one-person-detection.mp4" };

  for (guint i = 0; i < G_N_ELEMENTS (clips); i++) {
    g_autofree char *clip = g_build_filename (golden, "video", clips[i], NULL);
    g_auto (Command) extract = command_run ("EXTRACT_FRAMES", annotations, clip, folder, NULL);
    if (extract.code == EXIT_NO_DECODER)
      return FALSE;
    command_expect (&extract, 0, "*");
  }
  return TRUE;
}

static double
held_out_ap (const char *model, const char *annotations, const char *folder)
{
  double ap = -1;
  g_autoptr (GError) error = NULL;
  g_auto (Command) eval = command_run ("FBNET_EVAL", annotations, "-m", model, "--images", folder,
      "--metrics", "bbox", "--json", NULL);

  command_expect (&eval, 0, "*");
  g_autoptr (cJSON) report = cJSON_Parse (eval.out);
  json_get_number (cJSON_GetObjectItemCaseSensitive (report, "bbox"), "AP", &ap, "bbox", &error);
  g_assert_no_error (error);
  return ap;
}

/* Of n lines of the log, from line `first` on. */
static double
mean_loss (char **lines, guint first, guint n)
{
  double sum = 0;

  for (guint i = first; i < first + n; i++) {
    g_autoptr (cJSON) step = cJSON_Parse (lines[i]);
    const cJSON *loss = cJSON_GetObjectItemCaseSensitive (step, "loss");
    g_assert_true (cJSON_IsNumber (loss));
    sum += loss->valuedouble;
  }
  return sum / n;
}

static void
check_losses (const char *log)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (log, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  const guint n = g_strv_length (lines), quarter = n / 4;
  g_assert_cmpuint (n, ==, (guint) g_ascii_strtoull (STEPS, NULL, 10));
  const double first = mean_loss (lines, 0, quarter);
  const double last = mean_loss (lines, n - quarter, quarter);
  g_test_message ("loss: %.3f over the first quarter, %.3f over the last", first, last);
  g_assert_cmpfloat (last, <, first);
}

static void
fine_tune (const char *golden, const char *folder)
{
  g_autofree char *weights = g_build_filename (golden, "weights", "d2go-coco-int8.pt", NULL);
  g_autofree char *before = g_build_filename (folder, "coco.safetensors", NULL);
  g_autofree char *after = g_build_filename (folder, "tuned.safetensors", NULL);
  g_autofree char *log = g_build_filename (folder, "log.jsonl", NULL);
  g_autofree char *train_set = data_file ("video-train.json");
  g_autofree char *held_out = data_file ("video-heldout.json");

  if (!extract_frames (golden, train_set, folder) || !extract_frames (golden, held_out, folder)) {
    g_test_skip ("GStreamer cannot decode H.264 here");
    return;
  }
  g_auto (Command) import =
      command_run ("FBNET_IMPORT", weights, "-o", before, "--precision", "float32", NULL);
  command_expect (&import, 0, "*");
  g_auto (Command) train = command_run ("FBNET_TRAIN", "--model", before, "--annotations",
      train_set, "--images", folder, "--output", after, "--log", log, "--iterations", STEPS,
      "--batch", "4", "--threads", "2", "--rate", "0.005", "--freeze", "2", "--ema", "0.8",
      "--roi-batch", "128", "--pre-nms-count", "1000", "--post-nms-count", "300", NULL);
  command_expect (&train, 0, "*57 pictures, 67 objects*is written*");
  check_losses (log);
  const double ap_before = held_out_ap (before, held_out, folder);
  const double ap_after = held_out_ap (after, held_out, folder);
  g_test_message ("AP on held-out frames: %.3f before, %.3f after", ap_before, ap_after);
  g_assert_cmpfloat (ap_after, >, ap_before);
}

/* The loss falls, and held-out frames with other cars and other people are detected better. */
static void
test_fine_tuning (void)
{
  const char *golden = g_getenv ("FBNET_GOLDEN_DATA");

  if (golden == NULL || !g_file_test (golden, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no golden data");
    return;
  }
  char *folder = folder_new ();
  fine_tune (golden, folder);
  folder_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/finetune/held-out-frames", test_fine_tuning);
  return g_test_run ();
}
