/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One block of memory whose parts are found before it exists: the same code lays it out twice, first to
 * learn its size, then in place. What is kept lies in front; what is only passing shares the room
 * behind.
 *
 *   arena_begin (&arena);
 *   lay_out (&arena);                                  pointers are not to be followed yet
 *   if (!arena_settle (&arena, &error)) …
 *   lay_out (&arena);                                  the same calls: now they are
 */
#ifndef FBNET_ARENA_H
#define FBNET_ARENA_H

#include <glib.h>

/* Zero-initialise it. */
typedef struct {
  gsize limit; /* the block's; 0: none */
  void *block;
  gsize size;      /* of the block */
  guintptr origin; /* of this layout */
  gsize kept, passing, most_passing;
  gsize all_kept; /* of the first layout: where the passing parts begin */
  gboolean failed;
} Arena;

void arena_begin (Arena *arena);

/* 64-byte aligned; never NULL. */
void *arena_keep (Arena *arena, gsize bytes);

/* The same until arena_release() with a mark from before. */
void *arena_pass (Arena *arena, gsize bytes);
gsize arena_mark (const Arena *arena);
void arena_release (Arena *arena, gsize mark);

/* Makes the block, or keeps a larger one. FALSE with error (FBNET_ERROR_MEMORY) when it is beyond the limit
 * or cannot be had: then the one before is gone. */
gboolean arena_settle (Arena *arena, GError **error);
void arena_clear (Arena *arena);

#endif
