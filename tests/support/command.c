/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Running the tools as their users do.
 */
#include "command.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>

#include "support/picture.h"

static Command
run_words (char **words)
{
  Command command = { 0 };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &command.out, &command.err,
      &status, &error);
  g_assert_no_error (error);
  if (!WIFEXITED (status))
    g_error ("%s died by signal %d; it said: %s", words[0], WTERMSIG (status), command.err);
  command.code = WEXITSTATUS (status);
  return command;
}

Command
command_run (const char *program, ...)
{
  const char *path = g_getenv (program);

  if (path == NULL)
    g_error ("the environment variable %s: expected the path of a tool, found nothing", program);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_ptr_array_add (argv, (gpointer) path);
  va_list arguments;
  va_start (arguments, program);
  const char *argument;
  do {
    argument = va_arg (arguments, const char *);
    g_ptr_array_add (argv, (gpointer) argument);
  } while (argument != NULL);
  va_end (arguments);

  return run_words ((char **) argv->pdata);
}

static char **
words_of (const char *line)
{
  g_autoptr (GError) error = NULL;
  char **words;

  g_shell_parse_argv (line, NULL, &words, &error);
  g_assert_no_error (error);
  return words;
}

Command
command_run_line (const char *line)
{
  g_auto (GStrv) words = words_of (line);

  return run_words (words);
}

void
command_clear (Command *command)
{
  g_clear_pointer (&command->out, g_free);
  g_clear_pointer (&command->err, g_free);
}

void
command_expect (const Command *command, int code, const char *err)
{
  if (command->code != code)
    g_error ("expected exit status %d, found %d; standard error: %s", code, command->code,
        command->err);
  if (!g_pattern_match_simple (err, command->err))
    g_error ("expected standard error like %s, found: %s", err, command->err);
}

/* --- Runs that are broken off ----------------------------------------------------------------- */

guint
count_lines (const char *path)
{
  g_autofree char *text = NULL;
  guint n = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  for (const char *c = text; *c != '\0'; c++)
    n += *c == '\n';
  return n;
}

#define SOME_STEPS 7

static int
run_some_steps (char **words, const char *log, int number)
{
  g_autoptr (GError) error = NULL;
  GPid pid;
  int status;

  g_spawn_async (NULL, words, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
      NULL, &pid, &error);
  g_assert_no_error (error);
  while (count_lines (log) < SOME_STEPS) {
    if (waitpid (pid, &status, WNOHANG) != 0)
      return status;
    g_usleep (500);
  }
  kill (pid, number);
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

int
command_break_off (const char *line, const char *output, const char *log, guint n_steps, int signal)
{
  g_autofree char *checkpoint = g_strconcat (output, ".checkpoint", NULL);
  g_auto (GStrv) words = words_of (line);

  for (guint attempt = 0; attempt < 20; attempt++) {
    g_unlink (log);
    g_unlink (checkpoint);
    g_unlink (output);
    const int status = run_some_steps (words, log, signal);
    if (count_lines (log) < n_steps)
      return status;
  }
  g_error ("%s: expected a run that is broken off, found all of its steps", line);
}

/* --- Files ------------------------------------------------------------------------------------ */

char *
folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("fbnet-tools-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static void
remove_all (const char *path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    remove_all (child);
  }
  if (dir != NULL)
    g_dir_close (dir);
  g_remove (path);
}

void
folder_remove (char *folder)
{
  remove_all (folder);
  g_free (folder);
}

char *
write_picture (const char *folder, const char *name, guint width, guint height)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);
  g_autoptr (Picture) picture = picture_new (width, height, path, &error);
  g_autoptr (GRand) random = g_rand_new_with_seed (width * 65537u + height);

  g_assert_no_error (error);
  for (gsize i = 0; i < (gsize) width * height * 3; i++)
    picture->pixels[i] = (guint8) g_rand_int (random);
  g_assert_true (picture_write_png (picture, path, &error));
  g_assert_no_error (error);
  return path;
}

char *
write_text (const char *folder, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

char *
test_model_path (void)
{
  const char *data = g_getenv ("FBNET_TEST_DATA");

  if (data == NULL)
    g_error ("the environment variable FBNET_TEST_DATA: expected a folder, found nothing");
  return g_build_filename (data, "tiny-bn.safetensors", NULL);
}
