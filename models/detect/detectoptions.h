/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#ifndef FBNET_TOOLS_DETECTOPTIONS_H
#define FBNET_TOOLS_DETECTOPTIONS_H

#include <glib.h>

#include "support/options.h"

typedef struct {
  DetectorOptions detector;
  gboolean version;
  char *annotate;                     /* folder, or NULL */
  char *coco, *images, *coco_results; /* all three or none */
  gboolean timings;
  char **pictures; /* NULL-terminated; NULL: none */
} Options;

/* FALSE with error, a sentence about the option that is wrong. --help is answered, and ends the
 * process, here. */
gboolean options_parse (Options *options, int argc, char **argv, GError **error);
void options_clear (Options *options);

#endif
