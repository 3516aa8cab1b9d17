/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A confined process reads what it named, the user's fonts and what lies beside a config, writes where it said and
 * where links there lead, has threads, and nothing else: no other file, no socket, no program, no other process.
 */
#include "support/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"

typedef struct {
  char *folder, *named, *other, *out, *made, *elsewhere, *far, *link, *font, *config, *base;
} Fixture;

/* A file in a folder in the folder; its path. */
static char *
write_below (const char *folder, const char *below, const char *name)
{
  g_autofree char *within = g_build_filename (folder, below, NULL);
  char *path = g_build_filename (within, name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (within, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "1", 1, NULL));
  return path;
}

static void
remove_with_folder (char *path)
{
  g_autofree char *within = g_path_get_dirname (path);

  g_remove (path);
  g_rmdir (within);
  g_free (path);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("fbnet-XXXXXX", NULL);
  f->named = g_build_filename (f->folder, "named", NULL);
  f->other = g_build_filename (f->folder, "other", NULL);
  f->out = g_build_filename (f->folder, "out", NULL);
  f->made = g_build_filename (f->out, "made", NULL);
  f->elsewhere = g_build_filename (f->folder, "elsewhere", NULL);
  g_assert_true (g_file_set_contents (f->named, "1", 1, NULL));
  g_assert_true (g_file_set_contents (f->other, "1", 1, NULL));
  f->far = g_build_filename (f->folder, "far", NULL);
  f->link = g_build_filename (f->out, "link", NULL);
  g_assert_cmpint (g_mkdir (f->out, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (f->far, 0700), ==, 0);
  g_assert_cmpint (symlink ("../far/linked", f->link), ==, 0);
  f->font = write_below (f->folder, ".fonts", "font.ttf");
  f->config = write_below (f->folder, "configs", "config.yaml");
  f->base = write_below (f->folder, "configs", "base.yaml");
  g_setenv ("HOME", f->folder, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *linked = g_build_filename (f->far, "linked", NULL);

  g_remove (f->made);
  g_remove (f->link);
  g_rmdir (f->out);
  g_remove (linked);
  g_rmdir (f->far);
  remove_with_folder (f->font);
  remove_with_folder (f->config);
  remove_with_folder (f->base);
  g_remove (f->named);
  g_remove (f->other);
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->named);
  g_free (f->other);
  g_free (f->out);
  g_free (f->made);
  g_free (f->elsewhere);
  g_free (f->far);
  g_free (f->link);
}

static gboolean
opens (const char *path, int flags)
{
  const int fd = open (path, flags | O_CLOEXEC, 0600);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gpointer
do_nothing (gpointer data)
{
  return data;
}

/* Whether the reading fails with a sentence that names what lifts the confinement. */
static gboolean
is_explained (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = file_read_text (path, &error);

  return text == NULL && strstr (error->message, "--unconfined") != NULL;
}

/* The number of the first claim that does not hold, 0 for none. */
static int
find_broken (const Fixture *f, Confined confined, gboolean reads_all)
{
  const gboolean files = (confined & CONFINED_FILES) != 0;
  const gboolean system = (confined & CONFINED_SYSTEM) != 0;
  char *const no_arguments[] = { NULL };
  g_autoptr (GThread) thread = g_thread_new ("t", do_nothing, (gpointer) f);

  if (g_thread_join (g_steal_pointer (&thread)) != f)
    return 1;
  if (!opens (f->named, O_RDONLY) || opens (f->other, O_RDONLY) != (!files || reads_all))
    return 2;
  if (!g_file_set_contents (f->made, "1", 1, NULL) || !opens (f->made, O_RDONLY))
    return 3;
  if (files && (opens (f->elsewhere, O_WRONLY | O_CREAT) || opens (f->named, O_WRONLY)))
    return 4;
  if (!file_write (f->link, "1", 1, NULL) || !g_file_test (f->link, G_FILE_TEST_IS_SYMLINK))
    return 7;
  if (!opens (f->font, O_RDONLY) || !opens (f->base, O_RDONLY))
    return 9;
  if (files && (opens (f->font, O_WRONLY) || opens (f->base, O_WRONLY)))
    return 10;
  if (files && !reads_all && !is_explained (f->other))
    return 8;
  if (system && (socket (AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM))
    return 5;
  if (system && (fork () >= 0 || execv ("/bin/true", no_arguments) == 0 || errno != EPERM))
    return 6;
  return 0;
}

static void
check (Fixture *f, gboolean reads_all)
{
  int status;
  const pid_t child = fork ();

  if (child == 0) {
    Confines confines = confines_new ();
    confines_add_input (&confines, f->named);
    confines_add_output (&confines, OUTPUT_FILE, "--output", f->made);
    confines_add_output (&confines, OUTPUT_FILE, "--log", f->link);
    confines_add_beside (&confines, f->config);
    confines.reads_all = reads_all;
    const Confined confined = confine_process (&confines);
    confines_clear (&confines);
    if (confined == 0)
      _exit (77);
    _exit (find_broken (f, confined, reads_all));
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  if (WEXITSTATUS (status) == 77)
    g_test_skip ("neither Landlock nor seccomp here");
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
test_named (Fixture *f, gconstpointer data)
{
  check (f, FALSE);
}

/* Who reads what a list says, which nobody knows before, still writes nowhere else. */
static void
test_reads_all (Fixture *f, gconstpointer data)
{
  check (f, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/confine/named", Fixture, NULL, set_up, test_named, tear_down);
  g_test_add ("/confine/reads-all", Fixture, NULL, set_up, test_reads_all, tear_down);
  return g_test_run ();
}
