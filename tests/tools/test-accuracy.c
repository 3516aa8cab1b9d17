/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole way from Meta's own COCO export to box AP: fbnet-import, then fbnet-eval.
 */
#include "command.h"
#include "jsonfile.h"

/* fbnet-eval's line of JSON for the imported model. */
static char *
import_and_evaluate (const char *data, const char *folder)
{
  g_autofree char *weights = g_build_filename (data, "weights", "d2go-coco-int8.pt", NULL);
  g_autofree char *set = g_build_filename (data, "coco-val50", "instances_val2017.json", NULL);
  g_autofree char *images = g_build_filename (data, "coco-val50", "images", NULL);
  g_autofree char *model = g_build_filename (folder, "model.safetensors", NULL);
  g_auto (Command) import = command_run ("FBNET_IMPORT", weights, "-o", model, NULL);
  command_expect (&import, 0, "*");
  g_auto (Command) eval =
      command_run ("FBNET_EVAL", set, "-m", model, "--images", images, "--json", NULL);
  command_expect (&eval, 0, "*50 pictures in *");
  return g_steal_pointer (&eval.out);
}

static double
box_metric (const cJSON *report, const char *name)
{
  double value = -1;
  g_autoptr (GError) error = NULL;
  json_get_number (cJSON_GetObjectItemCaseSensitive (report, "bbox"), name, &value, "bbox", &error);
  g_assert_no_error (error);
  return value;
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
  g_autofree char *line = import_and_evaluate (data, folder);
  folder_remove (folder);
  g_test_message ("%s", line);
  g_autoptr (cJSON) report = cJSON_Parse (line);
  g_assert_cmpfloat_with_epsilon (box_metric (report, "AP"), 0.2396, 0.0005);
  g_assert_cmpfloat_with_epsilon (box_metric (report, "AP50"), 0.3639, 0.002);
  g_assert_cmpfloat_with_epsilon (box_metric (report, "AP75"), 0.2480, 0.002);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accuracy/box-ap", test_box_ap);
  return g_test_run ();
}
