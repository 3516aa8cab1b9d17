/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many scenes as a data set in COCO's format: images/…jpg and annotations.json.
 */
#ifndef FBNET_SCENES_SCENEWRITER_H
#define FBNET_SCENES_SCENEWRITER_H

#include "scene.h"

typedef struct {
  guint64 seed;
  guint first, count; /* indices of the scenes */
  guint width, height;
  SceneKind kind;
  const char *description; /* of the kind, as options: "--objects codes" */
  guint n_threads;         /* at least 1 */
} SceneSet;

/* Makes the folder, if need be, and everything in it. annotations.json is written last: where it is,
 * the pictures are. Shows its progress on standard error. */
gboolean scene_set_write (const SceneSet *set, const char *folder, GError **error);

#endif
