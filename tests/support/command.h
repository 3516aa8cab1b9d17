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
void command_clear (Command *command);

/* Fails the test unless the exit status is `code` and standard error is like `err` (a pattern with
 * * and ?). */
void command_expect (const Command *command, int code, const char *err);

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
