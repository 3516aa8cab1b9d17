/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the shared library lets others see.
 */
#include <glib.h>
#include <string.h>

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
joined (GPtrArray *names)
{
  g_ptr_array_sort (names, by_name);
  g_ptr_array_add (names, NULL);
  return g_strjoinv ("\n", (char **) names->pdata);
}

/* The defined dynamic symbols, without the bounds of sections, which the linker adds for a fuzzer's
 * counters; NULL without nm. */
static char *
exported_symbols (void)
{
  const char *const argv[] = { "nm", "-D", "--defined-only", "--format=posix",
    g_getenv ("FBNET_LIBRARY"), NULL };
  g_autofree char *output = NULL;
  g_autofree char *nm = g_find_program_in_path ("nm");
  int status;

  if (nm == NULL)
    return NULL;
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
      NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *line = lines[i];

    if (line[0] != '\0' && !g_str_has_prefix (line, "__start_")
        && !g_str_has_prefix (line, "__stop_"))
      g_ptr_array_add (names, g_strndup (line, strcspn (line, " ")));
  }
  return joined (names);
}

/* The functions that the public header declares. */
static char *
declared_functions (void)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("^FBNET_API[^(;]*?\\b(\\w+) \\(", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *header = NULL;

  g_assert_true (g_file_get_contents (g_getenv ("FBNET_HEADER"), &header, NULL, NULL));
  g_regex_match (regex, header, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    g_ptr_array_add (names, g_match_info_fetch (match, 1));
  g_assert_cmpuint (names->len, >, 20);
  return joined (names);
}

/* The library exports the functions of the public header, all of them and nothing else, and their
 * names begin with fbnet_. */
static void
test_exports (void)
{
  g_autofree char *exported = exported_symbols ();
  g_autofree char *declared = declared_functions ();

  if (exported == NULL) {
    g_test_skip ("no nm");
    return;
  }
  g_assert_cmpstr (exported, ==, declared);
  g_auto (GStrv) names = g_strsplit (exported, "\n", -1);
  for (guint i = 0; names[i] != NULL; i++)
    g_assert_true (g_str_has_prefix (names[i], "fbnet_"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/exports", test_exports);
  return g_test_run ();
}
