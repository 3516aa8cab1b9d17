/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program that reads files from strangers gives up before it opens them, for good: all of the file
 * system but what it was told to use, sockets, other programs and processes. Landlock and seccomp, as far as
 * kernel and build have them; elsewhere nothing happens.
 */
#ifndef FBNET_SUPPORT_CONFINE_H
#define FBNET_SUPPORT_CONFINE_H

#include <glib.h>

typedef enum {
  CONFINED_FILES = 1 << 0,  /* Landlock */
  CONFINED_SYSTEM = 1 << 1, /* seccomp: no sockets, no programs, no processes */
} Confined;

typedef enum {
  OUTPUT_FILE,   /* replaced when all of it is there */
  OUTPUT_TEXT,   /* the same; "-" is standard output */
  OUTPUT_LOG,    /* text that grows: may be a device, too; "-" is standard output */
  OUTPUT_FOLDER, /* of files */
} OutputKind;

typedef struct {
  OutputKind kind;
  const char *option; /* "--output" */
  const char *path;
} Output;

gboolean output_is_standard (const char *path);

typedef struct {
  GPtrArray *inputs;  /* paths, which belong to others */
  GPtrArray *folders; /* paths, its own, in which links do not count */
  GArray *outputs;    /* Output, whose paths belong to others, too */
  gboolean reads_all; /* what will be read is not known yet */
  gboolean keeps_all; /* nothing can be given up */
} Confines;

Confines confines_new (void);
void confines_clear (Confines *confines);

/* What is read; of a folder all within, and what links within lead to. NULL: nothing. The array is NULL-terminated. */
void confines_add_input (Confines *confines, const char *path);
void confines_add_inputs (Confines *confines, char *const *paths);

/* All in the folder that the file is in, of which the file may name some; NULL, or no file: nothing. */
void confines_add_beside (Confines *confines, const char *path);

/* What is written, a file or a folder that need not be there yet: so may be all in the folder that it is
 * in, or the nearest that is there, and in that where its links lead. NULL: nothing. */
void confines_add_output (Confines *confines, OutputKind kind, const char *option,
    const char *path);

/* For the whole process; before it has a second thread. What belongs to the system (/usr, /etc, …) stays
 * readable. Returns what holds from now on. */
Confined confine_process (const Confines *confines);

/* To be put behind the system's words for `cause`, by which a file could not be opened for reading (R_OK) or in a folder
 * for writing (W_OK): "", or that the confinement forbids it and what lifts that. */
const char *confine_explain (const char *path, int right, int cause);

#endif
