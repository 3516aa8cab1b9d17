/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where parameters are written down: docs/tools.md and the comments of fbnet.h say of each what the tables
 * say. (docs/element.md is compared with the element's properties: tests/pipeline/test-inspect.c.)
 */
#include <math.h>
#include <string.h>

#include <fbnet/fbnet.h>

static char *
read_text (const char *variable, const char *name)
{
  g_autofree char *path = g_build_filename (g_getenv (variable), name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* --- docs/tools.md ---------------------------------------------------------------------------- */

/* "`--pre-nms-count N`" */
static char *
describe_option (const FbnetParamInfo *row)
{
  static const char *const values[] = { [FBNET_PARAM_FLOAT] = " X`",
    [FBNET_PARAM_COUNT] = " N`",
    [FBNET_PARAM_FLAG] = "`",
    [FBNET_PARAM_CHOICE] = " NAME`",
    [FBNET_PARAM_NAME] = " NAME`" };

  return g_strdup_printf ("`--%s%s", row->name, values[row->type]);
}

static char *
describe_range (const FbnetParamInfo *row)
{
  g_autofree char *range = fbnet_param_describe_range (row);

  if (row->type == FBNET_PARAM_FLAG)
    return g_strdup_printf ("or `--no-%s`", row->name);
  if (row->max == G_MAXINT)
    return g_strdup_printf ("%.0f or more %s", row->min, row->unit);
  return g_strjoin (row->unit != NULL ? " " : "", range, row->unit, NULL);
}

static char *
describe_default (const FbnetParamInfo *row)
{
  if (row->type == FBNET_PARAM_FLAG)
    return g_strdup (row->of_model ? "the model's" : row->usual != 0 ? "yes" : "no");
  if (row->type == FBNET_PARAM_NAME)
    return g_strdup (row->zero);
  if (row->type == FBNET_PARAM_CHOICE)
    return g_strdup (row->choices[(guint) row->usual].name);
  if (row->zero != NULL)
    return g_strdup_printf ("%g: %s", row->usual, row->zero);
  return g_strdup_printf (row->of_model ? "the model's (%g)" : "%g", row->usual);
}

/* The cells of the line that has `text` in its first one; NULL if there is none. */
static GStrv
find_cells (char *const *lines, const char *text)
{
  for (; *lines != NULL; lines++) {
    if (!g_str_has_prefix (*lines, "| "))
      continue;
    char **cells = g_strsplit (*lines, " | ", -1);
    if (strstr (cells[0], text) != NULL)
      return cells;
    g_strfreev (cells);
  }
  return NULL;
}

static void
check_row (char *const *lines, const FbnetParamInfo *row)
{
  g_autofree char *option = describe_option (row);
  g_autofree char *range = describe_range (row);
  g_autofree char *initial = describe_default (row);
  g_auto (GStrv) cells = find_cells (lines, option);

  g_test_message ("%s: %s, %s", option, range, initial);
  if (cells == NULL || g_strv_length (cells) < 4)
    g_error ("docs/tools.md: expected a row | %s | %s | %s | its meaning |, found %s", option,
        range, initial, cells == NULL ? "none" : "fewer cells");
  g_assert_cmpstr (cells[1], ==, range);
  g_assert_cmpstr (cells[2], ==, initial);
}

/* Every parameter and every option of a detector has its row, with its range, unit and default; and there
 * are no others in that section. */
static void
test_tools (void)
{
  g_autofree char *page = read_text ("FBNET_DOCS", "tools.md");
  char *section = strstr (page, "\n## Parameters\n");
  guint n_rows = 0, n;

  g_assert_nonnull (section);
  section++;
  *strstr (section, "\n## ") = '\0';
  g_auto (GStrv) lines = g_strsplit (section, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    n_rows += g_str_has_prefix (*line, "| `-");

  const FbnetParamInfo *params = fbnet_params_table (&n);
  for (guint i = 0; i < n; i++) {
    if (params[i].type == FBNET_PARAM_CLASSES) /* not for a command line */
      continue;
    check_row (lines, &params[i]);
    n_rows--;
  }
  const FbnetParamInfo *options = fbnet_detector_options_table (&n);
  for (guint i = 0; i < n; i++)
    check_row (lines, &options[i]);
  g_assert_cmpuint (n_rows, ==, n);
}

/* --- fbnet.h ---------------------------------------------------------------------------------- */

/* What a comment says of a member, or of the members beside it in the same sentence; NULL if nothing. */
static char *
find_sentence (const char *comment, const char *member)
{
  g_autofree char *name = g_strdup_printf ("@%s", member);
  const char *start = comment;

  do {
    start = strstr (start, "\n * @");
    if (start == NULL)
      return NULL;
    start += strlen ("\n * ");
  } while (g_strstr_len (start, strcspn (start, ":"), name) == NULL);
  const char *end = strstr (start, "\n * @");
  return g_strndup (start, end != NULL ? (gsize) (end - start) : strlen (start));
}

static void
check_sentence (const char *comment, const char *type, const FbnetParamInfo *row)
{
  const char *name = strcmp (row->name, "threads") == 0 ? "n-threads" : row->name;
  g_autofree char *member = g_strdelimit (g_strdup (name), "-", '_');
  g_autofree char *sentence = find_sentence (comment, member);
  g_autofree char *range = row->max == G_MAXINT ? g_strdup_printf ("%.0f…G_MAXINT", row->min)
                                                : g_strdup_printf ("%.0f…%.0f", row->min, row->max);

  g_test_message ("%s", row->name);
  if (sentence == NULL)
    g_error ("fbnet.h: expected @%s in the comment on %s, found none", member, type);
  if ((row->type == FBNET_PARAM_FLOAT || row->type == FBNET_PARAM_COUNT)
      && strstr (sentence, range) == NULL)
    g_error ("fbnet.h: expected the range %s of @%s in the comment on %s, found:\n%s", range,
        member, type, sentence);
}

static void
check_comment (const char *header, const char *type, const FbnetParamInfo *table, guint n)
{
  g_autofree char *start = g_strdup_printf ("/**\n * %s:\n", type);
  const char *comment = strstr (header, start);

  g_assert_nonnull (comment);
  g_autofree char *text = g_strndup (comment, (gsize) (strstr (comment, "*/") - comment));
  for (guint i = 0; i < n; i++)
    check_sentence (text, type, &table[i]);
}

/* The comments on the structs name every member, and its range. */
static void
test_header (void)
{
  g_autofree char *header = read_text ("FBNET_HEADERS", "fbnet.h");
  guint n;

  const FbnetParamInfo *params = fbnet_params_table (&n);
  check_comment (header, "FbnetParams", params, n);
  const FbnetParamInfo *options = fbnet_detector_options_table (&n);
  check_comment (header, "FbnetDetectorOptions", options, n);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pages/tools", test_tools);
  g_test_add_func ("/pages/header", test_header);
  return g_test_run ();
}
