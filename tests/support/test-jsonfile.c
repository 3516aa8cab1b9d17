/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON: files, what is wrong with them, and numbers.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "fbnet/fbnet.h"
#include "support/files.h"
#include "support/jsonfile.h"

/* --- Files ------------------------------------------------------------------------------------ */

/* What JSON allows around a value, and a byte order mark before it, do not count. */
static void
test_parse (void)
{
  static const char *const texts[] = { "[1]", "\xef\xbb\xbf[1]", " \n\t[1]\r\n ",
    "\xef\xbb\xbf\n[ 1 ]\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (cJSON) value = json_parse (texts[i], strlen (texts[i]), "text", &error);
    g_assert_no_error (error);
    g_autofree char *line = json_print_line (value);
    g_assert_cmpstr (line, ==, "[1]");
  }
}

static void
expect_unread (const char *path, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (json_read (path, &error));
  g_assert_true (error->domain == FBNET_ERROR);
  g_assert_true (g_str_has_prefix (error->message, path));
  if (strstr (error->message, expected) == NULL)
    g_error ("expected a message about %s, found \"%s\"", expected, error->message);
}

/* Nothing is waited for that may never come, and nothing without an end is read. */
static void
test_no_files (void)
{
  char *folder = folder_new ();
  g_autofree char *path = g_build_filename (folder, "file", NULL);

  expect_unread (path, "no such file");
  expect_unread (folder, "found a folder");
  expect_unread ("/dev/zero", "found a device");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  expect_unread (path, "found a pipe that nobody writes to");
  g_remove (path);
  const int fd = open (path, O_CREAT | O_WRONLY, 0600);
  g_assert_cmpint (ftruncate (fd, (off_t) 50 << 30), ==, 0);
  close (fd);
  expect_unread (path, "at most 4294967296 bytes");
  folder_remove (folder);
}

static void
expect_unwritten (const char *path)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (file_write (path, "1", 1, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "found a device or a pipe"));
  g_clear_error (&error);
  g_assert_false (file_check_writable (path, &error));
  g_assert_nonnull (error);
}

/* What is no file is not replaced by one; what is, and what is new, is. */
static void
test_replaced (void)
{
  char *folder = folder_new ();
  g_autofree char *path = g_build_filename (folder, "file", NULL);
  g_autoptr (GError) error = NULL;
  struct stat about;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  expect_unwritten (path);
  g_assert_true (lstat (path, &about) == 0 && S_ISFIFO (about.st_mode));
  g_remove (path);
  g_assert_cmpint (symlink ("/dev/null", path), ==, 0);
  expect_unwritten (path);
  g_assert_true (lstat (path, &about) == 0 && S_ISLNK (about.st_mode));
  g_remove (path);
  expect_unwritten ("/dev/fbnet-test");
  for (guint i = 0; i < 2; i++)
    g_assert_true (file_write (path, "1", 1, &error) && file_check_writable (path, &error));
  folder_remove (folder);
}

/* What is written under the name of a link is where it leads, over several and to a file that is not there yet, and the
 * links stay; a circle of them is a sentence. */
static void
test_linked (void)
{
  char *folder = folder_new ();
  g_autofree char *below = g_build_filename (folder, "below", NULL);
  g_autofree char *target = g_build_filename (below, "file", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autofree char *second = g_build_filename (folder, "second", NULL);
  g_autofree char *circle = g_build_filename (folder, "circle", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (below, 0700), ==, 0);
  g_assert_cmpint (symlink ("below/file", link), ==, 0);
  g_assert_cmpint (symlink (link, second), ==, 0);
  g_assert_cmpint (symlink ("circle", circle), ==, 0);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *number = g_strdup_printf ("%u", i), *part = NULL, *read = NULL;
    g_assert_true (file_check_writable (second, &error));
    if (i < 2) {
      g_assert_true (file_write (second, number, 1, &error));
    } else {
      part = write_text (folder, "part", number);
      g_assert_true (file_move (part, second, &error));
      g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
    }
    read = file_read_text (target, &error);
    g_assert_cmpstr (read, ==, number);
    g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
    g_assert_true (g_file_test (second, G_FILE_TEST_IS_SYMLINK));
  }
  g_assert_false (file_write (circle, "1", 1, &error));
  g_assert_nonnull (strstr (error->message, "a circle"));
  folder_remove (folder);
}

/* Moved to another file system it is copied. */
static void
test_moved_far (void)
{
  char *folder = folder_new ();
  g_autofree char *far = g_strdup ("/dev/shm/fbnet-XXXXXX");
  struct stat here, there;

  if (g_mkdtemp (far) == NULL || stat (folder, &here) != 0 || stat (far, &there) != 0
      || here.st_dev == there.st_dev) {
    g_test_skip ("no second file system here");
  } else {
    g_autofree char *part = write_text (folder, "part", "1");
    g_autofree char *target = g_build_filename (far, "file", NULL);
    g_autoptr (GError) error = NULL;
    g_assert_true (file_move (part, target, &error));
    g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
    g_autofree char *read = file_read_text (target, &error);
    g_assert_cmpstr (read, ==, "1");
  }
  folder_remove (g_steal_pointer (&far));
  folder_remove (folder);
}

/* A text goes to its end, not to the first zero. */
static void
test_text (void)
{
  char *folder = folder_new ();
  g_autofree char *path = g_build_filename (folder, "file", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "ab\0c", 4, NULL));
  g_assert_null (file_read_text (path, &error));
  g_assert_nonnull (strstr (error->message, "found a zero at byte 3"));
  g_assert_true (g_file_set_contents (path, "abc", 3, NULL));
  g_autofree char *text = file_read_text (path, NULL);
  g_assert_cmpstr (text, ==, "abc");
  folder_remove (folder);
}

/* What is no JSON is named by its place and how it reads. */
static void
test_parse_errors (void)
{
  static const struct {
    const char *text, *expected;
  } cases[] = {
    { "", "the end at line 1, byte 1" },
    { "[1,\n2", "the end at line 2, byte 2" },
    { "{\"a\": NaN, \"b\": 1}", "\"NaN, \"b\": 1}\" at line 1, byte 7" },
    { "[\n1,\n  2 3]", "\"3]\" at line 3, byte 5" },
    { "[1]\n[2]", "\"[2]\" at line 2, byte 1" },
    { "{\"a\": 0123456789012345678901234567890 x}", "\"x}\" at line 1, byte 39" },
    { "{'a': 1}", "\"a': 1}\" at line 1, byte 3" },
    { "caf\xe9", "\"caf\xef\xbf\xbd\" at line 1, byte 1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *expected =
        g_strconcat ("text: not JSON: expected a value or a separator, found ", cases[i].expected,
            NULL);
    g_assert_null (json_parse (cases[i].text, strlen (cases[i].text), "text", &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
    g_assert_cmpstr (error->message, ==, expected);
  }
}

/* What is written is read again; a file that cannot be written is a sentence. */
static void
test_write (void)
{
  char *folder = folder_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) value = cJSON_CreateString ("wort");
  g_autofree char *path = g_build_filename (folder, "value.json", NULL);
  g_autofree char *nowhere = g_build_filename (folder, "missing", "value.json", NULL);

  g_assert_true (json_write (value, path, &error));
  g_assert_no_error (error);
  g_autoptr (cJSON) again = json_read (path, &error);
  g_assert_no_error (error);
  g_assert_true (cJSON_Compare (value, again, TRUE));
  g_assert_false (json_write (value, nowhere, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
  folder_remove (folder);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static void
assert_same_float (float value)
{
  g_autoptr (cJSON) item = json_new_float (value);
  g_autofree char *text = json_print_line (item);
  const float found = (float) g_ascii_strtod (text, NULL);

  if (memcmp (&found, &value, sizeof value) != 0)
    g_error ("%.9g was written as %s", value, text);
}

/* Every float is read back as the same float: edge values, and 100000 random bit patterns. */
static void
test_floats_round_trip (void)
{
  static const float edges[] = { 0, -0.0f, 1, 0.1f, 1 / 3.0f, 16777216, 3.4028235e38f, 1e-45f,
    1.17549435e-38f, 0.9999999f, 1.0000001f, 8388608.5f };

  for (guint i = 0; i < G_N_ELEMENTS (edges); i++)
    assert_same_float (edges[i]);
  for (guint i = 0; i < 100000; i++) {
    const guint32 bits = g_test_rand_int ();
    float value;
    memcpy (&value, &bits, sizeof value);
    if (isfinite (value))
      assert_same_float (value);
  }
}

/* Short where short is enough, so that output reads well: 0.1 is not 0.100000001. */
static void
test_floats_are_short (void)
{
  static const struct {
    float value;
    const char *expected;
  } cases[] = { { 0.1f, "0.1" }, { 640, "640" }, { 0.05f, "0.05" }, { 0, "0" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (cJSON) item = json_new_float (cases[i].value);
    g_autofree char *text = json_print_line (item);
    g_assert_cmpstr (text, ==, cases[i].expected);
  }
}

/* What JSON cannot say becomes null instead of invalid JSON. */
static void
test_not_finite (void)
{
  static const float values[] = { NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (cJSON) item = json_new_float (values[i]);
    g_assert_true (cJSON_IsNull (item));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/parse", test_parse);
  g_test_add_func ("/json/parse-errors", test_parse_errors);
  g_test_add_func ("/json/no-files", test_no_files);
  g_test_add_func ("/json/replaced", test_replaced);
  g_test_add_func ("/json/linked", test_linked);
  g_test_add_func ("/json/moved-far", test_moved_far);
  g_test_add_func ("/json/text", test_text);
  g_test_add_func ("/json/write", test_write);
  g_test_add_func ("/json/floats-round-trip", test_floats_round_trip);
  g_test_add_func ("/json/floats-are-short", test_floats_are_short);
  g_test_add_func ("/json/not-finite", test_not_finite);
  return g_test_run ();
}
