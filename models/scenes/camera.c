/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From light to pixels, as a webcam does it.
 */
#include "camera.h"

#include <math.h>
#include <string.h>

#define N_CHANNELS 3
#define LIGHT_CELL 8 /* pixels between two places where the light is worked out */
#define N_LEVELS   1024
#define MAX_RADIUS 6

typedef struct {
  guint width, height;
  float *channels[N_CHANNELS]; /* linear light, 1: white paper in the middle of the picture */
  float *scratch;
} Frame;

static Frame
frame_new (guint width, guint height)
{
  const gsize n = (gsize) width * height;
  Frame frame = { .width = width, .height = height };

  for (guint channel = 0; channel < N_CHANNELS; channel++)
    frame.channels[channel] = g_new (float, n);
  frame.scratch = g_new (float, n);
  return frame;
}

static void
frame_clear (Frame *frame)
{
  for (guint channel = 0; channel < N_CHANNELS; channel++)
    g_free (frame->channels[channel]);
  g_free (frame->scratch);
}

/* IEC 61966-2-1. */
static double
from_srgb (double value)
{
  return value <= 0.04045 ? value / 12.92 : pow ((value + 0.055) / 1.055, 2.4);
}

static double
to_srgb (double value)
{
  return value <= 0.0031308 ? 12.92 * value : 1.055 * pow (value, 1 / 2.4) - 0.055;
}

static void
take_surface (Frame *frame, cairo_surface_t *surface)
{
  float linear[256];

  for (guint i = 0; i < 256; i++)
    linear[i] = (float) from_srgb (i / 255.0);
  cairo_surface_flush (surface);
  const guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  for (guint y = 0; y < frame->height; y++) {
    const guint32 *row = (const guint32 *) (data + y * stride);
    const gsize start = (gsize) y * frame->width;
    for (guint x = 0; x < frame->width; x++)
      for (guint channel = 0; channel < N_CHANNELS; channel++)
        frame->channels[channel][start + x] = linear[row[x] >> (16 - 8 * channel) & 0xff];
  }
}

/* --- Light ------------------------------------------------------------------------------------ */

typedef struct {
  double gain[N_CHANNELS];               /* exposure and the lamps' colour */
  double slope_x, slope_y;               /* from one side of the picture to the other */
  double vignette;                       /* what the corners lose */
  double shade;                          /* what a shadow leaves */
  double edge_x, edge_y, edge, softness; /* the line that the shadow ends at */
} Light;

static Light
light_new (Dice *dice)
{
  const double exposure = exp (dice_around (dice, 1.0)), warmth = dice_around (dice, 0.45);
  const double green = dice_around (dice, 0.12);
  const double gain[N_CHANNELS] = { exposure * exp (warmth / 2), exposure * exp (green / 2),
    exposure * exp (-warmth / 2) };
  Light light = { .gain = { gain[0], gain[1], gain[2] }, .shade = 1 };

  light.slope_x = dice_around (dice, 0.6);
  light.slope_y = dice_around (dice, 0.5);
  light.vignette = dice_chance (dice, 0.5) ? dice_between (dice, 0, 0.5) : 0;
  if (dice_chance (dice, 0.3))
    light.shade = dice_between (dice, 0.3, 0.85);
  const double angle = dice_between (dice, 0, 2 * G_PI);
  light.edge_x = cos (angle);
  light.edge_y = sin (angle);
  light.edge = dice_around (dice, 0.4);
  light.softness = dice_between (dice, 0.03, 0.4);
  return light;
}

/* x and y from −0.5 to 0.5 over the picture. */
static double
light_at (const Light *light, double x, double y)
{
  const double lamp = exp (light->slope_x * x + light->slope_y * y);
  const double corner = 1 - light->vignette * 2 * (x * x + y * y);
  const double beyond =
      (x * light->edge_x + y * light->edge_y - light->edge) / light->softness + 0.5;
  const double share = CLAMP (beyond, 0, 1);

  return lamp * corner * (1 + (light->shade - 1) * share * share * (3 - 2 * share));
}

/* Worked out every few pixels; between them on straight lines. */
static void
apply_light (Frame *frame, const Light *light)
{
  const guint columns = frame->width / LIGHT_CELL + 2;
  g_autofree float *upper = g_new (float, columns), *lower = g_new (float, columns);

  for (guint y = 0; y < frame->height; y++) {
    const guint top = y - y % LIGHT_CELL;
    for (guint i = 0; y == top && i < columns; i++) {
      const double x = (double) i * LIGHT_CELL / frame->width - 0.5;
      upper[i] = (float) light_at (light, x, (double) top / frame->height - 0.5);
      lower[i] = (float) light_at (light, x, (double) (top + LIGHT_CELL) / frame->height - 0.5);
    }
    const float down = (float) (y - top) / LIGHT_CELL;
    for (guint x = 0; x < frame->width; x++) {
      const guint i = x / LIGHT_CELL;
      const float right = (float) (x % LIGHT_CELL) / LIGHT_CELL;
      const float above = upper[i] + right * (upper[i + 1] - upper[i]);
      const float below = lower[i] + right * (lower[i + 1] - lower[i]);
      const float factor = above + down * (below - above);
      const gsize pixel = (gsize) y * frame->width + x;
      for (guint channel = 0; channel < N_CHANNELS; channel++)
        frame->channels[channel][pixel] *= factor * (float) light->gain[channel];
    }
  }
}

/* --- Blur ------------------------------------------------------------------------------------- */

/* Half of a bell curve, whose whole has the sum 1. */
static guint
bell (float *taps, double sigma)
{
  const guint radius = MIN ((guint) ceil (2.5 * sigma), MAX_RADIUS);
  double sum = 0;

  for (guint i = 0; i <= radius; i++)
    sum += (i == 0 ? 1 : 2) * exp (-0.5 * i * i / (sigma * sigma));
  for (guint i = 0; i <= radius; i++)
    taps[i] = (float) (exp (-0.5 * i * i / (sigma * sigma)) / sum);
  return radius;
}

static void
blur_row (float *out, const float *in, guint width, const float *taps, guint radius)
{
  for (guint x = 0; x < width; x++)
    out[x] = taps[0] * in[x];
  for (guint i = 1; i <= radius; i++) {
    for (guint x = i; x < width; x++)
      out[x] += taps[i] * in[x - i];
    for (guint x = 0; x + i < width; x++)
      out[x] += taps[i] * in[x + i];
    for (guint x = 0; x < MIN (i, width); x++) {
      out[x] += taps[i] * in[0];
      out[width - 1 - x] += taps[i] * in[width - 1];
    }
  }
}

static void
add_row (float *out, const float *in, guint width, float tap)
{
  for (guint x = 0; x < width; x++)
    out[x] += tap * in[x];
}

/* Edges are continued. */
static void
blur (float *out, const float *in, float *scratch, guint width, guint height, double sigma)
{
  float taps[MAX_RADIUS + 1];
  const guint radius = bell (taps, sigma);

  for (guint y = 0; y < height; y++)
    blur_row (scratch + (gsize) y * width, in + (gsize) y * width, width, taps, radius);
  memset (out, 0, sizeof (float) * width * height);
  for (guint y = 0; y < height; y++) {
    float *row = out + (gsize) y * width;
    add_row (row, scratch + (gsize) y * width, width, taps[0]);
    for (guint i = 1; i <= radius; i++) {
      const guint above = y > i ? y - i : 0, below = MIN (y + i, height - 1);
      add_row (row, scratch + (gsize) above * width, width, taps[i]);
      add_row (row, scratch + (gsize) below * width, width, taps[i]);
    }
  }
}

/* The mean of the picture at n places on a line around each pixel. */
static void
smear (float *out, const float *in, guint width, guint height, double length, double angle)
{
  const gint n = 2 * (gint) ceil (length / 2) + 1;

  memset (out, 0, sizeof (float) * width * height);
  for (gint i = 0; i < n; i++) {
    const double place = n == 1 ? 0 : length * ((double) i / (n - 1) - 0.5);
    const gint dx = (gint) lround (place * cos (angle)), dy = (gint) lround (place * sin (angle));
    for (gint y = 0; y < (gint) height; y++) {
      const float *from = in + (gsize) CLAMP (y + dy, 0, (gint) height - 1) * width;
      float *to = out + (gsize) y * width;
      const gint x0 = CLAMP (-dx, 0, (gint) width), x1 = CLAMP ((gint) width - dx, 0, (gint) width);
      for (gint x = 0; x < x0; x++)
        to[x] += from[0] / n;
      for (gint x = x0; x < x1; x++)
        to[x] += from[x + dx] / n;
      for (gint x = MAX (x1, x0); x < (gint) width; x++)
        to[x] += from[width - 1] / n;
    }
  }
}

/* Never quite sharp; sometimes out of focus or moved. Lengths are for 240 rows. */
static void
apply_lens (Frame *frame, Dice *dice)
{
  const double scale = frame->height / 240.0;
  const double sigma =
      dice_chance (dice, 0.7) ? dice_between (dice, 0.35, 0.7) : dice_between (dice, 0.7, 1.5);
  const gboolean moved = dice_chance (dice, 0.2);
  const double length = dice_between (dice, 2, 6);
  const double angle = dice_between (dice, 0, G_PI);
  g_autofree float *copy = g_new (float, (gsize) frame->width * frame->height);

  for (guint channel = 0; channel < N_CHANNELS; channel++) {
    float *light = frame->channels[channel];
    blur (copy, light, frame->scratch, frame->width, frame->height, sigma * scale);
    if (moved)
      smear (light, copy, frame->width, frame->height, length * scale, angle);
    else
      memcpy (light, copy, sizeof (float) * frame->width * frame->height);
  }
}

/* --- Sensor and picture ----------------------------------------------------------------------- */

/* What the camera's electronics make of light: its curve as a table, dark and bright ends cut. */
static void
fill_curve (float *curve, Dice *dice)
{
  const double gamma = exp (dice_around (dice, 0.3));
  const double black = dice_around (dice, 0.06), contrast = dice_between (dice, 0.85, 1.15);

  for (guint i = 0; i < N_LEVELS; i++) {
    const double srgb = pow (to_srgb ((double) i / (N_LEVELS - 1)), gamma);
    curve[i] = (float) (255 * (black + (1 - black) * (0.5 + contrast * (srgb - 0.5))));
  }
}

static void
apply_curve (Frame *frame, const float *curve)
{
  for (guint channel = 0; channel < N_CHANNELS; channel++) {
    float *values = frame->channels[channel];
    for (gsize i = 0; i < (gsize) frame->width * frame->height; i++)
      values[i] = curve[(guint) (CLAMP (values[i], 0, 1) * (N_LEVELS - 1) + 0.5f)];
  }
}

/* Grey or without colour: a camera's saturation control. */
static void
apply_saturation (Frame *frame, float saturation)
{
  float *red = frame->channels[0], *green = frame->channels[1], *blue = frame->channels[2];

  for (gsize i = 0; i < (gsize) frame->width * frame->height; i++) {
    const float luma = 0.299f * red[i] + 0.587f * green[i] + 0.114f * blue[i];
    red[i] = luma + saturation * (red[i] - luma);
    green[i] = luma + saturation * (green[i] - luma);
    blue[i] = luma + saturation * (blue[i] - luma);
  }
}

/* Four throws of 16 bits in one: their sum is close to a bell curve. Its standard deviation is
 * 65536 · √(4 / 12). */
static float
bell_throw (Dice *dice)
{
  const guint64 bits = dice_bits (dice);
  const gint sum =
      (gint) ((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48))
      - 2 * 65535;

  return (float) sum * (1 / (65536 * 0.57735027f));
}

/* A share that all colours have, and one of each. */
static void
apply_noise (Frame *frame, Dice *dice, float common, float own)
{
  for (gsize i = 0; i < (gsize) frame->width * frame->height; i++) {
    const float grey = common * bell_throw (dice);
    for (guint channel = 0; channel < N_CHANNELS; channel++)
      frame->channels[channel][i] += grey + own * bell_throw (dice);
  }
}

/* Webcams overdo it, which gives edges a seam. */
static void
apply_sharpening (Frame *frame, float strength)
{
  g_autofree float *soft = g_new (float, (gsize) frame->width * frame->height);

  for (guint channel = 0; channel < N_CHANNELS; channel++) {
    float *values = frame->channels[channel];
    blur (soft, values, frame->scratch, frame->width, frame->height, 1.0 * frame->height / 240);
    for (gsize i = 0; i < (gsize) frame->width * frame->height; i++)
      values[i] += strength * (values[i] - soft[i]);
  }
}

static void
put_pixels (const Frame *frame, Picture *picture)
{
  guint8 *rgb = picture->pixels;

  for (gsize i = 0; i < (gsize) frame->width * frame->height; i++)
    for (guint channel = 0; channel < N_CHANNELS; channel++)
      *rgb++ = (guint8) (CLAMP (frame->channels[channel][i], 0, 255) + 0.5f);
}

static void
develop (Frame *frame, Dice *dice)
{
  float curve[N_LEVELS];

  fill_curve (curve, dice);
  apply_curve (frame, curve);
  const double saturation = dice_chance (dice, 0.04) ? 0 : dice_between (dice, 0.6, 1.3);
  const double common = dice_between (dice, 0, 2.8), own = dice_between (dice, 0, 2);
  apply_saturation (frame, (float) saturation);
  apply_noise (frame, dice, (float) (common * common), (float) (own * own));
  if (dice_chance (dice, 0.3))
    apply_sharpening (frame, (float) dice_between (dice, 0.1, 0.8));
}

void
camera_shoot (Dice *dice, cairo_surface_t *surface, Picture *picture)
{
  Frame frame = frame_new (picture->width, picture->height);

  take_surface (&frame, surface);
  const Light light = light_new (dice);
  apply_light (&frame, &light);
  apply_lens (&frame, dice);
  develop (&frame, dice);
  put_pixels (&frame, picture);
  frame_clear (&frame);
}
