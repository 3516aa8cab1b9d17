/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program tells its user: sentences and how far it is on standard error, results on standard
 * output.
 */
#ifndef FBNET_SUPPORT_CONSOLE_H
#define FBNET_SUPPORT_CONSOLE_H

#include "progress.h"

typedef struct {
  const char *program; /* before each sentence */
  gboolean silent;     /* only what failed is told: another process speaks for this one */
  gboolean failed;     /* something was told to have */
  gboolean showing;    /* console_show() has written a line */
  Progress progress;   /* makes room for each sentence */
} Console;

void console_say (Console *console, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Says what went wrong, and remembers that something did. */
void console_fail (Console *console, const GError *error);

/* What is being done, until the next call; "" for nothing. On a terminal only. */
void console_show (Console *console, const char *what);

/* Does its part for one of the files; FALSE with error. */
typedef gboolean (*ConsoleFunc) (gpointer data, const char *path, GError **error);

/* Calls `func` for each of the n paths; one that fails costs a sentence. `unit` is the progress's; NULL:
 * none is shown. */
void console_each (Console *console, char *const *paths, guint n, const char *unit,
    ConsoleFunc func, gpointer data);

/* `unit`, or NULL where a bar would come between the lines of output on one terminal. */
const char *console_unit_beside_output (const char *unit);

/* Write to standard output, at once; the latter a newline, too. */
gboolean output_print (const char *text, GError **error);
gboolean output_print_line (const char *text, GError **error);

#endif
