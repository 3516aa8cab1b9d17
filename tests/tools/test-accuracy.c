/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole way from Meta's own COCO export to box AP: fbnet-import, fbnet-detect, COCO's metrics.
 */
#include <string.h>

#include "cocoeval.h"
#include "command.h"

static CocoEval *
evaluate (const char *annotations, const char *results)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoTruth) truth = coco_truth_read (annotations, &error);
  g_assert_no_error (error);
  g_autoptr (CocoResults) found = coco_results_read (results, truth, &error);
  g_assert_no_error (error);
  return coco_eval_new (truth, found);
}

/* The export imported and run in these precisions; NULL, with the test skipped, without golden data. */
static CocoEval *
import_and_detect (const char *export, const char *import_precision, const char *precision,
    const char *int8_bias)
{
  const char *data = g_getenv ("FBNET_GOLDEN_DATA");
  if (!data || !g_file_test (data, G_FILE_TEST_IS_DIR)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  char *folder = folder_new ();
  g_autofree char *weights = g_build_filename (data, "weights", export, NULL);
  g_autofree char *set = g_build_filename (data, "coco-val50", "instances_val2017.json", NULL);
  g_autofree char *images = g_build_filename (data, "coco-val50", "images", NULL);
  g_autofree char *model = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *results = g_build_filename (folder, "results.json", NULL);
  g_auto (Command) import =
      command_run ("FBNET_IMPORT", weights, "-o", model, "--precision", import_precision, NULL);
  command_expect (&import, 0, "*");
  g_auto (Command) detect = command_run ("FBNET_DETECT", "-m", model, "--coco", set, "--images",
      images, "--coco-results", results, "--precision", precision, "--int8-bias", int8_bias, NULL);
  command_expect (&detect, 0, "*50 pictures in *");
  CocoEval *eval = evaluate (set, results);
  folder_remove (folder);
  return eval;
}

static void
show (const CocoSummary *found)
{
  g_test_message ("AP %.5f, AP50 %.5f, AP75 %.5f, APs %.5f, APm %.5f, APl %.5f", found->ap,
      found->ap50, found->ap75, found->ap_small, found->ap_medium, found->ap_large);
}

static void
check_float (const char *import_precision)
{
  g_autoptr (CocoEval) eval =
      import_and_detect ("d2go-coco-int8.pt", import_precision, "float32", "wide");
  if (!eval)
    return;
  const CocoSummary found = coco_eval_summarise (eval);
  show (&found);
  g_assert_cmpfloat_with_epsilon (found.ap, 0.2396, 0.0005);
  g_assert_cmpfloat_with_epsilon (found.ap50, 0.3639, 0.002);
  g_assert_cmpfloat_with_epsilon (found.ap75, 0.2480, 0.002);
}

/* On 50 images of COCO val2017 the imported export, dequantised, has the AP of D2Go's own code:
 * 0.2396 ± 0.0005. */
static void
test_box_ap (void)
{
  check_float ("float32");
}

/* So it has when the file keeps int8 weights and they are dequantised at load. */
static void
test_box_ap_of_quantised_file (void)
{
  check_float ("int8");
}

/* In int8 with saturated biases it has the AP that PyTorch has in int8: 0.2256 ± 0.0005. */
static void
test_box_ap_exact (void)
{
  g_autoptr (CocoEval) eval = import_and_detect ("d2go-coco-int8.pt", "int8", "int8", "exact");
  if (!eval)
    return;
  const CocoSummary found = coco_eval_summarise (eval);
  show (&found);
  g_assert_cmpfloat_with_epsilon (found.ap, 0.2256, 0.0005);
  g_assert_cmpfloat_with_epsilon (found.ap50, 0.3326, 0.002);
  g_assert_cmpfloat_with_epsilon (found.ap75, 0.2394, 0.002);
}

/* With every bias in full it is not worse than that. */
static void
test_box_ap_wide (void)
{
  g_autoptr (CocoEval) eval = import_and_detect ("d2go-coco-int8.pt", "int8", "int8", "wide");
  if (!eval)
    return;
  const CocoSummary found = coco_eval_summarise (eval);
  show (&found);
  g_assert_cmpfloat (found.ap, >=, 0.2256);
}

static double
person_ap (const CocoEval *eval)
{
  for (guint i = 0; i < eval->n_categories; i++) {
    if (strcmp (eval->categories[i].name, "person") == 0)
      return coco_category_ap (&eval->categories[i]);
  }
  g_assert_not_reached ();
}

/* The keypoint export runs in int8, heads and all, and finds people about as well as PyTorch does with
 * the exporter's preprocessing (box AP 0.187). */
static void
test_keypoint_export (void)
{
  g_autoptr (CocoEval) eval = import_and_detect ("d2go-keypoint-int8.ptl", "int8", "int8", "wide");
  if (!eval)
    return;
  const double ap = person_ap (eval);
  g_test_message ("box AP of persons %.5f", ap);
  g_assert_cmpfloat (ap, >=, 0.175);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accuracy/box-ap", test_box_ap);
  g_test_add_func ("/accuracy/box-ap-of-quantised-file", test_box_ap_of_quantised_file);
  g_test_add_func ("/accuracy/box-ap-int8-exact", test_box_ap_exact);
  g_test_add_func ("/accuracy/box-ap-int8-wide", test_box_ap_wide);
  g_test_add_func ("/accuracy/keypoint-export", test_keypoint_export);
  return g_test_run ();
}
