/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every architecture of D2Go's registry, not only the zoo's, under every backbone that D2Go registers
 * for this project's kind of detector: the importer describes it, the engine builds and runs it, with
 * all heads that it has.
 */
#include <string.h>

#include "import/d2go/config.h"
#include "drawing.h"
#include "import/d2go/fit.h"
#include "randommodel.h"
#include "support/jsonfile.h"

#define WIDTH        128
#define HEIGHT       96
#define KEYPOINTS    17
#define FPN_N_STAGES 5 /* D2Go's pyramids end in stride 32 */

/* --- Configs ---------------------------------------------------------------------------------- */

/* Takes `value`. */
static void
set_at (cJSON *config, const char *path, cJSON *value)
{
  g_auto (GStrv) keys = g_strsplit (path, ".", -1);
  guint last = g_strv_length (keys) - 1;

  for (guint i = 0; i < last; i++)
    config = cJSON_GetObjectItem (config, keys[i]);
  cJSON_DeleteItemFromObject (config, keys[last]);
  cJSON_AddItemToObject (config, keys[last], value);
}

static cJSON *
one_feature (guint stage)
{
  g_autofree char *name = g_strdup_printf ("trunk%u", stage);
  cJSON *array = cJSON_CreateArray ();

  cJSON_AddItemToArray (array, cJSON_CreateString (name));
  return array;
}

/* The zoo's config `base` with another architecture and the heads that this one has. */
static cJSON *
make_config (const char *base, const cJSON *architecture, const char *name)
{
  g_autoptr (GError) error = NULL;
  cJSON *config = import_zoo_config (base, &error);

  g_assert_no_error (error);
  set_at (config, "MODEL.FBNET_V2.ARCH", cJSON_CreateString (name));
  set_at (config, "MODEL.MASK_ON", cJSON_CreateBool (cJSON_HasObjectItem (architecture, "mask")));
  set_at (config, "MODEL.KEYPOINT_ON",
      cJSON_CreateBool (cJSON_HasObjectItem (architecture, "kpts")));
  set_at (config, "MODEL.ROI_MASK_HEAD.NAME", cJSON_CreateString ("FBNetV2RoIMaskHead"));
  set_at (config, "MODEL.ROI_KEYPOINT_HEAD.NAME",
      cJSON_CreateString ("FBNetV2RoIKeypointHeadKPRCNNIRFPredictorNoUpscale"));
  set_at (config, "MODEL.ROI_KEYPOINT_HEAD.POOLER_RESOLUTION", cJSON_CreateNumber (6));
  set_at (config, "INPUT.MIN_SIZE_TEST", cJSON_CreateNumber (HEIGHT));
  set_at (config, "INPUT.MAX_SIZE_TEST", cJSON_CreateNumber (WIDTH));
  return config;
}

/* --- Models ----------------------------------------------------------------------------------- */

typedef struct {
  TensorList *list;
  GRand *random;
} Filler;

static void
add_layer (const ConvLayer *layer, gpointer data)
{
  Filler *filler = data;

  random_model_add_layer (filler->list, filler->random, layer);
}

static FbnetModel *
make_model (const cJSON *config, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = import_describe (config, name, &error);

  g_assert_no_error (error);
  g_autoptr (Layers) layers = fit_layers (description, &error);
  g_assert_no_error (error);
  g_autoptr (TensorList) list = tensor_list_new ();
  Filler filler = { list, g_rand_new_with_seed (1) };
  layers_foreach (layers, add_layer, &filler);
  g_rand_free (filler.random);
  random_model_tame (list);
  g_autofree char *text = cJSON_PrintUnformatted (description);
  FbnetModel *model = tensor_list_to_model (list, text, &error);
  g_assert_no_error (error);
  return model;
}

static FbnetDetections *
detect (FbnetModel *model, guint n_threads)
{
  const FbnetDetectorOptions options = { .n_threads = n_threads };
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);

  g_assert_no_error (error);
  g_autoptr (Picture) picture = picture_draw (WIDTH, HEIGHT, 1);
  const FbnetImage image = picture_image (picture);
  FbnetDetections *found = fbnet_detections_new ();
  fbnet_detector_run (detector, &image, found, &error);
  g_assert_no_error (error);
  return found;
}

/* Objects with what the heads should give, the same on one thread and on two. */
static void
check_model (FbnetModel *model, const cJSON *architecture)
{
  g_autoptr (FbnetDetections) alone = detect (model, 1);
  g_autoptr (FbnetDetections) shared = detect (model, 2);
  const gboolean keypoints = cJSON_HasObjectItem (architecture, "kpts");

  g_assert_cmpuint (alone->n, >, 0);
  g_assert_cmpuint (shared->n, ==, alone->n);
  g_assert_cmpuint (fbnet_model_get_n_keypoints (model), ==, keypoints ? KEYPOINTS : 0);
  for (guint i = 0; i < alone->n; i++) {
    const FbnetDetection *a = &alone->items[i], *b = &shared->items[i];
    g_assert_cmpfloat (a->score, ==, b->score);
    g_assert_cmpmem (&a->x0, 4 * sizeof a->x0, &b->x0, 4 * sizeof b->x0);
    g_assert_cmpint (a->mask.data != NULL, ==, cJSON_HasObjectItem (architecture, "mask"));
    g_assert_cmpint (a->keypoints != NULL, ==, keypoints);
    if (keypoints)
      g_assert_cmpmem (a->keypoints, KEYPOINTS * sizeof *a->keypoints, b->keypoints,
          KEYPOINTS * sizeof *b->keypoints);
  }
}

static void
check_config (const cJSON *config, const cJSON *architecture, const char *name)
{
  g_autoptr (FbnetModel) model = make_model (config, name);

  check_model (model, architecture);
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* FBNetV2C4Backbone: the heads read one stage; of a C5 architecture the last, of stride 32, or the
 * one before. */
static void
check_one_feature (const cJSON *architecture, const char *name, guint stage)
{
  g_autoptr (cJSON) config = make_config ("mask_rcnn_fbnetv3a_C4", architecture, name);

  set_at (config, "MODEL.RPN.IN_FEATURES", one_feature (stage));
  set_at (config, "MODEL.ROI_HEADS.IN_FEATURES", one_feature (stage));
  check_config (config, architecture, name);
}

static void
test_architecture (gconstpointer data)
{
  const char *name = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) architecture = import_architecture (name, &error);

  g_assert_no_error (error);
  const guint n_stages = (guint) cJSON_GetArraySize (cJSON_GetObjectItem (architecture, "trunk"));
  check_one_feature (architecture, name, n_stages - 1);
  if (n_stages < FPN_N_STAGES)
    return;
  check_one_feature (architecture, name, n_stages - 2);
  g_autoptr (cJSON) pyramid = make_config ("mask_rcnn_fbnetv3g_fpn", architecture, name);
  check_config (pyramid, architecture, name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_auto (GStrv) names = import_architecture_names ();
  g_assert_cmpuint (g_strv_length (names), ==, 23);
  for (guint i = 0; names[i] != NULL; i++) {
    g_autofree char *path = g_strconcat ("/import/architectures/", names[i], NULL);
    g_test_add_data_func (path, names[i], test_architecture);
  }
  return g_test_run ();
}
