/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every operation of training: its gradients against finite differences in double precision,
 * convolutions also against their definition.
 */
#include "gradients.h"

#include <string.h>

/* --- Convolution ------------------------------------------------------------------------------ */

typedef struct {
  ConvLayer layer;
  Leaf x, weight, bias;
} Conv;

static Var *
conv_run (const Conv *conv, Tape *tape, Var *x)
{
  const Weight none = { NULL, NULL };

  return (conv->layer.transposed ? op_deconv : op_conv) (tape, x, &conv->layer,
      leaf_weight (&conv->weight), conv->layer.bias ? leaf_weight (&conv->bias) : none);
}

static double
conv_loss (Tape *tape, gpointer data, gboolean backward)
{
  Conv *conv = data;
  Var *x = leaf_var (&conv->x, tape);
  const double loss = weighed_sum (tape, conv_run (conv, tape, x), 0.4);

  if (backward) {
    tape_backward (tape);
    leaf_take (&conv->x, x);
  }
  return loss;
}

/* One output: bias, and every tap that lies inside the image. */
static double
conv_plainly (const Conv *conv, gsize n, gsize oy, gsize ox, gsize o)
{
  const ConvLayer *l = &conv->layer;
  const gsize in = l->in / l->groups, group = o / (l->out / l->groups);
  double sum = l->bias ? conv->bias.value[o] : 0;

  for (guint k = 0; k < l->kernel * l->kernel; k++) {
    const gssize y = (gssize) (oy * l->stride + k / l->kernel) - (gssize) l->pad;
    const gssize x = (gssize) (ox * l->stride + k % l->kernel) - (gssize) l->pad;
    if (y < 0 || x < 0 || y >= (gssize) conv->x.h || x >= (gssize) conv->x.w)
      continue;
    const gsize pixel = (n * conv->x.h + (gsize) y) * conv->x.w + (gsize) x;
    for (gsize i = 0; i < in; i++)
      sum += conv->x.value[pixel * conv->x.c + group * in + i]
          * conv->weight.value[(o * in + i) * l->kernel * l->kernel + k];
  }
  return sum;
}

/* One output of a transposed one: bias, and every pixel that one of its taps brings here. */
static double
deconv_plainly (const Conv *conv, gsize n, gsize oy, gsize ox, gsize o)
{
  const ConvLayer *l = &conv->layer;
  const Leaf *x = &conv->x;
  double sum = l->bias ? conv->bias.value[o] : 0;

  for (gsize p = 0; p < x->h * x->w; p++) {
    const gssize ky = (gssize) (oy + 1) - (gssize) (p / x->w * 2);
    const gssize kx = (gssize) (ox + 1) - (gssize) (p % x->w * 2);
    if (ky < 0 || kx < 0 || ky >= (gssize) l->kernel || kx >= (gssize) l->kernel)
      continue;
    for (gsize i = 0; i < l->in; i++)
      sum += x->value[(n * x->h * x->w + p) * x->c + i]
          * conv->weight
                .value[((i * l->out + o) * l->kernel + (gsize) ky) * l->kernel + (gsize) kx];
  }
  return sum;
}

static void
check_conv_size (const Conv *conv, const Var *y)
{
  const ConvLayer *l = &conv->layer;

  g_assert_cmpuint (y->n, ==, conv->x.n);
  g_assert_cmpuint (y->c, ==, l->out);
  if (l->transposed)
    g_assert_cmpuint (y->h, ==, 2 * conv->x.h);
  else if (conv->x.h + 2 * l->pad >= l->kernel)
    g_assert_cmpuint (y->h, ==, (conv->x.h + 2 * l->pad - l->kernel) / l->stride + 1);
  else
    g_assert_cmpuint (y->h, ==, 0);
}

static void
check_conv_forward (const Conv *conv)
{
  Tape *tape = empty_tape ();
  const Var *y = conv_run (conv, tape, leaf_var (&conv->x, tape));

  check_conv_size (conv, y);
  for (gsize i = 0; i < var_size (y); i++) {
    const gsize o = i % y->c, ox = i / y->c % y->w, oy = i / y->c / y->w % y->h;
    g_assert_cmpfloat_with_epsilon (y->value[i],
        (conv->layer.transposed ? deconv_plainly : conv_plainly) (conv, i / y->c / y->w / y->h, oy,
            ox, o),
        1e-12);
  }
}

/* What of input, weights and bias wants a gradient; bias: none, frozen, or not. */
static void
check_conv (const ConvLayer *layer, gsize n, gsize h, gsize w, guint variant)
{
  const guint with_bias = variant / 4;
  Conv conv = { *layer };
  g_autofree char *what =
      g_strdup_printf ("%u → %u channels, kernel %u, stride %u, pad %u, %u groups, %" G_GSIZE_FORMAT
                       " × %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT ", variant %u",
          layer->in, layer->out, layer->kernel, layer->stride, layer->pad, layer->groups, n, h, w,
          variant);
  Leaf *const leaves[] = { &conv.x, &conv.weight, &conv.bias };

  conv.layer.bias = with_bias > 0;
  conv.x = leaf_new (n, h, w, layer->in, variant & 1);
  conv.weight = leaf_new (layer->out, layer->kernel, layer->kernel, layer->in / layer->groups,
      (variant & 2) != 0);
  conv.bias = leaf_new (1, 1, 1, layer->out, with_bias == 2);
  check_conv_forward (&conv);
  check_gradients (what, conv_loss, &conv, leaves, with_bias == 2 ? 3 : 2);
  for (guint l = 0; l < G_N_ELEMENTS (leaves); l++)
    leaf_clear (leaves[l]);
}

static const struct {
  guint in, out, kernel, stride, pad, groups;
  gsize n, h, w;
} convs[] = {
  { 5, 7, 1, 1, 0, 1, 2, 3, 4 },   /* pointwise */
  { 6, 4, 1, 1, 0, 2, 2, 3, 4 },   /* in groups */
  { 4, 6, 1, 2, 0, 1, 2, 5, 4 },   /* every other pixel */
  { 3, 2, 1, 1, 1, 1, 1, 2, 3 },   /* with a frame of zeros */
  { 3, 5, 3, 1, 1, 1, 2, 4, 5 },   /* 3×3 */
  { 3, 5, 3, 2, 1, 1, 2, 5, 6 },   /* stride 2, odd and even sides */
  { 2, 3, 3, 2, 1, 1, 2, 19, 33 }, /* more patches than are gathered at a time */
  { 6, 4, 3, 1, 1, 2, 2, 3, 4 },   /* 3×3 in groups */
  { 3, 6, 3, 1, 1, 3, 1, 3, 4 },   /* two outputs per input */
  { 2, 3, 5, 1, 2, 1, 1, 6, 5 },   /* 5×5 */
  { 2, 3, 5, 2, 0, 1, 1, 7, 8 },   /* without padding */
  { 2, 3, 5, 1, 4, 1, 1, 2, 1 },   /* an image smaller than the kernel */
  { 2, 3, 5, 1, 0, 1, 1, 4, 9 },   /* and no padding: no output */
  { 2, 3, 3, 3, 5, 1, 1, 3, 2 },   /* outputs that see nothing but padding */
  { 1, 1, 3, 1, 1, 1, 2, 3, 3 },   /* one channel */
  { 5, 5, 3, 1, 1, 5, 2, 4, 5 },   /* depthwise */
  { 5, 5, 3, 2, 1, 5, 2, 5, 6 },
  { 5, 5, 5, 1, 2, 5, 2, 6, 5 },
  { 5, 5, 5, 2, 2, 5, 1, 7, 8 },
  { 3, 3, 7, 1, 3, 3, 1, 8, 9 },
  { 3, 3, 7, 2, 3, 3, 1, 9, 8 },
  { 3, 3, 5, 1, 2, 3, 2, 1, 2 }, /* an image smaller than the kernel */
  { 3, 3, 7, 2, 3, 3, 1, 2, 1 },
  { 3, 3, 5, 1, 0, 3, 1, 4, 9 },    /* no output */
  { 3, 3, 3, 1, 4, 3, 1, 2, 3 },    /* outputs that see nothing but padding */
  { 3, 3, 3, 3, 0, 3, 1, 8, 7 },    /* pixels that nobody sees */
  { 70, 70, 3, 1, 1, 70, 1, 3, 3 }, /* several vectors of channels and a rest */
  { 2, 3, 3, 1, 1, 1, 0, 4, 4 },    /* no image */
  { 3, 3, 3, 1, 1, 3, 0, 4, 4 },
  { 5, 7, 1, 1, 0, 1, 0, 4, 4 },
};

/* Convolutions of every kind are what the definition says, and so are the gradients of input, weights
 * and bias, whichever of these want one. */
static void
test_conv (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (convs); i++) {
    const ConvLayer layer = { .in = convs[i].in,
      .out = convs[i].out,
      .kernel = convs[i].kernel,
      .stride = convs[i].stride,
      .pad = convs[i].pad,
      .groups = convs[i].groups };
    for (guint variant = 0; variant < 12; variant++)
      check_conv (&layer, convs[i].n, convs[i].h, convs[i].w, variant);
  }
}

/* The same of transposed ones, the last of more pixels than are gathered at a time. */
static void
test_deconv (void)
{
  static const gsize sizes[][3] = { { 2, 3, 4 }, { 1, 1, 1 }, { 3, 1, 5 }, { 0, 4, 4 },
    { 2, 12, 13 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const ConvLayer layer = { .in = 3, .out = 2, .kernel = 4, .groups = 1, .transposed = TRUE };
    for (guint variant = 0; variant < 12; variant++)
      check_conv (&layer, sizes[i][0], sizes[i][1], sizes[i][2], variant);
  }
}

/* --- Operations without parameters ------------------------------------------------------------ */

/* The same argument twice, where `other` is the same leaf as `x`. */
typedef struct Unary Unary;
struct Unary {
  Var *(*build) (const Unary *op, Tape *tape, Var *x, Var *other);
  guint number;
  Activation act;
  Leaf *x, *other; /* other: or NULL */
};

static double
unary_loss (Tape *tape, gpointer data, gboolean backward)
{
  const Unary *op = data;
  Var *x = leaf_var (op->x, tape);
  Var *other = op->other == op->x ? x : op->other != NULL ? leaf_var (op->other, tape) : NULL;
  const double loss = weighed_sum (tape, op->build (op, tape, x, other), 1.1);

  if (backward) {
    tape_backward (tape);
    leaf_take (op->x, x);
    if (other != NULL && other != x)
      leaf_take (op->other, other);
  }
  return loss;
}

static void
check_unary (const char *what, Unary *op)
{
  Leaf *const leaves[] = { op->x, op->other };

  check_gradients (what, unary_loss, op, leaves, op->other == NULL || op->other == op->x ? 1 : 2);
}

static Var *
build_activate (const Unary *op, Tape *tape, Var *x, Var *residual)
{
  return op_activate (tape, x, residual, op->act);
}

static void
check_activation (Activation act, gsize n, gboolean x_grad, gboolean residual_grad)
{
  Leaf x = leaf_new (n, 3, 5, 9, x_grad), residual = leaf_new (n, 3, 5, 9, residual_grad);
  g_autofree char *what = g_strdup_printf ("activation %d", act);
  Unary op = { build_activate, 0, act, &x, NULL };

  leaf_set_odd (&x);
  leaf_set_even (&residual);
  check_unary (what, &op);
  op.other = &residual;
  check_unary (what, &op);
  op.other = &x;
  check_unary (what, &op);
  leaf_clear (&x);
  leaf_clear (&residual);
}

/* Every activation, alone, of a sum, and of twice the same. */
static void
test_activate (void)
{
  for (Activation act = ACT_NONE; act <= ACT_HSIGMOID; act++) {
    for (guint with_grad = 0; with_grad < 4; with_grad++)
      check_activation (act, 2, with_grad & 1, with_grad >> 1);
    check_activation (act, 0, TRUE, TRUE);
  }
}

/* At the corners themselves the gradient is torch's: 0, except that hard swish rises at 3. */
static void
test_corners (void)
{
  static const Real corners[] = { -3, 0, 3 };
  static const double slopes[][3] = { [ACT_RELU] = { 0, 0, 1 },
    [ACT_HSWISH] = { 0, 0.5, 1 },
    [ACT_HSIGMOID] = { 0, 1 / 6.0, 0 } };
  static const Activation acts[] = { ACT_RELU, ACT_HSWISH, ACT_HSIGMOID };

  for (guint a = 0; a < G_N_ELEMENTS (acts); a++) {
    Tape *tape = empty_tape ();
    Var *x = tape_var (tape, 1, 1, 1, 3, TRUE);
    memcpy (x->value, corners, sizeof corners);
    Var *y = op_activate (tape, x, NULL, acts[a]);
    for (guint i = 0; i < 3; i++)
      tape_open_gradient (tape, y)[i] = 1;
    tape_backward (tape);
    for (guint i = 0; i < 3; i++)
      g_assert_cmpfloat_with_epsilon (x->grad[i], slopes[acts[a]][i], 1e-15);
  }
}

static Var *
build_upsample (const Unary *op, Tape *tape, Var *x, Var *unused)
{
  return op_upsample (tape, x, op->number);
}

static Var *
build_bilinear (const Unary *op, Tape *tape, Var *x, Var *unused)
{
  return op_bilinear (tape, x);
}

static Var *
build_subsample (const Unary *op, Tape *tape, Var *x, Var *unused)
{
  return op_subsample (tape, x);
}

static Var *
build_shuffle (const Unary *op, Tape *tape, Var *x, Var *unused)
{
  return op_shuffle (tape, x, op->number);
}

static Var *
build_mean (const Unary *op, Tape *tape, Var *x, Var *unused)
{
  return op_mean (tape, x);
}

static Var *
build_gate (const Unary *op, Tape *tape, Var *x, Var *gate)
{
  return op_gate (tape, x, gate);
}

static void
check_shapes (gsize n, gboolean with_grad)
{
  Leaf x = leaf_new (n, 3, 2, 12, with_grad);
  Unary op = { .x = &x };

  op.build = build_upsample;
  for (op.number = 1; op.number <= 3; op.number++)
    check_unary ("upsample", &op);
  op.build = build_bilinear;
  check_unary ("bilinear", &op);
  op.build = build_subsample;
  check_unary ("subsample", &op);
  op.build = build_shuffle;
  for (op.number = 1; op.number <= 6; op.number += op.number == 4 ? 2 : 1)
    check_unary ("shuffle", &op);
  op.build = build_mean;
  check_unary ("mean", &op);
  leaf_clear (&x);
}

/* Up-sampling, channel shuffle and means, of images and of none. */
static void
test_shapes (void)
{
  check_shapes (2, TRUE);
  check_shapes (2, FALSE);
  check_shapes (0, TRUE);
}

/* Along each axis a quarter and three quarters between two pixels; at the edge it is the pixel. */
static void
test_bilinear (void)
{
  static const double along[] = { 0, 0.25, 0.75, 1 };
  Tape *tape = empty_tape ();
  Var *x = tape_var (tape, 1, 2, 2, 1, FALSE);

  for (guint i = 0; i < 4; i++)
    x->value[i] = i;
  const Var *y = op_bilinear (tape, x);
  g_assert_cmpuint (var_size (y), ==, 16);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpfloat_with_epsilon (y->value[i], 2 * along[i / 4] + along[i % 4], 1e-12);
}

/* Both sides of a gate have a gradient. */
static void
test_gate (void)
{
  for (guint variant = 0; variant < 8; variant++) {
    const gsize n = variant & 4 ? 0 : 2;
    Leaf x = leaf_new (n, 3, 2, 5, variant & 1), gate = leaf_new (n, 1, 1, 5, (variant & 2) != 0);
    Unary op = { .build = build_gate, .x = &x, .other = &gate };
    check_unary ("gate", &op);
    leaf_clear (&x);
    leaf_clear (&gate);
  }
}

/* --- Norms of one worker ---------------------------------------------------------------------- */

typedef enum {
  STORED,
  OWN,
  GROUPS,
} NormOp;

typedef struct {
  NormOp op;
  Leaf x, gamma, beta, mean, variance;
} Norms;

static Var *
norm_build (const Norms *norms, Tape *tape, Var *x)
{
  const Weight gamma = leaf_weight (&norms->gamma), beta = leaf_weight (&norms->beta);

  switch (norms->op) {
    case STORED:
      return op_stored_norm (tape, x, norms->mean.value, norms->variance.value, gamma, beta, FALSE);
    case OWN:
      return op_batch_norm (tape, x, gamma, beta, FALSE, POOL_PIXELS, NULL, 0,
          tape_alloc (tape, norm_stats_size (x->c) * sizeof (double)));
    case GROUPS:
      return op_group_norm (tape, x, 3, gamma, beta);
  }
  g_assert_not_reached ();
}

static double
norm_loss (Tape *tape, gpointer data, gboolean backward)
{
  Norms *norms = data;
  Var *x = leaf_var (&norms->x, tape);
  const double loss = weighed_sum (tape, norm_build (norms, tape, x), 2.2);

  if (backward) {
    tape_backward (tape);
    leaf_take (&norms->x, x);
  }
  return loss;
}

static void
check_norm (NormOp op, gsize n, guint variant)
{
  enum { CHANNELS = 6 };
  Norms norms = { op, leaf_new (n, 3, 4, CHANNELS, variant & 1),
    leaf_new (1, 1, 1, CHANNELS, (variant & 2) != 0),
    leaf_new (1, 1, 1, CHANNELS, (variant & 4) != 0), leaf_new (1, 1, 1, CHANNELS, FALSE),
    leaf_new (1, 1, 1, CHANNELS, FALSE) };
  Leaf *const leaves[] = { &norms.x, &norms.gamma, &norms.beta, &norms.mean, &norms.variance };

  for (gsize i = 0; i < CHANNELS; i++)
    norms.variance.value[i] += 1.5;
  check_gradients ("norm", norm_loss, &norms, leaves, 3);
  for (guint l = 0; l < G_N_ELEMENTS (leaves); l++)
    leaf_clear (leaves[l]);
}

/* Norms over stored numbers, over the batch, over groups of channels, whatever is frozen of them. */
static void
test_norms (void)
{
  for (NormOp op = STORED; op <= GROUPS; op++) {
    for (guint variant = 0; variant < 8; variant++) {
      check_norm (op, 2, variant);
      check_norm (op, 0, variant);
    }
  }
}

/* --- ROIAlign --------------------------------------------------------------------------------- */

typedef struct {
  Leaf features[2];
  RoiArgs args;
} Rois;

static double
roi_loss (Tape *tape, gpointer data, gboolean backward)
{
  Rois *rois = data;
  const RoiFeature maps[] = { { leaf_var (&rois->features[0], tape), 1.0 / 8 },
    { leaf_var (&rois->features[1], tape), 1.0 / 16 } };
  const double loss = weighed_sum (tape,
      op_roi_align (tape, maps, rois->args.levels != NULL ? 2 : 1, &rois->args), 0.2);

  if (backward) {
    tape_backward (tape);
    for (guint i = 0; i < G_N_ELEMENTS (maps); i++)
      leaf_take (&rois->features[i], maps[i].map);
  }
  return loss;
}

/* In a feature of 2 images of 48 × 64 network pixels. */
static const Box roi_boxes[] = {
  { 3.5f, 4.25f, 30.1f, 44.7f },    /* inside */
  { -20, -9.5f, 25, 20 },           /* over an edge */
  { 30, 20, 90.3f, 70 },            /* over the other */
  { -5, -5, 70, 55 },               /* larger than the feature */
  { 100, 100, 140, 130 },           /* beside it */
  { 10.1f, 10.2f, 10.30f, 10.35f }, /* tiny */
  { 20, 20, 20, 20 },               /* of no size */
  { 30, 20, 10, 5 },                /* turned over: no samples */
};
static const guint32 roi_images[G_N_ELEMENTS (roi_boxes)] = { 0, 1, 0, 1, 0, 1, 0, 1 };
static const guint32 roi_levels[G_N_ELEMENTS (roi_boxes)] = { 0, 0, 1, 1, 1, 0, 1, 0 };

/* ROIs inside, over edges, tiny, without samples, for adaptive and fixed sampling, from one feature and from
 * two, one of which may have no gradient. */
static void
test_roi_align (void)
{
  for (guint variant = 0; variant < 24; variant++) {
    const guint with_grad = variant / 6;
    Rois rois = { { leaf_new (2, 6, 8, 5, with_grad & 1),
                      leaf_new (2, 3, 4, 5, (with_grad & 2) != 0) },
      { roi_boxes, roi_images, variant % 2 == 0 ? roi_levels : NULL,
          variant == 8 ? 0 : G_N_ELEMENTS (roi_boxes), 1 + variant % 4, variant % 3 } };
    Leaf *const leaves[] = { &rois.features[0], &rois.features[1] };
    check_gradients ("ROIAlign", roi_loss, &rois, leaves, rois.args.levels != NULL ? 2 : 1);
    leaf_clear (&rois.features[0]);
    leaf_clear (&rois.features[1]);
  }
}

/* --- Losses ----------------------------------------------------------------------------------- */

typedef enum {
  BCE,
  SMOOTH_L1,
  SOFTMAX,
} LossOp;

typedef struct {
  LossOp op;
  Leaf x;
  gsize n;
  guint32 *index;
  Real *targets; /* four for each place, or as many as logits */
  double beta;
} Loss;

static double
loss_loss (Tape *tape, gpointer data, gboolean backward)
{
  Loss *loss = data;
  Var *x = leaf_var (&loss->x, tape);
  double value = 0;

  if (loss->op == BCE)
    value = op_loss_bce (tape, x, loss->index, loss->targets, loss->n, 0.7);
  else if (loss->op == SMOOTH_L1)
    value = op_loss_smooth_l1 (tape, x, loss->index, loss->targets, loss->n, loss->beta, 0.7);
  else
    value = op_loss_softmax (tape, x, loss->targets, 0.7);
  if (backward) {
    tape_backward (tape);
    leaf_take (&loss->x, x);
  }
  return value;
}

/* Deltas of any size; probabilities, some of them 0 or 1, where that is what the loss compares with. */
static void
choose_targets (Loss *loss, gsize n)
{
  for (gsize i = 0; i < n; i++)
    loss->targets[i] = loss->op == SMOOTH_L1 ? g_test_rand_int_range (-16, 17) / 8.0
                                             : g_test_rand_int_range (0, 5) / 4.0;
  for (gsize row = 0; loss->op == SOFTMAX && row < loss->x.n; row++) {
    Real *targets = loss->targets + row * loss->x.c, sum = 0;
    targets[0] += 0.25;
    for (gsize i = 0; i < loss->x.c; i++)
      sum += targets[i];
    for (gsize i = 0; i < loss->x.c; i++)
      targets[i] /= sum;
  }
}

/* Places may come twice. */
static void
check_loss (LossOp op, gsize images, double beta, gboolean with_grad)
{
  Loss loss = { .op = op, .x = leaf_new (images, 1, 1, 8, with_grad), .beta = beta };
  Leaf *const leaves[] = { &loss.x };

  loss.n = 3 * images;
  loss.index = g_new0 (guint32, loss.n);
  loss.targets = g_new0 (Real, 4 * loss.n);
  leaf_set_odd (&loss.x);
  for (gsize i = 0; i < loss.n; i++)
    loss.index[i] = (guint32) g_test_rand_int_range (0, (gint32) leaf_size (&loss.x) - 3);
  choose_targets (&loss, 4 * loss.n);
  check_gradients ("loss", loss_loss, &loss, leaves, 1);
  g_free (loss.index);
  g_free (loss.targets);
  leaf_clear (&loss.x);
}

/* Each loss, with places that come twice, with none. */
static void
test_losses (void)
{
  for (gsize images = 0; images <= 5; images++) {
    for (guint with_grad = 0; with_grad < 2; with_grad++) {
      check_loss (BCE, images, 0, with_grad);
      check_loss (SMOOTH_L1, images, 0, with_grad);
      check_loss (SMOOTH_L1, images, 0.5, with_grad);
      check_loss (SOFTMAX, images, 0, with_grad);
    }
  }
}

/* Maps of 3 × 2 pixels; with none, and with one that is asked for twice. */
typedef struct {
  Leaf x;
  guint32 maps[4], pixels[4];
  gsize n;
} Places;

static double
places_loss (Tape *tape, gpointer data, gboolean backward)
{
  Places *places = data;
  Var *x = leaf_var (&places->x, tape);
  const double value = op_loss_place (tape, x, places->maps, places->pixels, places->n, 0.7);

  if (backward) {
    tape_backward (tape);
    leaf_take (&places->x, x);
  }
  return value;
}

/* The loss of places in maps is the cross entropy of each map's softmax over its pixels. */
static void
test_places (void)
{
  for (gsize n = 0; n <= 4; n++) {
    Places places = { leaf_new (2, 3, 2, 3, TRUE), { 5, 0, 5, 4 }, { 0, 5, 3, 2 }, n };
    Leaf *leaves[] = { &places.x };
    double expected = 0;
    for (gsize i = 0; i < n; i++) {
      const Real *map = places.x.value + places.maps[i] / 3 * 18 + places.maps[i] % 3;
      double sum = 0;
      for (gsize p = 0; p < 6; p++)
        sum += exp (map[3 * p]);
      expected -= 0.7 * log (exp (map[3 * places.pixels[i]]) / sum);
    }
    g_assert_cmpfloat_with_epsilon (places_loss (empty_tape (), &places, FALSE), expected, 1e-12);
    check_gradients ("places", places_loss, &places, leaves, 1);
    leaf_clear (&places.x);
  }
}

/* Loss and gradient of the first element. */
static double
extreme (LossOp op, Real x, Real other, guint label, double *slope)
{
  Tape *tape = empty_tape ();
  Var *logits = tape_var (tape, 1, 1, 1, 2, TRUE);
  const guint32 place = 0;
  const Real target = label, targets[] = { label == 0, label == 1 };

  logits->value[0] = x;
  logits->value[1] = other;
  const double loss = op == BCE ? op_loss_bce (tape, logits, &place, &target, 1, 1)
                                : op_loss_softmax (tape, logits, targets, 1);
  tape_backward (tape);
  *slope = logits->grad[0];
  return loss;
}

/* Logits of any size give the loss that mathematics says; nothing overflows. */
static void
test_extremes (void)
{
  double slope;

  g_assert_cmpfloat_with_epsilon (extreme (BCE, 0, 0, 1, &slope), G_LN2, 1e-15);
  g_assert_cmpfloat_with_epsilon (slope, -0.5, 1e-15);
  g_assert_cmpfloat (extreme (BCE, 1e5, 0, 0, &slope), ==, 1e5);
  g_assert_cmpfloat (slope, ==, 1);
  g_assert_cmpfloat (extreme (BCE, -1e5, 0, 1, &slope), ==, 1e5);
  g_assert_cmpfloat (slope, ==, -1);
  g_assert_cmpfloat (extreme (BCE, 1e5, 0, 1, &slope), ==, 0);
  g_assert_cmpfloat (slope, ==, 0);
  g_assert_cmpfloat_with_epsilon (extreme (SOFTMAX, 3, 3, 0, &slope), G_LN2, 1e-15);
  g_assert_cmpfloat_with_epsilon (slope, -0.5, 1e-15);
  g_assert_cmpfloat (extreme (SOFTMAX, 1e5, -1e5, 1, &slope), ==, 2e5);
  g_assert_cmpfloat (slope, ==, 1);
  g_assert_cmpfloat (extreme (SOFTMAX, 1e5, -1e5, 0, &slope), ==, 0);
}

/* --- Tape ------------------------------------------------------------------------------------- */

/* A variable that is read twice gets both gradients; after a reset the same memory is used again, and
 * what is too large for a chunk has one of its own. */
static void
test_tape (void)
{
  Tape *tape = tape_new ();

  g_assert_cmpuint (tape_size (tape), ==, 0);
  for (guint round = 0; round < 3; round++) {
    Var *x = tape_var (tape, 1, 1, 1, 1, TRUE);
    g_assert_cmpfloat (tape_open_gradient (tape, x)[0], ==, 0);
    g_assert_cmpuint ((gsize) x->value % 64, ==, 0);
    x->value[0] = 3;
    Var *square = op_gate (tape, x, x);
    Var *cube = op_gate (tape, square, x);
    tape_open_gradient (tape, cube)[0] = 1;
    tape_backward (tape);
    g_assert_cmpfloat (cube->value[0], ==, 27);
    g_assert_cmpfloat (x->grad[0], ==, 27);
    tape_backward (tape); /* the steps are gone */
    g_assert_cmpfloat (x->grad[0], ==, 27);

    guint8 *large = tape_alloc (tape, (gsize) 40 << 20), *small = tape_alloc (tape, 8);
    memset (large, 1, (gsize) 40 << 20);
    memset (small, 2, 8);
    g_assert_cmpuint (large[((gsize) 40 << 20) - 1], ==, 1);
    g_assert_cmpuint (tape_size (tape), >=, (gsize) 40 << 20);
    g_assert_cmpfloat (x->value[0], ==, 3);
    tape_reset (tape);
    g_assert_cmpuint (tape_size (tape), ==, 0);
  }
  tape_free (tape);
  tape_free (NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/train/ops/conv", test_conv);
  g_test_add_func ("/train/ops/deconv", test_deconv);
  g_test_add_func ("/train/ops/bilinear", test_bilinear);
  g_test_add_func ("/train/ops/activate", test_activate);
  g_test_add_func ("/train/ops/corners", test_corners);
  g_test_add_func ("/train/ops/shapes", test_shapes);
  g_test_add_func ("/train/ops/gate", test_gate);
  g_test_add_func ("/train/ops/norms", test_norms);
  g_test_add_func ("/train/ops/roi-align", test_roi_align);
  g_test_add_func ("/train/ops/losses", test_losses);
  g_test_add_func ("/train/ops/places", test_places);
  g_test_add_func ("/train/ops/extremes", test_extremes);
  g_test_add_func ("/train/ops/tape", test_tape);
  return g_test_run ();
}
