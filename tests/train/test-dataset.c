/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Data sets: what counts, in what order, and what becomes of broken ones, flaw by flaw.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "train/datasetreader.h"

#define CATEGORIES "[{\"id\":7,\"name\":\"disc\"},{\"id\":2,\"name\":\"box\"}]"
#define IMAGES     "[{\"id\":1,\"file_name\":\"a.png\",\"width\":8,\"height\":6}]"

/* A folder with pictures a.png and b.png of 8 × 6 pixels. */
static char *
folder_with_pictures (void)
{
  char *folder = folder_new ();

  g_free (write_picture (folder, "a.png", 8, 6));
  g_free (write_picture (folder, "b.png", 8, 6));
  return folder;
}

static char *
coco_text (const char *images, const char *categories, const char *annotations)
{
  return g_strdup_printf ("{\"images\":%s,\"categories\":%s,\"annotations\":%s}", images,
      categories, annotations);
}

static Dataset *
open_text (const char *folder, const char *text, const DatasetOptions *options, GError **error)
{
  g_autofree char *path = write_text (folder, "set.json", text);
  const DatasetSource source = { path, folder };

  return dataset_open (&source, 1, options, error);
}

static Dataset *
open_set (const char *folder, const char *images, const char *annotations,
    const DatasetOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = coco_text (images, CATEGORIES, annotations);
  Dataset *dataset = open_text (folder, text, options, &error);

  g_assert_no_error (error);
  return dataset;
}

/* The samples show pictures as they are. */
static AugmentOptions
plain_options (void)
{
  AugmentOptions options = augment_options_default ();

  options.min_sizes[0] = 6;
  options.n_min_sizes = 1;
  options.flip = 0;
  return options;
}

static TrainSample *
draw_one (Dataset *dataset, guint64 draw, GError **error)
{
  const AugmentOptions options = plain_options ();
  g_autoptr (DatasetReader) reader = dataset_reader_new (dataset, &options, error);

  return reader != NULL ? dataset_reader_draw (reader, 1, draw, error) : NULL;
}

/* All of the problems' sentences, in one string. */
static char *
problems_of (Dataset *dataset)
{
  g_auto (GStrv) sentences = dataset_problems (dataset);

  return g_strjoinv ("\n", sentences);
}

static void
expect_like (const char *found, const char *pattern)
{
  if (!g_pattern_match_simple (pattern, found))
    g_error ("expected %s, found %s", pattern, found);
}

/* --- What counts ------------------------------------------------------------------------------ */

/* Classes count the categories by ascending id; objects of crowds are left out; a sample has the
 * rest, with boxes as corners. */
static void
test_plain (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autoptr (Dataset) dataset = open_set (folder, IMAGES,
      "[{\"id\":1,\"image_id\":1,\"category_id\":7,\"bbox\":[1,2,3,4]},"
      "{\"id\":2,\"image_id\":1,\"category_id\":2,\"bbox\":[0,0,2.5,1]},"
      "{\"id\":3,\"image_id\":1,\"category_id\":2,\"bbox\":[0,0,2,1],\"iscrowd\":1}]",
      NULL);

  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 1);
  g_assert_cmpuint (dataset_n_objects (dataset), ==, 2);
  g_assert_cmpuint (dataset_n_classes (dataset), ==, 2);
  g_assert_cmpstr (dataset_label (dataset, 0), ==, "box");
  g_assert_cmpint (dataset_category (dataset, 0), ==, 2);
  g_assert_cmpstr (dataset_label (dataset, 1), ==, "disc");
  g_assert_cmpint (dataset_category (dataset, 1), ==, 7);
  g_assert_cmpuint (dataset_n_objects_of (dataset, 0), ==, 1);
  g_autofree char *problems = problems_of (dataset);
  expect_like (problems,
      "1 annotations of crowds, or to be ignored: left out; first: "
      "*set.json: annotations[2]");

  g_autoptr (TrainSample) sample = draw_one (dataset, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sample->width, ==, 8);
  g_assert_cmpuint (sample->height, ==, 6);
  g_assert_cmpuint (sample->n_objects, ==, 2);
  g_assert_cmpuint (sample->objects[0].class_id, ==, 1);
  g_assert_cmpfloat (sample->objects[0].box.x1, ==, 4);
  g_assert_cmpfloat (sample->objects[0].box.y1, ==, 6);
  g_assert_cmpfloat (sample->objects[1].box.x1, ==, 2.5f);
  g_assert_null (sample->objects[0].mask);
  folder_remove (folder);
}

/* Pictures without objects are left out, unless they are asked for as background. */
static void
test_empty_pictures (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  const char *images = "[{\"id\":1,\"file_name\":\"a.png\"},{\"id\":9,\"file_name\":\"b.png\"}]";
  const char *annotations = "[{\"image_id\":1,\"category_id\":2,\"bbox\":[1,1,2,2]}]";
  g_autoptr (Dataset) some = open_set (folder, images, annotations, NULL);

  g_assert_cmpuint (dataset_n_pictures (some), ==, 1);
  g_autofree char *problems = problems_of (some);
  expect_like (problems, "1 images without objects to train on: left out; first: *b.png");

  const DatasetOptions options = { .keep_empty = TRUE };
  g_autoptr (Dataset) all = open_set (folder, images, annotations, &options);
  g_assert_cmpuint (dataset_n_pictures (all), ==, 2);
  g_autofree char *none = problems_of (all);
  g_assert_cmpstr (none, ==, "");
  guint n_objects = 0;
  for (guint i = 0; i < 2; i++) {
    g_autoptr (TrainSample) sample = draw_one (all, i, &error);
    g_assert_no_error (error);
    n_objects += sample->n_objects;
  }
  g_assert_cmpuint (n_objects, ==, 1);
  folder_remove (folder);
}

/* Several files are one data set: pictures of both, categories of both as one list. */
static void
test_sources (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autofree char *first = coco_text (IMAGES, "[{\"id\":3,\"name\":\"cat\"}]",
      "[{\"image_id\":1,\"category_id\":3,\"bbox\":[1,1,2,2]}]");
  g_autofree char *second = coco_text ("[{\"id\":1,\"file_name\":\"b.png\"}]",
      "[{\"id\":3,\"name\":\"cat\"},{\"id\":1,\"name\":\"dog\"}]",
      "[{\"image_id\":1,\"category_id\":1,\"bbox\":[1,1,2,2]}]");
  g_autofree char *path = write_text (folder, "1.json", first);
  g_autofree char *other = write_text (folder, "2.json", second);
  const DatasetSource sources[] = { { path, folder }, { other, folder } };
  g_autoptr (Dataset) dataset = dataset_open (sources, 2, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 2);
  g_assert_cmpuint (dataset_n_classes (dataset), ==, 2);
  g_assert_cmpstr (dataset_label (dataset, 0), ==, "dog");
  g_assert_cmpuint (dataset_n_objects_of (dataset, 1), ==, 1);

  g_autofree char *third = coco_text (IMAGES, "[{\"id\":3,\"name\":\"cow\"}]", "[]");
  g_free (write_text (folder, "2.json", third));
  g_assert_null (dataset_open (sources, 2, NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  expect_like (error->message,
      "*2.json: categories[0]: category 3: expected one name, found 'cat' and 'cow' (fbnet-dataset "
      "*");
  folder_remove (folder);
}

/* A category that is listed twice, with one name, is one. */
static void
test_category_twice (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autofree char *text =
      coco_text (IMAGES, "[{\"id\":3,\"name\":\"cat\"},{\"id\":3,\"name\":\"cat\"}]",
          "[{\"image_id\":1,\"category_id\":3,\"bbox\":[1,1,2,2]}]");
  g_autoptr (Dataset) dataset = open_text (folder, text, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (dataset_n_classes (dataset), ==, 1);
  g_autofree char *problems = problems_of (dataset);
  expect_like (problems,
      "1 categories with the id and name of another: one of them counts; first: "
      "*set.json: categories[1]");
  folder_remove (folder);
}

/* --- Entries with a flaw ---------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *images;     /* NULL: IMAGES */
  const char *annotation; /* before a sound one; NULL: none */
  const char *problem;    /* a pattern */
  guint n_objects;        /* in the only sample, with the sound one */
  guint n_masks;          /* of these */
} Flawed;

#define AT    "\"image_id\":1,\"category_id\":2,"
#define BOX   "\"bbox\":[1,1,2,2],"
#define SOUND "{\"id\":1," AT BOX "\"segmentation\":[[1,1,3,1,3,3]]}"

static const Flawed flawed[] = {
  { "image-without-name", "[{\"id\":4},{\"id\":1,\"file_name\":\"a.png\"}]", NULL,
      "1 images without a readable id and file name: left out; first: *images[0]: field "
      "'file_name': expected a string, found nothing",
      1, 1 },
  { "image-without-id", "[{\"file_name\":\"b.png\"},{\"id\":1,\"file_name\":\"a.png\"}]", NULL,
      "1 images without a readable id and file name: left out; first: *images[0]: field 'id'*", 1,
      1 },
  { "image-no-object", "[7,{\"id\":1,\"file_name\":\"a.png\"}]", NULL,
      "1 images without a readable id and file name: left out; first: *images[0]*", 1, 1 },
  { "image-twice", "[{\"id\":1,\"file_name\":\"a.png\"},{\"id\":1,\"file_name\":\"b.png\"}]", NULL,
      "1 images with the id of another: left out, the first one counts; first: *images[1]", 1, 1 },
  { "image-missing", "[{\"id\":2,\"file_name\":\"none.png\"},{\"id\":1,\"file_name\":\"a.png\"}]",
      "{\"id\":2,\"image_id\":2,\"category_id\":2," BOX "\"segmentation\":[[1,1,3,1,3,3]]}",
      "1 images whose file is missing: left out, and their annotations; first: *none.png", 1, 1 },
  { "no-object", NULL, "[]",
      "1 annotations without a readable image_id and category_id: left out; first: "
      "*annotations[0]: field 'image_id': expected a finite number, found nothing",
      1, 1 },
  { "empty", NULL, "{}", "1 annotations without a readable image_id and category_id: left out*", 1,
      1 },
  { "category-no-number", NULL, "{\"image_id\":1,\"category_id\":[2]," BOX "\"id\":2}",
      "1 annotations without a readable image_id and category_id: left out*'category_id'*", 1, 1 },
  { "image-unknown", NULL, "{\"image_id\":99,\"category_id\":2," BOX "\"id\":2}",
      "1 annotations of an image that the file does not list: left out; first: *annotations[0]", 1,
      1 },
  { "category-unknown", NULL, "{\"image_id\":1,\"category_id\":99," BOX "\"id\":2}",
      "1 annotations of a category that the file does not list: left out; first: "
      "*annotations[0]",
      1, 1 },
  { "id-twice", NULL, SOUND,
      "1 annotations with the id of another: they count; first: "
      "*annotations[1]",
      2, 2 },
  { "ignore", NULL, "{" AT BOX "\"ignore\":1}",
      "1 annotations of crowds, or to be ignored: left out*", 1, 1 },
  { "box-none", NULL, "{" AT "\"id\":2}",
      "1 annotations without a readable box: left out; first: *annotations[0]: field 'bbox'*", 1,
      1 },
  { "box-short", NULL, "{" AT "\"bbox\":[1,1,2]}", "1 annotations without a readable box*", 1, 1 },
  { "box-null", NULL, "{" AT "\"bbox\":[1,1,2,null]}", "1 annotations without a readable box*", 1,
      1 },
  { "box-infinite", NULL, "{" AT "\"bbox\":[1,1,2,1e999]}", "1 annotations without a readable box*",
      1, 1 },
  { "box-huge", NULL, "{" AT "\"bbox\":[1,1,2,1e300]}", "1 annotations without a readable box*", 1,
      1 },
  { "box-no-area", NULL, "{" AT "\"bbox\":[1,1,0,2]}",
      "1 annotations with a box without area: left out*", 1, 1 },
  { "box-negative", NULL, "{" AT "\"bbox\":[4,1,-2,2]}",
      "1 annotations with a box without area: left out*", 1, 1 },
  { "box-lost-in-rounding", NULL, "{" AT "\"bbox\":[1e9,1,1,2]}",
      "1 annotations with a box without area: left out*", 1, 1 },
  { "box-outside", NULL, "{" AT "\"bbox\":[8,1,2,2]}",
      "1 annotations with a box outside the picture: left out; first: *annotations[0]", 1, 1 },
  { "box-beyond", NULL, "{" AT "\"bbox\":[5,1,20,2],\"segmentation\":[[5,1,9,1,9,3]]}",
      "1 annotations with a box that reaches beyond the picture: cut to it*", 2, 2 },
  { "box-outside-unsaid", "[{\"id\":1,\"file_name\":\"a.png\"}]",
      "{" AT "\"bbox\":[8,1,2,2],\"segmentation\":[[1,1,3,1,3,3]]}",
      "1 annotations with a box outside the picture: left out; first: *annotations[0]", 1, 1 },
  { "broken-unsaid", "[{\"id\":1,\"file_name\":\"a.png\"},{\"id\":2,\"file_name\":\"set.json\"}]",
      "{\"image_id\":2,\"category_id\":2," BOX "\"segmentation\":[[1,1,3,1,3,3]]}",
      "1 images of unknown size whose file cannot be read: left out, and their annotations; first: "
      "*set.json: expected a PNG or JPEG picture*",
      1, 1 },
  { "mask-none", NULL, "{" AT BOX "\"id\":2}",
      "1 annotations without a mask: masks are trained without them; first: *annotations[0]", 2,
      1 },
  { "mask-empty", NULL, "{" AT BOX "\"segmentation\":[]}", "1 annotations without a mask*", 2, 1 },
  { "mask-two-points", NULL, "{" AT BOX "\"segmentation\":[[1,1,2,2]]}",
      "1 annotations without a readable mask: masks are trained without them; first: "
      "*annotations[0]: segmentation: expected a polygon of at least three points, found none",
      2, 1 },
  { "mask-one-broken", NULL, "{" AT BOX "\"segmentation\":[[1,1,2,2],[1,1,3,1,3,3]]}",
      "1 annotations with polygons of fewer than three points: these polygons are left out*", 2,
      2 },
  { "mask-no-number", NULL, "{" AT BOX "\"segmentation\":[[1,1,2,2,\"x\",3]]}",
      "1 annotations without a readable mask*expected polygons of numbers*", 2, 1 },
  { "runs-broken", NULL, "{" AT BOX "\"segmentation\":{\"size\":[6,8],\"counts\":[1,2]}}",
      "1 annotations without a readable mask*expected runs that add up to the picture*", 2, 1 },
  { "runs-garbage", NULL, "{" AT BOX "\"segmentation\":{\"size\":[6,8],\"counts\":\"\\u0001x\"}}",
      "1 annotations without a readable mask*expected runs that add up to the picture*", 2, 1 },
  { "runs-empty", NULL, "{" AT BOX "\"segmentation\":{\"size\":[6,8],\"counts\":[48]}}",
      "1 annotations without a readable mask*expected runs with pixels*", 2, 1 },
  { "runs-other-size", NULL, "{" AT BOX "\"segmentation\":{\"size\":[8,6],\"counts\":[1,2,45]}}",
      "1 annotations with a mask of another size than the picture: masks are trained without them*",
      2, 1 },
  { "runs-other-size-unsaid", "[{\"id\":1,\"file_name\":\"a.png\"}]",
      "{" AT BOX "\"segmentation\":{\"size\":[8,6],\"counts\":[1,2,45]}}",
      "1 annotations with a mask of another size than the picture: masks are trained without them*",
      2, 1 },
};

/* One entry has a flaw: a sentence says which and what became of it; the rest is as it was. */
static void
test_flawed (gconstpointer data)
{
  const Flawed *flaw = data;
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autofree char *annotations = g_strdup_printf ("[%s%s" SOUND "]",
      flaw->annotation != NULL ? flaw->annotation : "", flaw->annotation != NULL ? "," : "");
  const DatasetOptions options = { .masks = TRUE };
  g_autoptr (Dataset) dataset =
      open_set (folder, flaw->images != NULL ? flaw->images : IMAGES, annotations, &options);

  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 1);
  g_autoptr (TrainSample) sample = draw_one (dataset, 0, &error);
  g_assert_no_error (error);
  g_autofree char *problems = problems_of (dataset);
  expect_like (problems, flaw->problem);
  g_assert_null (strchr (problems, '\n')); /* it is the only one */
  g_assert_cmpuint (sample->n_objects, ==, flaw->n_objects);
  guint n_masks = 0;
  for (guint i = 0; i < sample->n_objects; i++) {
    const Box *box = &sample->objects[i].box;
    n_masks += sample->objects[i].mask != NULL;
    g_assert_true (box->x0 >= 0 && box->y0 >= 0 && box->x1 <= 8 && box->y1 <= 6);
    g_assert_true (box->x1 > box->x0 && box->y1 > box->y0);
  }
  g_assert_cmpuint (n_masks, ==, flaw->n_masks);
  folder_remove (folder);
}

/* --- Files that are no data set --------------------------------------------------------------- */

typedef struct {
  const char *name, *text, *message;
} Unusable;

static const Unusable unusable[] = {
  { "empty-file", "", "*set.json: not JSON*" },
  { "not-json", "{\"images\":[NaN]}",
      "*set.json: not JSON: expected a value or a separator, found \"NaN]}\" at line 1, byte 12" },
  { "array", "[]", "*set.json: field 'images': expected an array, found nothing" },
  { "no-images", "{\"categories\":" CATEGORIES ",\"annotations\":[]}",
      "*set.json: field 'images': expected an array, found nothing" },
  { "no-annotations", "{\"categories\":" CATEGORIES ",\"images\":" IMAGES "}",
      "*set.json: field 'annotations': expected an array, found nothing" },
  { "no-categories", "{\"categories\":[],\"images\":" IMAGES ",\"annotations\":[]}",
      "*set.json: field 'categories': expected at least one category, found none" },
  { "category-without-name",
      "{\"categories\":[{\"id\":1}],\"images\":" IMAGES ",\"annotations\":[]}",
      "*set.json: categories[0]: field 'name': expected a string, found nothing" },
  { "category-without-id",
      "{\"categories\":[{\"name\":\"x\"}],\"images\":" IMAGES ",\"annotations\":[]}",
      "*set.json: categories[0]: field 'id': expected a finite number, found nothing" },
  { "category-two-names",
      "{\"categories\":[{\"id\":1,\"name\":\"x\"},{\"id\":1,\"name\":\"y\"}],\"images\":" IMAGES
      ",\"annotations\":[]}",
      "*set.json: categories[1]: category 1: expected one name, found 'x' and 'y' (fbnet-dataset "
      "*" },
  { "nothing-listed", "{\"categories\":" CATEGORIES ",\"images\":[],\"annotations\":[]}",
      "*set.json: expected a picture with objects, found none: the file lists no images" },
  { "nothing-usable", "{\"categories\":" CATEGORIES ",\"images\":" IMAGES ",\"annotations\":[]}",
      "*set.json: expected a picture with objects, found none: 1 images without objects to train "
      "on: left out; first: *a.png" },
};

/* A file without anything to train on is an error that says what is missing where. */
static void
test_unusable (gconstpointer data)
{
  const Unusable *set = data;
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();

  g_assert_null (open_text (folder, set->text, NULL, &error));
  g_assert_true (error && error->domain == FBNET_ERROR);
  expect_like (error->message, set->message);
  folder_remove (folder);
}

/* So are a file and a folder that are not there. */
static void
test_missing (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autofree char *path = write_text (folder, "set.json", "{}");
  const DatasetSource no_folder = { path, "/does/not/exist" }, no_file = { "/none.json", folder };
  const DatasetSource file_as_folder = { path, path };

  g_assert_null (dataset_open (&no_folder, 1, NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  expect_like (error->message,
      "/does/not/exist: expected the folder of the pictures of *set.json, found nothing");
  g_clear_error (&error);
  g_assert_null (dataset_open (&file_as_folder, 1, NULL, &error));
  expect_like (error->message, "*set.json: expected the folder of the pictures of *, found a file");
  g_clear_error (&error);
  g_assert_null (dataset_open (&no_file, 1, NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  expect_like (error->message, "/none.json: *");
  folder_remove (folder);
}

/* --- Pictures that cannot be read ------------------------------------------------------------- */

#define TWO_IMAGES                                                                                 \
  "[{\"id\":1,\"file_name\":\"a.png\",\"width\":8,\"height\":6},"                                  \
  "{\"id\":2,\"file_name\":\"b.png\",\"width\":8,\"height\":6}]"
#define AN_OBJECT_EACH                                                                             \
  "[{\"image_id\":1,\"category_id\":2,\"bbox\":[1,1,2,2]},"                                        \
  "{\"image_id\":2,\"category_id\":7,\"bbox\":[1,1,2,2]}]"

/* The other picture is drawn instead, always; it is counted once, and said what is wrong. */
static void
expect_replaced (Dataset *dataset, const char *problem)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 2);
  g_assert_cmpuint (dataset_n_broken_pictures (dataset), ==, 0);
  for (guint draw = 0; draw < 6; draw++) {
    g_autoptr (TrainSample) sample = draw_one (dataset, draw, &error);
    g_assert_no_error (error);
    g_assert_true (g_str_has_suffix (dataset_sample_path (sample), "b.png"));
    g_assert_cmpuint (sample->n_objects, ==, 1);
    g_assert_cmpuint (sample->objects[0].class_id, ==, 1);
  }
  g_assert_cmpuint (dataset_n_broken_pictures (dataset), ==, 1);
  g_autofree char *problems = problems_of (dataset);
  expect_like (problems, problem);
}

/* A picture file of the right beginning and nothing after it. */
static void
test_broken_picture (void)
{
  char *folder = folder_with_pictures ();

  g_free (write_text (folder, "a.png", "\xff\xd8\xff\xe0 no more"));
  g_autoptr (Dataset) dataset = open_set (folder, TWO_IMAGES, AN_OBJECT_EACH, NULL);
  expect_replaced (dataset,
      "1 pictures that cannot be read: others take their place; first: "
      "*a.png: *JPEG*");
  folder_remove (folder);
}

/* A picture that is gone when its turn comes. */
static void
test_lost_picture (void)
{
  char *folder = folder_with_pictures ();
  g_autoptr (Dataset) dataset = open_set (folder, TWO_IMAGES, AN_OBJECT_EACH, NULL);
  g_autofree char *path = g_build_filename (folder, "a.png", NULL);

  g_assert_cmpint (g_remove (path), ==, 0);
  expect_replaced (dataset, "1 pictures that cannot be read*a.png*");
  folder_remove (folder);
}

/* A picture that is not the one that was annotated. */
static void
test_other_picture (void)
{
  char *folder = folder_with_pictures ();

  g_free (write_picture (folder, "a.png", 6, 8));
  g_autoptr (Dataset) dataset = open_set (folder, TWO_IMAGES, AN_OBJECT_EACH, NULL);
  expect_replaced (dataset,
      "1 pictures whose width and height their annotations exchange (exchange them there; or, *): "
      "others take their place; first: *a.png: expected 8×6 pixels, found 6×8");
  folder_remove (folder);
}

/* When no picture can be read there is no sample. */
static void
test_all_broken (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autoptr (Dataset) dataset = open_set (folder, TWO_IMAGES, AN_OBJECT_EACH, NULL);

  g_free (write_text (folder, "a.png", "text"));
  g_free (write_text (folder, "b.png", ""));
  g_assert_null (draw_one (dataset, 5, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  expect_like (error->message,
      "*a.png: expected a data set of pictures, found that none of its 2 can be used: *");
  g_assert_cmpuint (dataset_n_broken_pictures (dataset), ==, 2);
  folder_remove (folder);
}

/* When all of them have width and height exchanged, that is said. */
static void
test_all_exchanged (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_with_pictures ();
  g_autoptr (Dataset) dataset = open_set (folder, TWO_IMAGES, AN_OBJECT_EACH, NULL);

  g_free (write_picture (folder, "a.png", 6, 8));
  g_free (write_picture (folder, "b.png", 6, 8));
  g_assert_null (draw_one (dataset, 5, &error));
  expect_like (error->message,
      "*a.png: expected *none of its 2 can be used: 2 pictures whose width and height their "
      "annotations exchange*expected 8×6 pixels, found 6×8");
  folder_remove (folder);
}

/* --- Pictures kept apart ---------------------------------------------------------------------- */

#define N_MANY 20

/* N_MANY pictures of one object each; those with a number below n_rare are of the other class. */
static Dataset *
open_many (const char *folder, guint n_rare, const DatasetOptions *options)
{
  g_autoptr (GString) images = g_string_new ("[");
  g_autoptr (GString) annotations = g_string_new ("[");

  for (guint i = 0; i < N_MANY; i++) {
    g_autofree char *name = g_strdup_printf ("%u.png", i);
    g_free (write_picture (folder, name, 8, 6));
    g_string_append_printf (images, "%s{\"id\":%u,\"file_name\":\"%s\",\"width\":8,\"height\":6}",
        i > 0 ? "," : "", i, name);
    g_string_append_printf (annotations,
        "%s{\"id\":%u,\"image_id\":%u,\"category_id\":%d,\"bbox\":[1,2,3,4]}", i > 0 ? "," : "", i,
        i, i < n_rare ? 7 : 2);
  }
  g_string_append (images, "]");
  g_string_append (annotations, "]");
  return open_set (folder, images->str, annotations->str, options);
}

/* A share is kept apart, always the same pictures, none of which is drawn. */
static void
test_held_out (void)
{
  char *folder = folder_new ();
  const DatasetOptions options = { .hold_out = 0.25 };
  g_autoptr (Dataset) dataset = open_many (folder, 3, &options);
  g_autoptr (Dataset) again = open_many (folder, 3, &options);
  const GArray *ids = dataset_held_out (dataset);

  g_assert_cmpuint (ids->len, ==, 5);
  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 15);
  g_assert_cmpmem (ids->data, ids->len * 8, dataset_held_out (again)->data, ids->len * 8);
  for (guint draw = 0; draw < 15; draw++) {
    g_autoptr (TrainSample) sample = draw_one (dataset, draw, NULL);
    for (guint i = 0; i < ids->len; i++) {
      g_autofree char *name = g_strdup_printf ("/%u.png", (guint) g_array_index (ids, gint64, i));
      g_assert_false (g_str_has_suffix (dataset_sample_path (sample), name));
    }
  }
  folder_remove (folder);
}

/* However small the share, one picture is kept apart, and one is left. */
static void
test_held_out_ends (void)
{
  char *folder = folder_new ();
  const DatasetOptions least = { .hold_out = 1e-6 }, most = { .hold_out = 0.9999 };
  g_autoptr (Dataset) all_but_one = open_many (folder, 0, &least);
  g_autoptr (Dataset) only_one = open_many (folder, 0, &most);

  g_assert_cmpuint (dataset_n_pictures (all_but_one), ==, N_MANY - 1);
  g_assert_cmpuint (dataset_n_pictures (only_one), ==, 1);
  folder_remove (folder);
}

/* --- Rare classes ----------------------------------------------------------------------------- */

/* How often each picture is drawn in the first epochs, by its number. */
static void
count_draws (Dataset *dataset, guint n_epochs, guint counts[N_MANY])
{
  for (guint draw = 0; draw < n_epochs * dataset_epoch_length (dataset); draw++) {
    g_autoptr (TrainSample) sample = draw_one (dataset, draw, NULL);
    g_autofree char *name = g_path_get_basename (dataset_sample_path (sample));
    counts[atoi (name)]++;
  }
}

/* One picture in twenty has the rare class: at a threshold of 0.45 it is drawn sqrt (0.45 / 0.05) = 3
 * times an epoch, the others once; no fraction, no chance. */
static void
test_repeats (void)
{
  char *folder = folder_new ();
  const DatasetOptions options = { .repeat_threshold = 0.45 };
  g_autoptr (Dataset) dataset = open_many (folder, 1, &options);
  guint counts[N_MANY] = { 0 };

  g_assert_cmpuint (dataset_epoch_length (dataset), ==, N_MANY + 2);
  count_draws (dataset, 3, counts);
  g_assert_cmpuint (counts[0], ==, 9);
  for (guint i = 1; i < N_MANY; i++)
    g_assert_cmpuint (counts[i], ==, 3);
  folder_remove (folder);
}

/* sqrt (0.3 / 0.1) = 1.73 times: fractions are kept on average, over epochs of one length. */
static void
test_repeat_fractions (void)
{
  char *folder = folder_new ();
  const DatasetOptions options = { .repeat_threshold = 0.3 };
  g_autoptr (Dataset) dataset = open_many (folder, 2, &options);
  guint counts[N_MANY] = { 0 };

  g_assert_cmpuint (dataset_epoch_length (dataset), ==, N_MANY + 2);
  count_draws (dataset, 40, counts);
  for (guint i = 0; i < N_MANY; i++) {
    g_assert_cmpuint (counts[i], >=, i < 2 ? 66 : 38);
    g_assert_cmpuint (counts[i], <=, i < 2 ? 75 : 46);
  }
  folder_remove (folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/dataset/plain", test_plain);
  g_test_add_func ("/training/dataset/empty-pictures", test_empty_pictures);
  g_test_add_func ("/training/dataset/sources", test_sources);
  g_test_add_func ("/training/dataset/category-twice", test_category_twice);
  for (guint i = 0; i < G_N_ELEMENTS (flawed); i++) {
    g_autofree char *path = g_strconcat ("/training/dataset/flawed/", flawed[i].name, NULL);
    g_test_add_data_func (path, &flawed[i], test_flawed);
  }
  for (guint i = 0; i < G_N_ELEMENTS (unusable); i++) {
    g_autofree char *path = g_strconcat ("/training/dataset/unusable/", unusable[i].name, NULL);
    g_test_add_data_func (path, &unusable[i], test_unusable);
  }
  g_test_add_func ("/training/dataset/missing", test_missing);
  g_test_add_func ("/training/dataset/broken-picture", test_broken_picture);
  g_test_add_func ("/training/dataset/lost-picture", test_lost_picture);
  g_test_add_func ("/training/dataset/other-picture", test_other_picture);
  g_test_add_func ("/training/dataset/all-broken", test_all_broken);
  g_test_add_func ("/training/dataset/all-exchanged", test_all_exchanged);
  g_test_add_func ("/training/dataset/held-out", test_held_out);
  g_test_add_func ("/training/dataset/held-out-ends", test_held_out_ends);
  g_test_add_func ("/training/dataset/repeats", test_repeats);
  g_test_add_func ("/training/dataset/repeat-fractions", test_repeat_fractions);
  return g_test_run ();
}
