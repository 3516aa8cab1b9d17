/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reverse-mode differentiation. An operation (ops.h) computes its output at once and leaves a step on
 * the tape; tape_backward() runs the steps from the last to the first, each adding to the gradients of
 * what it read. One tape per worker; everything on it lives until tape_reset().
 */
#ifndef FBNET_TRAIN_TAPE_H
#define FBNET_TRAIN_TAPE_H

#include "real.h"

/* n images of h × w pixels of c channels, channels-last. */
typedef struct {
  gsize n, h, w, c;
  Real *value;
  gboolean wants_grad;  /* something that it was made of can learn */
  Real *grad;           /* of the loss by each value; there only while the way back needs it */
  gboolean grad_is_new; /* nothing was added yet, and what it holds is not 0 but nothing */
} Var;

typedef struct Tape Tape;

Tape *tape_new (void);
void tape_free (Tape *tape); /* NULL is allowed */

/* Forgets everything and keeps the memory. */
void tape_reset (Tape *tape);

/* Bytes in use since the last reset. */
gsize tape_size (const Tape *tape);

/* 64-byte aligned, not cleared. */
gpointer tape_alloc (Tape *tape, gsize bytes);

/* Values are not cleared. */
Var *tape_var (Tape *tape, gsize n, gsize h, gsize w, gsize c, gboolean wants_grad);

/* What a step reads at most. */
#define TAPE_INPUTS 8

/* Room for what the backward function will need; it is called with it, when the gradient of `out` is complete, and
 * adds to those of the inputs that want one: they are there, and only they, and var_gradient() or
 * var_claim_gradient() comes before they are touched. `out` is NULL for a loss. `backward` NULL: there is nothing to
 * do. */
typedef void (*TapeBackward) (gpointer step);
gpointer tape_push (Tape *tape, gsize bytes, TapeBackward backward, Var *out, Var *first,
    Var *second);

/* The last step reads this, too: its input number `index`. */
void tape_also_reads (Tape *tape, guint index, Var *input);

/* The value's gradient, 0 if nothing was added yet; NULL if it wants none. Where the way back is to begin
 * with something else than a loss. What no step made keeps its gradient until tape_reset(). */
Real *tape_open_gradient (Tape *tape, Var *var);

/* Runs and forgets the steps. Losses start from a gradient of 1 each. */
void tape_backward (Tape *tape);

/* The gradient, ready to be added to. */
Real *var_gradient (Var *var);

/* Whether it is new, and the caller may set all of it instead: then it is new no more. */
static inline gboolean
var_claim_gradient (Var *var)
{
  const gboolean is_new = var->grad_is_new;

  var->grad_is_new = FALSE;
  return is_new;
}

static inline gsize
var_pixels (const Var *x)
{
  return x->n * x->h * x->w;
}

static inline gsize
var_size (const Var *x)
{
  return var_pixels (x) * x->c;
}

/* The channel of a pixel's largest value. */
static inline gsize
var_largest (const Var *x, gsize pixel)
{
  const Real *value = x->value + pixel * x->c;
  gsize largest = 0;

  for (gsize i = 1; i < x->c; i++)
    largest = value[i] > value[largest] ? i : largest;
  return largest;
}

#endif
