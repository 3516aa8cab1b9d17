/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution: which pixels the taps of the kernel reach. An output is a sum over inputs, and the gradient of
 * an input a sum over the gradients of the outputs that it went into.
 */
#include "depthwise.h"

#include "depthwiserows.h"

typedef struct {
  Var *x, *y;
  const ConvLayer *layer;
  Weight weight, bias;
  Real *taps; /* [k][k][channels] */
} DepthwiseStep;

/* --- Where taps reach --------------------------------------------------------------------------- */

/* From outputs to the inputs that they are made of, or back, along a side of the picture. */
typedef struct {
  const ConvLayer *layer;
  gsize n_to, n_from;
  gboolean back;
} Axis;

static Axis
axis_of (const DepthwiseStep *s, gsize in, gsize out, gboolean back)
{
  return (Axis){ s->layer, back ? in : out, back ? out : in, back };
}

/* Of a tap: what belongs to position `at`; TRUE if that is in the picture. */
static gboolean
find_source (const Axis *axis, guint tap, gsize at, gsize *source)
{
  const gsize stride = axis->layer->stride, pad = axis->layer->pad;

  if (!axis->back)
    *source = at * stride + tap - pad; /* wraps to huge outside, as does the next */
  else if ((at + pad - tap) % stride == 0)
    *source = (at + pad - tap) / stride;
  else
    return FALSE;
  return *source < axis->n_from;
}

/* Positions, `step` apart, that the same taps reach: each has its source at the first of them. */
typedef struct {
  gsize first, n;
  guint n_taps;
  struct {
    guint tap;
    gsize source;
  } taps[DEPTHWISE_MAX_KERNEL];
} Run;

static Run
run_at (const Axis *axis, gsize at)
{
  Run run = { .first = at, .n = 1 };

  for (guint tap = 0; tap < axis->layer->kernel; tap++) {
    gsize source;
    if (!find_source (axis, tap, at, &source))
      continue;
    run.taps[run.n_taps].tap = tap;
    run.taps[run.n_taps++].source = source;
  }
  return run;
}

static gboolean
goes_on (const Run *run, const Run *next)
{
  if (run->n_taps != next->n_taps)
    return FALSE;
  for (guint t = 0; t < run->n_taps; t++) {
    if (run->taps[t].tap != next->taps[t].tap)
      return FALSE;
  }
  return TRUE;
}

static gsize
step_to (const Axis *axis)
{
  return axis->back ? axis->layer->stride : 1;
}

static gsize
step_from (const Axis *axis)
{
  return axis->back ? 1 : axis->layer->stride;
}

/* All positions. */
static GArray *
find_runs (const Axis *axis)
{
  GArray *runs = g_array_new (FALSE, FALSE, sizeof (Run));

  for (gsize phase = 0; phase < step_to (axis); phase++) {
    Run *run = NULL;
    for (gsize at = phase; at < axis->n_to; at += step_to (axis)) {
      const Run next = run_at (axis, at);
      if (run != NULL && goes_on (run, &next)) {
        run->n++;
        continue;
      }
      g_array_append_val (runs, next);
      run = &g_array_index (runs, Run, runs->len - 1);
    }
  }
  return runs;
}

/* --- Sums --------------------------------------------------------------------------------------- */

/* The taps of a run of pixels in all rows that a row has its sources in. */
static void
add_taps (RowSum *sum, const DepthwiseStep *s, const Run *rows, const Run *run, const Real *image,
    gsize width)
{
  for (guint y = 0; y < rows->n_taps; y++) {
    for (guint x = 0; x < run->n_taps; x++) {
      const gsize tap = rows->taps[y].tap * s->layer->kernel + run->taps[x].tap;
      const gsize at = rows->taps[y].source * width + run->taps[x].source;
      sum->taps[sum->n_taps].from = image + at * sum->c;
      sum->taps[sum->n_taps++].weights = s->taps + tap * sum->c;
    }
  }
}

/* Rows of `to` out of `from`: y out of x, or x's gradient out of y's. */
static void
sum_rows (const DepthwiseStep *s, Real *to, const Real *from, const Real *start, gboolean adds,
    gboolean back)
{
  const Axis down = axis_of (s, s->x->h, s->y->h, back);
  const Axis along = axis_of (s, s->x->w, s->y->w, back);
  const gsize c = s->x->c;
  const DepthwiseRows *loops = depthwise_rows (c);
  g_autoptr (GArray) runs = find_runs (&along);

  for (gsize row = 0; row < s->x->n * down.n_to; row++) {
    const Run rows = run_at (&down, row % down.n_to);
    const Real *image = from + row / down.n_to * down.n_from * along.n_from * c;
    for (guint r = 0; r < runs->len; r++) {
      const Run *run = &g_array_index (runs, Run, r);
      RowSum sum = { .to = to + (row * along.n_to + run->first) * c,
        .start = start,
        .adds = adds,
        .n = run->n,
        .to_step = step_to (&along) * c,
        .from_step = step_from (&along) * c,
        .c = c };
      add_taps (&sum, s, &rows, run, image, along.n_from);
      loops->sum (&sum);
    }
  }
}

/* Of one row of the kernel, over a run of pixels. */
static TapSum
tap_sum (const DepthwiseStep *s, const Run *run, const Real *dy, const Real *source, Real *dtaps)
{
  const gsize c = s->x->c;
  TapSum sum = { .dy = dy + run->first * c,
    .n = run->n,
    .step = s->layer->stride * c,
    .c = c,
    .n_taps = run->n_taps };

  for (guint t = 0; t < run->n_taps; t++) {
    sum.x[t] = source + run->taps[t].source * c;
    sum.weights[t] = dtaps + run->taps[t].tap * c;
  }
  return sum;
}

static void
weigh_rows (const DepthwiseStep *s, Real *dtaps)
{
  const Axis down = axis_of (s, s->x->h, s->y->h, FALSE);
  const Axis along = axis_of (s, s->x->w, s->y->w, FALSE);
  const gsize c = s->x->c;
  const DepthwiseRows *loops = depthwise_rows (c);
  g_autoptr (GArray) runs = find_runs (&along);

  for (gsize row = 0; row < s->y->n * s->y->h; row++) {
    const Run rows = run_at (&down, row % s->y->h);
    const Real *image = s->x->value + row / s->y->h * s->x->h * s->x->w * c;
    for (guint i = 0; i < rows.n_taps * runs->len; i++) {
      const guint y = i / runs->len;
      const TapSum sum = tap_sum (s, &g_array_index (runs, Run, i % runs->len),
          s->y->grad + row * s->y->w * c, image + rows.taps[y].source * s->x->w * c,
          dtaps + (gsize) rows.taps[y].tap * s->layer->kernel * c);
      loops->weigh (&sum);
    }
  }
}

/* --- The step ----------------------------------------------------------------------------------- */

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
  g_autofree Real *dtaps = s->weight.grad != NULL ? g_new0 (Real, n_taps) : NULL;

  if (s->x->grad != NULL) {
    const gboolean adds = !var_claim_gradient (s->x);
    sum_rows (s, s->x->grad, s->y->grad, NULL, adds, TRUE);
  }
  if (dtaps != NULL) {
    weigh_rows (s, dtaps);
    permute_taps (s->weight.grad, dtaps, s->layer, TRUE);
  }
  if (s->bias.grad != NULL)
    add_bias_gradient (s);
}

void
train_depthwise (Tape *tape, Var *x, Var *y, const ConvLayer *layer, Weight weight, Weight bias)
{
  const gsize n_taps = (gsize) layer->kernel * layer->kernel * x->c;
  DepthwiseStep *s =
      tape_push (tape, sizeof *s, y->wants_grad ? depthwise_backward : NULL, y, x, NULL);

  *s = (DepthwiseStep){ x, y, layer, weight, bias, tape_alloc (tape, n_taps * sizeof (Real)) };
  permute_taps ((Real *) weight.value, s->taps, layer, FALSE);
  sum_rows (s, y->value, x->value, bias.value, FALSE, FALSE);
}
