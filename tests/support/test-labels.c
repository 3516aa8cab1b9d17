/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of class names.
 */
#include "command.h"
#include "fbnet/fbnet.h"
#include "support/labels.h"

static char *
read_joined (const char *text, GError **error)
{
  char *folder = folder_new ();
  g_autofree char *path = write_text (folder, "labels.txt", text);
  g_auto (GStrv) labels = labels_read (path, error);

  folder_remove (folder);
  return labels != NULL ? g_strjoinv ("|", labels) : NULL;
}

/* Whatever editors leave in a file of names is not in the names: a byte order mark, carriage returns,
 * empty lines, a last line without end. */
static void
test_forms (void)
{
  static const struct {
    const char *text, *expected;
  } cases[] = {
    { "person\ntraffic light\n", "person|traffic light" },
    { "person\ntraffic light", "person|traffic light" },
    { "\xef\xbb\xbfperson\ncar\n", "person|car" },
    { "\xef\xbb\xbf\nperson\n", "person" },
    { "person\r\ncar\r\n", "person|car" },
    { "\n  person  \n\n\ncar\n\n", "person|car" },
    { "b\xc3\xa4r\n", "b\xc3\xa4r" },
    { "", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *found = read_joined (cases[i].text, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (found, ==, cases[i].expected);
  }
}

/* Text in another coding, and an absent file, are sentences. */
static void
test_refused (void)
{
  g_autoptr (GError) coding = NULL, absent = NULL;

  g_assert_null (read_joined ("b\xe4r\n", &coding));
  g_assert_error (coding, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_null (labels_read ("no/such/labels.txt", &absent));
  g_assert_error (absent, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/labels/forms", test_forms);
  g_test_add_func ("/labels/refused", test_refused);
  return g_test_run ();
}
