/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One block of memory, laid out twice; see arena.h.
 */
#include "arena.h"

#include <stdlib.h>

#include "fbnet/fbnet.h"
#include "memory.h"

/* More than any frame needs, little enough that sums of such sizes do not overflow. */
#define MAX_BYTES ((gsize) MIN ((guint64) 1 << 44, G_MAXSIZE / 4))

static gsize
round_up (Arena *arena, gsize bytes)
{
  if (bytes > MAX_BYTES) {
    arena->failed = TRUE;
    bytes = 0;
  }
  return (bytes + MEMORY_ALIGNMENT - 1) & ~(gsize) (MEMORY_ALIGNMENT - 1);
}

static void
limit (Arena *arena, gsize *used)
{
  if (*used > MAX_BYTES) {
    arena->failed = TRUE;
    *used = 0;
  }
}

void
arena_begin (Arena *arena)
{
  arena->origin = MEMORY_ALIGNMENT;
  arena->kept = arena->passing = arena->most_passing = arena->all_kept = 0;
  arena->failed = FALSE;
}

void *
arena_keep (Arena *arena, gsize bytes)
{
  const guintptr at = arena->origin + arena->kept;

  arena->kept += round_up (arena, bytes);
  limit (arena, &arena->kept);
  return (void *) at;
}

void *
arena_pass (Arena *arena, gsize bytes)
{
  const guintptr at = arena->origin + arena->all_kept + arena->passing;

  arena->passing += round_up (arena, bytes);
  limit (arena, &arena->passing);
  arena->most_passing = MAX (arena->most_passing, arena->passing);
  return (void *) at;
}

gsize
arena_mark (const Arena *arena)
{
  return arena->passing;
}

void
arena_release (Arena *arena, gsize mark)
{
  arena->passing = mark;
}

static void
set_limit_error (const Arena *arena, gsize size, gsize most, GError **error)
{
  if (arena->failed)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected at most %" G_GSIZE_FORMAT " MiB of memory, found a need of far more", most >> 20);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected at most %" G_GSIZE_FORMAT " MiB of memory%s, found a need of %" G_GSIZE_FORMAT
        " MiB",
        most >> 20, arena->limit != 0 ? " (memory-limit)" : "", (size >> 20) + 1);
}

gboolean
arena_settle (Arena *arena, GError **error)
{
  const gsize size = arena->kept + arena->most_passing;
  const gsize most = arena->limit != 0 ? MIN (arena->limit, MAX_BYTES) : MAX_BYTES;

  if (arena->failed || size > most) {
    arena_clear (arena);
    set_limit_error (arena, size, most, error);
    return FALSE;
  }
  if (size > arena->size) {
    arena_clear (arena);
    arena->block = memory_take_aligned (size, error);
    if (arena->block == NULL)
      return FALSE;
    arena->size = size;
  }
  arena->origin = (guintptr) arena->block;
  arena->all_kept = arena->kept;
  arena->kept = arena->passing = 0;
  return TRUE;
}

void
arena_clear (Arena *arena)
{
  free (arena->block);
  arena->block = NULL;
  arena->size = 0;
}
