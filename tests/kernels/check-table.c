/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The choice of a row of the kernel table.
 */
#include "base/cpu.h"
#include "fbnet/fbnet.h"
#include "kernels/kernels.h"

/* Without a wish the first row is taken; the last runs everywhere, and this processor runs them all. */
static void
test_default (void)
{
  const Kernels *const *rows = kernels_list ();
  g_autoptr (GError) error = NULL;
  guint last = 0;

  g_unsetenv ("FBNET_KERNELS");
  while (rows[last + 1])
    last++;
  g_assert_true (kernels_find (NULL, &error) == rows[0]);
  g_assert_no_error (error);
  g_assert_cmpstr (rows[last]->name, ==, "c");
  g_assert_cmpuint (rows[last]->cpu_flags, ==, 0);
  for (guint i = 0; i <= last; i++)
    g_assert_cmphex (rows[i]->cpu_flags & ~cpu_flags (), ==, 0);
}

/* Every row is found by its name. */
static void
test_by_name (void)
{
  for (guint i = 0; kernels_list ()[i]; i++) {
    const Kernels *row = kernels_list ()[i];
    g_autoptr (GError) error = NULL;

    g_assert_true (kernels_find (row->name, &error) == row);
    g_assert_no_error (error);
  }
}

/* The option that chooses a row names all that there are: element.md and tools.md have their lists from it. */
static void
test_named (void)
{
  guint n, at = 0;
  const FbnetParamInfo *options = fbnet_detector_options_table (&n);

  while (at < n && g_strcmp0 (options[at].name, "kernels") != 0)
    at++;
  g_assert_cmpuint (at, <, n);
  g_auto (GStrv) names = g_strsplit_set (options[at].blurb, " ,", -1);
  for (guint i = 0; kernels_list ()[i] != NULL; i++) {
    const char *name = kernels_list ()[i]->name;
    if (!g_strv_contains ((const char *const *) names, name))
      g_error ("engine/model/params.c: expected %s in the row of kernels, found: %s", name,
          options[at].blurb);
  }
}

/* The environment variable chooses when the caller does not, and only then. */
static void
test_environment (void)
{
  g_setenv ("FBNET_KERNELS", "c", TRUE);
  g_assert_cmpstr (kernels_find (NULL, NULL)->name, ==, "c");
  g_assert_cmpstr (kernels_find ("openblas", NULL)->name, ==, "openblas");
  g_unsetenv ("FBNET_KERNELS");
}

/* An unknown name, from either side, is an error that says the name, where it came from, and what
 * there is. */
static void
test_unknown (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (kernels_find ("mmx", &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "\"mmx\""));
  g_assert_nonnull (strstr (error->message, "openblas, c"));
  g_clear_error (&error);

  g_setenv ("FBNET_KERNELS", "sse9", TRUE);
  g_assert_null (kernels_find (NULL, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "FBNET_KERNELS"));
  g_assert_nonnull (strstr (error->message, "\"sse9\""));
  g_unsetenv ("FBNET_KERNELS");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/table/default", test_default);
  g_test_add_func ("/kernels/table/by-name", test_by_name);
  g_test_add_func ("/kernels/table/named", test_named);
  g_test_add_func ("/kernels/table/environment", test_environment);
  g_test_add_func ("/kernels/table/unknown", test_unknown);
  return g_test_run ();
}
