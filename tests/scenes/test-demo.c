/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bundled model: how good it is on generated scenes that it has not learned from, and whether it
 * finds the codes of the printed sheet in pictures that other code than the generator's makes.
 */
#include <cjson/cJSON.h>
#include <math.h>

#include "command.h"
#include "photograph.h"
#include "scenes/codes.h"

#define WIDTH  640
#define HEIGHT 480
#define SHOTS  12

/* The seeds of the scenes that it learned from are others: models/demo/bundled.sh. */
#define SCENES      "150"
#define SCENES_SEED "4"

static double
metric (const cJSON *report, const char *kind, const char *name)
{
  const cJSON *item =
      cJSON_GetObjectItemCaseSensitive (cJSON_GetObjectItemCaseSensitive (report, kind), name);

  g_assert_true (cJSON_IsNumber (item));
  return item->valuedouble;
}

/* Box and mask AP on held-out scenes are at least what the project promises of it. */
static void
test_accuracy (void)
{
  if (!codes_available ()) {
    g_test_skip ("built without libzint");
    return;
  }
  char *folder = folder_new ();
  g_autofree char *annotations = g_build_filename (folder, "annotations.json", NULL);
  g_autofree char *images = g_build_filename (folder, "images", NULL);
  g_auto (Command) scenes = command_run ("FBNET_SCENES", "--objects", "codes", "--size", "384x288",
      "--count", SCENES, "--seed", SCENES_SEED, "-o", folder, NULL);

  command_expect (&scenes, 0, "*");
  g_auto (Command) eval = command_run ("FBNET_EVAL", "--model", g_getenv ("FBNET_DEMO"), "--images",
      images, "--json", annotations, NULL);
  command_expect (&eval, 0, "*");

  cJSON *report = cJSON_Parse (eval.out);
  g_assert_nonnull (report);
  const double boxes = metric (report, "bbox", "AP"), masks = metric (report, "segm", "AP");
  g_test_message ("box AP %.4f, mask AP %.4f", boxes, masks);
  g_assert_cmpfloat (boxes, >=, 0.70);
  g_assert_cmpfloat (masks, >=, 0.75);
  cJSON_Delete (report);
  folder_remove (folder);
}

/* --- The printed sheet ------------------------------------------------------------------------ */

/* Its codes' labels, along the rows. */
static const char *const codes[PHOTOGRAPH_N_CODES] = { "qr-code", "barcode", "data-matrix", "aztec",
  "pdf417", "barcode" };

static double
overlap (const FbnetDetection *found, const double box[4])
{
  const double w = MIN ((double) found->x1, box[2]) - MAX ((double) found->x0, box[0]);
  const double h = MIN ((double) found->y1, box[3]) - MAX ((double) found->y0, box[1]);
  const double both = MAX (w, 0) * MAX (h, 0);

  return both
      / ((double) (found->x1 - found->x0) * (double) (found->y1 - found->y0)
          + (box[2] - box[0]) * (box[3] - box[1]) - both);
}

static gboolean
is_found (const FbnetModel *model, const FbnetDetections *found, const char *label,
    const double box[4])
{
  for (guint i = 0; i < found->n; i++) {
    const FbnetDetection *one = &found->items[i];
    if (g_str_equal (fbnet_model_get_label (model, one->class_id), label)
        && overlap (one, box) > 0.5)
      return TRUE;
  }
  return FALSE;
}

/* The sheet upright before the camera, turned, tilted and moved a little from shot to shot; near enough to tell the
 * elements of PDF417 apart. */
static void
place_sheet (PhotoPoint corners[4], guint shot)
{
  const double angle = ((double) shot - (SHOTS - 1) / 2.0) * 0.06, tilt = 0.05 * (shot % 3);
  const double half_height = HEIGHT * (0.52 + 0.02 * (shot % 4)), half_width = half_height / 1.414;
  const double signs[4][2] = { { -1, -1 }, { 1, -1 }, { 1, 1 }, { -1, 1 } };

  for (guint i = 0; i < 4; i++) {
    const double depth = 1 + tilt * signs[i][0];
    const double x = signs[i][0] * half_width * depth, y = signs[i][1] * half_height * depth;
    corners[i] =
        (PhotoPoint){ WIDTH * (0.4 + 0.02 * (shot % 5)) + x * cos (angle) - y * sin (angle),
          HEIGHT * 0.5 + x * sin (angle) + y * cos (angle) };
  }
}

/* How many codes of one photograph are found, of those that are in it whole. */
static guint
count_found (FbnetDetector *detector, const FbnetModel *model, const Picture *sheet,
    const guint8 *labels, guint shot, guint *n_shown, guint *n_wrong)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) photo = photograph_room (WIDTH, HEIGHT, shot);
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  PhotoPoint corners[4];
  guint n = 0;

  place_sheet (corners, shot);
  g_autofree guint8 *shown = photograph_sheet (photo, sheet, labels, corners, 0.6 + 0.03 * shot);
  photograph_spoil (photo, 1 + shot % 2, 6, shot);
  const FbnetImage image = picture_image (photo);
  g_assert_true (fbnet_detector_run (detector, &image, found, &error));
  for (guint s = 0; s < PHOTOGRAPH_N_CODES; s++) {
    double box[4];
    if (!photograph_box (shown, WIDTH, HEIGHT, (guint8) (s + 1), box))
      continue;
    ++*n_shown;
    n += is_found (model, found, codes[s], box);
  }
  *n_wrong += found->n - MIN (n, found->n);
  return n;
}

/* Nine of ten codes of the sheet are found in photographs of it, with their names, at the element's
 * own threshold, and what is found beside them is less than one in ten. */
static void
test_sheet (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_DOCS"), "sheet.png", NULL);
  g_autoptr (Picture) sheet = picture_read (path, &error);

  g_assert_no_error (error);
  g_autofree guint8 *labels = sheet_label (sheet);
  g_autoptr (FbnetModel) model = fbnet_model_load (g_getenv ("FBNET_DEMO"), &error);
  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, NULL, &error);
  FbnetParams params;
  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.5f;
  g_assert_true (fbnet_detector_set_params (detector, &params, &error));

  guint n_found = 0, n_shown = 0, n_wrong = 0;
  for (guint shot = 0; shot < SHOTS; shot++)
    n_found += count_found (detector, model, sheet, labels, shot, &n_shown, &n_wrong);
  g_test_message ("%u of %u codes found, %u wrong", n_found, n_shown, n_wrong);
  g_assert_cmpuint (10 * n_found, >=, 9 * n_shown);
  g_assert_cmpuint (10 * n_wrong, <, n_shown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demo/accuracy", test_accuracy);
  g_test_add_func ("/demo/sheet", test_sheet);
  return g_test_run ();
}
