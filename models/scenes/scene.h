/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One generated picture and the symbols and codes in it, a pure function of seed, index, size and kind.
 */
#ifndef FBNET_SCENES_SCENE_H
#define FBNET_SCENES_SCENE_H

#include "scenekind.h"
#include "support/picture.h"

/* Smaller, nothing could be recognised; larger, nobody wants to wait for it. */
#define SCENE_MIN_SIDE 64
#define SCENE_MAX_SIDE 2048

typedef struct {
  guint class_id;
  FbnetMask mask; /* the pixels that are seen, 0 or 1, and the rectangle tight around them; `data`
                     belongs to the scene */
  guint area;     /* how many pixels */
} SceneObject;

typedef struct {
  Picture *picture;
  GArray *objects; /* SceneObject, the farthest first */
  guint quality;   /* for JPEG, 1 … 100 */
} Scene;

/* NULL with error when memory for the picture cannot be had. Sides are within the bounds above; `kind` NULL:
 * symbols. */
Scene *scene_new (guint64 seed, guint64 index, guint width, guint height, const SceneKind *kind,
    GError **error);
void scene_free (Scene *scene); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

#endif
