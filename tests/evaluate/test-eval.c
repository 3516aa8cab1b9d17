/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's metrics of boxes, masks and keypoints against pycocotools' numbers (tests/data/coco.json, made
 * by make-coco.py), and what becomes of broken files.
 */
#include <math.h>
#include <string.h>

#include "evaluate/cocoeval.h"
#include "evaluate/evalmatch.h"
#include "support/jsonfile.h"

#define ALL_KINDS                                                                                  \
  (COCO_KIND_BIT (COCO_BOX) | COCO_KIND_BIT (COCO_MASK) | COCO_KIND_BIT (COCO_KEYPOINTS))

/* A member of the set. */
static cJSON *
read_data (const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_TEST_DATA"), "coco.json", NULL);
  g_autoptr (cJSON) file = json_read (path, &error);

  g_assert_no_error (error);
  cJSON *member = cJSON_DetachItemFromObjectCaseSensitive (file, name);
  g_assert_nonnull (member);
  return member;
}

static cJSON *
parse (const char *text)
{
  cJSON *value = cJSON_Parse (text);

  if (value == NULL)
    g_error ("not JSON: %s", text);
  return value;
}

/* --- Against pycocotools ---------------------------------------------------------------------- */

/* pycocotools says -1 for what is not defined, as we do. */
static void
check_number (const cJSON *expected, const char *name, double found)
{
  const cJSON *number = cJSON_GetObjectItemCaseSensitive (expected, name);

  g_assert_true (cJSON_IsNumber (number));
  if (!(fabs (number->valuedouble - found) <= 1e-9))
    g_error ("%s: expected %.12f, found %.12f", name, number->valuedouble, found);
}

static void
check_eval (const CocoEval *eval, const cJSON *expected)
{
  guint n;
  const CocoMetric *metrics = coco_metrics (eval->kind, &n);

  g_assert_cmpuint (n, ==, eval->kind == COCO_KEYPOINTS ? 10 : 12);
  for (guint i = 0; i < n; i++)
    check_number (expected, metrics[i].name, coco_eval_measure (eval, &metrics[i]));
  const cJSON *classes = cJSON_GetObjectItemCaseSensitive (expected, "AP by class");
  g_assert_cmpint (cJSON_GetArraySize (classes), ==, (int) eval->n_categories);
  for (guint i = 0; i < eval->n_categories; i++) {
    g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, eval->categories[i].category_id);
    check_number (classes, id, coco_category_get (eval, i, "AP"));
  }
}

/* All kinds are read together: what matters to one must not change another. */
static void
check_set (const char *results_name, CocoKind kind)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoFile) annotations = coco_file_new (read_data ("truth"), "truth", &error);
  g_autoptr (cJSON) detections = read_data (results_name);
  g_autoptr (cJSON) expected = read_data ("expected");
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (annotations, ALL_KINDS, COCO_N_PERSON_KEYPOINTS, problems, &error);

  g_assert_no_error (error);
  g_autoptr (CocoResults) results =
      coco_results_new (detections, results_name, truth, problems, &error);
  g_assert_no_error (error);
  g_autoptr (CocoEval) eval =
      coco_eval_new (truth, results, kind, coco_person_sigmas, COCO_N_PERSON_KEYPOINTS);
  check_eval (eval, cJSON_GetObjectItemCaseSensitive (expected, coco_kind_name (kind)));
}

/* The twelve numbers of boxes and every class's AP are pycocotools': with crowds, equal scores,
 * objects of all sizes, classes without objects or detections. */
static void
test_boxes (void)
{
  check_set ("results", COCO_BOX);
}

/* So are those of masks, from polygons and from both codings of runs. */
static void
test_masks (void)
{
  check_set ("results", COCO_MASK);
}

/* So are the ten numbers of keypoints, with objects that have none labelled. */
static void
test_keypoints (void)
{
  check_set ("keypoint results", COCO_KEYPOINTS);
}

/* --- Broken entries --------------------------------------------------------------------------- */

#define IMAGES     "\"images\":[{\"id\":1,\"width\":100,\"height\":50},{\"id\":1}]"
#define CATEGORIES "\"categories\":[{\"id\":1,\"name\":\"cat\"}]"

static CocoFile *
file_of (const char *annotations)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text =
      g_strdup_printf ("{" IMAGES "," CATEGORIES ",\"annotations\":[%s]}", annotations);
  CocoFile *file = coco_file_new (parse (text), "set.json", &error);

  g_assert_no_error (error);
  return file;
}

static CocoTruth *
truth_of (const CocoFile *file, CocoProblems *problems)
{
  g_autoptr (GError) error = NULL;
  CocoTruth *truth = coco_truth_new (file, ALL_KINDS, 1, problems, &error);

  g_assert_no_error (error);
  return truth;
}

static void
expect_problem (const CocoProblems *problems, const char *expected)
{
  g_auto (GStrv) sentences = coco_problems_describe (problems);

  for (guint i = 0; sentences[i] != NULL; i++)
    if (g_pattern_match_simple (expected, sentences[i]))
      return;
  g_autofree char *all = g_strjoinv ("\n", sentences);
  g_error ("expected a sentence like %s among: %s", expected, all);
}

#define GOOD_MASK   "\"segmentation\":{\"size\":[50,100],\"counts\":[0,5000]}"
#define GOOD_POINTS "\"keypoints\":[1,1,2]"

/* Ids that are text: of a number they are the number, other text is the same as itself; and a category twice
 * by name, an annotation without ids. */
static void
test_text_ids (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoFile) file = coco_file_new (
      parse (
          "{\"images\":[{\"id\":\"7\"},{\"id\":\"img_1\"}],"
          "\"categories\":[{\"id\":\"a\",\"name\":\"cat\"},{\"id\":2,\"name\":\"cat\"}],"
          "\"annotations\":["
          "{\"id\":\"x\",\"image_id\":7,\"category_id\":\"a\",\"bbox\":[0,0,5,5],\"area\":25},"
          "{\"id\":\"y\",\"image_id\":\"img_1\",\"category_id\":\"2\",\"bbox\":[0,0,5,5],\"area\":"
          "25},"
          "{\"id\":\"z\",\"image_id\":\"img_2\",\"category_id\":2,\"bbox\":[0,0,5,5],\"area\":25},"
          "{\"id\":\"w\",\"image_id\":[],\"category_id\":2}]}"),
      "set.json", &error);
  g_assert_no_error (error);
  g_autoptr (CocoTruth) truth =
      coco_truth_new (file, COCO_KIND_BIT (COCO_BOX), 0, problems, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (coco_truth_n_objects (truth), ==, 2);
  g_assert_cmpint (coco_truth_image (truth, 0), ==, 7);
  expect_problem (problems, "1 annotation of an image that*annotations[2]");
  expect_problem (problems, "1 annotation without a readable image_id*annotations[3]*image_id*");
  expect_problem (problems, "1 category with the name of another*'cat'*");

  g_autoptr (cJSON) found = parse ("[{\"image_id\":\"img_1\",\"category_id\":2,\"bbox\":[0,0,5,5],"
                                   "\"score\":0.5}]");
  g_autoptr (CocoResults) results =
      coco_results_new (found, "results.json", truth, problems, &error);
  g_assert_no_error (error);
  g_assert_nonnull (coco_results_detections (results, coco_truth_image (truth, 1), 2));
}

/* Annotations with a flaw are counted and named, and a file full of them can still be evaluated. */
static void
test_broken_annotations (void)
{
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoFile) set = file_of (
      "{\"id\":1,\"image_id\":9,\"category_id\":1,\"bbox\":[0,0,5,5]},"
      "{\"id\":2,\"image_id\":1,\"category_id\":9,\"bbox\":[0,0,5,5]},"
      "{\"id\":3,\"image_id\":1,\"category_id\":1},"
      "{\"id\":4,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,0,5],\"area\":0," GOOD_MASK
      "," GOOD_POINTS "},"
      "{\"id\":0,\"image_id\":1,\"category_id\":1,\"bbox\":[90,0,50,5]," GOOD_MASK "," GOOD_POINTS
      "},"
      "{\"id\":6,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,5,5],\"area\":25,\"segmentation\":"
      "[[0,0,1]]},"
      "{\"id\":7,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,5,5],\"area\":25,\"segmentation\":{"
      "\"size\":[2,2],\"counts\":[4]},\"keypoints\":[1]}");
  g_autoptr (CocoTruth) truth = truth_of (set, problems);

  g_assert_cmpuint (coco_truth_n_images (truth), ==, 1);
  g_assert_cmpuint (coco_truth_n_objects (truth), ==, 4);
  expect_problem (problems,
      "1 image with the id of another*set.json: images[0] and images[1] are both 1");
  expect_problem (problems, "1 annotation of an image that*set.json: annotations[0]");
  expect_problem (problems, "1 annotation of a category that*annotations[1]");
  expect_problem (problems, "1 annotation without a readable box*annotations[2]: field 'bbox'*");
  expect_problem (problems, "1 annotation with a box without area*annotations[3]");
  expect_problem (problems, "1 annotation with a box that reaches beyond*annotations[4]");
  expect_problem (problems, "1 annotation without an id*annotations[4]");
  expect_problem (problems, "1 annotation without an area*annotations[4]");
  expect_problem (problems, "1 annotation without a readable mask*annotations[5]*three points*");
  expect_problem (problems, "1 annotation with a mask of another size*annotations[6]");
  expect_problem (problems, "2 annotations without readable keypoints*annotations[5]*");
}

/* Of categories of one id the first counts, and both are named. */
static void
test_category_twice (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoFile) file =
      coco_file_new (parse ("{" IMAGES ",\"categories\":[{\"id\":5,\"name\":\"cup\"},"
                            "{\"id\":2,\"name\":\"dog\"},{\"id\":2,\"name\":\"cat\"},"
                            "{\"id\":5,\"name\":\"jug\"}],\"annotations\":[]}"),
          "set.json", &error);

  g_assert_no_error (error);
  g_autoptr (CocoTruth) truth = truth_of (file, problems);
  g_assert_cmpuint (coco_truth_n_categories (truth), ==, 2);
  g_assert_cmpstr (coco_truth_category (truth, 0)->name, ==, "dog");
  expect_problem (problems,
      "2 categories with the id of another: the first one counts; first: set.json: 'dog' and 'cat' "
      "are both 2");
}

/* More categories than a model can have would cost gigabytes. */
static void
test_many_categories (void)
{
  g_autoptr (GString) text = g_string_new ("{" IMAGES ",\"annotations\":[],\"categories\":[");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= 10000; i++)
    g_string_append_printf (text, "%s{\"id\":%u,\"name\":\"c%u\"}", i > 0 ? "," : "", i, i);
  g_string_append (text, "]}");
  g_autoptr (CocoFile) file = coco_file_new (parse (text->str), "set.json", &error);
  g_assert_null (file);
  g_assert_cmpstr (error->message, ==,
      "set.json: field 'categories': expected at most 10000, found 10001");
}

/* Results with a flaw match nothing, or count nowhere, and are counted. */
static void
test_broken_results (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoFile) set = file_of ("{\"id\":1,\"image_id\":1,\"category_id\":1,\"area\":5000,"
                                      "\"bbox\":[0,0,100,50]," GOOD_MASK "," GOOD_POINTS "}");
  g_autoptr (CocoTruth) truth = truth_of (set, problems);
#define KNOWN "\"image_id\":1,\"category_id\":1,\"score\":0.5,"
  g_autoptr (cJSON) file = parse (
      "[{\"image_id\":1,\"category_id\":9,\"score\":0.5,\"bbox\":[0,0,1,1]},"
      "{" KNOWN "\"bbox\":[0,0,0,1]," GOOD_MASK "," GOOD_POINTS "},"
      "{" KNOWN
      "\"bbox\":[0,0,9,9],\"segmentation\":{\"size\":[50,100],\"counts\":\"~\"}," GOOD_POINTS "},"
      "{" KNOWN "\"bbox\":[0,0,9,9],\"segmentation\":{\"size\":[1,1],\"counts\":[1]}}]");
  g_autoptr (CocoResults) results =
      coco_results_new (file, "results.json", truth, problems, &error);

  g_assert_no_error (error);
  expect_problem (problems, "1 result of a category that*results.json: [0]");
  expect_problem (problems, "1 result with a box without area*[1]");
  expect_problem (problems, "1 result without a readable mask*[2]*");
  expect_problem (problems, "1 result with a mask of another size*[3]");
  expect_problem (problems, "1 result without readable keypoints*[3]*");
  static const double sigma = 0.1;
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    g_autoptr (CocoEval) eval = coco_eval_new (truth, results, kind, &sigma, 1);
    g_assert_cmpuint (eval->categories[0].n_objects, ==, 1);
    g_assert_cmpuint (eval->categories[0].n_detections, ==, 3);
  }
}

/* --- IoU bounds ------------------------------------------------------------------------------- */

/* Of detections of one class: an object, its duplicate, one between the bounds, one in a crowd, and
 * background; the fifth is below the score. One object is missed, the crowd is not. */
static void
test_matching (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoFile) set =
      file_of ("{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,10,10]},"
               "{\"id\":2,\"image_id\":1,\"category_id\":1,\"bbox\":[20,0,10,10]},"
               "{\"id\":3,\"image_id\":1,\"category_id\":1,\"bbox\":[50,0,50,50],\"iscrowd\":1}");
  g_autoptr (CocoTruth) truth = truth_of (set, problems);
  g_autoptr (cJSON) file =
      parse ("[{\"image_id\":1,\"category_id\":1,\"score\":0.8,\"bbox\":[0,0,10,9]},"
             "{\"image_id\":1,\"category_id\":1,\"score\":0.9,\"bbox\":[0,0,10,8]},"
             "{\"image_id\":1,\"category_id\":1,\"score\":0.7,\"bbox\":[20,0,10,5]},"
             "{\"image_id\":1,\"category_id\":1,\"score\":0.6,\"bbox\":[60,10,5,5]},"
             "{\"image_id\":1,\"category_id\":1,\"score\":0.4,\"bbox\":[20,0,10,10]},"
             "{\"image_id\":1,\"category_id\":1,\"score\":0.5,\"bbox\":[30,30,5,5]}]");
  g_autoptr (CocoResults) results =
      coco_results_new (file, "results.json", truth, problems, &error);

  g_assert_no_error (error);
  g_autoptr (EvalMatch) match = eval_match_new (truth, results, 0.3, 0.7, 0.5);
  g_assert_cmpuint (match->total.objects, ==, 2);
  g_assert_cmpuint (match->total.ignored, ==, 2);
  g_assert_cmpuint (match->total.background, ==, 1);
  g_assert_cmpuint (match->total.true_positives, ==, 1);
  g_assert_cmpuint (match->total.false_positives, ==, 2);
  g_assert_cmpuint (match->total.misses, ==, 1);
  g_assert_cmpfloat (match_precision (&match->total), ==, 1.0 / 3);
  g_assert_cmpfloat (match_recall (&match->total), ==, 0.5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/eval/boxes", test_boxes);
  g_test_add_func ("/eval/masks", test_masks);
  g_test_add_func ("/eval/keypoints", test_keypoints);
  g_test_add_func ("/eval/text-ids", test_text_ids);
  g_test_add_func ("/eval/broken-annotations", test_broken_annotations);
  g_test_add_func ("/eval/broken-results", test_broken_results);
  g_test_add_func ("/eval/category-twice", test_category_twice);
  g_test_add_func ("/eval/many-categories", test_many_categories);
  g_test_add_func ("/eval/matching", test_matching);
  return g_test_run ();
}
