/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Photographs that stand behind scenes, and hang in them: what a camera sees when it sees nothing that is
 * looked for.
 */
#ifndef FBNET_SCENES_PHOTOGRAPHS_H
#define FBNET_SCENES_PHOTOGRAPHS_H

#include <cairo.h>

#include "dice.h"

typedef struct Photographs Photographs;

/* All pictures below the folder, made smaller, in the order of their names. NULL with error when there is
 * none. */
Photographs *photographs_read (const char *folder, GError **error);
void photographs_free (Photographs *photographs); /* NULL is allowed */

guint photographs_count (const Photographs *photographs);

/* A part of one of them, mirrored or not, fills the surface; before it, in some scenes, things that were cut
 * out: pictures with transparent pixels. */
void photographs_paint (const Photographs *photographs, Dice *dice, cairo_t *cairo, guint width,
    guint height);

#endif
