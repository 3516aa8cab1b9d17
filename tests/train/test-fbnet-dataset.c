/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-dataset as its users call it: the same two objects in each of the formats that people have become
 * the same set; what is broken is told with its number; what is hostile ends with a sentence.
 */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "command.h"
#include "dataset/statistics.h"
#include "support/jsonfile.h"
#include "support/labelformat.h"
#include "support/picture.h"

/* Every set has a.png and b.png of 40 × 30 pixels; a.png shows a cat at (4, 5) to (14, 25) and a dog at
 * (20, 6) to (36, 18); b.png shows nothing. */
#define WIDTH  40
#define HEIGHT 30

typedef struct {
  char *folder, *images, *output;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = folder_new ();
  f->images = g_build_filename (f->folder, "images", NULL);
  f->output = g_build_filename (f->folder, "set", NULL);
  g_assert_cmpint (g_mkdir (f->images, 0777), ==, 0);
  g_free (write_picture (f->images, "a.png", WIDTH, HEIGHT));
  g_free (write_picture (f->images, "b.png", WIDTH, HEIGHT));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  folder_remove (f->folder);
  g_free (f->images);
  g_free (f->output);
}

/* --- Running ---------------------------------------------------------------------------------- */

static Command
run (const Fixture *f, const char *annotations, const char *more)
{
  g_autofree char *text =
      g_strdup_printf ("%s --annotations %s --images %s --output %s --val-split 0 %s",
          g_getenv ("FBNET_DATASET"), annotations, f->images, f->output, more);

  return command_run_line (text);
}

static cJSON *
read_set (const Fixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->output, name, NULL);
  g_autoptr (GError) error = NULL;
  cJSON *set = json_read (path, &error);

  g_assert_no_error (error);
  return set;
}

static guint
count_of (const cJSON *set, const char *list)
{
  return (guint) cJSON_GetArraySize (cJSON_GetObjectItem (set, list));
}

/* The box of the first object called so, and its class's number. */
static void
find_box (const cJSON *set, const char *name, double box[4])
{
  const cJSON *categories = cJSON_GetObjectItem (set, "categories"), *category, *annotation;
  g_autoptr (GError) error = NULL;
  double id = -1;

  cJSON_ArrayForEach (category, categories)
  {
    if (strcmp (cJSON_GetObjectItem (category, "name")->valuestring, name) == 0)
      id = cJSON_GetObjectItem (category, "id")->valuedouble;
  }
  cJSON_ArrayForEach (annotation, cJSON_GetObjectItem (set, "annotations"))
  {
    if (cJSON_GetObjectItem (annotation, "category_id")->valuedouble == id) {
      g_assert_true (json_get_numbers (annotation, "bbox", box, 4, "annotation", &error));
      return;
    }
  }
  g_error ("expected an object of class %s, found none", name);
}

static void
expect_box (const cJSON *set, const char *name, double x, double y, double width, double height)
{
  const double expected[] = { x, y, width, height };
  double box[4];

  find_box (set, name, box);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon (box[i], expected[i], 0.011);
}

/* The two objects, and both pictures. */
static void
expect_usual (const Fixture *f)
{
  g_autoptr (cJSON) set = read_set (f, "train.json");

  g_assert_cmpuint (count_of (set, "categories"), ==, 2);
  g_assert_cmpuint (count_of (set, "annotations"), ==, 2);
  expect_box (set, "cat", 4, 5, 10, 20);
  expect_box (set, "dog", 20, 6, 16, 12);
}

/* --- Formats ---------------------------------------------------------------------------------- */

static char *
write_voc (const char *folder, const char *name, const char *objects)
{
  g_autofree char *text = g_strdup_printf (
      "<?xml version=\"1.0\"?>\n<annotation><folder>x</folder><filename>a.png</filename>"
      "<size><width>%d</width><height>%d</height><depth>3</depth></size>%s</annotation>\n",
      WIDTH, HEIGHT, objects);

  return write_text (folder, name, text);
}

#define VOC_OBJECT(name, x0, y0, x1, y1)                                                           \
  "<object><name>" name "</name><difficult>0</difficult><bndbox><xmin>" x0 "</xmin><ymin>" y0      \
  "</ymin><xmax>" x1 "</xmax><ymax>" y1 "</ymax></bndbox></object>"
#define VOC_CAT VOC_OBJECT ("cat", "5", "6", "14", "25")
#define VOC_DOG VOC_OBJECT ("dog", "21", "7", "36", "18")

static char *
make_voc (const Fixture *f)
{
  char *folder = g_build_filename (f->folder, "xml", NULL);

  g_assert_cmpint (g_mkdir (folder, 0777), ==, 0);
  g_free (write_voc (folder, "a.xml", VOC_CAT VOC_DOG));
  return folder;
}

/* cat: middle (9, 15), sides 10 and 20; dog: middle (28, 12), sides 16 and 12; here the dog as a
 * polygon. */
static char *
make_yolo (const Fixture *f)
{
  char *folder = g_build_filename (f->folder, "labels", NULL);

  g_assert_cmpint (g_mkdir (folder, 0777), ==, 0);
  g_free (write_text (f->folder, "data.yaml",
      "path: ..\ntrain: images\nnc: 2\nnames:\n  0: dog\n  1: cat\n"));
  g_free (write_text (folder, "a.txt",
      "1 0.225 0.5 0.25 0.666667\r\n0 0.5 0.2 0.9 0.2 0.9 0.6 0.5 0.6\n\n"));
  g_free (write_text (folder, "b.txt", ""));
  return folder;
}

static char *
make_yolo_list (const Fixture *f)
{
  char *folder = g_build_filename (f->folder, "labels", NULL);

  g_assert_cmpint (g_mkdir (folder, 0777), ==, 0);
  g_free (write_text (folder, "classes.txt", "dog\ncat\n"));
  g_free (write_text (folder, "a.txt", "1 0.225 0.5 0.25 0.666667\n0 0.7 0.4 0.4 0.4 0.93\n"));
  return folder;
}

static char *
make_coco (const Fixture *f)
{
  return write_text (f->folder, "coco.json",
      "{\"images\":[{\"id\":7,\"file_name\":\"a.png\",\"width\":40,\"height\":30},"
      "{\"id\":9,\"file_name\":\"b.png\"}],"
      "\"categories\":[{\"id\":17,\"name\":\"cat\"},{\"id\":3,\"name\":\"dog\"}],"
      "\"annotations\":[{\"id\":1,\"image_id\":7,\"category_id\":17,\"bbox\":[4,5,10,20],"
      "\"segmentation\":[[4,5,14,5,14,25,4,25]]},"
      "{\"id\":2,\"image_id\":7,\"category_id\":3,\"bbox\":[20,6,16,12],"
      "\"segmentation\":{\"size\":[30,40],\"counts\":[606,12,582]}}]}");
}

static char *
make_via (const Fixture *f)
{
  return write_text (f->folder, "via.json",
      "{\"_via_settings\":{},\"_via_img_metadata\":{\"a.png123\":{\"filename\":\"a.png\",\"size\":"
      "123,"
      "\"regions\":[{\"shape_attributes\":{\"name\":\"rect\",\"x\":4,\"y\":5,\"width\":10,"
      "\"height\":20},\"region_attributes\":{\"animal\":\"cat\"}},"
      "{\"shape_attributes\":{\"name\":\"polygon\",\"all_points_x\":[20,36,36,20],"
      "\"all_points_y\":[6,6,18,18]},\"region_attributes\":{\"animal\":{\"dog\":true}}}],"
      "\"file_attributes\":{}}}}");
}

static char *
make_labelme (const Fixture *f)
{
  char *folder = g_build_filename (f->folder, "labelme", NULL);

  g_assert_cmpint (g_mkdir (folder, 0777), ==, 0);
  g_free (write_text (folder, "a.json",
      "{\"version\":\"5.0\",\"flags\":{},\"shapes\":[{\"label\":\"cat\",\"points\":[[14,5],[4,25]],"
      "\"shape_type\":\"rectangle\"},{\"label\":\"dog\",\"points\":[[20,6],[36,6],[36,18],[20,18]],"
      "\"shape_type\":\"polygon\"}],\"imagePath\":\"..\\\\images\\\\a.png\",\"imageData\":null,"
      "\"imageHeight\":30,\"imageWidth\":40}"));
  return folder;
}

static char *
make_cvat (const Fixture *f)
{
  return write_text (f->folder, "cvat.xml",
      "<?xml version=\"1.0\"?><annotations><version>1.1</version><meta><task><labels>"
      "<label><name>cat</name></label><label><name>dog</name></label></labels></task></meta>"
      "<image id=\"0\" name=\"a.png\" width=\"40\" height=\"30\">"
      "<box label=\"cat\" occluded=\"0\" xtl=\"4\" ytl=\"5\" xbr=\"14\" ybr=\"25\"></box>"
      "<polygon label=\"dog\" points=\"20,6;36,6;36,18;20,18\"></polygon></image>"
      "<image id=\"1\" name=\"b.png\" width=\"40\" height=\"30\"></image></annotations>");
}

static char *
make_csv (const Fixture *f)
{
  return write_text (f->folder, "labels.csv",
      "class,xmin,ymin,xmax,ymax,filename,width,height\r\n"
      "cat,4,5,14,25,a.png,40,30\r\n\"dog\",20,6,36,18,a.png,40,30\r\n");
}

static char *
make_csv_plain (const Fixture *f)
{
  return write_text (f->folder, "plain.csv",
      "images/a.png,4,5,14,25,cat\nimages/a.png,20,6,36,18,dog\nimages/b.png,,,,,\n");
}

/* Shares of the picture, as Open Images has them. */
static char *
make_csv_shares (const Fixture *f)
{
  return write_text (f->folder, "shares.csv",
      "ImageID,LabelName,XMin,XMax,YMin,YMax\n"
      "a,cat,0.1,0.35,0.1666667,0.8333333\na,dog,0.5,0.9,0.2,0.6\n");
}

static const struct {
  const char *name;
  char *(*make) (const Fixture *f);
  LabelFormat format;
} formats[] = {
  { "voc", make_voc, LABELS_VOC },
  { "yolo", make_yolo, LABELS_YOLO },
  { "yolo-list", make_yolo_list, LABELS_YOLO },
  { "coco", make_coco, LABELS_COCO },
  { "via", make_via, LABELS_VIA },
  { "labelme", make_labelme, LABELS_LABELME },
  { "cvat", make_cvat, LABELS_CVAT },
  { "csv", make_csv, LABELS_CSV },
  { "csv-plain", make_csv_plain, LABELS_CSV },
  { "csv-shares", make_csv_shares, LABELS_CSV },
};

/* Each is recognised and becomes the same objects; what it says can be trained on. */
static void
test_format (Fixture *f, gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *annotations = formats[i].make (f);

  if (strcmp (formats[i].name, "yolo-list") != 0) /* its first file may be classes.txt */
    g_assert_cmpint (label_format_guess (annotations), ==, formats[i].format);
  g_autofree char *named = g_strdup_printf ("--format %s", label_format_name (formats[i].format));
  g_auto (Command) command = run (f, annotations, named);
  command_expect (&command, 0, "*");
  g_assert_nonnull (strstr (command.out, "2 objects of 2 classes"));
  g_assert_nonnull (strstr (command.out, "to train: fbnet-train --annotations"));
  expect_usual (f);
}

/* A program that wants COCO says what it was given, and what to do. */
static void
test_hints (Fixture *f, gconstpointer data)
{
  g_autofree char *voc = make_voc (f), *cvat = make_cvat (f), *csv = make_csv (f);
  g_autofree char *via = make_via (f), *file = g_build_filename (voc, "a.xml", NULL);
  const char *const paths[] = { voc, file, cvat, csv, via };
  static const char *const titles[] = { "Pascal VOC XML", "Pascal VOC XML", "CVAT XML", "CSV",
    "VIA JSON" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree char *pattern =
        g_strdup_printf ("*it looks like %s, of which fbnet-dataset --annotations %s --images DIR*",
            titles[i], paths[i]);
    g_auto (Command) command = command_run ("FBNET_EVAL", paths[i], "--results", "none.json", NULL);
    command_expect (&command, 1, pattern);
  }
}

/* --- Together --------------------------------------------------------------------------------- */

/* Two files of two formats are one set: classes by their names, a picture in both once, an object in both
 * once; classes are renamed and dropped. */
static void
test_merge (Fixture *f, gconstpointer data)
{
  g_autofree char *voc = make_voc (f);
  g_autofree char *csv = write_text (f->folder, "more.csv",
      "filename,class,xmin,ymin,xmax,ymax\na.png,cat,4,5,14,25\nb.png,Cat,1,1,11,11\n"
      "b.png,bird,0,0,5,5\n");
  g_autofree char *both = g_strdup_printf ("--annotations %s --rename Cat=cat --drop bird", csv);
  g_auto (Command) command = run (f, voc, both);

  command_expect (&command, 0,
      "*1 object of a class that was to be dropped: left out; first: bird*1 picture that is "
      "annotated several times*1 object that is annotated twice: it counts once*");
  g_autoptr (cJSON) set = read_set (f, "train.json");
  g_assert_cmpuint (count_of (set, "categories"), ==, 2);
  g_assert_cmpuint (count_of (set, "images"), ==, 2);
  g_assert_cmpuint (count_of (set, "annotations"), ==, 3);
}

/* Names that differ in case alone are told. */
static void
test_similar (Fixture *f, gconstpointer data)
{
  g_autofree char *csv = write_text (f->folder, "similar.csv",
      "filename,class,xmin,ymin,xmax,ymax\na.png,traffic light,4,5,14,25\n"
      "b.png,Traffic_Light,1,1,11,11\n");
  g_auto (Command) command = run (f, csv, "");

  command_expect (&command, 0, "*");
  g_assert_nonnull (strstr (command.out, "are two classes; --rename '"));
}

static char *
make_many (const Fixture *f, guint n)
{
  g_autoptr (GString) text = g_string_new ("filename,class,xmin,ymin,xmax,ymax\n");

  for (guint i = 0; i < n; i++) {
    g_autofree char *name = g_strdup_printf ("many-%02u.png", i);
    g_free (write_picture (f->images, name, WIDTH, HEIGHT + i));
    g_string_append_printf (text, "%s,cat,4,5,14,25\n", name);
  }
  return write_text (f->folder, "many.csv", text->str);
}

/* A share to evaluate with, each picture on one side, the same ones again. */
static void
test_split (Fixture *f, gconstpointer data)
{
  g_autofree char *csv = make_many (f, 20);
  g_auto (Command) command = run (f, csv, "--val-split 0.3");

  command_expect (&command, 0, "*");
  g_autoptr (cJSON) train = read_set (f, "train.json");
  g_autoptr (cJSON) val = read_set (f, "val.json");
  g_assert_cmpuint (count_of (train, "images"), ==, 14);
  g_assert_cmpuint (count_of (val, "images"), ==, 6);
  g_auto (Command) again = run (f, csv, "--val-split 0.3");
  command_expect (&again, 0, "*");
  g_autoptr (cJSON) same = read_set (f, "val.json");
  g_assert_true (cJSON_Compare (val, same, TRUE));
}

/* Of one picture none can be kept apart, and an older set's is gone. */
static void
test_one (Fixture *f, gconstpointer data)
{
  g_autofree char *csv = make_many (f, 3), *voc = make_voc (f);
  g_autofree char *val = g_build_filename (f->output, "val.json", NULL);
  g_auto (Command) three = run (f, csv, "--val-split 0.3");

  command_expect (&three, 0, "*");
  g_assert_true (g_file_test (val, G_FILE_TEST_EXISTS));
  g_auto (Command) one = run (f, voc, "--val-split 0.3");
  command_expect (&one, 0, "*");
  g_assert_false (g_file_test (val, G_FILE_TEST_EXISTS));
  g_assert_null (strstr (one.out, "--val-annotations"));
}

/* A copy under another name is on the same side as the picture: nothing is evaluated that was learned. */
static void
test_copies (Fixture *f, gconstpointer data)
{
  g_autofree char *csv = make_many (f, 6), *text = NULL;
  g_autoptr (GString) twice = g_string_new (NULL);

  g_assert_true (g_file_get_contents (csv, &text, NULL, NULL));
  g_string_append (twice, text);
  for (guint i = 0; i < 6; i++) {
    g_autofree char *from = g_strdup_printf ("%s/many-%02u.png", f->images, i), *bytes = NULL;
    g_autofree char *to = g_strdup_printf ("%s/copy-%02u.png", f->images, i);
    gsize size;
    g_assert_true (g_file_get_contents (from, &bytes, &size, NULL));
    g_assert_true (g_file_set_contents (to, bytes, (gssize) size, NULL));
    g_string_append_printf (twice, "copy-%02u.png,cat,4,5,14,25\n", i);
  }
  g_free (write_text (f->folder, "many.csv", twice->str));
  g_auto (Command) command = run (f, csv, "--val-split 0.4");
  command_expect (&command, 0, "*6 pictures that are copies of others*");
  g_autoptr (cJSON) val = read_set (f, "val.json");
  const cJSON *image;
  guint sum = 0;
  cJSON_ArrayForEach (image, cJSON_GetObjectItem (val, "images"))
  {
    const char *name = cJSON_GetObjectItem (image, "file_name")->valuestring;
    sum ^= 1u << g_ascii_strtoull (name + strlen (name) - 6, NULL, 10);
  }
  g_assert_cmpuint (count_of (val, "images"), >, 0);
  g_assert_cmpuint (sum, ==, 0); /* each number twice */
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/* Large pictures are written again, smaller; boxes and masks go along. */
static void
test_reduced (Fixture *f, gconstpointer data)
{
  g_autofree char *coco = make_coco (f);
  g_auto (Command) command = run (f, coco, "--max-side 20");

  command_expect (&command, 0, "*");
  g_autoptr (cJSON) set = read_set (f, "train.json");
  const cJSON *image = cJSON_GetArrayItem (cJSON_GetObjectItem (set, "images"), 0);
  g_autofree char *path = g_build_filename (f->output, "images",
      cJSON_GetObjectItem (image, "file_name")->valuestring, NULL);
  g_autoptr (Picture) picture = picture_read (path, NULL);
  g_assert_nonnull (picture);
  g_assert_cmpuint (picture->width, ==, 20);
  g_assert_cmpuint (picture->height, ==, 15);
  expect_box (set, "cat", 2, 2.5, 5, 10);
  expect_box (set, "dog", 10, 3, 8, 6);
}

static guint
count_crops (const Fixture *f, const char *label, guint side)
{
  g_autofree char *folder = g_build_filename (f->output, "crops", "train", label, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir), n++) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autoptr (Picture) crop = picture_read (path, NULL);
    g_assert_nonnull (crop);
    g_assert_cmpuint (crop->width, ==, side);
    g_assert_cmpuint (crop->height, ==, side);
  }
  return n;
}

/* The cat, 20 high, is reduced; what shows nothing is there three times; files of before stay alone. */
static void
test_crops (Fixture *f, gconstpointer data)
{
  g_autofree char *coco = make_coco (f);
  g_auto (Command) command = run (f, coco, "--crops 16");

  command_expect (&command, 0, "*");
  g_assert_cmpuint (count_crops (f, "cat", 16), ==, 1);
  g_assert_cmpuint (count_crops (f, "dog", 16), ==, 1);
  g_assert_cmpuint (count_crops (f, "nothing", 16), ==, 3);
  g_auto (Command) again = run (f, coco, "--crops 16");
  command_expect (&again, 1, "*crops: expected no such folder yet*");
  g_auto (Command) tiny = run (f, coco, "--crops 8");
  command_expect (&tiny, 2, "*--crops: expected 0 or 16 to 1024, found 8*");
}

/* A JPEG of 40 × 30 pixels that EXIF turns by a quarter: seen, it is 30 × 40. */
static void
write_turned (const Fixture *f, guint orientation)
{
  static const guint8 exif[] = { 0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0,
    0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0 };
  g_autofree char *path = g_build_filename (f->images, "turned.jpg", NULL), *bytes = NULL;
  g_autoptr (Picture) picture = picture_new (WIDTH, HEIGHT, "turned", NULL);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  gsize size;

  g_assert_true (picture_write_jpeg (picture, 90, path, NULL));
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_byte_array_append (file, (const guint8 *) bytes, 2);
  g_byte_array_append (file, exif, sizeof exif);
  file->data[2 + 29] = (guint8) orientation;
  g_byte_array_append (file, (const guint8 *) bytes + 2, (guint) size - 2);
  g_assert_true (g_file_set_contents (path, (const char *) file->data, (gssize) file->len, NULL));
}

/* Annotated as it lay in the camera, a picture's objects are turned along; annotated as it is seen, they
 * stay. Turned clockwise (6), what was at the left is at the top. */
static void
test_turned (Fixture *f, gconstpointer data)
{
  g_autofree char *lying = write_text (f->folder, "lying.csv",
      "filename,width,height,class,xmin,ymin,xmax,ymax\nturned.jpg,40,30,cat,4,5,14,25\n");
  g_autofree char *seen = write_text (f->folder, "seen.csv",
      "filename,width,height,class,xmin,ymin,xmax,ymax\nturned.jpg,30,40,cat,4,5,14,25\n");

  write_turned (f, 6);
  g_auto (Command) first = run (f, lying, "");
  command_expect (&first, 0, "*1 picture annotated as the camera lay*turned along*");
  g_autoptr (cJSON) turned = read_set (f, "train.json");
  expect_box (turned, "cat", 5, 4, 20, 10);
  g_auto (Command) second = run (f, seen, "");
  command_expect (&second, 0, "*");
  g_autoptr (cJSON) as_seen = read_set (f, "train.json");
  expect_box (as_seen, "cat", 4, 5, 10, 20);
}

/* --- What is broken --------------------------------------------------------------------------- */

/* Each entry that is left out is told with its number and the first of them. */
static void
test_problems (Fixture *f, gconstpointer data)
{
  g_free (write_text (f->images, "broken.png", "no picture"));
  g_autofree char *csv = write_text (f->folder, "problems.csv",
      "filename,class,xmin,ymin,xmax,ymax,width,height\n"
      "a.png,cat,4,5,14,25,40,30\n"
      "a.png,cat,10,10,10,20,40,30\n"   /* no area */
      "a.png,cat,10,10,x,20,40,30\n"    /* no number */
      "a.png,cat,50,50,60,60,40,30\n"   /* outside */
      "a.png,cat,30,20,60,60,40,30\n"   /* beyond */
      "a.png, ,30,20,35,25,40,30\n"     /* no object */
      ",cat,1,1,2,2,40,30\n"            /* no picture */
      "missing.png,cat,1,1,2,2,40,30\n" /* not there */
      "broken.png,cat,1,1,2,2,40,30\n"  /* cannot be read */
      "b.png,cat,1,1,2,2,41,30\n");     /* another one */
  g_auto (Command) command = run (f, csv, "");

  command_expect (&command, 0,
      "*1 entry that cannot be read: left out; first: *problems.csv: line 8*"
      "1 annotated picture that is not there: left out*"
      "1 picture that cannot be read: left out*broken.png*"
      "1 picture of another size than its annotations say*expected 41×30 pixels, found 40×30*"
      "1 object whose place is no numbers*1 object without an area*1 object outside*"
      "1 object that reaches beyond its picture*");
  g_autoptr (cJSON) set = read_set (f, "train.json");
  g_assert_cmpuint (count_of (set, "annotations"), ==, 2);
  g_assert_cmpuint (count_of (set, "images"), ==, 1);
}

/* A number without a name is never taken for one. */
static void
test_numbers (Fixture *f, gconstpointer data)
{
  g_autofree char *labels = make_yolo (f);

  g_free (write_text (labels, "b.txt",
      "2 0.5 0.5 0.2 0.2\n-1 0.5 0.5 0.2 0.2\n0.5 0.5 0.5 0.2 0.2\n"
      "nan 0.5 0.5 0.2 0.2\n0 0.5 0.5\n"));
  g_auto (Command) command = run (f, labels, "--format yolo");
  command_expect (&command, 0,
      "*1 entry that cannot be read*b.txt: line 4*3 objects of a class number that has no "
      "name*b.txt: "
      "line 1*1 object whose place is no numbers*");
  expect_usual (f);
}

/* YOLO's numbers without any names, and with names that are none. */
static void
test_nameless (Fixture *f, gconstpointer data)
{
  g_autofree char *labels = make_yolo (f);
  g_autofree char *yaml = write_text (f->folder, "data.yaml", "nc: 2\n");

  g_auto (Command) none = run (f, yaml, "--format yolo");
  command_expect (&none, 1, "*data.yaml: names: expected a list of names*");
  g_unlink (yaml);
  g_auto (Command) absent = run (f, labels, "--format yolo");
  command_expect (&absent, 1, "*expected the names of the classes in a .yaml or a classes.txt*");
}

typedef struct {
  const char *name, *file, *text, *options, *err;
} Hostile;

/* Files that are no annotations, or try to be more than that. */
static const Hostile hostile[] = {
  { "empty", "x.json", "", "", "*x.json: expected annotations as COCO, *found none of them*" },
  { "binary", "x.xml", "\x01\x02<annotation>", "--format voc", "*1 annotation file that cannot*" },
  { "cut", "x.xml", "<annotation><object><name>cat</na", "",
      "*1 annotation file that cannot be read*x.xml: expected XML*" },
  { "entity", "x.xml",
      "<!DOCTYPE a [<!ENTITY b \"ccc\"><!ENTITY d \"&b;&b;\">]><annotation><filename>&d;</filename>"
      "</annotation>",
      "", "*1 annotation file that cannot be read*" },
  { "cvat-root", "x.xml", "<annotation></annotation>", "--format cvat",
      "*expected CVAT's element <annotations>, found <annotation>*" },
  { "json-list", "x.json", "[{\"regions\": []}]", "--format via",
      "*expected VIA's object of pictures*" },
  { "json-numbers", "x.json",
      "{\"a\": 1, \"b\": [], \"c\": null, \"d\": {\"filename\": 3, \"regions\": {}}}",
      "--format via", "*4 entries that cannot be read*" },
  { "labelme-points", "x.json",
      "{\"imagePath\": \"a.png\", \"shapes\": [{}, {\"label\": \"x\", \"points\": \"y\"}, "
      "{\"label\": \"x\", \"points\": [[1], [2], [3]]}, {\"label\": \"x\", \"points\": [[1e400, "
      "1], "
      "[2, 2], [3, 3]]}, 7]}",
      "--format labelme", "*objects whose place is no numbers*" },
  { "csv-columns", "x.csv", "a,b,c,d,e,f\n1,2,3,4,5,6\n", "",
      "*expected columns called filename*" },
  { "csv-quote", "x.csv", "filename,class,xmin,ymin,xmax,ymax\n\"a.png,cat,1,2,3,4\n", "",
      "*expected a picture with an object, found none*" },
  { "coco-wrong", "x.json", "{\"images\": {}, \"annotations\": []}", "",
      "*field 'images': expected an array*" },
  { "format", "x.json", "{}", "--format tfrecord", "*--format: expected coco, voc*" },
  { "rename", "x.csv", "filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,2,3,4\n", "--rename cat",
      "*--rename: expected OLD=NEW, found cat*" },
};

static void
test_hostile (Fixture *f, gconstpointer data)
{
  const Hostile *h = data;
  g_autofree char *path = write_text (f->folder, h->file, h->text);
  g_auto (Command) command = run (f, path, h->options);

  g_test_message ("%s: %s", h->name, command.err);
  g_assert_cmpint (command.code, >, 0);
  g_assert_true (g_pattern_match_simple (h->err, command.err));
}

/* Elements inside each other without end. */
static void
test_deep (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("<annotation>");

  for (guint i = 0; i < 100000; i++)
    g_string_append (text, "<a>");
  g_autofree char *path = write_text (f->folder, "deep.xml", text->str);
  g_auto (Command) command = run (f, path, "");
  command_expect (&command, 1, "*expected at most 32 elements inside each other*");
}

/* Text in a million pieces is put together once, not a million times. */
static void
test_pieces (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("<annotation>");

  for (guint i = 0; i < 1000000; i++)
    g_string_append (text, "x<a/>");
  g_string_append (text, "</annotation>");
  g_autofree char *path = write_text (f->folder, "pieces.xml", text->str);
  g_auto (Command) command = run (f, path, "");
  command_expect (&command, 1, "*");
}

/* Where no picture is left, what is wrong with them is said all the same, and once. */
static void
test_nothing_left (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_text (f->folder, "turned.json",
      "{\"images\":[{\"id\":7,\"file_name\":\"a.png\",\"width\":30,\"height\":40}],"
      "\"categories\":[{\"id\":3,\"name\":\"dog\"}],"
      "\"annotations\":[{\"id\":1,\"image_id\":7,\"category_id\":3,\"bbox\":[4,5,10,20]}]}");
  g_auto (Command) command = run (f, path, "");

  command_expect (&command, 1,
      "*1 picture whose width and height*expected a picture with an object*");
  const char *first = strstr (command.err, "width and height");
  g_assert_null (strstr (first + 1, "width and height"));
}

/* What cannot be written is found out first. */
static void
test_unwritable (Fixture *f, gconstpointer data)
{
  g_autofree char *csv = make_csv (f), *file = write_text (f->folder, "file", "");
  g_autofree char *more = g_strdup_printf ("--output %s/below", file);
  g_auto (Command) command = run (f, csv, more);

  command_expect (&command, 1,
      "fbnet-dataset: *file/below: cannot make this folder: expected a folder *file, found a "
      "file\n");
  g_autofree char *at = g_strdup_printf ("--output %s", file);
  g_auto (Command) itself = run (f, csv, at);
  command_expect (&itself, 1, "fbnet-dataset: *file: expected a folder, found a file\n");
  g_auto (Command) nothing = run (f, "/nowhere", "");
  command_expect (&nothing, 1, "*/nowhere: expected annotations as COCO, *found nothing*");
}

/* --- Anchors ---------------------------------------------------------------------------------- */

/* Groups of sizes are found where they are. */
static void
test_anchor_sizes (void)
{
  double roots[60], sizes[3];

  for (guint i = 0; i < 60; i++)
    roots[i] = (i % 3 == 0 ? 10 : i % 3 == 1 ? 50 : 300) * (1 + 0.001 * (i / 3));
  choose_anchor_sizes (sizes, 3, roots, 60);
  g_assert_cmpfloat_with_epsilon (sizes[0], 10.1, 0.1);
  g_assert_cmpfloat_with_epsilon (sizes[1], 50.5, 0.5);
  g_assert_cmpfloat_with_epsilon (sizes[2], 303, 3);
  g_assert_cmpfloat_with_epsilon (sides_overlap (10, 20, 10, 20), 1, 1e-12);
  g_assert_cmpfloat_with_epsilon (sides_overlap (10, 10, 20, 20), 0.25, 1e-12);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *path = g_strconcat ("/fbnet-dataset/format/", formats[i].name, NULL);
    g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_format, tear_down);
  }
  ADD ("/fbnet-dataset/hints", test_hints);
  ADD ("/fbnet-dataset/merge", test_merge);
  ADD ("/fbnet-dataset/similar", test_similar);
  ADD ("/fbnet-dataset/split", test_split);
  ADD ("/fbnet-dataset/one", test_one);
  ADD ("/fbnet-dataset/copies", test_copies);
  ADD ("/fbnet-dataset/reduced", test_reduced);
  ADD ("/fbnet-dataset/crops", test_crops);
  ADD ("/fbnet-dataset/turned", test_turned);
  ADD ("/fbnet-dataset/problems", test_problems);
  ADD ("/fbnet-dataset/numbers", test_numbers);
  ADD ("/fbnet-dataset/nameless", test_nameless);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++) {
    g_autofree char *path = g_strconcat ("/fbnet-dataset/hostile/", hostile[i].name, NULL);
    g_test_add (path, Fixture, &hostile[i], set_up, test_hostile, tear_down);
  }
  ADD ("/fbnet-dataset/deep", test_deep);
  ADD ("/fbnet-dataset/pieces", test_pieces);
  ADD ("/fbnet-dataset/nothing-left", test_nothing_left);
  ADD ("/fbnet-dataset/unwritable", test_unwritable);
  g_test_add_func ("/fbnet-dataset/anchor-sizes", test_anchor_sizes);
  return g_test_run ();
}
