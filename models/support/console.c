/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program tells its user.
 */
#include "console.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "fbnet/fbnet.h"

#define ERASE_THE_LINE "\r\033[K"

/* Makes room for a sentence. */
static void
hide (Console *console)
{
  progress_hide (&console->progress);
  if (console->showing)
    g_printerr (ERASE_THE_LINE);
  console->showing = FALSE;
}

void
console_say (Console *console, const char *format, ...)
{
  va_list arguments;

  if (console->silent)
    return;
  va_start (arguments, format);
  g_autofree char *sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  hide (console);
  g_printerr ("%s: %s\n", console->program, sentence);
}

void
console_fail (Console *console, const GError *error)
{
  hide (console);
  g_printerr ("%s: %s\n", console->program, error->message);
  console->failed = TRUE;
}

void
console_show (Console *console, const char *what)
{
  if (console->silent || !isatty (STDERR_FILENO))
    return;
  hide (console);
  g_printerr ("%s", what);
  console->showing = TRUE;
}

void
console_each (Console *console, char *const *paths, guint n, const char *unit, ConsoleFunc func,
    gpointer data)
{
  if (unit != NULL)
    console->progress = progress_new (n, unit);
  for (guint i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    if (!func (data, paths[i], &error))
      console_fail (console, error);
    if (ferror (stdout)) /* has been told, and nothing that follows would be written */
      return;
    if (unit != NULL)
      progress_step (&console->progress);
  }
}

/* Where output goes to the terminal, it shows by itself how far a program is. */
const char *
console_unit_beside_output (const char *unit)
{
  return !isatty (STDOUT_FILENO) && isatty (STDERR_FILENO) ? unit : NULL;
}

static gboolean
flush_output (gboolean written, GError **error)
{
  if (written && fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "standard output: cannot write: %s",
      g_strerror (errno));
  return FALSE;
}

gboolean
output_print (const char *text, GError **error)
{
  return flush_output (fputs (text, stdout) >= 0, error);
}

gboolean
output_print_line (const char *text, GError **error)
{
  return flush_output (puts (text) >= 0, error);
}
