/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Running the tools as their users do: as programs, with arguments, in a folder of their own.
 */
#ifndef FBNET_TESTS_COMMAND_H
#define FBNET_TESTS_COMMAND_H

#include <glib.h>

typedef struct {
  int code;  /* exit status */
  char *out; /* standard output */
  char *err; /* standard error */
} Command;

/* Runs the program whose path stands in the environment variable `program`, with the arguments up
 * to NULL. A program that dies by a signal fails the test. */
Command command_run (const char *program, ...) G_GNUC_NULL_TERMINATED;
/* The same with a command line as a shell splits it, the program first. */
Command command_run_line (const char *line);
void command_clear (Command *command);

/* Fails the test unless the exit status is `code` and standard error is like `err` (a pattern with
 * * and ?). */
void command_expect (const Command *command, int code, const char *err);

/* Runs a command line that writes `output` and logs its steps, one line each, and sends it `signal` after some of them;
 * until a run did end before its `n_steps`, as this process may sleep through all of them. How it ended, as waitpid()
 * tells. */
int command_break_off (const char *line, const char *output, const char *log, guint n_steps,
    int signal);

/* 0 of a file that is not there. */
guint count_lines (const char *path);

/* A folder that is removed, with all in it, by folder_remove(). */
char *folder_new (void);
void folder_remove (char *folder);

/* A PNG of random pixels; its path, which the caller frees. */
char *write_picture (const char *folder, const char *name, guint width, guint height);
char *write_text (const char *folder, const char *name, const char *text);

/* The small model that the project brings along for tests; the caller frees the path. */
char *test_model_path (void);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Command, command_clear)

#endif
