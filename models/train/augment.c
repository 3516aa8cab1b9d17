/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a picture becomes a sample.
 */
#include "augment.h"

#include <math.h>
#include <string.h>

/* What a key's numbers decide. Each has its own, so that switching one augmentation on or off leaves
 * the others as they were. */
enum {
  DECIDE_SIZE,
  DECIDE_FLIP,
  DECIDE_ZOOM,
  DECIDE_X,
  DECIDE_Y,
  DECIDE_BRIGHTNESS,
  DECIDE_CONTRAST,
  DECIDE_SATURATION,
  DECIDE_FLIP_VERTICAL,
  DECIDE_HUE,
  DECIDE_GREY,
  DECIDE_BLUR,
  DECIDE_NOISE,
  DECIDE_CUTOUT,
  DECIDE_CUT_X,
  DECIDE_CUT_Y,
  DECIDE_CUT_WIDTH,
  DECIDE_CUT_HEIGHT,
  DECIDE_EACH_PIXEL, /* a key of its own */
  DECIDE_MOSAIC,
};

#define MAX_BLUR 16 /* pixels */

/* --- Options ---------------------------------------------------------------------------------- */

AugmentOptions
augment_options_default (void)
{
  return (AugmentOptions){
    .min_sizes = { 640, 672, 704, 736, 768, 800 },
    .n_min_sizes = 6,
    .max_size = 1333,
    .flip = 0.5,
    .min_visible = 0.25,
  };
}

static gboolean
check_number (const char *name, double number, double max, GError **error)
{
  if (number >= 0 && number <= max)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "augmentation: %s: expected a number from 0 to %g, found %g", name, max, number);
  return FALSE;
}

static gboolean
check_size (const char *name, guint size, GError **error)
{
  if (size >= 1 && size <= PICTURE_MAX_SIDE)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "augmentation: %s: expected 1 to %d pixels, found %u", name, PICTURE_MAX_SIDE, size);
  return FALSE;
}

static gboolean
check_sizes (const AugmentOptions *options, GError **error)
{
  const guint n = options->n_min_sizes;

  if (n < 1 || n > AUGMENT_MAX_SIZES || (options->size_range && n != 2)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "augmentation: sizes: expected %s, found %u",
        options->size_range ? "2, the ends of a range" : "1 to 32 of them", n);
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    if (!check_size ("size of the shorter side", options->min_sizes[i], error))
      return FALSE;
  if (options->size_range && options->min_sizes[0] > options->min_sizes[1]) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "augmentation: sizes: expected a range that ascends, found %u to %u", options->min_sizes[0],
        options->min_sizes[1]);
    return FALSE;
  }
  return check_size ("largest size of the longer side", options->max_size, error);
}

gboolean
augment_options_check (const AugmentOptions *options, GError **error)
{
  return check_sizes (options, error) && check_number ("flip", options->flip, 1, error)
      && check_number ("zoom in", options->zoom_in, 0.99, error)
      && check_number ("zoom out", options->zoom_out, 9, error)
      && check_number ("visible share", options->min_visible, 1, error)
      && check_number ("brightness", options->brightness, 1, error)
      && check_number ("contrast", options->contrast, 1, error)
      && check_number ("saturation", options->saturation, 1, error)
      && check_number ("vertical flip", options->flip_vertical, 1, error)
      && check_number ("hue", options->hue, 1, error)
      && check_number ("grey", options->grey, 1, error)
      && check_number ("blur", options->blur, MAX_BLUR, error)
      && check_number ("noise", options->noise, 1, error)
      && check_number ("cutout", options->cutout, 1, error)
      && check_number ("mosaic", options->mosaic, 1, error);
}

/* --- Choosing --------------------------------------------------------------------------------- */

static guint
choose_size (const AugmentOptions *options, RandomKey key)
{
  const guint *sizes = options->min_sizes;

  if (options->size_range)
    return sizes[0] + random_key_below (key, DECIDE_SIZE, sizes[1] - sizes[0] + 1);
  return sizes[random_key_below (key, DECIDE_SIZE, options->n_min_sizes)];
}

static guint
zoom_side (guint side, double zoom)
{
  return (guint) CLAMP (round (side * zoom), 1, PICTURE_MAX_SIDE);
}

/* Where a part of `shown` pixels begins in a picture of `side`: inside it, or around it. */
static gint
choose_start (guint side, guint shown, RandomKey key, guint64 index)
{
  if (shown <= side)
    return (gint) random_key_below (key, index, side - shown + 1);
  return -(gint) random_key_below (key, index, shown - side + 1);
}

static void
set_network_size (Augmentation *augmentation, const AugmentOptions *options)
{
  gsize width = options->square, height = options->square;

  if (options->square == 0)
    image_network_size (augmentation->height, augmentation->width, augmentation->min_size,
        options->max_size, &height, &width);
  augmentation->network_width = (guint) width;
  augmentation->network_height = (guint) height;
}

static double
choose_factor (double strength, RandomKey key, guint64 index)
{
  return random_key_between (key, index, 1 - strength, 1 + strength);
}

static void
choose_colors (Augmentation *augmentation, const AugmentOptions *options, RandomKey key)
{
  augmentation->brightness = choose_factor (options->brightness, key, DECIDE_BRIGHTNESS);
  augmentation->contrast = choose_factor (options->contrast, key, DECIDE_CONTRAST);
  augmentation->saturation = choose_factor (options->saturation, key, DECIDE_SATURATION);
  augmentation->hue = G_PI * random_key_between (key, DECIDE_HUE, -options->hue, options->hue);
  augmentation->grey = random_key_uniform (key, DECIDE_GREY) < options->grey;
}

/* A pass of 1, 2, 1 has a variance of a half. */
static void
choose_texture (Augmentation *augmentation, const AugmentOptions *options, RandomKey key)
{
  const double sigma = options->blur * random_key_uniform (key, DECIDE_BLUR);

  augmentation->blur = (guint) round (2 * sigma * sigma);
  augmentation->noise = 255 * options->noise * random_key_uniform (key, DECIDE_NOISE);
  augmentation->noise_key = random_key_part (key, DECIDE_EACH_PIXEL);
}

/* When the sample's size is known. */
static void
choose_cutout (Augmentation *augmentation, const AugmentOptions *options, RandomKey key)
{
  const guint width = augmentation->network_width, height = augmentation->network_height;
  const double least = 0.1, most = 1.0 / 3;

  if (random_key_uniform (key, DECIDE_CUTOUT) >= options->cutout)
    return;
  augmentation->cut_width =
      (guint) ceil (width * random_key_between (key, DECIDE_CUT_WIDTH, least, most));
  augmentation->cut_height =
      (guint) ceil (height * random_key_between (key, DECIDE_CUT_HEIGHT, least, most));
  augmentation->cut_x = random_key_below (key, DECIDE_CUT_X, width - augmentation->cut_width + 1);
  augmentation->cut_y = random_key_below (key, DECIDE_CUT_Y, height - augmentation->cut_height + 1);
}

Augmentation
augment_choose (const AugmentOptions *options, guint width, guint height, RandomKey key)
{
  const double zoom =
      random_key_between (key, DECIDE_ZOOM, 1 - options->zoom_in, 1 + options->zoom_out);
  const guint shorter = MIN (width, height);
  Augmentation augmentation = {
    .width = zoom_side (options->square > 0 ? shorter : width, zoom),
    .height = zoom_side (options->square > 0 ? shorter : height, zoom),
    .min_size = choose_size (options, key),
    .flip = random_key_uniform (key, DECIDE_FLIP) < options->flip,
    .flip_vertical = random_key_uniform (key, DECIDE_FLIP_VERTICAL) < options->flip_vertical,
  };

  choose_colors (&augmentation, options, key);
  choose_texture (&augmentation, options, key);
  augmentation.x = choose_start (width, augmentation.width, key, DECIDE_X);
  augmentation.y = choose_start (height, augmentation.height, key, DECIDE_Y);
  if ((guint64) augmentation.width * augmentation.height > PICTURE_MAX_PIXELS)
    augment_show_all (&augmentation, options, width, height);
  else
    set_network_size (&augmentation, options);
  choose_cutout (&augmentation, options, key);
  return augmentation;
}

void
augment_show_all (Augmentation *augmentation, const AugmentOptions *options, guint width,
    guint height)
{
  augmentation->x = augmentation->y = 0;
  augmentation->width = width;
  augmentation->height = height;
  set_network_size (augmentation, options);
  /* What was chosen for another size may reach beyond this one. */
  if (augmentation->cut_x + augmentation->cut_width > augmentation->network_width
      || augmentation->cut_y + augmentation->cut_height > augmentation->network_height)
    augmentation->cut_width = augmentation->cut_height = 0;
}

gboolean
augment_is_mosaic (const AugmentOptions *options, RandomKey key)
{
  return random_key_uniform (key, DECIDE_MOSAIC) < options->mosaic;
}

/* The picture lies in a corner of a part twice as wide and high, of the sample's shape; a mirrored one in the
 * opposite corner, from where it is mirrored. */
gboolean
augment_show_quarter (Augmentation *augmentation, guint width, guint height, guint quarter)
{
  const double shape = (double) augmentation->network_width / augmentation->network_height;
  const double wide = 2 * fmax (width, height * shape), high = wide / shape;
  const gboolean right = (quarter % 2 == 1) != augmentation->flip;
  const gboolean low = (quarter / 2 == 1) != augmentation->flip_vertical;

  if (wide > PICTURE_MAX_SIDE || high > PICTURE_MAX_SIDE || wide * high > PICTURE_MAX_PIXELS)
    return FALSE;
  augmentation->width = MAX ((guint) round (wide), width);
  augmentation->height = MAX ((guint) round (high), height);
  augmentation->x = right ? -(gint) (augmentation->width - width) : 0;
  augmentation->y = low ? -(gint) (augmentation->height - height) : 0;
  augmentation->cut_width = augmentation->cut_height = 0;
  return TRUE;
}

/* --- Points and boxes ------------------------------------------------------------------------- */

/* The order of detectron2's transforms: CropTransform, ResizeTransform, HFlipTransform. */
void
augment_point (const Augmentation *augmentation, double *x, double *y)
{
  const double scale_x = (double) augmentation->network_width / augmentation->width;
  const double scale_y = (double) augmentation->network_height / augmentation->height;

  *x = (*x - augmentation->x) * scale_x;
  *y = (*y - augmentation->y) * scale_y;
  if (augmentation->flip)
    *x = augmentation->network_width - *x;
  if (augmentation->flip_vertical)
    *y = augmentation->network_height - *y;
}

Box
augment_box (const Augmentation *augmentation, const Box *box)
{
  double x0 = box->x0, y0 = box->y0, x1 = box->x1, y1 = box->y1;

  augment_point (augmentation, &x0, &y0);
  augment_point (augmentation, &x1, &y1);
  return (Box){ (float) fmin (x0, x1), (float) fmin (y0, y1), (float) fmax (x0, x1),
    (float) fmax (y0, y1) };
}

Box
augment_clip (const Augmentation *augmentation, const Box *box)
{
  return box_clip (box, (float) augmentation->network_width, (float) augmentation->network_height);
}

/* --- Masks as bits ---------------------------------------------------------------------------- */

/* Where each of n_out takes its bit from; -1: nowhere. The sum runs as in Pillow's Geometry.c
 * ImagingScaleAffine. */
static gint *
nearest_new (guint n_out, gint start, guint shown, guint side)
{
  gint *from = g_new (gint, n_out);
  const double step = (double) shown / n_out;
  double at = step * 0.5;

  for (guint i = 0; i < n_out; i++, at += step) {
    const gint place = (gint) at + start;
    from[i] = (guint) at < shown && place >= 0 && place < (gint) side ? place : -1;
  }
  return from;
}

void
augment_bits (const Augmentation *augmentation, guint8 *bits, const guint8 *mask, guint width,
    guint height)
{
  const guint n_x = augmentation->network_width, n_y = augmentation->network_height;
  g_autofree gint *xs = nearest_new (n_x, augmentation->x, augmentation->width, width);
  g_autofree gint *ys = nearest_new (n_y, augmentation->y, augmentation->height, height);

  for (guint y = 0; y < n_y; y++) {
    const gint row = ys[augmentation->flip_vertical ? n_y - 1 - y : y];
    for (guint x = 0; x < n_x; x++, bits++) {
      const gint from = xs[augmentation->flip ? n_x - 1 - x : x];
      *bits = row >= 0 && from >= 0 ? mask[(gsize) row * width + from] : 0;
    }
  }
}

/* --- Pixels ----------------------------------------------------------------------------------- */

static gboolean
lies_inside (const Augmentation *augmentation, const Picture *picture)
{
  return augmentation->x >= 0 && augmentation->y >= 0
      && augmentation->x + augmentation->width <= picture->width
      && augmentation->y + augmentation->height <= picture->height;
}

static FbnetImage
view_part (const Augmentation *augmentation, const Picture *picture)
{
  FbnetImage view = picture_image (picture);

  view.width = augmentation->width;
  view.height = augmentation->height;
  view.planes[0] += 3 * ((gsize) augmentation->y * picture->width + augmentation->x);
  return view;
}

/* The picture on a larger ground of the border's colour. */
static Picture *
frame_picture (const Augmentation *augmentation, const AugmentOptions *options,
    const Picture *picture, GError **error)
{
  Picture *framed =
      picture_new (augmentation->width, augmentation->height, "zoomed picture", error);

  if (framed == NULL)
    return NULL;
  for (gsize i = 0; i < (gsize) framed->width * framed->height; i++)
    for (guint c = 0; c < 3; c++)
      framed->pixels[3 * i + c] = options->border[options->bgr ? 2 - c : c];
  const gsize left = (gsize) -augmentation->x, top = (gsize) -augmentation->y;
  guint8 *to = framed->pixels + 3 * (top * framed->width + left);
  for (gsize y = 0; y < picture->height; y++)
    memcpy (to + 3 * y * framed->width, picture->pixels + 3 * y * picture->width,
        3 * (gsize) picture->width);
  return framed;
}

static gboolean
resize_part (const Augmentation *augmentation, const AugmentOptions *options, guint8 *pixels,
    const Picture *picture, ImageResizer *resizer, GError **error)
{
  g_autoptr (Picture) framed = NULL;
  FbnetImage image;

  if (lies_inside (augmentation, picture)) {
    image = view_part (augmentation, picture);
  } else {
    framed = frame_picture (augmentation, options, picture, error);
    if (framed == NULL)
      return FALSE;
    image = picture_image (framed);
  }
  if (!image_resizer_prepare (resizer, image.height, image.width, augmentation->network_height,
          augmentation->network_width, 1, error))
    return FALSE;
  image_resize (resizer, pixels, &image, options->bgr, NULL);
  return TRUE;
}

static void
mirror (guint8 *pixels, guint width, guint height)
{
  for (gsize y = 0; y < height; y++) {
    guint8 *left = pixels + 3 * y * width, *right = left + 3 * ((gsize) width - 1);
    for (; left < right; left += 3, right -= 3) {
      guint8 moved[3];
      memcpy (moved, left, 3);
      memcpy (left, right, 3);
      memcpy (right, moved, 3);
    }
  }
}

static void
turn_over (guint8 *pixels, guint width, guint height)
{
  const gsize row = 3 * (gsize) width;
  g_autofree guint8 *moved = g_malloc (row);

  for (guint8 *top = pixels, *bottom = pixels + row * (height - 1); top < bottom;
       top += row, bottom -= row) {
    memcpy (moved, top, row);
    memcpy (top, bottom, row);
    memcpy (bottom, moved, row);
  }
}

/* fvcore BlendTransform on bytes: the fraction is cut off. */
static guint8
to_byte (double value)
{
  return (guint8) CLAMP (value, 0, 255);
}

/* Blends with one grey for all pixels. */
static void
blend_grey (guint8 *pixels, gsize n, double grey, double factor)
{
  guint8 blended[256];

  for (guint v = 0; v < 256; v++)
    blended[v] = to_byte ((float) ((1 - factor) * grey) + (float) factor * (float) v);
  for (gsize i = 0; i < n; i++)
    pixels[i] = blended[pixels[i]];
}

static double
mean_of (const guint8 *pixels, gsize n)
{
  guint64 sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += pixels[i];
  return (double) sum / (double) n;
}

/* Blends each pixel with its own grey. */
static void
blend_saturation (guint8 *pixels, gsize n_pixels, gboolean bgr, double factor)
{
  const guint red = bgr ? 2 : 0, blue = 2 - red;

  for (gsize i = 0; i < n_pixels; i++, pixels += 3) {
    const double grey = 0.299 * pixels[red] + 0.587 * pixels[1] + 0.114 * pixels[blue];
    for (guint c = 0; c < 3; c++)
      pixels[c] = to_byte ((1 - factor) * grey + (float) factor * (float) pixels[c]);
  }
}

/* Turns I and Q of YIQ by the angle: grey stays grey. */
static void
turn_hue (guint8 *pixels, gsize n_pixels, gboolean bgr, double angle)
{
  const guint red = bgr ? 2 : 0, blue = 2 - red;
  const double c = cos (angle), s = sin (angle);

  for (gsize i = 0; i < n_pixels; i++, pixels += 3) {
    const double r = pixels[red], g = pixels[1], b = pixels[blue];
    const double y = 0.299 * r + 0.587 * g + 0.114 * b;
    const double was_i = 0.596 * r - 0.274 * g - 0.322 * b;
    const double was_q = 0.211 * r - 0.523 * g + 0.312 * b;
    const double in_phase = c * was_i - s * was_q, quadrature = s * was_i + c * was_q;
    pixels[red] = to_byte (y + 0.956 * in_phase + 0.621 * quadrature + 0.5);
    pixels[1] = to_byte (y - 0.272 * in_phase - 0.647 * quadrature + 0.5);
    pixels[blue] = to_byte (y - 1.106 * in_phase + 1.703 * quadrature + 0.5);
  }
}

/* --- Texture ---------------------------------------------------------------------------------- */

/* n values, `step` apart; what lies beyond the ends is as they are. */
static void
soften_line (guint8 *values, guint n, gsize step)
{
  guint8 before = values[0];

  for (guint i = 0; i < n; i++) {
    const guint8 here = values[i * step];
    const guint8 next = values[(i + 1 < n ? i + 1 : i) * step];
    values[i * step] = (guint8) ((before + 2 * here + next + 2) / 4);
    before = here;
  }
}

static void
soften (guint8 *pixels, guint width, guint height)
{
  for (gsize y = 0; y < height; y++) {
    for (guint c = 0; c < 3; c++)
      soften_line (pixels + 3 * y * width + c, width, 3);
  }
  for (gsize x = 0; x < 3 * (gsize) width; x++)
    soften_line (pixels + x, height, 3 * (gsize) width);
}

#define DEVIATE_BITS 12
#define PICKS        (64 / DEVIATE_BITS) /* of one random number */

/* Each of the numbers takes one of some thousand normal deviates: a logarithm and a cosine of its own would cost as
 * much as a tenth of a step of training. */
static void
roughen (guint8 *pixels, gsize n, double deviation, RandomKey key)
{
  const RandomKey picks = random_key_part (key, 0);
  double deviates[1 << DEVIATE_BITS];
  guint64 bits = 0;

  for (guint i = 0; i < G_N_ELEMENTS (deviates); i++)
    deviates[i] = deviation * random_key_normal (key, i) + 0.5;
  for (gsize i = 0; i < n; i++, bits >>= DEVIATE_BITS) {
    if (i % PICKS == 0)
      bits = random_key_bits (picks, i / PICKS);
    pixels[i] = to_byte (pixels[i] + deviates[bits % G_N_ELEMENTS (deviates)]);
  }
}

static void
cover (const Augmentation *augmentation, guint8 *pixels, const guint8 border[3])
{
  for (guint y = 0; y < augmentation->cut_height; y++) {
    guint8 *to = pixels
        + 3
            * ((gsize) (augmentation->cut_y + y) * augmentation->network_width
                + augmentation->cut_x);
    for (guint x = 0; x < augmentation->cut_width; x++, to += 3)
      memcpy (to, border, 3);
  }
}

/* A lens softens before a sensor adds its noise. */
static void
change_texture (const Augmentation *augmentation, guint8 *pixels, const AugmentOptions *options)
{
  const guint width = augmentation->network_width, height = augmentation->network_height;

  for (guint i = 0; i < augmentation->blur; i++)
    soften (pixels, width, height);
  if (augmentation->noise > 0)
    roughen (pixels, 3 * (gsize) width * height, augmentation->noise, augmentation->noise_key);
  cover (augmentation, pixels, options->border);
}

static void
change_colors (const Augmentation *augmentation, guint8 *pixels, gboolean bgr)
{
  const gsize n = (gsize) augmentation->network_width * augmentation->network_height;

  if (augmentation->brightness != 1)
    blend_grey (pixels, 3 * n, 0, augmentation->brightness);
  if (augmentation->contrast != 1)
    blend_grey (pixels, 3 * n, mean_of (pixels, 3 * n), augmentation->contrast);
  if (augmentation->saturation != 1)
    blend_saturation (pixels, n, bgr, augmentation->saturation);
  if (augmentation->hue != 0)
    turn_hue (pixels, n, bgr, augmentation->hue);
  if (augmentation->grey)
    blend_saturation (pixels, n, bgr, 0);
}

gboolean
augment_pixels (const Augmentation *augmentation, const AugmentOptions *options, guint8 *pixels,
    const Picture *picture, ImageResizer *resizer, GError **error)
{
  if (!resize_part (augmentation, options, pixels, picture, resizer, error))
    return FALSE;
  if (augmentation->flip)
    mirror (pixels, augmentation->network_width, augmentation->network_height);
  if (augmentation->flip_vertical)
    turn_over (pixels, augmentation->network_width, augmentation->network_height);
  change_colors (augmentation, pixels, options->bgr);
  change_texture (augmentation, pixels, options);
  return TRUE;
}
