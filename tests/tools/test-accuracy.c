/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole way from Meta's own COCO export to box AP: fbnet-import, fbnet-detect, COCO's metrics.
 */
#include "cocoeval.h"
#include "command.h"

static CocoSummary
evaluate (const char *annotations, const char *results)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoTruth) truth = coco_truth_read (annotations, &error);
  g_assert_no_error (error);
  g_autoptr (CocoResults) found = coco_results_read (results, truth, &error);
  g_assert_no_error (error);
  g_autoptr (CocoEval) eval = coco_eval_new (truth, found);
  return coco_eval_summarise (eval);
}

static CocoSummary
import_and_detect (const char *data, const char *folder)
{
  g_autofree char *weights = g_build_filename (data, "weights", "d2go-coco-int8.pt", NULL);
  g_autofree char *set = g_build_filename (data, "coco-val50", "instances_val2017.json", NULL);
  g_autofree char *images = g_build_filename (data, "coco-val50", "images", NULL);
  g_autofree char *model = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *results = g_build_filename (folder, "results.json", NULL);
  g_auto (Command) import = command_run ("FBNET_IMPORT", weights, "-o", model, NULL);
  command_expect (&import, 0, "*");
  g_auto (Command) detect = command_run ("FBNET_DETECT", "-m", model, "--coco", set, "--images",
      images, "--coco-results", results, NULL);
  command_expect (&detect, 0, "*50 pictures in *");
  return evaluate (set, results);
}

/* On 50 images of COCO val2017 the imported export, dequantised, has the AP of D2Go's own code:
 * 0.2396 ± 0.0005. */
static void
test_box_ap (void)
{
  const char *data = g_getenv ("FBNET_GOLDEN_DATA");
  if (!data || !g_file_test (data, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no golden data");
    return;
  }
  char *folder = folder_new ();
  const CocoSummary found = import_and_detect (data, folder);
  folder_remove (folder);
  g_test_message ("AP %.5f, AP50 %.5f, AP75 %.5f, APs %.5f, APm %.5f, APl %.5f", found.ap,
      found.ap50, found.ap75, found.ap_small, found.ap_medium, found.ap_large);
  g_assert_cmpfloat_with_epsilon (found.ap, 0.2396, 0.0005);
  g_assert_cmpfloat_with_epsilon (found.ap50, 0.3639, 0.002);
  g_assert_cmpfloat_with_epsilon (found.ap75, 0.2480, 0.002);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accuracy/box-ap", test_box_ap);
  return g_test_run ();
}
