/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all programs have in common: locale, --help, --version, exit status, and how they say what is
 * wrong.
 */
#ifndef FBNET_SUPPORT_COMMANDLINE_H
#define FBNET_SUPPORT_COMMANDLINE_H

#include <glib.h>

#include "confine.h"
#include "console.h"

/* Exit codes of the programs. */
enum {
  EXIT_DONE = 0,
  EXIT_FAILED = 1, /* the model, or at least one picture or file */
  EXIT_USAGE = 2,  /* the command line */
};

typedef struct {
  const char *name;     /* "fbnet-detect" */
  const char *summary;  /* what it does */
  const char *examples; /* and what else there is to say below the options; lines that end in \n */
  const char *failures; /* what exit status 1 means: "a file could not be written" */

  /* Adds entries that fill `options`, but --help and --version. */
  void (*add_options) (gpointer options, GOptionContext *context);
  /* FALSE with error, a sentence about the option that is wrong. */
  gboolean (*check) (gpointer options, GError **error);
  /* NULL: the program is not confined. Else names what it will read and write; the latter is checked, and folders are
   * made. */
  void (*name_files) (gpointer options, Confines *confines);
  /* FALSE with error when it cannot go on. What costs only a part, a picture, goes to console_fail(). */
  gboolean (*run) (gpointer options, Console *console, GError **error);
} Program;

/* The whole of a main(): the exit status. Messages follow the user's locale, numbers never do. */
int program_main (const Program *program, gpointer options, int argc, char **argv);

/* An error about the command line; returns FALSE. */
gboolean usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* An argument that the library refused came from the command line: makes that the error's domain, by
 * which the exit status is chosen. NULL and others are left alone. */
void usage_error_adopt (GError **error);

#endif
