/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Convolutions that are matrix products, and their gradients: 1×1 straight over the pixels, larger ones
 * over patches gathered a part of an image at a time. Depthwise ones: depthwise.c.
 */
#include "blas.h"
#include "depthwise.h"
#include "ops.h"

#include <string.h>

/* Pixels whose patches are gathered at a time. */
#define PATCH_PIXELS 256

typedef struct {
  Tape *tape;
  Var *x, *y;
  const ConvLayer *layer;
  Weight weight, bias;
  Real *taps; /* weights as the patches lie: [out][k][k][in/groups]; 1×1: the weights themselves */
} ConvStep;

static gsize
output_side (gsize side, const ConvLayer *layer)
{
  const gsize padded = side + 2 * layer->pad;

  return padded < layer->kernel ? 0 : (padded - layer->kernel) / layer->stride + 1;
}

static gboolean
is_pointwise (const ConvLayer *layer)
{
  return layer->kernel == 1 && layer->stride == 1 && layer->pad == 0;
}

static gsize
patch_size (const ConvLayer *layer)
{
  return (gsize) layer->kernel * layer->kernel * (layer->in / layer->groups);
}

/* Between [out][in/g][k][k] and [out][k][k][in/g]; `add` goes the way back, adding. */
static void
permute_weights (Real *torch, Real *taps, const ConvLayer *layer, gboolean add)
{
  const gsize in = layer->in / layer->groups, area = (gsize) layer->kernel * layer->kernel;

  for (gsize o = 0; o < layer->out; o++) {
    for (gsize i = 0; i < in; i++) {
      for (gsize k = 0; k < area; k++) {
        Real *a = &torch[(o * in + i) * area + k], *b = &taps[(o * area + k) * in + i];
        if (add)
          *a += *b;
        else
          *b = *a;
      }
    }
  }
}

/* One group's products over m pixels (added to y where `add`). x: rows of `ldx`, y: rows of out channels. */
static void
multiply_forward (const ConvStep *step, guint group, gsize m, const Real *x, gsize ldx, Real *y,
    gboolean add)
{
  const ConvLayer *layer = step->layer;
  const gsize k = patch_size (layer), out = layer->out / layer->groups;

  if (m > 0)
    real_gemm (CblasNoTrans, CblasTrans, m, out, k, x, ldx, step->taps + group * out * k, k,
        add ? 1 : 0, y + group * out, layer->out);
}

/* dx = dy × weights (added to dx where `add`). */
static void
multiply_to_input (const ConvStep *step, guint group, gsize m, const Real *dy, Real *dx, gsize ldx,
    gboolean add)
{
  const ConvLayer *layer = step->layer;
  const gsize k = patch_size (layer), out = layer->out / layer->groups;

  if (m > 0)
    real_gemm (CblasNoTrans, CblasNoTrans, m, k, out, dy + group * out, layer->out,
        step->taps + group * out * k, k, add ? 1 : 0, dx, ldx);
}

/* dweights += dyᵀ × x. */
static void
multiply_to_weights (const ConvStep *step, guint group, gsize m, const Real *dy, const Real *x,
    gsize ldx, Real *dtaps)
{
  const ConvLayer *layer = step->layer;
  const gsize k = patch_size (layer), out = layer->out / layer->groups;

  if (m > 0)
    real_gemm (CblasTrans, CblasNoTrans, out, k, m, dy + group * out, layer->out, x, ldx, 1,
        dtaps + group * out * k, k);
}

/* Every pixel begins with the bias, if there is one. */
static void
fill_bias (Var *y, const Real *bias)
{
  for (gsize p = 0; bias != NULL && p < var_pixels (y); p++)
    memcpy (y->value + p * y->c, bias, y->c * sizeof (Real));
}

TRAIN_LOOP static void
add_rows (Real *sum, const Real *rows, gsize n, gsize c)
{
  for (gsize p = 0; p < n; p++) {
    for (gsize i = 0; i < c; i++)
      sum[i] += rows[p * c + i];
  }
}

/* Visits what of the patches of `m` output pixels lies inside the image, the input's values or its gradient: copies to
 * the patches, or adds the patches to it. */
static void
walk_patches (const ConvStep *step, Real *image, guint group, gsize first, gsize m, Real *patches,
    gboolean add)
{
  const ConvLayer *layer = step->layer;
  const Var *x = step->x, *y = step->y;
  const gsize in = layer->in / layer->groups;

  for (gsize p = first; p < first + m; p++) {
    const gsize number = p / (y->h * y->w), oy = p / y->w % y->h, ox = p % y->w;
    for (guint ky = 0; ky < layer->kernel; ky++) {
      for (guint kx = 0; kx < layer->kernel; kx++, patches += in) {
        const gsize sy = oy * layer->stride + ky - layer->pad; /* wraps to huge outside */
        const gsize sx = ox * layer->stride + kx - layer->pad;
        if (sy >= x->h || sx >= x->w) {
          if (!add)
            memset (patches, 0, in * sizeof (Real));
          continue;
        }
        const gsize at = ((number * x->h + sy) * x->w + sx) * x->c + group * in;
        if (add)
          add_rows (image + at, patches, 1, in);
        else
          memcpy (patches, image + at, in * sizeof (Real));
      }
    }
  }
}

typedef void (*PatchFunc) (const ConvStep *step, guint group, gsize first, gsize m, Real *patches,
    Real *dtaps);

/* All pixels' patches of an image, some at a time, group by group. */
static void
for_patches (const ConvStep *step, Real *image, PatchFunc func, Real *dtaps)
{
  const gsize pixels = var_pixels (step->y);
  Real *patches = g_new (Real, PATCH_PIXELS * patch_size (step->layer));

  for (gsize first = 0; first < pixels; first += PATCH_PIXELS) {
    for (guint g = 0; g < step->layer->groups; g++) {
      const gsize m = MIN (PATCH_PIXELS, pixels - first);
      if (image != NULL)
        walk_patches (step, image, g, first, m, patches, FALSE);
      func (step, g, first, m, patches, dtaps);
    }
  }
  g_free (patches);
}

static void
patches_forward (const ConvStep *step, guint group, gsize first, gsize m, Real *patches,
    Real *unused)
{
  multiply_forward (step, group, m, patches, patch_size (step->layer),
      step->y->value + first * step->y->c, step->bias.value != NULL);
}

static void
patches_backward (const ConvStep *step, guint group, gsize first, gsize m, Real *patches,
    Real *dtaps)
{
  const Real *dy = step->y->grad + first * step->y->c;
  const gsize size = patch_size (step->layer);

  if (dtaps != NULL)
    multiply_to_weights (step, group, m, dy, patches, size, dtaps);
  if (step->x->grad != NULL) {
    var_gradient (step->x);
    multiply_to_input (step, group, m, dy, patches, size, FALSE);
    walk_patches (step, step->x->grad, group, first, m, patches, TRUE);
  }
}

static void
pointwise_backward (const ConvStep *step, Real *dtaps)
{
  Var *x = step->x;
  const gsize m = var_pixels (x), in = x->c / step->layer->groups;
  const gboolean add = !var_claim_gradient (x);

  for (guint g = 0; g < step->layer->groups; g++) {
    if (dtaps != NULL)
      multiply_to_weights (step, g, m, step->y->grad, x->value + g * in, x->c, dtaps);
    if (x->grad != NULL)
      multiply_to_input (step, g, m, step->y->grad, x->grad + g * in, x->c, add);
  }
}

static void
conv_backward (gpointer data)
{
  const ConvStep *step = data;
  const gboolean pointwise = is_pointwise (step->layer);
  const gsize n_taps = step->layer->out * patch_size (step->layer);
  Real *dtaps = step->weight.grad == NULL ? NULL
      : pointwise                         ? step->weight.grad
                                          : g_new0 (Real, n_taps);

  if (step->bias.grad != NULL)
    add_rows (step->bias.grad, step->y->grad, var_pixels (step->y), step->y->c);
  if (pointwise)
    pointwise_backward (step, dtaps);
  else
    for_patches (step, step->x->value, patches_backward, dtaps);
  if (dtaps != NULL && !pointwise) {
    permute_weights (step->weight.grad, dtaps, step->layer, TRUE);
    g_free (dtaps);
  }
}

static void
conv_forward (ConvStep *step)
{
  const ConvLayer *layer = step->layer;

  fill_bias (step->y, step->bias.value);
  if (is_pointwise (layer)) {
    step->taps = (Real *) step->weight.value;
    for (guint g = 0; g < layer->groups; g++)
      multiply_forward (step, g, var_pixels (step->x),
          step->x->value + g * (layer->in / layer->groups), layer->in, step->y->value,
          step->bias.value != NULL);
    return;
  }
  step->taps = tape_alloc (step->tape, layer->out * patch_size (layer) * sizeof (Real));
  permute_weights ((Real *) step->weight.value, step->taps, layer, FALSE);
  for_patches (step, step->x->value, patches_forward, NULL);
}

Var *
op_conv (Tape *tape, Var *x, const ConvLayer *layer, Weight weight, Weight bias)
{
  const gboolean wants_grad = x->wants_grad || weight.grad != NULL || bias.grad != NULL;
  Var *y = tape_var (tape, x->n, output_side (x->h, layer), output_side (x->w, layer), layer->out,
      wants_grad);

  if (layer->groups == layer->in && layer->groups == layer->out && layer->groups > 1) {
    train_depthwise (tape, x, y, layer, weight, bias);
    return y;
  }
  ConvStep *step = tape_push (tape, sizeof *step, wants_grad ? conv_backward : NULL, y, x, NULL);
  *step = (ConvStep){ tape, x, y, layer, weight, bias };
  conv_forward (step);
  return y;
}

/* --- Transposed ------------------------------------------------------------------------------- */

/* A convolution run the other way round: its x is this one's output, its y this one's input. */
typedef struct {
  ConvStep conv;
  ConvLayer layer;
} TransposedStep;

static void
transposed_forward (const ConvStep *step, guint group, gsize first, gsize m, Real *patches,
    Real *unused)
{
  multiply_to_input (step, group, m, step->y->value + first * step->y->c, patches,
      patch_size (step->layer), FALSE);
  walk_patches (step, step->x->value, group, first, m, patches, TRUE);
}

static void
transposed_patches_backward (const ConvStep *step, guint group, gsize first, gsize m, Real *patches,
    Real *dtaps)
{
  Var *input = step->y;
  const gsize at = first * input->c, size = patch_size (step->layer);

  if (dtaps != NULL)
    multiply_to_weights (step, group, m, input->value + at, patches, size, dtaps);
  if (input->grad != NULL) {
    var_gradient (input);
    multiply_forward (step, group, m, patches, size, input->grad + at, TRUE);
  }
}

static void
transposed_backward (gpointer data)
{
  const ConvStep *step = &((TransposedStep *) data)->conv;
  Real *dtaps =
      step->weight.grad == NULL ? NULL : g_new0 (Real, step->layer->out * patch_size (step->layer));

  if (step->bias.grad != NULL)
    add_rows (step->bias.grad, step->x->grad, var_pixels (step->x), step->x->c);
  for_patches (step, step->x->grad, transposed_patches_backward, dtaps);
  if (dtaps != NULL)
    permute_weights (step->weight.grad, dtaps, step->layer, TRUE);
  g_free (dtaps);
}

Var *
op_deconv (Tape *tape, Var *x, const ConvLayer *layer, Weight weight, Weight bias)
{
  const gboolean wants_grad = x->wants_grad || weight.grad != NULL || bias.grad != NULL;
  Var *y = tape_var (tape, x->n, 2 * x->h, 2 * x->w, layer->out, wants_grad);
  TransposedStep *step =
      tape_push (tape, sizeof *step, wants_grad ? transposed_backward : NULL, y, x, NULL);

  step->layer = (ConvLayer){ .in = layer->out,
    .out = layer->in,
    .kernel = 4,
    .stride = 2,
    .pad = 1,
    .groups = 1 };
  step->conv = (ConvStep){ tape, y, x, &step->layer, weight, bias,
    tape_alloc (tape, layer->in * patch_size (&step->layer) * sizeof (Real)) };
  permute_weights ((Real *) weight.value, step->conv.taps, &step->layer, FALSE);
  memset (y->value, 0, var_size (y) * sizeof (Real));
  fill_bias (y, bias.value);
  for_patches (&step->conv, NULL, transposed_forward, NULL);
  return y;
}
