/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target over files, without libFuzzer: so that every build compiles the target, and inputs
 * that once did harm stay harmless.
 */
#include <glib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
main (int argc, char *argv[])
{
  for (int i = 1; i < argc; i++) {
    g_autofree char *data = NULL;
    gsize size;
    if (!g_file_get_contents (argv[i], &data, &size, NULL)) {
      g_printerr ("%s: cannot be read\n", argv[i]);
      return 1;
    }
    LLVMFuzzerTestOneInput ((const guint8 *) data, size);
  }
  return 0;
}
