/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's box metrics (models/evaluate/cocoeval.c): against pycocotools on real detections, and on
 * sets small enough to count by hand.
 */
#include <glib/gstdio.h>
#include <math.h>

#include "evaluate/cocoeval.h"
#include "support/jsonfile.h"

/* Boxes. */
static CocoEval *
try_files (const char *truth_path, const char *results_path, GError **error)
{
  g_autoptr (CocoFile) annotations = coco_file_read (truth_path, error);
  g_autoptr (cJSON) detections = annotations != NULL ? json_read (results_path, error) : NULL;

  if (detections == NULL)
    return NULL;
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (annotations, COCO_KIND_BIT (COCO_BOX), 0, problems, error);
  g_autoptr (CocoResults) results =
      truth != NULL ? coco_results_new (detections, results_path, truth, problems, error) : NULL;
  return results != NULL ? coco_eval_new (truth, results, COCO_BOX, NULL, 0) : NULL;
}

static CocoEval *
evaluate_files (const char *truth_path, const char *results_path)
{
  g_autoptr (GError) error = NULL;
  CocoEval *eval = try_files (truth_path, results_path, &error);

  g_assert_no_error (error);
  return eval;
}

static void
assert_near (double value, double expected, double tolerance)
{
  if (!(fabs (value - expected) <= tolerance))
    g_error ("expected %.6f ± %g, found %.6f", expected, tolerance, value);
}

static void
check_reference (const char *results_name, const double expected[6])
{
  static const char *const names[] = { "AP", "AP50", "AP75", "APs", "APm", "APl" };
  const char *folder = g_getenv ("FBNET_GOLDEN_DATA");
  g_autofree char *truth =
      g_build_filename (folder != NULL ? folder : "", "coco-val50", "instances_val2017.json", NULL);
  g_autofree char *results =
      g_build_filename (folder != NULL ? folder : "", "coco-val50", results_name, NULL);

  if (folder == NULL || !g_file_test (truth, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return;
  }
  g_autoptr (CocoEval) eval = evaluate_files (truth, results);
  const double half_digit = 5e-5;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_near (coco_eval_get (eval, names[i]), expected[i], half_digit);
}

/* The float model's detections on 50 COCO images score what pycocotools gives them. */
static void
test_float_detections (void)
{
  static const double expected[] = { 0.2396, 0.3639, 0.2480, 0.0202, 0.2941, 0.5094 };

  check_reference ("d2go-float-detections.json", expected);
}

/* So do the int8 model's, which are different boxes with many equal scores. */
static void
test_int8_detections (void)
{
  static const double expected[] = { 0.2256, 0.3326, 0.2394, 0.0146, 0.2868, 0.4851 };

  check_reference ("d2go-int8-detections.json", expected);
}

/* --- Sets counted by hand --------------------------------------------------------------------- */

typedef struct {
  char *folder, *truth, *results;
} Files;

static void
write_text (const char *path, const char *text)
{
  GError *error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static Files
files_new (const char *annotations, const char *results)
{
  GError *error = NULL;
  Files files = { g_dir_make_tmp ("fbnet-coco-XXXXXX", &error) };

  g_assert_no_error (error);
  files.truth = g_build_filename (files.folder, "instances.json", NULL);
  files.results = g_build_filename (files.folder, "results.json", NULL);
  g_autofree char *truth = g_strdup_printf ("{\"images\":[{\"id\":7},{\"id\":3}],"
                                            "\"categories\":[{\"id\":2,\"name\":\"dog\"},"
                                            "{\"id\":1,\"name\":\"cat\"}],\"annotations\":[%s]}",
      annotations);
  write_text (files.truth, truth);
  write_text (files.results, results);
  return files;
}

static void
files_clear (Files *files)
{
  g_remove (files->truth);
  g_remove (files->results);
  g_rmdir (files->folder);
  g_free (files->truth);
  g_free (files->results);
  g_free (files->folder);
}

static CocoEval *
evaluate_text (const char *annotations, const char *results)
{
  Files files = files_new (annotations, results);
  CocoEval *eval = evaluate_files (files.truth, files.results);

  files_clear (&files);
  return eval;
}

#define OBJECT(image, category, box, area)                                                         \
  "{\"image_id\":" #image ",\"category_id\":" #category ",\"bbox\":" box ",\"area\":" #area "}"
#define CROWD(image, category, box, area)                                                          \
  "{\"image_id\":" #image ",\"category_id\":" #category ",\"bbox\":" box ",\"area\":" #area        \
  ",\"iscrowd\":1}"
#define FOUND(image, category, box, score)                                                         \
  "{\"image_id\":" #image ",\"category_id\":" #category ",\"bbox\":" box ",\"score\":" #score "}"

/* One object found exactly: 1 wherever it counts, undefined for sizes and categories without one. */
static void
test_perfect (void)
{
  g_autoptr (CocoEval) eval = evaluate_text (OBJECT (3, 1, "[10,10,50,50]", 2500),
      "[" FOUND (3, 1, "[10,10,50,50]", 0.9) "]");

  assert_near (coco_eval_get (eval, "AP"), 1, 1e-12);
  assert_near (coco_eval_get (eval, "APm"), 1, 1e-12);
  assert_near (coco_eval_get (eval, "AR1"), 1, 1e-12);
  assert_near (coco_eval_get (eval, "APs"), -1, 0);
  assert_near (coco_eval_get (eval, "APl"), -1, 0);
  g_assert_cmpuint (eval->n_categories, ==, 2);
  g_assert_cmpstr (eval->categories[0].name, ==, "cat");
  assert_near (coco_category_get (eval, 0, "AP"), 1, 1e-12);
  assert_near (coco_category_get (eval, 1, "AP"), -1, 0);
}

/* An overlap of exactly 0.6 reaches the thresholds 0.50, 0.55 and 0.60: three of ten. */
static void
test_threshold_is_inclusive (void)
{
  g_autoptr (CocoEval) eval =
      evaluate_text (OBJECT (3, 1, "[0,0,10,10]", 100), "[" FOUND (3, 1, "[0,0,10,6]", 0.9) "]");

  assert_near (coco_eval_get (eval, "AP"), 0.3, 1e-12);
  assert_near (coco_eval_get (eval, "AP50"), 1, 1e-12);
  assert_near (coco_eval_get (eval, "AP75"), 0, 1e-12);
  assert_near (coco_eval_get (eval, "AR100"), 0.3, 1e-12);
}

/* Right, wrong, right over two images: precision 1 up to recall 1/2 (51 points), then 2/3. */
static void
test_interpolation (void)
{
  g_autoptr (CocoEval) eval =
      evaluate_text (OBJECT (3, 1, "[0,0,10,10]", 100) "," OBJECT (7, 1, "[0,0,10,10]", 100),
          "[" FOUND (7, 1, "[0,0,10,10]", 0.5) "," FOUND (3, 1, "[80,0,10,10]", 0.7) "," FOUND (3,
              1, "[0,0,10,10]", 0.9) "]");

  assert_near (coco_eval_get (eval, "AP"), (51 + 50 * 2 / 3.0) / 101, 1e-12);
  assert_near (coco_eval_get (eval, "AR1"), 1, 1e-12);
}

/* A second detection of the same object is wrong, but only the first costs nothing before it. */
static void
test_duplicate_is_wrong (void)
{
  g_autoptr (CocoEval) eval =
      evaluate_text (OBJECT (3, 1, "[0,0,10,10]", 100) "," OBJECT (3, 1, "[50,0,10,10]", 100),
          "[" FOUND (3, 1, "[0,0,10,10]", 0.9) "," FOUND (3, 1, "[0,0,10,10]", 0.8) "," FOUND (3, 1,
              "[50,0,10,10]", 0.7) "]");

  assert_near (coco_eval_get (eval, "AP"), (51 + 50 * 2 / 3.0) / 101, 1e-12);
  assert_near (coco_eval_get (eval, "AR1"), 0.5, 1e-12);
  assert_near (coco_eval_get (eval, "AR10"), 1, 1e-12);
}

/* Detections inside a crowd, any number of them, count neither as right nor as wrong. */
static void
test_crowd_is_ignored (void)
{
  g_autoptr (CocoEval) eval =
      evaluate_text (CROWD (3, 1, "[100,0,100,100]", 9000) "," OBJECT (3, 1, "[0,0,10,10]", 100),
          "[" FOUND (3, 1, "[110,10,20,20]", 0.9) "," FOUND (3, 1, "[150,10,20,20]",
              0.8) "," FOUND (3, 1, "[0,0,10,10]", 0.7) "]");

  assert_near (coco_eval_get (eval, "AP"), 1, 1e-12);
}

/* A detection that matches nothing is wrong only in the size range it lies in itself. */
static void
test_area_of_unmatched (void)
{
  g_autoptr (CocoEval) eval = evaluate_text (OBJECT (3, 1, "[0,0,10,10]", 100),
      "[" FOUND (3, 1, "[200,0,200,200]", 0.9) "," FOUND (3, 1, "[0,0,10,10]", 0.7) "]");

  assert_near (coco_eval_get (eval, "AP"), 0.5, 1e-12);
  assert_near (coco_eval_get (eval, "APs"), 1, 1e-12);
}

/* No detections at all: nothing found, 0 and not undefined. */
static void
test_nothing_found (void)
{
  g_autoptr (CocoEval) eval = evaluate_text (OBJECT (3, 1, "[0,0,10,10]", 100), "[]");

  assert_near (coco_eval_get (eval, "AP"), 0, 0);
  assert_near (coco_eval_get (eval, "AR100"), 0, 0);
}

/* Damaged or foreign files are refused by a message that names the entry and the field. */
static void
test_bad_files (void)
{
  static const struct {
    const char *annotations, *results, *expected;
  } cases[] = {
    { "", "{}", "*expected an array*" },
    { "", "[" FOUND (99, 1, "[0,0,1,1]", 0.5) "]", "*[0]: field 'image_id'*99*" },
    { "", "[" FOUND (3, 1, "[0,0,1]", 0.5) "]", "*[0]: field 'bbox'*4 finite numbers*" },
    { "", "[" FOUND (3.5, 1, "[0,0,1,1]", 0.5) "]", "*'image_id'*integer*3.5*" },
    { "", "[{]", "*not JSON*line 1*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Files files = files_new (cases[i].annotations, cases[i].results);
    g_autoptr (GError) error = NULL;
    g_autoptr (CocoEval) eval = try_files (files.truth, files.results, &error);
    g_assert_null (eval);
    g_assert_nonnull (error);
    if (!g_pattern_match_simple (cases[i].expected, error->message))
      g_error ("expected a message like %s, found %s", cases[i].expected, error->message);
    files_clear (&files);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/coco-ap/float-detections", test_float_detections);
  g_test_add_func ("/coco-ap/int8-detections", test_int8_detections);
  g_test_add_func ("/coco-ap/perfect", test_perfect);
  g_test_add_func ("/coco-ap/threshold-is-inclusive", test_threshold_is_inclusive);
  g_test_add_func ("/coco-ap/interpolation", test_interpolation);
  g_test_add_func ("/coco-ap/duplicate-is-wrong", test_duplicate_is_wrong);
  g_test_add_func ("/coco-ap/crowd-is-ignored", test_crowd_is_ignored);
  g_test_add_func ("/coco-ap/area-of-unmatched", test_area_of_unmatched);
  g_test_add_func ("/coco-ap/nothing-found", test_nothing_found);
  g_test_add_func ("/coco-ap/bad-files", test_bad_files);
  return g_test_run ();
}
