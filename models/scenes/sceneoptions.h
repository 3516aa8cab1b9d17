/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-scenes.
 */
#ifndef FBNET_SCENES_SCENEOPTIONS_H
#define FBNET_SCENES_SCENEOPTIONS_H

#include "scenewriter.h"
#include "support/paramoptions.h"

typedef struct {
  char *folder;                /* for scenes, or NULL */
  char *sheet;                 /* or NULL */
  char *size;                  /* as given, or NULL */
  char *objects, *photographs; /* as given, or NULL */
  gint64 seed;
  gint first, count;
  ParamOptions *params;
  char *description; /* of the kind, as options */
  SceneSet set;      /* what the above mean, but for the photographs: after the check */
} SceneOptions;

SceneOptions scene_options_new (void);
void scene_options_clear (SceneOptions *options);

/* For Program. */
void scene_options_add (gpointer options, GOptionContext *context);
gboolean scene_options_check (gpointer options, GError **error);

#endif
