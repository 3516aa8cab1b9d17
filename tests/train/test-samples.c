/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stream of samples: epochs, the same sample in whatever order and thread, what augmentation does
 * to objects; and all of it over real pictures.
 */
#include <math.h>
#include <string.h>

#include "command.h"
#include "train/datasetreader.h"
#ifdef HAVE_ANNOTATE
#  include "train/samplesheet.h"
#endif

#define SEED       5
#define N_PICTURES 7

static AugmentOptions
all_options (void)
{
  AugmentOptions options = augment_options_default ();

  options.min_sizes[0] = 20;
  options.min_sizes[1] = 31;
  options.n_min_sizes = 2;
  options.max_size = 60;
  options.zoom_in = 0.4;
  options.zoom_out = 0.6;
  options.border[0] = 103;
  options.border[1] = 116;
  options.border[2] = 124;
  options.brightness = options.contrast = options.saturation = 0.3;
  options.flip_vertical = 0.5;
  options.hue = options.grey = 0.3;
  options.blur = 1;
  options.bgr = TRUE;
  return options;
}

/* Pictures of different sizes, each with a polygon and with runs of 6 × 6 pixels. */
static Dataset *
open_small (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) images = g_string_new (NULL);
  g_autoptr (GString) annotations = g_string_new (NULL);

  for (guint i = 0; i < N_PICTURES; i++) {
    const guint width = 20 + 5 * i, height = 33 - 2 * i;
    g_autofree char *name = g_strdup_printf ("%u.png", i);
    g_free (write_picture (folder, name, width, height));
    g_string_append_printf (images, "%s{\"id\":%u,\"file_name\":\"%s\"}", i ? "," : "", i + 1,
        name);
    g_string_append_printf (annotations,
        "%s{\"image_id\":%u,\"category_id\":2,\"bbox\":[2,3,10,11],"
        "\"segmentation\":[[2,3,12,3,12,14,2,14]]},"
        "{\"image_id\":%u,\"category_id\":7,\"bbox\":[14,8,6,6],"
        "\"segmentation\":{\"size\":[%u,%u],\"counts\":[%u",
        i ? "," : "", i + 1, i + 1, height, width, 14 * height + 8);
    for (guint column = 14; column < 19; column++)
      g_string_append_printf (annotations, ",6,%u", height - 6);
    g_string_append_printf (annotations, ",6,%u]}}", (width - 19) * height - 14);
  }
  g_autofree char *text =
      g_strdup_printf ("{\"images\":[%s],\"categories\":[{\"id\":7,\"name\":\"disc\"},"
                       "{\"id\":2,\"name\":\"box\"}],\"annotations\":[%s]}",
          images->str, annotations->str);
  g_autofree char *path = write_text (folder, "set.json", text);
  const DatasetSource source = { path, folder };
  const DatasetOptions options = { .masks = TRUE };
  Dataset *dataset = dataset_open (&source, 1, &options, &error);
  g_assert_no_error (error);
  g_auto (GStrv) problems = dataset_problems (dataset);
  g_assert_cmpstr (problems[0], ==, NULL);
  return dataset;
}

static DatasetReader *
reader_new (Dataset *dataset, const AugmentOptions *options)
{
  g_autoptr (GError) error = NULL;
  DatasetReader *reader = dataset_reader_new (dataset, options, &error);

  g_assert_no_error (error);
  return reader;
}

static TrainSample *
draw_sample (DatasetReader *reader, guint64 seed, guint64 draw)
{
  g_autoptr (GError) error = NULL;
  TrainSample *sample = dataset_reader_draw (reader, seed, draw, &error);

  g_assert_no_error (error);
  return sample;
}

/* All of a sample, masks as their targets. */
static char *
digest (const TrainSample *sample)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (checksum, (const guchar *) &sample->width, sizeof (guint));
  g_checksum_update (checksum, (const guchar *) &sample->height, sizeof (guint));
  g_checksum_update (checksum, sample->pixels, (gssize) sample->width * sample->height * 3);
  for (guint i = 0; i < sample->n_objects; i++) {
    const TrainObject *object = &sample->objects[i];
    guint8 target[14 * 14] = { 0 };
    if (object->mask != NULL)
      sample->crop_mask (sample, object, &object->box, 14, target);
    g_checksum_update (checksum, (const guchar *) &object->box, sizeof (Box));
    g_checksum_update (checksum, (const guchar *) &object->class_id, sizeof (guint));
    g_checksum_update (checksum, target, sizeof target);
  }
  return g_strdup (g_checksum_get_string (checksum));
}

/* Every epoch has every picture once, in an order of its own that the seed decides. */
static void
test_epochs (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  const AugmentOptions options = all_options ();
  g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
  g_autoptr (GHashTable) orders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint epoch = 0; epoch < 12; epoch++) {
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GString) order = g_string_new (NULL);
    for (guint i = 0; i < N_PICTURES; i++) {
      g_autoptr (TrainSample) sample =
          draw_sample (reader, SEED + epoch / 6, epoch * N_PICTURES + i);
      g_hash_table_add (seen, g_strdup (dataset_sample_path (sample)));
      g_string_append (order, dataset_sample_path (sample));
    }
    g_assert_cmpuint (g_hash_table_size (seen), ==, N_PICTURES);
    g_hash_table_add (orders, g_strdup (order->str));
  }
  g_assert_cmpuint (g_hash_table_size (orders), >=, 11); /* of 5040 */
  folder_remove (folder);
}

typedef struct {
  Dataset *dataset;
  guint first, step;
  char **digests;
} Drawing;

#define N_DRAWS 60

/* Forwards from `first` by `step`, which shares no factor with the number of draws. */
static gpointer
draw_all (gpointer data)
{
  const Drawing *drawing = data;
  const AugmentOptions options = all_options ();
  g_autoptr (DatasetReader) reader = reader_new (drawing->dataset, &options);
  guint draw = drawing->first;

  for (guint i = 0; i < N_DRAWS; i++, draw = (draw + drawing->step) % N_DRAWS) {
    g_autoptr (TrainSample) sample = draw_sample (reader, SEED, draw);
    drawing->digests[draw] = digest (sample);
  }
  return NULL;
}

/* A sample is the same whoever draws it, when, and after what: three threads at once, each in an
 * order of its own. */
static void
test_any_order (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  Drawing drawings[3] = { { dataset, 0, 1 }, { dataset, 59, 59 }, { dataset, 30, 7 } };
  GThread *threads[3];

  for (guint i = 0; i < 3; i++) {
    drawings[i].digests = g_new0 (char *, N_DRAWS + 1);
    threads[i] = g_thread_new ("draw", draw_all, &drawings[i]);
  }
  for (guint i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  g_autoptr (GHashTable) different = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint draw = 0; draw < N_DRAWS; draw++) {
    g_assert_cmpstr (drawings[1].digests[draw], ==, drawings[0].digests[draw]);
    g_assert_cmpstr (drawings[2].digests[draw], ==, drawings[0].digests[draw]);
    g_hash_table_add (different, drawings[0].digests[draw]);
  }
  g_assert_cmpuint (g_hash_table_size (different), ==, N_DRAWS);
  for (guint i = 0; i < 3; i++)
    g_strfreev (drawings[i].digests);
  folder_remove (folder);
}

/* Boxes lie in the sample and have an area. */
static void
check_sample (const TrainSample *sample)
{
  g_assert_cmpuint (sample->width, >, 0);
  g_assert_cmpuint (sample->height, >, 0);
  for (guint i = 0; i < sample->n_objects; i++) {
    const TrainObject *object = &sample->objects[i];
    const Box *box = &object->box;
    g_assert_true (box->x0 >= 0 && box->x1 <= (float) sample->width && box->x1 > box->x0);
    g_assert_true (box->y0 >= 0 && box->y1 <= (float) sample->height && box->y1 > box->y0);
  }
}

static double
covered (const TrainSample *sample, const TrainObject *object)
{
  guint8 target[28 * 28];
  guint n = 0;

  sample->crop_mask (sample, object, &object->box, 28, target);
  for (guint i = 0; i < sizeof target; i++)
    n += target[i];
  return n / (28.0 * 28);
}

/* A mask goes where its box goes: one that fills its box still does, however the sample is cut,
 * resized and mirrored. A sample has at least one object, as every picture has. */
static void
test_masks_follow (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  const AugmentOptions options = all_options ();
  g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
  guint n_alone = 0;

  for (guint draw = 0; draw < 300; draw++) {
    g_autoptr (TrainSample) sample = draw_sample (reader, SEED, draw);
    check_sample (sample);
    g_assert_cmpuint (sample->n_objects, >=, 1);
    n_alone += sample->n_objects == 1;
    for (guint i = 0; i < sample->n_objects; i++) {
      g_assert_nonnull (sample->objects[i].mask);
      /* Runs are resized to the nearest pixel, boxes are not: half a pixel on each side. */
      const double least = sample->objects[i].class_id == 0 ? 0.9 : 0.4;
      g_assert_cmpfloat (covered (sample, &sample->objects[i]), >, least);
    }
  }
  g_assert_cmpuint (n_alone, >, 5); /* some parts leave one out */
  folder_remove (folder);
}

/* In which quarter of the sample all of the box lies; 4: in none. */
static guint
quarter_of (const TrainSample *sample, const Box *box)
{
  const float x = (float) sample->width / 2, y = (float) sample->height / 2, near = 0.01f;

  for (guint q = 0; q < 4; q++) {
    const float left = q % 2 == 0 ? 0 : x, top = q / 2 == 0 ? 0 : y;
    if (box->x0 >= left - near && box->x1 <= left + x + near && box->y0 >= top - near
        && box->y1 <= top + y + near)
      return q;
  }
  return 4;
}

/* A mosaic has the objects of four pictures, two each, in their quarters, with masks that go along; the same
 * again. */
static void
test_mosaic (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  AugmentOptions options = all_options ();
  guint n_objects = 0;

  options.mosaic = 1;
  options.min_visible = 0;
  g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
  g_autoptr (DatasetReader) other = reader_new (dataset, &options);
  for (guint draw = 0; draw < 40; draw++) {
    g_autoptr (TrainSample) sample = draw_sample (reader, SEED, draw);
    g_autoptr (TrainSample) again = draw_sample (other, SEED, draw);
    g_autofree char *one = digest (sample), *two = digest (again);
    guint counts[5] = { 0 };
    g_assert_cmpstr (one, ==, two);
    check_sample (sample);
    for (guint i = 0; i < sample->n_objects; i++) {
      counts[quarter_of (sample, &sample->objects[i].box)]++;
      if (sample->objects[i].class_id == 0)
        g_assert_cmpfloat (covered (sample, &sample->objects[i]), >, 0.7);
    }
    g_assert_cmpuint (counts[4], ==, 0);
    for (guint q = 0; q < 4; q++)
      g_assert_cmpuint (counts[q], <=, 2);
    n_objects += sample->n_objects;
  }
  g_assert_cmpuint (n_objects, >, 40 * 7); /* tiny ones may vanish */
  folder_remove (folder);
}

/* One picture of 40 × 40 pixels with one object. */
static Dataset *
open_one (const char *folder, const char *annotation)
{
  g_autoptr (GError) error = NULL;

  g_free (write_picture (folder, "a.png", 40, 40));
  g_autofree char *text =
      g_strdup_printf ("{\"images\":[{\"id\":1,\"file_name\":\"a.png\"}],\"categories\":["
                       "{\"id\":1,\"name\":\"x\"}],\"annotations\":[%s]}",
          annotation);
  g_autofree char *path = write_text (folder, "set.json", text);
  const DatasetSource source = { path, folder };
  const DatasetOptions options = { .masks = TRUE };
  Dataset *dataset = dataset_open (&source, 1, &options, &error);
  g_assert_no_error (error);
  return dataset;
}

static AugmentOptions
zoom_options (double zoom_in, double min_visible)
{
  AugmentOptions options = all_options ();

  options.min_sizes[0] = options.min_sizes[1] = 40;
  options.zoom_in = zoom_in;
  options.zoom_out = 0;
  options.min_visible = min_visible;
  return options;
}

static gboolean
any_set (const guint8 *target, guint start, guint step, guint n)
{
  gboolean set = FALSE;

  for (guint i = 0; i < n; i++)
    set = set || target[start + i * step];
  return set;
}

/* A triangle that is cut has a box around what is left of it: the target has cells of it along each
 * of its sides. */
static void
test_cut_masks (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_one (folder,
      "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,40,40],"
      "\"segmentation\":[[0,0,40,0,0,40]]}");
  const AugmentOptions options = zoom_options (0.7, 0.01);
  g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
  guint n_fitted = 0;

  for (guint draw = 0; draw < 200; draw++) {
    g_autoptr (TrainSample) sample = draw_sample (reader, SEED, draw);
    check_sample (sample);
    if (sample->n_objects == 0)
      continue; /* a part beside the triangle, but in its box */
    const TrainObject *object = &sample->objects[0];
    n_fitted += object->box.x1 - object->box.x0 < 39.5f;
    guint8 target[28 * 28];
    sample->crop_mask (sample, object, &object->box, 28, target);
    if (object->box.x1 - object->box.x0 < 4 || object->box.y1 - object->box.y0 < 4)
      continue; /* a corner's tip */
    g_assert_true (any_set (target, 0, 1, 56));
    g_assert_true (any_set (target, 26 * 28, 1, 56));
    g_assert_true (any_set (target, 0, 28, 28) || any_set (target, 1, 28, 28));
    g_assert_true (any_set (target, 27, 28, 28) || any_set (target, 26, 28, 28));
  }
  g_assert_cmpuint (n_fitted, >, 30);
  folder_remove (folder);
}

/* Objects are kept down to the share of their box that is asked for, and a part that would lose the
 * only one is not taken. */
static void
test_visible_share (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_one (folder,
      "{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,8,8],\"segmentation\":[[0,0,8,0,8,8,0,8]]}");
  const AugmentOptions options = zoom_options (0.5, 0.6);
  g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
  guint n_whole = 0, n_cut = 0;

  for (guint draw = 0; draw < 200; draw++) {
    g_autoptr (TrainSample) sample = draw_sample (reader, SEED, draw);
    g_assert_cmpuint (sample->n_objects, ==, 1);
    const Box *box = &sample->objects[0].box;
    const float width = box->x1 - box->x0, height = box->y1 - box->y0;
    n_whole += width == 8 && height == 8;
    n_cut += fabsf (width - height) > 0.1f;
    /* The longer side is that of the whole box, or shorter. */
    g_assert_cmpfloat (MIN (width, height) / MAX (width, height), >, 0.59);
  }
  g_assert_cmpuint (n_whole, >, 100);
  g_assert_cmpuint (n_cut, >, 3);
  folder_remove (folder);
}

/* A mirrored sample has the other one's pixels from right to left, and its boxes and masks. */
static void
test_mirrored (void)
{
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  AugmentOptions options = all_options ();

  options.zoom_in = options.zoom_out = 0;
  options.brightness = options.contrast = options.saturation = 0;
  options.flip = 0;
  g_autoptr (DatasetReader) plain = reader_new (dataset, &options);
  options.flip = 1;
  g_autoptr (DatasetReader) mirroring = reader_new (dataset, &options);
  for (guint draw = 0; draw < N_PICTURES; draw++) {
    g_autoptr (TrainSample) left = draw_sample (plain, SEED, draw);
    g_autoptr (TrainSample) right = draw_sample (mirroring, SEED, draw);
    const guint width = left->width;
    g_assert_cmpuint (right->width, ==, width);
    for (guint y = 0; y < left->height; y++)
      for (guint x = 0; x < width; x++)
        g_assert_cmpmem (right->pixels + 3 * (y * width + x), 3,
            left->pixels + 3 * (y * width + width - 1 - x), 3);
    g_assert_cmpuint (right->n_objects, ==, 2);
    for (guint i = 0; i < 2; i++) {
      const Box *a = &left->objects[i].box, *b = &right->objects[i].box;
      g_assert_cmpfloat_with_epsilon (b->x0, (float) width - a->x1, 1e-5);
      g_assert_cmpfloat_with_epsilon (b->x1, (float) width - a->x0, 1e-5);
      g_assert_cmpfloat (b->y0, ==, a->y0);
      g_assert_cmpfloat (b->y1, ==, a->y1);
    }
  }
  folder_remove (folder);
}

/* Options out of range make no reader. */
static void
test_bad_options (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  AugmentOptions options = all_options ();

  options.flip = -1;
  g_assert_null (dataset_reader_new (dataset, &options, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  folder_remove (folder);
}

/* --- Real pictures ---------------------------------------------------------------------------- */

static Dataset *
open_coco (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *top = g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "coco-val50", NULL);
  g_autofree char *path = g_build_filename (top, "instances_val2017.json", NULL);
  g_autofree char *folder = g_build_filename (top, "images", NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no golden data");
    return NULL;
  }
  const DatasetSource source = { path, folder };
  const DatasetOptions options = { .masks = TRUE };
  Dataset *dataset = dataset_open (&source, 1, &options, &error);
  g_assert_no_error (error);
  return dataset;
}

/* COCO's own pictures: all that have objects are drawn, without a complaint but for crowds and empty
 * pictures, and whole samples hold every object. */
static void
test_coco (void)
{
  g_autoptr (Dataset) dataset = open_coco ();

  if (dataset == NULL)
    return;
  g_assert_cmpuint (dataset_n_pictures (dataset), ==, 48);
  g_assert_cmpuint (dataset_n_objects (dataset), ==, 377);
  g_assert_cmpuint (dataset_n_classes (dataset), ==, 80);
  g_assert_cmpstr (dataset_label (dataset, 79), ==, "toothbrush");
  g_assert_cmpint (dataset_category (dataset, 79), ==, 90);

  AugmentOptions options = all_options ();
  options.min_sizes[0] = options.min_sizes[1] = 224;
  options.max_size = 320;
  g_autoptr (DatasetReader) zooming = reader_new (dataset, &options);
  options.zoom_in = options.zoom_out = 0;
  g_autoptr (DatasetReader) plain = reader_new (dataset, &options);
  guint n_objects = 0;
  for (guint draw = 0; draw < 48; draw++) {
    g_autoptr (TrainSample) whole = draw_sample (plain, SEED, draw);
    g_autoptr (TrainSample) part = draw_sample (zooming, SEED, draw);
    check_sample (whole);
    check_sample (part);
    g_assert_cmpuint (MIN (whole->width, whole->height), <=, 224);
    g_assert_cmpuint (part->n_objects, <=, whole->n_objects);
    n_objects += whole->n_objects;
    for (guint i = 0; i < whole->n_objects; i++)
      g_assert_nonnull (whole->objects[i].mask);
  }
  g_assert_cmpuint (n_objects, ==, 377);
  g_assert_cmpuint (dataset_n_broken_pictures (dataset), ==, 0);
  g_auto (GStrv) problems = dataset_problems (dataset);
  g_assert_cmpuint (g_strv_length (problems), ==, 2);
}

#ifdef HAVE_ANNOTATE
/* Where nothing is drawn a sample's picture has its pixels, in R, G, B. */
static void
test_sample_picture (void)
{
  g_autoptr (GError) error = NULL;
  guint8 pixels[40 * 40 * 3];

  for (guint i = 0; i < sizeof pixels; i++)
    pixels[i] = (guint8) (i * 7);
  TrainObject object = { { 5, 5, 35, 35 }, 1, NULL };
  const TrainSample sample = { 40, 40, pixels, 1, &object, NULL, NULL };
  g_autoptr (Picture) picture = sample_picture (&sample, NULL, TRUE, &error);
  g_assert_no_error (error);
  guint n_drawn = 0;
  for (guint y = 0; y < 40; y++)
    for (guint x = 0; x < 40; x++) {
      const guint8 *in = pixels + 3 * (40 * y + x), *out = picture->pixels + 3 * (40 * y + x);
      const gboolean same = out[0] == in[2] && out[1] == in[1] && out[2] == in[0];
      n_drawn += !same;
      if (y > 37 || x < 3 || (x > 10 && x < 30 && y > 25 && y < 30))
        g_assert_true (same);
    }
  g_assert_cmpuint (n_drawn, >, 100);
}

/* The pictures lie row by row, each in a cell as large as the largest and four pixels more. */
static void
test_sheet (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) wide = picture_new (20, 5, "wide", &error);
  g_autoptr (Picture) high = picture_new (4, 9, "high", &error);

  memset (wide->pixels, 100, 3 * 20 * 5);
  memset (high->pixels, 200, 3 * 4 * 9);
  const Picture *pictures[] = { wide, high, high };
  g_autoptr (Picture) sheet = sample_sheet (pictures, 3, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sheet->width, ==, 2 * 24);
  g_assert_cmpuint (sheet->height, ==, 2 * 13);
  g_assert_cmpuint (sheet->pixels[0], ==, 100);
  g_assert_cmpuint (sheet->pixels[3 * 20], ==, 0);
  g_assert_cmpuint (sheet->pixels[3 * 24], ==, 200);
  g_assert_cmpuint (sheet->pixels[3 * (13 * 48)], ==, 200);
  g_assert_cmpuint (sheet->pixels[3 * (13 * 48 + 24)], ==, 0);
}

/* Samples of a data set as one picture; the environment may name a file to keep. */
static void
write_sheet (Dataset *dataset, const AugmentOptions *options, const char *path)
{
  g_autoptr (GError) error = NULL;

  sample_sheet_write (dataset, options, SEED, 12, 4, path, &error);
  g_assert_no_error (error);
  g_autoptr (Picture) sheet = picture_read (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sheet->width % 4, ==, 0);
  g_assert_cmpuint (sheet->height % 3, ==, 0);
}

/* With pictures of noise; what cannot be drawn or written is a sentence. */
static void
test_sheet_file (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = folder_new ();
  g_autoptr (Dataset) dataset = open_small (folder);
  AugmentOptions options = all_options ();
  g_autofree char *path = g_build_filename (folder, "sheet.png", NULL);

  write_sheet (dataset, &options, path);
  g_assert_false (sample_sheet_write (dataset, &options, SEED, 2, 2, "/none/sheet.png", &error));
  g_assert_true (error && error->domain == FBNET_ERROR);
  g_clear_error (&error);
  options.max_size = 0;
  g_assert_false (sample_sheet_write (dataset, &options, SEED, 2, 2, path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  folder_remove (folder);
}

/* With real ones. */
static void
test_coco_sheet (void)
{
  g_autoptr (Dataset) dataset = open_coco ();

  if (dataset == NULL)
    return;
  AugmentOptions options = all_options ();
  options.min_sizes[0] = options.min_sizes[1] = 320;
  options.max_size = 480;
  char *folder = folder_new ();
  g_autofree char *path = g_build_filename (folder, "sheet.png", NULL);
  const char *kept = g_getenv ("FBNET_SAMPLE_SHEET");
  write_sheet (dataset, &options, kept != NULL ? kept : path);
  folder_remove (folder);
}
#endif

/* A picture of 40 × 20 with one object, of keypoints called so. */
static Dataset *
open_keypoints (const char *folder, const char *names)
{
  g_autofree char *text = g_strdup_printf (
      "{\"images\":[{\"id\":1,\"file_name\":\"k.png\"}],\"categories\":[{\"id\":1,\"name\":\"p\""
      "%s}],\"annotations\":[{\"image_id\":1,\"category_id\":1,\"bbox\":[2,2,30,16],\"keypoints\":"
      "[10,5,2,30,5,1,20,8,0]}]}",
      names);
  g_autofree char *path = write_text (folder, "keypoints.json", text);
  const DatasetSource source = { path, folder };
  const DatasetOptions options = { .n_keypoints = 3 };
  g_autoptr (GError) error = NULL;

  g_free (write_picture (folder, "k.png", 40, 20));
  Dataset *dataset = dataset_open (&source, 1, &options, &error);
  g_assert_no_error (error);
  return dataset;
}

static void
expect_keypoint (const TrainSample *sample, guint i, float x, float y, gboolean labelled)
{
  const TrainKeypoint *keypoint = &sample->objects[0].keypoints[i];

  g_assert_cmpfloat_with_epsilon (keypoint->x, x, 1e-5f);
  g_assert_cmpfloat_with_epsilon (keypoint->y, y, 1e-5f);
  g_assert_cmpint (keypoint->labelled, ==, labelled);
}

/* Keypoints are in the middle of their pixels, go with the picture, and what was left is right once it is
 * mirrored, if the names say so; turned upside down as well, it is a rotation. */
static void
test_keypoints (void)
{
  char *folder = folder_new ();
  AugmentOptions options = augment_options_default ();
  static const char *const names[] = { "", ",\"keypoints\":[\"Left_eye\",\"right_eye\",\"nose\"]" };

  options.min_sizes[0] = 40; /* twice as large */
  options.n_min_sizes = 1;
  options.max_size = 80;
  for (guint named = 0; named < 2; named++) {
    g_autoptr (Dataset) dataset = open_keypoints (folder, names[named]);
    for (guint flips = 0; flips < 4; flips++) {
      options.flip = flips % 2;
      options.flip_vertical = flips / 2;
      g_autoptr (DatasetReader) reader = reader_new (dataset, &options);
      g_autoptr (TrainSample) sample = draw_sample (reader, SEED, 0);
      const gboolean swapped = named && (flips == 1 || flips == 2);
      const float left = flips % 2 ? 80 - 21 : 21, right = flips % 2 ? 80 - 61 : 61;
      const float y = flips / 2 ? 40 - 11 : 11;
      g_assert_cmpuint (sample->n_objects, ==, 1);
      expect_keypoint (sample, 0, swapped ? right : left, y, TRUE);
      expect_keypoint (sample, 1, swapped ? left : right, y, TRUE);
      g_assert_false (sample->objects[0].keypoints[2].labelled);
    }
  }
  folder_remove (folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/samples/epochs", test_epochs);
  g_test_add_func ("/training/samples/any-order", test_any_order);
  g_test_add_func ("/training/samples/masks-follow", test_masks_follow);
  g_test_add_func ("/training/samples/cut-masks", test_cut_masks);
  g_test_add_func ("/training/samples/visible-share", test_visible_share);
  g_test_add_func ("/training/samples/mirrored", test_mirrored);
  g_test_add_func ("/training/samples/bad-options", test_bad_options);
  g_test_add_func ("/training/samples/coco", test_coco);
#ifdef HAVE_ANNOTATE
  g_test_add_func ("/training/samples/picture", test_sample_picture);
  g_test_add_func ("/training/samples/sheet", test_sheet);
  g_test_add_func ("/training/samples/sheet-file", test_sheet_file);
  g_test_add_func ("/training/samples/coco-sheet", test_coco_sheet);
#endif
  g_test_add_func ("/training/samples/mosaic", test_mosaic);
  g_test_add_func ("/training/samples/keypoints", test_keypoints);
  return g_test_run ();
}
