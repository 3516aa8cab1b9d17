/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules of the source tree that no compiler checks: who may include whom, and a licence line in every
 * file that can carry one.
 */
#include <glib.h>
#include <string.h>

static const char *const rooms[] = { ".ci", "docs", "engine", "examples", "gst", "models",
  "tests" };

/* Pictures, arrays and models have no room for a comment, nor have inputs that are damaged on purpose. */
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
  if (has_suffix (path, without_comments, G_N_ELEMENTS (without_comments))
      || g_str_has_prefix (path, "tests/fuzz/corpus/"))
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

/* --- Pages ------------------------------------------------------------------------------------ */

/* What the pattern's first group is, wherever a page matches it; nothing of a file that is none. */
static GStrv
find_all (const char *path, const char *text, const char *pattern)
{
  GPtrArray *found = g_ptr_array_new ();
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, g_str_has_suffix (path, ".md") ? text : "", 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    g_ptr_array_add (found, g_match_info_fetch (match, 1));
  g_ptr_array_add (found, NULL);
  return (GStrv) g_ptr_array_free (found, FALSE);
}

static GString *all_paths; /* "/engine/base/arena.c\n…" */

static void
add_path (const char *path, const char *text)
{
  g_string_append_printf (all_paths, "/%s\n", path);
}

/* Fails for each file in C that the page speaks of, by its name or the end of its path, and that is not there.
 * (A name with a capital, as NAME.c, stands for any.) */
static void
check_names (const char *path, const char *text)
{
  g_auto (GStrv) names = find_all (path, text, "`([a-z0-9./-]+\\.[ch])`");

  for (char **name = names; *name != NULL; name++) {
    g_autofree char *end = g_strdup_printf ("/%s\n", *name);
    if (strstr (all_paths->str, end) != NULL)
      continue;
    g_test_message ("%s: expected a file %s, found none", path, *name);
    g_test_fail ();
  }
}

static void
test_names (void)
{
  all_paths = g_string_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    walk (rooms[i], add_path);
  g_assert_cmpuint (walk ("docs", check_names), >, 20);
  g_string_free (all_paths, TRUE);
}

/* Fails for each link to a file of the tree that is not there. */
static void
check_links (const char *path, const char *text)
{
  g_auto (GStrv) links = find_all (path, text, "\\]\\(([^):#\\s]+)(#[^)]*)?\\)");
  g_autofree char *folder = g_path_get_dirname (path);

  for (char **link = links; *link != NULL; link++) {
    g_autofree char *target = g_build_filename (folder, *link, NULL);
    g_autofree char *full = in_source (target);
    if (g_file_test (full, G_FILE_TEST_EXISTS))
      continue;
    g_test_message ("%s: expected a file behind the link %s, found none", path, *link);
    g_test_fail ();
  }
}

/* Pages lead to files that are there, and every example is on the page of examples. */
static void
test_links (void)
{
  g_autofree char *readme = NULL, *examples = NULL;
  g_autofree char *readme_path = in_source ("README.md");
  g_autofree char *examples_path = in_source ("docs/examples.md");
  g_autofree char *folder = in_source ("examples");
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  g_assert_true (g_file_get_contents (readme_path, &readme, NULL, NULL));
  check_links ("README.md", readme);
  g_assert_cmpuint (walk ("docs", check_links), >, 20);
  g_assert_true (g_file_get_contents (examples_path, &examples, NULL, NULL));
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir)) {
    if (!g_str_has_suffix (name, ".c") && !g_str_has_suffix (name, ".py"))
      continue;
    g_test_message ("%s", name);
    g_assert_nonnull (strstr (examples, name));
  }
}

/* --- Includes --------------------------------------------------------------------------------- */

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

/* The tests' emulation of AVX-512, for processors without it, is nobody's room. */
static const char *const emulation[] = { "simde-avx512.h", "simde-avx512vnni.h", NULL };

/* Rooms in the order in which one may look into another: those of one line do not look into each other. */
static const struct {
  const char *room;
  guint rank;
} ranks[] = {
  { "engine/base", 0 },
  { "engine/kernels", 1 },
  { "engine/picture", 2 },
  { "engine/model", 2 },
  { "engine/network", 3 },
  { "engine/detect", 4 },
  { "engine/zoom", 5 },
  { "engine/track", 5 },
  { "engine/train", 5 },
  { "models/support", 6 },
  { "models/import/torch", 7 },
  { "models/import/d2go", 8 },
  { "models/import", 9 },
  { "models/detect", 7 },
  { "models/inspect", 7 },
  { "models/track", 7 },
  { "models/scenes", 7 },
  { "models/evaluate", 8 },
  { "models/train", 10 },
  { "models/quantize", 9 },
  { "models/dataset", 11 },
};

static gint
rank_of (const char *folder)
{
  for (guint i = 0; i < G_N_ELEMENTS (ranks); i++) {
    if (strcmp (folder, ranks[i].room) == 0)
      return (gint) ranks[i].rank;
  }
  return -1;
}

/* Where an #include "…" leads, named from the root of the tree; NULL for what is generated. */
static char *
resolve (const char *path, const char *included)
{
  static const char *const roots[] = { "engine", "engine/include", "models", "gst",
    "tests/support" };
  g_autofree char *folder = g_path_get_dirname (path);

  for (guint i = 0; i <= G_N_ELEMENTS (roots); i++) {
    g_autofree char *found = g_build_filename (i == 0 ? folder : roots[i - 1], included, NULL);
    g_autofree char *full = in_source (found);
    if (g_file_test (full, G_FILE_TEST_EXISTS))
      return g_steal_pointer (&found);
  }
  return NULL;
}

typedef void (*IncludeFunc) (const char *path, const char *included);

static void
foreach_include (const char *path, const char *text, IncludeFunc func)
{
  g_autoptr (GRegex) regex = g_regex_new ("^#\\s*include \"([^\"]+)\"", G_REGEX_MULTILINE, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *included = g_match_info_fetch (match, 1);
    g_autofree char *found = resolve (path, included);
    if (found != NULL)
      func (path, found);
    else if (g_str_has_prefix (path, "engine/") && !g_strv_contains (emulation, included)) {
      g_test_message ("%s: expected a header of the tree, found \"%s\"", path, included);
      g_test_fail ();
    }
  }
}

static void
check_rank (const char *path, const char *included)
{
  g_autofree char *from = g_path_get_dirname (path), *to = g_path_get_dirname (included);
  const gint here = rank_of (from), there = rank_of (to);

  if (strcmp (from, to) == 0 || strcmp (to, "engine/include/fbnet") == 0)
    return;
  if (there < 0 || here <= there) {
    g_test_message ("%s: expected no #include of %s, which is no room before its own", path,
        included);
    g_test_fail ();
  }
}

static void
check_ranks (const char *path, const char *text)
{
  if (is_c (path))
    foreach_include (path, text, check_rank);
}

/* --- Circles ---------------------------------------------------------------------------------- */

/* A .c file, its header and its private header are one module. */
static char *
module_of (const char *path)
{
  char *module = g_strdup (path);

  *strrchr (module, '.') = '\0';
  if (g_str_has_suffix (module, "-private"))
    module[strlen (module) - strlen ("-private")] = '\0';
  return module;
}

static GHashTable *modules; /* name → GHashTable of the names that it includes */

static void
add_include (const char *path, const char *included)
{
  char *from = module_of (path), *to = module_of (included);
  GHashTable *set = g_hash_table_lookup (modules, from);

  if (set == NULL) {
    set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert (modules, g_strdup (from), set);
  }
  if (strcmp (from, to) != 0)
    g_hash_table_add (set, to);
  else
    g_free (to);
  g_free (from);
}

static void
add_includes (const char *path, const char *text)
{
  if (is_c (path))
    foreach_include (path, text, add_include);
}

/* Fails for a module that is reached from itself; `open` are those on the way, `done` those without a
 * circle behind them. */
static void
visit (const char *module, GHashTable *open, GHashTable *done)
{
  GHashTable *set = g_hash_table_lookup (modules, module);
  GHashTableIter iter;
  gpointer next;

  if (set == NULL || g_hash_table_contains (done, module))
    return;
  g_hash_table_add (open, (gpointer) module);
  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &next, NULL)) {
    if (g_hash_table_contains (open, next)) {
      g_test_message ("%s: expected no circle of includes, found one by %s", module,
          (const char *) next);
      g_test_fail ();
    } else {
      visit (next, open, done);
    }
  }
  g_hash_table_remove (open, module);
  g_hash_table_add (done, (gpointer) module);
}

/* Nobody includes, over however many others, who includes him. */
static void
test_circles (void)
{
  g_autoptr (GHashTable) open = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer module;

  modules =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  walk ("engine", add_includes);
  walk ("models", add_includes);
  walk ("gst", add_includes);
  walk ("tests", add_includes);
  g_assert_cmpuint (g_hash_table_size (modules), >, 200);
  g_hash_table_iter_init (&iter, modules);
  while (g_hash_table_iter_next (&iter, &module, NULL))
    visit (module, open, done);
  g_hash_table_unref (modules);
}

/* The element uses the engine through its public header alone. */
static void
test_gst_includes (void)
{
  g_assert_cmpuint (walk ("gst", check_outsider), >, 5);
}

/* Data flows one way: a room looks only into those before it, and the engine knows nothing of pipelines
 * and programs. */
static void
test_ranks (void)
{
  g_assert_cmpuint (walk ("engine", check_ranks), >, 100);
  g_assert_cmpuint (walk ("models", check_ranks), >, 100);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* Calls that end the program when there is no memory, of a size that need not be small. */
static const char *const endings[] = {
  "g_(new|new0|renew)\\s*\\(([^,()]|\\([^()]*\\))*, (?!\\d+\\))",
  "g_(malloc|realloc|aligned_alloc)\\w*\\s*\\(",
  "g_memdup2\\s*\\((?!&(\\w|\\.)+, sizeof)",
  "g_(array|ptr_array|byte_array|hash_table|queue)_\\w*\\s*\\(",
  "\\b(malloc|calloc|realloc|aligned_alloc|posix_memalign)\\s*\\(",
};

/* Who asks in their stead; copies for other languages, whose GObject types know no error. */
static const char *const may_end[] = { "engine/base/memory.c", "engine/detect/detections.c", NULL };

static void
check_allocations (const char *path, const char *text)
{
  if (!is_c (path) || g_strv_contains (may_end, path))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_autoptr (GRegex) regex = g_regex_new (endings[i], 0, 0, NULL);
    g_autoptr (GMatchInfo) match = NULL;
    g_assert_nonnull (regex);
    g_regex_match (regex, text, 0, &match);
    for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
      g_autofree char *found = g_match_info_fetch (match, 0);
      g_test_message ("%s: expected base/memory.h's functions, found \"%s\"", path, found);
      g_test_fail ();
    }
  }
}

/* What a frame goes through asks for memory where not to have it is an error. Training ends without it;
 * the tracker's arrays are as many as objects are followed. */
static void
test_allocations (void)
{
  static const char *const checked[] = { "engine/base", "engine/kernels", "engine/picture",
    "engine/model", "engine/network", "engine/detect" };

  for (guint i = 0; i < G_N_ELEMENTS (checked); i++)
    g_assert_cmpuint (walk (checked[i], check_allocations), >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tree/licences", test_licences);
  g_test_add_func ("/tree/links", test_links);
  g_test_add_func ("/tree/names", test_names);
  g_test_add_func ("/tree/gst-includes", test_gst_includes);
  g_test_add_func ("/tree/ranks", test_ranks);
  g_test_add_func ("/tree/circles", test_circles);
  g_test_add_func ("/tree/allocations", test_allocations);
  return g_test_run ();
}
