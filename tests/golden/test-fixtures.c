/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What lies in the golden data: every fixture is of a kind that tests know, and has the files that it names.
 */
#include "golden.h"

/* A folder whose files say nothing is not run by any test. */
static void
test_unknown (gconstpointer name)
{
  g_autofree char *why = g_strdup_printf (
      "%s: expected config.json with cfg or arch_raw, result.json below graph.json, or pictures",
      (const char *) name);

  g_test_skip (why);
}

/* The frame and the weights that a config names are there. */
static void
test_files (gconstpointer name)
{
  static const char *const keys[] = { "frame", "weights" };
  g_autoptr (Fixture) fixture = fixture_open (name);

  if (fixture == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree char *path = fixture_path (fixture, keys[i]);
    if (path != NULL && !g_file_test (path, G_FILE_TEST_EXISTS))
      g_error ("%s: %s: expected the file %s", fixture->folder, keys[i], path);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fixture_add_cases ("/fixtures/detector", FIXTURE_DETECTOR, "", test_files);
  fixture_add_cases ("/fixtures/classifier", FIXTURE_CLASSIFIER, "", test_files);
  fixture_add_cases ("/fixtures/int8", FIXTURE_INT8, "", test_files);
  g_auto (GStrv) unknown = fixture_names (FIXTURE_UNKNOWN);
  if (unknown[0] != NULL)
    fixture_add_cases ("/fixtures/unknown", FIXTURE_UNKNOWN, "", test_unknown);
  return g_test_run ();
}
