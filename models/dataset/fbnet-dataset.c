/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-dataset: pictures and annotations as people have them become one checked set in COCO's format, to
 * learn from and to evaluate with.
 */
#include "checkpictures.h"
#include "cocoset.h"
#include "crops.h"
#include "labeloptions.h"
#include "fbnet/fbnet.h"
#include "readers.h"
#include "statistics.h"
#include "support/commandline.h"
#include "support/files.h"
#ifdef HAVE_ANNOTATE
#  include "train/samplesheet.h"
#endif

#define SHOWN_SAMPLES 24
#define SHOWN_COLUMNS 6
#define SHOWN_SIZE    240

typedef struct {
  const LabelOptions *options;
  Console *console;
  LabelSet *set;
  gboolean *flags;
  guint n_val;  /* pictures to evaluate with */
  char *folder; /* of the pictures */
  char *train, *val, *sheet, *reduced, *crops;
} Session;

static void
session_clear (Session *session)
{
  label_set_free (session->set);
  g_free (session->flags);
  g_free (session->folder);
  g_free (session->train);
  g_free (session->val);
  g_free (session->sheet);
  g_free (session->reduced);
  g_free (session->crops);
}

/* --- The folder ------------------------------------------------------------------------------- */

/* Older files would not be of these pictures. */
static gboolean
prepare (Session *session, GError **error)
{
  const char *output = session->options->output;

  session->train = g_build_filename (output, "train.json", NULL);
  session->val = g_build_filename (output, "val.json", NULL);
  session->sheet = g_build_filename (output, "samples.png", NULL);
  session->reduced = g_build_filename (output, "images", NULL);
  session->crops = g_build_filename (output, "crops", NULL);
  if (session->options->crops > 0 && g_file_test (session->crops, G_FILE_TEST_EXISTS)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
        "%s: expected no such folder yet, as --crops writes into it, found one", session->crops);
    return FALSE;
  }
  return (session->options->max_side == 0 || file_make_folder (session->reduced, error))
      && file_check_writable (session->train, error) && file_remove (session->train, error)
      && file_remove (session->val, error);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static gboolean
read_sources (Session *session, GError **error)
{
  const LabelOptions *o = session->options;
  const guint n_images = g_strv_length (o->images);

  session->set = label_set_new ();
  for (guint i = 0; o->annotations[i] != NULL; i++) {
    const LabelSource source = {
      .path = o->annotations[i],
      .images = o->images[n_images > 1 ? i : 0],
      .names = o->names,
      .attribute = o->attribute,
    };
    if (!g_file_test (source.images, G_FILE_TEST_IS_DIR)) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
          "%s: expected the folder of the pictures of %s, found none", source.images, source.path);
      return FALSE;
    }
    if (!read_labels (session->set, o->format, &source, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check (Session *session, GError **error)
{
  const LabelOptions *o = session->options;
  const guint n_threads = param_options_how (o->params).n_threads;
  g_autofree char *folder = g_canonicalize_filename (session->reduced, NULL);
  const PictureCheck how = { (guint) o->max_side, folder,
    n_threads > 0 ? n_threads : g_get_num_processors () };

  return check_pictures (session->set, &how, error)
      && coco_set_name_classes (session->set, o->renamed, o->dropped, error);
}

static void
say_problems (const Session *session)
{
  g_auto (GStrv) sentences = problems_describe (session->set->problems);

  for (guint i = 0; sentences[i] != NULL; i++)
    console_say (session->console, "%s", sentences[i]);
}

static gboolean
check_useful (const Session *session, GError **error)
{
  for (guint i = 0; i < session->set->pictures->len; i++) {
    const LabelPicture *picture = session->set->pictures->pdata[i];
    if (picture->objects->len > 0)
      return TRUE;
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a picture with an object, found none", session->options->annotations[0]);
  return FALSE;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* How to make it again. */
static char *
describe_command (const LabelOptions *o)
{
  GString *text = g_string_new ("fbnet-dataset");

  for (guint i = 0; o->annotations[i] != NULL; i++)
    g_string_append_printf (text, " --annotations %s", o->annotations[i]);
  for (guint i = 0; o->images[i] != NULL; i++)
    g_string_append_printf (text, " --images %s", o->images[i]);
  g_string_append_printf (text, " --val-split %g", o->val_split);
  return g_string_free (text, FALSE);
}

static gboolean
write_sheet (const Session *session, GError **error)
{
#ifdef HAVE_ANNOTATE
  const DatasetSource source = { session->train, session->folder };
  const DatasetOptions options = { .masks = TRUE };
  AugmentOptions plain = augment_options_default ();

  plain.min_sizes[0] = plain.max_size = SHOWN_SIZE;
  plain.n_min_sizes = 1;
  plain.flip = 0;
  g_autoptr (Dataset) dataset = dataset_open (&source, 1, &options, error);
  return dataset != NULL
      && sample_sheet_write (dataset, &plain, 0, MIN (dataset_n_pictures (dataset), SHOWN_SAMPLES),
          SHOWN_COLUMNS, session->sheet, error);
#else
  return TRUE;
#endif
}

static gboolean
write_crops (const Session *session, GError **error)
{
  const guint side = (guint) session->options->crops;
  g_autofree char *train = g_build_filename (session->crops, "train", NULL);
  g_autofree char *val = g_build_filename (session->crops, "val", NULL);

  return side == 0
      || (crops_write (session->set, session->flags, FALSE, side, train, error)
          && crops_write (session->set, session->flags, TRUE, side, val, error));
}

static gboolean
write_set (Session *session, GError **error)
{
  const LabelOptions *o = session->options;
  g_autofree char *command = describe_command (o);

  session->flags = coco_set_divide (session->set, o->val_split);
  session->folder = coco_set_folder (session->set);
  for (guint i = 0; i < session->set->pictures->len; i++)
    session->n_val += session->flags[i];
  if (!coco_set_write (session->set, session->flags, FALSE, session->folder, command,
          session->train, error))
    return FALSE;
  if (session->n_val > 0
      && !coco_set_write (session->set, session->flags, TRUE, session->folder, command,
          session->val, error))
    return FALSE;
  return write_sheet (session, error) && write_crops (session, error);
}

/* As a shell takes it, whatever the names. */
static char *
describe_next (const Session *session)
{
  g_autofree char *train = g_shell_quote (session->train), *val = g_shell_quote (session->val);
  g_autofree char *folder = g_shell_quote (session->folder);
  g_autofree char *evaluated = session->n_val > 0
      ? g_strdup_printf (" --val-annotations %s --val-images %s", val, folder)
      : g_strdup ("");

  return g_strdup_printf (
      "to train: fbnet-train --annotations %s --images %s%s --model FILE --output FILE\n", train,
      folder, evaluated);
}

static gboolean
report (const Session *session, GError **error)
{
  const LabelOptions *o = session->options;
  const StatisticsOptions sizes = {
    (guint) param_options_number (o->params, "min-size", 224),
    (guint) param_options_number (o->params, "max-size", 320),
  };
  g_autofree char *statistics = statistics_to_text (session->set, session->flags, &sizes);
  g_autofree char *next = describe_next (session);
  g_autofree char *text = g_strdup_printf ("%s\n%s", statistics, next);

  return output_print (text, error);
}

static gboolean
convert (Session *session, GError **error)
{
  const gboolean checked =
      prepare (session, error) && read_sources (session, error) && check (session, error);

  /* They say why nothing is left, too. */
  if (session->set != NULL && (checked || session->set->pictures->len == 0))
    say_problems (session);
  return checked && check_useful (session, error) && write_set (session, error)
      && report (session, error);
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  Session session = { .options = options, .console = console };
  const gboolean done = convert (&session, error);

  usage_error_adopt (error);
  session_clear (&session);
  return done;
}

/* YOLO's file of names and annotations themselves say where pictures lie. */
static void
name_files (gpointer options, Confines *confines)
{
  confines->reads_all = TRUE;
  confines_add_output (confines, OUTPUT_FOLDER, "--output", ((LabelOptions *) options)->output);
}

static const Program program = {
  .name = "fbnet-dataset",
  .summary = "Makes one checked set in COCO's format of pictures annotated as COCO, Pascal VOC, "
             "YOLO, VIA,\n"
             "labelme, CVAT or CSV, divided into pictures to learn from and to evaluate with.",
  .examples =
      "What is left out or mended is told with its number and the first of it. Pictures stay "
      "where they\n"
      "are, unless --max-side asks for smaller ones.\n"
      "\n"
      "Examples:\n"
      "  fbnet-dataset --annotations annotations --images images -o set\n"
      "  fbnet-dataset --annotations data.yaml --images images/train --rename auto=car -o set\n",
  .failures = "a file cannot be read or written, or there is nothing to learn from",
  .add_options = label_options_add,
  .check = label_options_check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  LabelOptions options = label_options_new ();
  const int code = program_main (&program, &options, argc, argv);

  label_options_clear (&options);
  return code;
}
