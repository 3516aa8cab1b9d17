/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gradients against finite differences, in double precision. Random numbers come from GLib's test
 * generator, whose seed every test prints.
 */
#ifndef TESTS_GRADIENTS_H
#define TESTS_GRADIENTS_H

#include "train/ops.h"

/* Numbers that a loss depends on. */
typedef struct {
  gsize n, h, w, c;
  gboolean with_grad;
  Real *value, *grad;
} Leaf;

/* An empty tape, each time the same: one takes much memory at once. Of the main thread. */
Tape *empty_tape (void);

/* Uniform between -1 and 1. */
Leaf leaf_new (gsize n, gsize h, gsize w, gsize c, gboolean with_grad);
void leaf_clear (Leaf *leaf);
gsize leaf_size (const Leaf *leaf);

/* Odd multiples of 1/16 between -5 and 5: the sum of one with a multiple of 1/8, or with itself, is no
 * whole number, where activations have their corners. */
void leaf_set_odd (Leaf *leaf);

/* Multiples of 1/8 between -2 and 2. */
void leaf_set_even (Leaf *leaf);

/* As an operation takes it; its gradient, if it has one, begins with what the leaf's holds. */
Var *leaf_var (const Leaf *leaf, Tape *tape);
Weight leaf_weight (const Leaf *leaf);

/* After the way back: the leaf's gradient becomes the variable's. */
void leaf_take (Leaf *leaf, const Var *var);

/* A loss of any output: its sum with fixed weights of either sign, `phase` choosing them. Sets the
 * gradient to start from. */
double weighed_sum (Tape *tape, Var *y, double phase);

/* Computes the loss of the leaves' values on an empty tape; with `backward` also adds its gradients to
 * the leaves'. */
typedef double (*LossFunc) (Tape *tape, gpointer data, gboolean backward);

/* Fails the running test unless all the leaves' gradients (of a large leaf: some elements') are what
 * finite differences say, and are added to what was there before. */
void check_gradients (const char *what, LossFunc loss, gpointer data, Leaf *const *leaves,
    guint n_leaves);

#endif
