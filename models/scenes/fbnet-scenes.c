/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-scenes: generated pictures of printed symbols, and the sheet to print.
 */
#include <locale.h>

#include "fbnet/fbnet.h"
#include "support/options.h"
#include "sceneoptions.h"
#include "sheet.h"

static gboolean
run (const SceneOptions *options, GError **error)
{
  if (options->sheet && !sheet_write (options->sheet, error))
    return FALSE;
  return !options->folder || dataset_write (&options->dataset, options->folder, error);
}

int
main (int argc, char **argv)
{
  /* Only how characters are coded: numbers keep their decimal point. */
  setlocale (LC_CTYPE, "");
  SceneOptions options;
  g_autoptr (GError) error = NULL;
  int code = EXIT_DONE;
  if (!scene_options_parse (&options, argc, argv, &error)) {
    g_printerr ("fbnet-scenes: %s\nTry 'fbnet-scenes --help'.\n", error->message);
    code = EXIT_USAGE;
  } else if (options.version)
    g_print ("fbnet-scenes %s\n", fbnet_version ());
  else if (!run (&options, &error)) {
    g_printerr ("fbnet-scenes: %s\n", error->message);
    code = EXIT_FAILED;
  }
  scene_options_clear (&options);
  return code;
}
