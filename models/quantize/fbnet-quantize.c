/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-quantize: a float model and a folder of pictures in, an int8 model out. A picture that cannot be
 * read costs a sentence, and the others go on.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fidelity.h"
#include "quantizeoptions.h"
#include "quantizereport.h"
#include "support/commandline.h"
#include "support/folder.h"
#include "support/jsonfile.h"
#include "support/modelfile.h"
#include "support/modelparams.h"
#include "support/picture.h"

/* Pictures for the table of activations. */
#define N_FIDELITY 8

typedef struct {
  const QuantizeOptions *options;
  Console *console;
  FbnetModel *model;
  Quantizer *quantizer;
  GPtrArray *pictures; /* paths */
  Fidelity *fidelity;
  Accuracy before, after;
} Session;

/* --- Pictures --------------------------------------------------------------------------------- */

/* Of the folder and of those below it. NULL with error when there is none. */
static GPtrArray *
list_pictures (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) paths = files_below (folder, picture_endings);

  if (paths->len > 0)
    return g_steal_pointer (&paths);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected a folder of pictures (.jpg, .jpeg, .png), found %s", folder,
      g_file_test (folder, G_FILE_TEST_IS_DIR) ? "none in it" : "none");
  return NULL;
}

typedef gboolean (*ImageFunc) (gpointer object, const FbnetImage *image, GError **error);

static gboolean
show_picture (const char *path, ImageFunc func, gpointer object, GError **error)
{
  g_autoptr (Picture) picture = picture_read (path, error);

  if (picture == NULL)
    return FALSE;
  const FbnetImage image = picture_image (picture);
  if (func (object, &image, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

static gboolean
calibrate_image (gpointer quantizer, const FbnetImage *image, GError **error)
{
  return quantizer_add_image (quantizer, image, error);
}

static gboolean
calibrate_picture (gpointer quantizer, const char *path, GError **error)
{
  return show_picture (path, calibrate_image, quantizer, error);
}

static void
calibrate (Session *session)
{
  console_each (session->console, (char **) session->pictures->pdata, session->pictures->len,
      "pictures watched", calibrate_picture, session->quantizer);
}

/* --- After ------------------------------------------------------------------------------------ */

static gboolean
evaluate (Session *session, GError **error)
{
  const QuantizeOptions *o = session->options;

  if (o->annotations == NULL)
    return TRUE;
  g_autoptr (CocoFile) annotations = coco_file_read (o->annotations, error);
  const AccuracySet set = { annotations, o->eval_images, o->params, "pictures evaluated" };
  return annotations != NULL && accuracy_measure (&session->before, &set, o->model, error)
      && accuracy_measure (&session->after, &set, o->output, error);
}

static gboolean
compare_image (gpointer fidelity, const FbnetImage *image, GError **error)
{
  return fidelity_add_image (fidelity, image, error);
}

/* At equal distances in the list. Those that could not be read have been told of. */
static void
show_some (Session *session, const GPtrArray *pictures)
{
  const guint n = MIN (pictures->len, N_FIDELITY);
  Progress progress = progress_new (n, "pictures compared");

  for (guint i = 0; i < n; i++) {
    show_picture (pictures->pdata[i * pictures->len / n], compare_image, session->fidelity, NULL);
    progress_step (&progress);
  }
}

/* On pictures that ranges were not learnt from, where there are some: how well they hold elsewhere. */
static gboolean
compare (Session *session, GError **error)
{
  const char *folder = session->options->eval_images;

  if (!session->options->verbose)
    return TRUE;
  g_autoptr (GPtrArray) pictures =
      folder != NULL ? list_pictures (folder, error) : g_ptr_array_ref (session->pictures);
  g_autoptr (FbnetModel) int8 =
      pictures != NULL ? fbnet_model_load (session->options->output, error) : NULL;
  if (int8 == NULL)
    return FALSE;
  session->fidelity = fidelity_new (session->model, int8, error);
  if (session->fidelity == NULL)
    return FALSE;
  show_some (session, pictures);
  return TRUE;
}

static guint64
file_size (const char *path)
{
  GStatBuf status;

  return g_stat (path, &status) == 0 ? (guint64) status.st_size : 0;
}

static gboolean
print_report (const Session *session, GError **error)
{
  const QuantizeOptions *o = session->options;
  const gboolean evaluated = o->annotations != NULL;
  const QuantizeReport report = {
    .output = o->output,
    .model = fbnet_model_get_name (session->model),
    .method = o->method != NULL ? o->method : "mse",
    .quantizer = session->quantizer,
    .size_before = file_size (o->model),
    .size_after = file_size (o->output),
    .before = evaluated ? &session->before : NULL,
    .after = evaluated ? &session->after : NULL,
    .fidelity = session->fidelity,
  };
  g_autofree char *text = quantize_report_to_text (&report);

  return output_print (text, error);
}

/* --- The model -------------------------------------------------------------------------------- */

/* With the sizes, counts and thresholds that were asked for: the int8 model has them, too. */
static gboolean
open_model (Session *session, GError **error)
{
  const QuantizeOptions *o = session->options;
  g_autoptr (FbnetModel) model = fbnet_model_load (o->model, error);

  if (model == NULL)
    return FALSE;
  g_autoptr (cJSON) description = model_file_description (model);
  if (!model_params_apply (o->params, description, error))
    return FALSE;
  session->model = model_file_redescribe (model, o->model, description, o->output, error);
  return session->model != NULL;
}

/* --- Main ------------------------------------------------------------------------------------- */

static gboolean
quantize (Session *session, GError **error)
{
  const QuantizeOptions *o = session->options;
  const QuantizerOptions how = quantize_options_how (o);

  if (!open_model (session, error))
    return FALSE;
  session->pictures = list_pictures (o->images, error);
  if (session->pictures == NULL)
    return FALSE;
  session->quantizer = quantizer_new (session->model, &how, error);
  usage_error_adopt (error);
  if (session->quantizer == NULL)
    return FALSE;
  calibrate (session);
  return quantizer_finish (session->quantizer, error)
      && quantizer_write (session->quantizer, o->output, error) && evaluate (session, error)
      && compare (session, error) && print_report (session, error);
}

static void
session_clear (Session *session)
{
  fidelity_free (session->fidelity);
  quantizer_free (session->quantizer);
  g_clear_pointer (&session->pictures, g_ptr_array_unref);
  fbnet_model_unref (session->model);
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  Session session = { .options = options, .console = console };
  const gboolean done = quantize (&session, error);

  session_clear (&session);
  return done;
}

static void
name_files (gpointer options, Confines *confines)
{
  const QuantizeOptions *o = options;

  confines_add_input (confines, o->model);
  confines_add_input (confines, o->images);
  confines_add_input (confines, o->annotations);
  confines_add_input (confines, o->eval_images);
  confines_add_output (confines, OUTPUT_FILE, "--output", o->output);
}

static const Program program = {
  .name = "fbnet-quantize",
  .summary =
      "Makes an int8 model of a float model: what its layers compute for the pictures of a folder\n"
      "decides what the bytes stand for.",
  .examples = "The pictures should be like those that the model will see, a few dozen of them; "
              "they need no\n"
              "annotations. With --kernels c the result is the same on every machine. Methods and "
              "what they\n"
              "cost: docs/int8.md.\n"
              "\n"
              "Examples:\n"
              "  fbnet-quantize --model float.safetensors --images frames -o int8.safetensors\n"
              "  fbnet-quantize --model float.safetensors --images frames -o int8.safetensors \\\n"
              "      --annotations instances_val2017.json --eval-images val2017\n",
  .failures = "the model or at least one picture failed",
  .add_options = quantize_options_add,
  .check = quantize_options_check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  QuantizeOptions options = quantize_options_new ();
  const int code = program_main (&program, &options, argc, argv);

  quantize_options_clear (&options);
  return code;
}
