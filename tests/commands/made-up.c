/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * made-up FOLDER: what the pages' readers have of PyTorch's, with generated weights: a checkpoint of a detector of D2Go's
 * zoo, its config and its int8 export, a checkpoint of a classifier of mobile_cv's.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "checkpoint-writer.h"
#include "export-writer.h"
#include "import/d2go/classifiers.h"
#include "import/d2go/import.h"
#include "import/d2go/registry.h"
#include "support/jsonfile.h"

#define DETECTOR   "faster_rcnn_fbnetv3a_dsmask_C4"
#define CLASSIFIER "dmasking_l3"

/* Takes the path. */
static void
move_to (const char *folder, const char *name, char *temporary)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *contents = NULL;
  gsize size;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (temporary, &contents, &size, &error);
  g_assert_no_error (error);
  g_unlink (temporary);
  g_free (temporary);
  g_file_set_contents (path, contents, (gssize) size, &error);
  g_assert_no_error (error);
}

static void
write_detector (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description = import_describe_config (DETECTOR, &error);

  g_assert_no_error (error);
  g_autoptr (TensorList) tensors = generate_tensors (description);
  move_to (folder, "detector.pth",
      save_checkpoint (&(CheckpointMember){ "model", tensors, "" }, 1));
  move_to (folder, "detector.pt", save_export (description));
}

/* As D2Go dumps it: all keys. JSON is YAML. */
static void
write_config (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) config = import_zoo_config (DETECTOR, &error);
  g_autofree char *path = g_build_filename (folder, "detector.yaml", NULL);

  g_assert_no_error (error);
  char *text = cJSON_Print (config);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  cJSON_free (text);
}

static void
write_classifier (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) description =
      import_describe_classifier (CLASSIFIER, CLASSIFIER_DEFAULTS_NOW, IMAGENET_CLASSES, &error);

  g_assert_no_error (error);
  g_autoptr (TensorList) tensors = generate_tensors (description);
  move_to (folder, "classifier.pth",
      save_checkpoint (&(CheckpointMember){ "state_dict", tensors, "module." }, 1));
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    g_error ("made-up FOLDER");
  write_detector (argv[1]);
  write_config (argv[1]);
  write_classifier (argv[1]);
  return 0;
}
