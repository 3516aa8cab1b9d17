/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tape: an arena of large chunks, and a list of steps in it.
 */
#include "tape.h"

#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT   64
#define CHUNK_BYTES ((gsize) 64 << 20)
#define HUGE_PAGE   ((gsize) 2 << 20)

typedef struct {
  guint8 *memory;
  gsize size;
} Chunk;

typedef struct Step Step;
struct Step {
  Step *before;
  TapeBackward backward;
  gpointer data;
  Var *out, *inputs[TAPE_INPUTS];
};

/* Gradients live from the first that is added to them to the step that made their value; their memory
 * is then free for others, and still in the cache. */
#define N_SIZES 64 /* powers of two */

typedef struct {
  GPtrArray *buffers[N_SIZES];
  GPtrArray *open; /* Var that have one */
} Pool;

struct Tape {
  GArray *chunks; /* Chunk */
  guint current;  /* the chunk that is being filled */
  gsize used;     /* bytes of it */
  gsize total;
  Step *last;
  Pool gradients;
};

Tape *
tape_new (void)
{
  Tape *tape = g_new0 (Tape, 1);

  tape->chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  for (guint i = 0; i < N_SIZES; i++)
    tape->gradients.buffers[i] = g_ptr_array_new_with_free_func (g_aligned_free);
  tape->gradients.open = g_ptr_array_new ();
  return tape;
}

gsize
tape_size (const Tape *tape)
{
  return tape->total;
}

/* In huge pages, where the system has them: a batch takes hundreds of megabytes. */
static Chunk
chunk_new (gsize bytes)
{
  const gsize size = (MAX (bytes, CHUNK_BYTES) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  guint8 *memory = g_aligned_alloc (size, 1, HUGE_PAGE);

#ifdef MADV_HUGEPAGE
  madvise (memory, size, MADV_HUGEPAGE);
#endif
  return (Chunk){ memory, size };
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
  const Chunk chunk = chunk_new (bytes);
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
tape_var (Tape *tape, gsize n, gsize h, gsize w, gsize c, gboolean wants_grad)
{
  Var *var = tape_alloc (tape, sizeof *var);

  *var = (Var){ n, h, w, c, NULL, wants_grad, NULL };
  var->value = tape_alloc (tape, var_size (var) * sizeof (Real));
  return var;
}

gpointer
tape_push (Tape *tape, gsize bytes, TapeBackward backward, Var *out, Var *first, Var *second)
{
  Step *step = tape_alloc (tape, sizeof *step);

  *step = (Step){ tape->last, backward, tape_alloc (tape, bytes), out, { first, second } };
  tape->last = step;
  return step->data;
}

void
tape_also_reads (Tape *tape, guint index, Var *input)
{
  tape->last->inputs[index] = input;
}

static guint
size_class (const Var *var)
{
  return g_bit_storage (MAX (var_size (var), ALIGNMENT) - 1);
}

static void
open_gradient (Tape *tape, Var *var)
{
  if (var == NULL || !var->wants_grad || var->grad != NULL)
    return;
  GPtrArray *free_ones = tape->gradients.buffers[size_class (var)];
  var->grad = free_ones->len > 0
      ? g_ptr_array_steal_index_fast (free_ones, free_ones->len - 1)
      : g_aligned_alloc ((gsize) 1 << size_class (var), sizeof (Real), ALIGNMENT);
  var->grad_is_new = TRUE;
  g_ptr_array_add (tape->gradients.open, var);
}

Real *
var_gradient (Var *var)
{
  if (var_claim_gradient (var))
    memset (var->grad, 0, var_size (var) * sizeof (Real));
  return var->grad;
}

Real *
tape_open_gradient (Tape *tape, Var *var)
{
  open_gradient (tape, var);
  return var->grad != NULL ? var_gradient (var) : NULL;
}

static void
close_gradient (Tape *tape, Var *var)
{
  if (var == NULL || var->grad == NULL)
    return;
  g_ptr_array_add (tape->gradients.buffers[size_class (var)], g_steal_pointer (&var->grad));
  g_ptr_array_remove_fast (tape->gradients.open, var);
}

void
tape_reset (Tape *tape)
{
  while (tape->gradients.open->len > 0)
    close_gradient (tape, tape->gradients.open->pdata[0]);
  tape->current = 0;
  tape->used = 0;
  tape->total = 0;
  tape->last = NULL;
}

void
tape_free (Tape *tape)
{
  if (tape == NULL)
    return;
  tape_reset (tape);
  for (guint i = 0; i < tape->chunks->len; i++)
    g_aligned_free (g_array_index (tape->chunks, Chunk, i).memory);
  g_ptr_array_free (tape->gradients.open, TRUE);
  g_array_free (tape->chunks, TRUE);
  for (guint i = 0; i < N_SIZES; i++)
    g_ptr_array_free (tape->gradients.buffers[i], TRUE);
  g_free (tape);
}

void
tape_backward (Tape *tape)
{
  for (Step *step = tape->last; step != NULL; step = step->before) {
    if (step->backward != NULL) {
      if (step->out != NULL)
        tape_open_gradient (tape, step->out);
      for (guint i = 0; i < TAPE_INPUTS; i++)
        open_gradient (tape, step->inputs[i]);
      step->backward (step->data);
    }
    close_gradient (tape, step->out);
  }
  tape->last = NULL;
}
