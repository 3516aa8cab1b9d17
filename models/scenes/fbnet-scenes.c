/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-scenes: generated pictures of printed codes or symbols, and the sheet to print.
 */
#include "sceneoptions.h"
#include "sheet.h"
#include "support/commandline.h"

static gboolean
run (gpointer options, Console *console, GError **error)
{
  const SceneOptions *o = options;
  SceneSet set = o->set;
  Photographs *photographs = NULL;

  if (o->sheet != NULL && !sheet_write (o->sheet, set.kind.codes, error))
    return FALSE;
  if (o->folder == NULL)
    return TRUE;
  if (o->photographs != NULL && (photographs = photographs_read (o->photographs, error)) == NULL)
    return FALSE;
  set.kind.photographs = photographs;
  const gboolean written = scene_set_write (&set, o->folder, error);
  photographs_free (photographs);
  return written;
}

static void
name_files (gpointer options, Confines *confines)
{
  const SceneOptions *o = options;

  confines_add_input (confines, o->photographs);
  confines_add_output (confines, OUTPUT_FOLDER, "--output", o->folder);
  confines_add_output (confines, OUTPUT_FILE, "--sheet", o->sheet);
}

static const Program program = {
  .name = "fbnet-scenes",
  .summary =
      "Makes pictures of printed symbols and codes, with boxes and masks in COCO's format, to "
      "train\n"
      "and test the bundled model with.",
  .examples = "A scene depends on seed, index and size alone, whatever the number of threads.\n"
              "\n"
              "Examples:\n"
              "  fbnet-scenes --objects codes --count 4000 --seed 1 -o train\n"
              "  fbnet-scenes --objects codes --count 500 --seed 2 -o val\n"
              "  fbnet-scenes --objects codes --sheet sheet.pdf\n",
  .failures = "a file could not be written",
  .add_options = scene_options_add,
  .check = scene_options_check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  SceneOptions options = scene_options_new ();
  const int code = program_main (&program, &options, argc, argv);

  scene_options_clear (&options);
  return code;
}
