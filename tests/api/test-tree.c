/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules of the source tree that no compiler checks: who may include whom, and a licence line in every
 * file that can carry one.
 */
#include <glib.h>
#include <string.h>

static const char *const rooms[] = { ".ci", "docs", "engine", "examples", "gst", "models",
  "tests" };

/* Pictures, arrays and models have no room for a comment. */
static const char *const without_comments[] = { ".npy", ".npz", ".png", ".jpg", ".safetensors",
  ".pth", ".pyc", ".pdf" };

typedef void (*FileFunc) (const char *path, const char *text);

static char *
in_source (const char *path)
{
  return g_build_filename (g_getenv ("FBNET_SOURCE_ROOT"), path, NULL);
}

static gboolean
has_suffix (const char *path, const char *const *suffixes, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (g_str_has_suffix (path, suffixes[i]))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_c (const char *path)
{
  static const char *const suffixes[] = { ".c", ".h", ".cpp" };

  return has_suffix (path, suffixes, G_N_ELEMENTS (suffixes));
}

/* Calls `func` for all files below `room`, named from the root of the tree. */
static guint
walk (const char *room, FileFunc func)
{
  g_autofree char *folder = in_source (room);
  GDir *dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (room, name, NULL);
    g_autofree char *full = in_source (path);
    g_autofree char *text = NULL;
    if (g_file_test (full, G_FILE_TEST_IS_DIR)) {
      if (strcmp (name, "__pycache__") != 0)
        n += walk (path, func);
      continue;
    }
    g_assert_true (g_file_get_contents (full, &text, NULL, NULL));
    func (path, text);
    n++;
  }
  g_dir_close (dir);
  return n;
}

static void
check_licence (const char *path, const char *text)
{
  if (has_suffix (path, without_comments, G_N_ELEMENTS (without_comments)))
    return;
  if (strstr (text, "SPDX-License-Identifier: LGPL-2.1-or-later") == NULL) {
    g_test_message ("%s: expected an SPDX licence line", path);
    g_test_fail ();
  }
}

/* Every file says under which licence it stands. */
static void
test_licences (void)
{
  static const char *const top[] = { "README.md", "meson.build", "meson_options.txt", ".gitignore",
    ".clang-format" };

  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    g_assert_cmpuint (walk (rooms[i], check_licence), >, 0);
  for (guint i = 0; i < G_N_ELEMENTS (top); i++) {
    g_autofree char *path = in_source (top[i]);
    g_autofree char *text = NULL;
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    check_licence (top[i], text);
  }
}

/* Fails for each #include "…" of a file that is neither beside it nor in `allowed`. */
static void
check_quoted (const char *path, const char *text, const char *const *allowed)
{
  g_autoptr (GRegex) regex = g_regex_new ("^#\\s*include \"([^\"]+)\"", G_REGEX_MULTILINE, 0, NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *included = g_match_info_fetch (match, 1);
    g_autofree char *beside = g_build_filename (folder, included, NULL);
    g_autofree char *full = in_source (beside);
    const gboolean local = strchr (included, '/') == NULL && g_file_test (full, G_FILE_TEST_EXISTS);
    if (local || g_strv_contains (allowed, included))
      continue;
    g_test_message ("%s: expected no #include of \"%s\"", path, included);
    g_test_fail ();
  }
}

/* Fails where a file names a header of the engine, other than the public one, between < and >. */
static void
check_angled (const char *path, const char *text)
{
  g_autoptr (GRegex) regex = g_regex_new ("^#\\s*include <([^>]+)>", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *included = g_match_info_fetch (match, 1);
    g_autofree char *private_path = g_build_filename ("engine", included, NULL);
    g_autofree char *full = in_source (private_path);
    if (g_file_test (full, G_FILE_TEST_EXISTS)) {
      g_test_message ("%s: expected no #include of <%s>", path, included);
      g_test_fail ();
    }
  }
}

static void
check_outsider (const char *path, const char *text)
{
  /* Generated: the bundled model as data. */
  static const char *const allowed[] = { "fbnet-demo.h", NULL };

  if (!is_c (path))
    return;
  check_quoted (path, text, allowed);
  check_angled (path, text);
}

static void
check_kernel (const char *path, const char *text)
{
  /* The last one is the tests' emulation of AVX-512, for processors without it. */
  static const char *const allowed[] = { "base/cpu.h", "fbnet/fbnet.h", "simde-avx512.h",
    "simde-avx512vnni.h", NULL };

  if (is_c (path))
    check_quoted (path, text, allowed);
}

static void
check_engine (const char *path, const char *text)
{
  if (!is_c (path) || g_str_has_prefix (path, "engine/kernels/"))
    return;
  if (strstr (text, "gst/") != NULL || strstr (text, "#include \"gst") != NULL) {
    g_test_message ("%s: expected an engine that knows nothing of GStreamer", path);
    g_test_fail ();
  }
}

/* The element uses the engine through its public header alone. */
static void
test_gst_includes (void)
{
  g_assert_cmpuint (walk ("gst", check_outsider), >, 5);
}

/* Kernels know numbers: of the engine's headers only what the processor can do, and how to name an
 * error. The engine in turn knows nothing of pipelines. */
static void
test_engine_includes (void)
{
  g_assert_cmpuint (walk ("engine/kernels", check_kernel), >, 5);
  g_assert_cmpuint (walk ("engine", check_engine), >, 30);
}

/* "gst/gstfbnetmeta.c" → "gstfbnetmeta": a file and its header are one. */
static char *
unit_of (const char *path)
{
  char *name = g_path_get_basename (path);

  *strrchr (name, '.') = '\0';
  return name;
}

/* Adds to "units", by name, the ones that each includes: GHashTable of sets. */
static GHashTable *units;

static void
note_includes (const char *path, const char *text)
{
  g_autoptr (GRegex) regex = g_regex_new ("^#\\s*include \"([^\"]+)\"", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  if (!is_c (path))
    return;
  char *unit = unit_of (path);
  GHashTable *included = g_hash_table_lookup (units, unit);
  if (included == NULL) {
    included = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert (units, g_strdup (unit), included);
  }
  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *header = g_match_info_fetch (match, 1);
    char *other = unit_of (header);
    if (strcmp (other, unit) != 0)
      g_hash_table_add (included, other);
    else
      g_free (other);
  }
  g_free (unit);
}

/* Takes away the units that include none of those left, as long as there are such: what stays runs in
 * circles. */
static guint
take_ends_away (void)
{
  GHashTableIter each;
  gpointer unit, included;
  guint n = 0;

  g_hash_table_iter_init (&each, units);
  while (g_hash_table_iter_next (&each, &unit, &included)) {
    GHashTableIter inner;
    gpointer other;
    gboolean is_end = TRUE;
    g_hash_table_iter_init (&inner, included);
    while (g_hash_table_iter_next (&inner, &other, NULL))
      is_end = is_end && !g_hash_table_contains (units, other);
    if (!is_end)
      continue;
    g_hash_table_iter_remove (&each);
    n++;
  }
  return n;
}

/* The element's parts do not include each other in circles. */
static void
test_gst_circles (void)
{
  GHashTableIter each;
  gpointer unit;

  units =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  walk ("gst", note_includes);
  g_assert_cmpuint (g_hash_table_size (units), >, 5);
  while (take_ends_away () > 0)
    ;
  g_hash_table_iter_init (&each, units);
  while (g_hash_table_iter_next (&each, &unit, NULL)) {
    g_test_message ("%s: expected no circle of includes", (const char *) unit);
    g_test_fail ();
  }
  g_hash_table_unref (units);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree/licences", test_licences);
  g_test_add_func ("/tree/gst-includes", test_gst_includes);
  g_test_add_func ("/tree/gst-circles", test_gst_circles);
  g_test_add_func ("/tree/engine-includes", test_engine_includes);
  return g_test_run ();
}
