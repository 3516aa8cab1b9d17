/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finite differences; see gradients.h.
 */
#include "gradients.h"

#include <string.h>

/* Central differences of a smooth loss err by about STEP² and by rounding / STEP. */
#define STEP      1e-5
#define TOLERANCE 1e-6 /* of the gradient; below a leaf's usual gradient, of that */
#define AT_MOST   20   /* elements that are tried of one leaf */
#define BEFORE    0.5  /* what stands in a gradient before something is added */

Tape *
empty_tape (void)
{
  static Tape *tape;

  if (tape == NULL)
    tape = tape_new ();
  tape_reset (tape);
  return tape;
}

gsize
leaf_size (const Leaf *leaf)
{
  return leaf->n * leaf->h * leaf->w * leaf->c;
}

Leaf
leaf_new (gsize n, gsize h, gsize w, gsize c, gboolean with_grad)
{
  Leaf leaf = { n, h, w, c, with_grad };

  leaf.value = g_new (Real, leaf_size (&leaf));
  leaf.grad = g_new0 (Real, leaf_size (&leaf));
  for (gsize i = 0; i < leaf_size (&leaf); i++)
    leaf.value[i] = g_test_rand_double_range (-1, 1);
  return leaf;
}

void
leaf_clear (Leaf *leaf)
{
  g_free (leaf->value);
  g_free (leaf->grad);
}

void
leaf_set_odd (Leaf *leaf)
{
  for (gsize i = 0; i < leaf_size (leaf); i++)
    leaf->value[i] = (2 * g_test_rand_int_range (-40, 40) + 1) / 16.0;
}

void
leaf_set_even (Leaf *leaf)
{
  for (gsize i = 0; i < leaf_size (leaf); i++)
    leaf->value[i] = g_test_rand_int_range (-16, 17) / 8.0;
}

Var *
leaf_var (const Leaf *leaf, Tape *tape)
{
  Var *var = tape_var (tape, leaf->n, leaf->h, leaf->w, leaf->c, leaf->with_grad);

  if (leaf_size (leaf) == 0)
    return var;
  memcpy (var->value, leaf->value, leaf_size (leaf) * sizeof (Real));
  if (leaf->with_grad)
    memcpy (tape_open_gradient (tape, var), leaf->grad, leaf_size (leaf) * sizeof (Real));
  return var;
}

Weight
leaf_weight (const Leaf *leaf)
{
  return (Weight){ leaf->value, leaf->with_grad ? leaf->grad : NULL };
}

void
leaf_take (Leaf *leaf, const Var *var)
{
  g_assert_true (leaf->with_grad == var->wants_grad);
  if (leaf->with_grad && leaf_size (leaf) > 0)
    memcpy (leaf->grad, var->grad, leaf_size (leaf) * sizeof (Real));
}

double
weighed_sum (Tape *tape, Var *y, double phase)
{
  Real *grad = tape_open_gradient (tape, y);
  double sum = 0;

  for (gsize i = 0; i < var_size (y); i++) {
    const double weight = cos (phase + 2.3 * (double) i);
    sum += weight * y->value[i];
    if (grad != NULL)
      grad[i] += weight;
  }
  return sum;
}

static double
difference (LossFunc loss, gpointer data, Real *x)
{
  const Real kept = *x;

  *x = kept + STEP;
  const double above = loss (empty_tape (), data, FALSE);
  *x = kept - STEP;
  const double below = loss (empty_tape (), data, FALSE);
  *x = kept;
  return (above - below) / (2 * STEP);
}

/* Root of the mean square of what was added. */
static double
usual_gradient (const Leaf *leaf)
{
  double sum = 0;

  for (gsize i = 0; i < leaf_size (leaf); i++)
    sum += (leaf->grad[i] - BEFORE) * (leaf->grad[i] - BEFORE);
  return sqrt (sum / (double) MAX (leaf_size (leaf), 1));
}

static void
check_leaf (const char *what, guint number, LossFunc loss, gpointer data, Leaf *leaf)
{
  const gsize n = leaf_size (leaf);
  const double usual = usual_gradient (leaf);

  for (gsize k = 0; k < MIN (n, AT_MOST); k++) {
    const gsize i = n <= AT_MOST ? k : (gsize) g_test_rand_int_range (0, (gint32) n);
    const double expected = difference (loss, data, &leaf->value[i]);
    const double found = leaf->grad[i] - BEFORE;
    if (!(fabs (found - expected) <= TOLERANCE * MAX (fabs (expected), usual) + 1e-9))
      g_error ("%s: leaf %u, element %" G_GSIZE_FORMAT ": gradient %.12g, differences say %.12g",
          what, number, i, found, expected);
  }
}

void
check_gradients (const char *what, LossFunc loss, gpointer data, Leaf *const *leaves,
    guint n_leaves)
{
  for (guint l = 0; l < n_leaves; l++) {
    for (gsize i = 0; i < leaf_size (leaves[l]); i++)
      leaves[l]->grad[i] = BEFORE;
  }
  loss (empty_tape (), data, TRUE);
  for (guint l = 0; l < n_leaves; l++) {
    if (leaves[l]->with_grad)
      check_leaf (what, l, loss, data, leaves[l]);
  }
}
