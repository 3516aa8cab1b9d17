/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target over files and all files of folders, without libFuzzer: so that every build compiles
 * the target, and inputs that once did harm stay harmless.
 */
#include <glib.h>

#include "fuzz.h"

static guint replay (const char *path);

static guint
replay_file (const char *path)
{
  g_autofree char *data = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  LLVMFuzzerTestOneInput ((const guint8 *) data, size);
  return 1;
}

static guint
replay_folder (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
  const char *name;
  guint n = 0;

  if (dir == NULL)
    g_error ("%s", error->message);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    n += replay (child);
  }
  return n;
}

/* How many inputs that were. */
static guint
replay (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR) ? replay_folder (path) : replay_file (path);
}

int
main (int argc, char *argv[])
{
  for (int i = 1; i < argc; i++) {
    const guint n = replay (argv[i]);
    g_print ("%s: %u inputs\n", argv[i], n);
    if (n == 0)
      g_error ("%s: expected inputs", argv[i]);
  }
  return 0;
}
