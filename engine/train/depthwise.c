/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution: for every tap of the kernel a row of pixels times the tap's weights, channel
 * by channel.
 */
#include "depthwise.h"

#include <string.h>

typedef struct {
  Var *x, *y;
  const ConvLayer *layer;
  Weight weight, bias;
  Real *taps; /* [k][k][channels] */
} DepthwiseStep;

/* The outputs of a row that a tap reaches from inside the image: first … end - 1, and the source pixel
 * of the first. */
typedef struct {
  gsize first, end, source;
} Reach;

static Reach
reach_of (const ConvLayer *layer, guint tap, gsize in, gsize out)
{
  const gsize first =
      tap >= layer->pad ? 0 : (layer->pad - tap + layer->stride - 1) / layer->stride;
  const gsize last_source = in + layer->pad - tap; /* one behind the last, as output × stride */
  const gsize end = in + layer->pad <= tap ? 0 : (last_source + layer->stride - 1) / layer->stride;

  return (Reach){ first, MIN (end, out), first * layer->stride + tap - layer->pad };
}

TRAIN_LOOP static void
tap_forward (Real *restrict y, const Real *restrict x, const Real *restrict w, gsize pixels,
    gsize step, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++)
      y[p * c + i] += x[p * step + i] * w[i];
  }
}

TRAIN_LOOP static void
tap_to_input (Real *restrict dx, const Real *restrict dy, const Real *restrict w, gsize pixels,
    gsize step, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++)
      dx[p * step + i] += dy[p * c + i] * w[i];
  }
}

TRAIN_LOOP static void
tap_to_weights (Real *restrict dw, const Real *restrict dy, const Real *restrict x, gsize pixels,
    gsize step, gsize c)
{
  for (gsize p = 0; p < pixels; p++) {
    for (gsize i = 0; i < c; i++)
      dw[i] += dy[p * c + i] * x[p * step + i];
  }
}

/* One tap over one row. `dw` (or NULL) collects the tap's gradient. */
static void
walk_row (const DepthwiseStep *s, gsize image, gsize oy, gsize sy, guint kx, const Real *w,
    Real *dw, gboolean forward)
{
  const gsize c = s->x->c, step = s->layer->stride * c;
  const Reach reach = reach_of (s->layer, kx, s->x->w, s->y->w);
  const gsize from = ((image * s->x->h + sy) * s->x->w + reach.source) * c;
  const gsize to = ((image * s->y->h + oy) * s->y->w + reach.first) * c;

  if (reach.first >= reach.end)
    return;
  const gsize pixels = reach.end - reach.first;
  if (forward)
    tap_forward (s->y->value + to, s->x->value + from, w, pixels, step, c);
  if (!forward && dw != NULL)
    tap_to_weights (dw, s->y->grad + to, s->x->value + from, pixels, step, c);
  if (!forward && s->x->grad != NULL)
    tap_to_input (s->x->grad + from, s->y->grad + to, w, pixels, step, c);
}

static void
walk (const DepthwiseStep *s, Real *dtaps, gboolean forward)
{
  const ConvLayer *layer = s->layer;
  const gsize c = s->x->c;

  for (gsize row = 0; row < s->y->n * s->y->h; row++) {
    const gsize image = row / s->y->h, oy = row % s->y->h;
    for (guint tap = 0; tap < layer->kernel * layer->kernel; tap++) {
      const gsize sy = oy * layer->stride + tap / layer->kernel - layer->pad; /* huge outside */
      if (sy < s->x->h)
        walk_row (s, image, oy, sy, tap % layer->kernel, s->taps + tap * c,
            dtaps != NULL ? dtaps + tap * c : NULL, forward);
    }
  }
}

/* Between [channels][k][k] and [k][k][channels]; `add` goes the way back, adding. */
static void
permute_taps (Real *torch, Real *taps, const ConvLayer *layer, gboolean add)
{
  const gsize area = (gsize) layer->kernel * layer->kernel, c = layer->out;

  for (gsize i = 0; i < c; i++) {
    for (gsize k = 0; k < area; k++) {
      if (add)
        torch[i * area + k] += taps[k * c + i];
      else
        taps[k * c + i] = torch[i * area + k];
    }
  }
}

static void
add_bias_gradient (const DepthwiseStep *s)
{
  for (gsize p = 0; p < var_pixels (s->y); p++) {
    for (gsize i = 0; i < s->y->c; i++)
      s->bias.grad[i] += s->y->grad[p * s->y->c + i];
  }
}

static void
depthwise_backward (gpointer data)
{
  const DepthwiseStep *s = data;
  const gsize n_taps = (gsize) s->layer->kernel * s->layer->kernel * s->x->c;
  Real *dtaps = s->weight.grad != NULL ? g_new0 (Real, n_taps) : NULL;

  walk (s, dtaps, FALSE);
  if (dtaps != NULL)
    permute_taps (s->weight.grad, dtaps, s->layer, TRUE);
  if (s->bias.grad != NULL)
    add_bias_gradient (s);
  g_free (dtaps);
}

void
train_depthwise (Tape *tape, Var *x, Var *y, const ConvLayer *layer, Weight weight, Weight bias)
{
  const gsize n_taps = (gsize) layer->kernel * layer->kernel * x->c;
  DepthwiseStep *s =
      tape_push (tape, sizeof *s, y->wants_grad ? depthwise_backward : NULL, y, x, NULL);

  *s = (DepthwiseStep){ x, y, layer, weight, bias, tape_alloc (tape, n_taps * sizeof (Real)) };
  permute_taps ((Real *) weight.value, s->taps, layer, FALSE);
  for (gsize p = 0; p < var_pixels (y); p++) {
    for (gsize i = 0; i < y->c; i++)
      y->value[p * y->c + i] = bias.value != NULL ? bias.value[i] : 0;
  }
  walk (s, NULL, TRUE);
}
