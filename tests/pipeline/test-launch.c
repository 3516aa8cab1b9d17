/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of launch lines that the pages have, and the element's own documentation, run, with things that are everywhere
 * in place of a camera, a screen, and files of the reader's. (Whole commands of the pages: tests/commands.)
 */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#define COMMAND "gst-launch-1.0 "
#define TAIL    "… ! " /* begins with what is left out */

/* What is replaced, in this order. FILM stands for the film below. */
static const struct {
  const char *pattern, *replacement;
} replacements[] = {
  { "^gst-launch-1\\.0", "" }, { "^\\s*… !", "videotestsrc num-buffers=3 !" },
  { "! …$", "! fakesink" }, { "v4l2src", "videotestsrc is-live=true num-buffers=10" },
  { "autovideosink", "fakesink" }, { "filesrc location=\\S+", "filesrc location=FILM" },
  { " (model|label)-file=\\S+", "" }, /* the bundled model finds something in anything */
};

static char *folder, *film; /* made for all tests */

/* --- Lines ------------------------------------------------------------------------------------- */

typedef struct {
  char *place; /* file and number of the line */
  char *line;
} Launch;

static char *
runnable (const char *line)
{
  char *text = g_strstrip (g_strdup (line));

  for (guint i = 0; i < G_N_ELEMENTS (replacements); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GRegex) regex = g_regex_new (replacements[i].pattern, 0, 0, &error);
    g_assert_no_error (error);
    char *replaced =
        g_regex_replace_literal (regex, text, -1, 0, replacements[i].replacement, 0, &error);
    g_assert_no_error (error);
    g_free (text);
    text = replaced;
  }
  return text;
}

/* Of a comment in C, or indented as code is. */
static const char *
skip_margin (const char *line)
{
  return line + strspn (line, " *");
}

static char *
join_continued (char *const *lines, guint *i)
{
  g_autoptr (GString) joined = g_string_new (skip_margin (lines[*i]));

  while (joined->len > 0 && joined->str[joined->len - 1] == '\\') {
    g_string_truncate (joined, joined->len - 1);
    g_assert_nonnull (lines[*i + 1]);
    g_string_append (joined, skip_margin (lines[++*i]));
  }
  return g_strdup (joined->str);
}

/* --- Running them ------------------------------------------------------------------------------ */

static void
play (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, 90 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    g_assert_no_error (error);
  }
}

/* Plays to its end without an error. One with an element that this GStreamer lacks is skipped, by its name. */
static void
run_line (gconstpointer data)
{
  const Launch *launch = data;
  g_autofree char *text = runnable (launch->line);
  g_autoptr (GString) line = g_string_new (text);
  g_autoptr (GError) error = NULL;

  g_string_replace (line, "FILM", film, 0);
  g_test_message ("%s", line->str);
  g_autoptr (GstElement) pipeline =
      gst_parse_launch_full (line->str, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT)) {
    g_test_skip (error->message);
    return;
  }
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  play (pipeline);
}

/* --- The tests --------------------------------------------------------------------------------- */

/* Adds a test for each line of the file that begins so and has the element in it. Returns how many. */
static guint
add_tests (const char *file, const char *beginning)
{
  g_autofree char *path = g_build_filename (g_getenv ("FBNET_SOURCE_ROOT"), file, NULL);
  g_autofree char *text = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *begin = skip_margin (lines[i]);
    const guint number = i + 1;
    if (!g_str_has_prefix (begin, beginning))
      continue;
    g_autofree char *line = join_continued (lines, &i);
    if (strstr (line, "fbnetdetect") == NULL)
      continue;
    Launch *launch = g_new (Launch, 1); /* lives as long as the program */
    launch->line = g_steal_pointer (&line);
    launch->place = g_strdup_printf ("/pipeline/launch/%s:%u", file, number);
    g_test_add_data_func (launch->place, launch, run_line);
    n++;
  }
  return n;
}

static void
make_film (void)
{
  g_autoptr (GError) error = NULL;

  folder = g_dir_make_tmp ("fbnet-launch-XXXXXX", &error);
  g_assert_no_error (error);
  film = g_build_filename (folder, "film.avi", NULL);
  g_autofree char *line = g_strdup_printf (
      "videotestsrc num-buffers=5 ! video/x-raw,width=320,height=240,framerate=25/1 ! "
      "jpegenc ! avimux ! filesink location=%s",
      film);
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  play (pipeline);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  make_film ();
  g_assert_cmpuint (add_tests ("docs/element.md", TAIL), >, 0);
  g_assert_cmpuint (add_tests ("docs/metadata.md", TAIL), >, 0);
  g_assert_cmpuint (add_tests ("gst/gstfbnetdetect.c", COMMAND), >, 0);
  const int status = g_test_run ();
  g_remove (film);
  g_rmdir (folder);
  return status;
}
