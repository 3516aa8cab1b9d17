/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tape: an arena of large chunks, and a list of steps in it.
 */
#include "tape.h"

#include <string.h>

#define ALIGNMENT   64
#define CHUNK_BYTES ((gsize) 32 << 20)

typedef struct {
  guint8 *memory;
  gsize size;
} Chunk;

typedef struct Step Step;
struct Step {
  Step *before;
  TapeBackward backward;
  gpointer data;
};

struct Tape {
  GArray *chunks; /* Chunk */
  guint current;  /* the chunk that is being filled */
  gsize used;     /* bytes of it */
  gsize total;
  Step *last;
};

Tape *
tape_new (void)
{
  Tape *tape = g_new0 (Tape, 1);

  tape->chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  return tape;
}

void
tape_free (Tape *tape)
{
  if (tape == NULL)
    return;
  for (guint i = 0; i < tape->chunks->len; i++)
    g_aligned_free (g_array_index (tape->chunks, Chunk, i).memory);
  g_array_free (tape->chunks, TRUE);
  g_free (tape);
}

void
tape_reset (Tape *tape)
{
  tape->current = 0;
  tape->used = 0;
  tape->total = 0;
  tape->last = NULL;
}

gsize
tape_size (const Tape *tape)
{
  return tape->total;
}

/* The next chunk with room; a chunk that is too small for this is passed over. */
static Chunk *
chunk_with_room (Tape *tape, gsize bytes)
{
  for (; tape->current < tape->chunks->len; tape->current++, tape->used = 0) {
    Chunk *chunk = &g_array_index (tape->chunks, Chunk, tape->current);
    if (chunk->size - tape->used >= bytes)
      return chunk;
  }
  const gsize size = MAX (bytes, CHUNK_BYTES);
  const Chunk chunk = { g_aligned_alloc (size, 1, ALIGNMENT), size };
  g_array_append_val (tape->chunks, chunk);
  return &g_array_index (tape->chunks, Chunk, tape->current);
}

gpointer
tape_alloc (Tape *tape, gsize bytes)
{
  const gsize rounded = (MAX (bytes, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  const Chunk *chunk = chunk_with_room (tape, rounded);
  gpointer memory = chunk->memory + tape->used;

  tape->used += rounded;
  tape->total += rounded;
  return memory;
}

Var *
tape_var (Tape *tape, gsize n, gsize h, gsize w, gsize c, gboolean with_grad)
{
  Var *var = tape_alloc (tape, sizeof *var);

  *var = (Var){ n, h, w, c };
  var->value = tape_alloc (tape, var_size (var) * sizeof (Real));
  if (with_grad) {
    var->grad = tape_alloc (tape, var_size (var) * sizeof (Real));
    memset (var->grad, 0, var_size (var) * sizeof (Real));
  }
  return var;
}

gpointer
tape_push (Tape *tape, gsize bytes, TapeBackward backward)
{
  Step *step = tape_alloc (tape, sizeof *step);

  *step = (Step){ tape->last, backward, tape_alloc (tape, bytes) };
  tape->last = step;
  return step->data;
}

void
tape_backward (Tape *tape)
{
  for (Step *step = tape->last; step != NULL; step = step->before)
    if (step->backward != NULL)
      step->backward (step->data);
  tape->last = NULL;
}
