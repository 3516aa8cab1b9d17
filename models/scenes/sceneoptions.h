/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-scenes.
 */
#ifndef FBNET_SCENES_SCENEOPTIONS_H
#define FBNET_SCENES_SCENEOPTIONS_H

#include "scenewriter.h"

typedef struct {
  gboolean version;
  char *folder; /* for scenes, or NULL */
  char *sheet;  /* or NULL */
  char *size;   /* as given, or NULL */
  gint64 seed;
  gint first, count, threads;
  DatasetOptions dataset; /* what the above mean */
} SceneOptions;

/* FALSE with error, a sentence about the option that is wrong. --help is answered, and ends the
 * process, here. */
gboolean scene_options_parse (SceneOptions *options, int argc, char **argv, GError **error);
void scene_options_clear (SceneOptions *options);

#endif
