/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One generated picture and the symbols in it, a pure function of seed, index and size.
 */
#ifndef FBNET_SCENES_SCENE_H
#define FBNET_SCENES_SCENE_H

#include "support/picture.h"
#include "symbols.h"

/* Smaller, nothing could be recognised; larger, nobody wants to wait for it. */
#define SCENE_MIN_SIDE 64
#define SCENE_MAX_SIDE 2048

typedef struct {
  Symbol symbol;
  FbnetMask mask; /* the pixels that are seen, 0 or 1, and the rectangle tight around them; `data`
                     belongs to the scene */
  guint area;     /* how many pixels */
} SceneObject;

typedef struct {
  Picture *picture;
  GArray *objects; /* SceneObject, the farthest first */
  guint quality;   /* for JPEG, 1 … 100 */
} Scene;

/* NULL with error when memory for the picture cannot be had. Sides are within the bounds above. */
Scene *scene_new (guint64 seed, guint64 index, guint width, guint height, GError **error);
void scene_free (Scene *scene); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

#endif
