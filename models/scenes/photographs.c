/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Photographs that stand behind scenes.
 */
#include "photographs.h"

#include <math.h>
#include <string.h>

#include "support/folder.h"
#include "support/picture.h"

/* Of the longer side in memory: scenes are smaller. */
#define MAX_SIDE 960
#define MIN_SIDE 64
/* The part that is shown, as a share of the photograph. */
#define MIN_PART 0.25
/* Pictures with so large a share of transparent pixels show a thing that has been cut out. */
#define MIN_TRANSPARENT 0.05
#define MAX_CUT_OUTS    7
/* Of the picture's height: the longer side of a thing. */
#define MIN_SIZE 0.15
#define MAX_SIZE 1.2

struct Photographs {
  GPtrArray *whole, *cut_outs; /* cairo_surface_t */
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* The picture's pixels, all opaque. */
static cairo_surface_t *
surface_of (const Picture *picture)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) picture->width, (int) picture->height);
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  const guint8 *rgb = picture->pixels;

  for (guint y = 0; data != NULL && y < picture->height; y++) {
    guint32 *row = (guint32 *) (data + y * stride);
    for (guint x = 0; x < picture->width; x++, rgb += 3)
      row[x] = (guint32) rgb[0] << 16 | (guint32) rgb[1] << 8 | rgb[2];
  }
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* (transfer full): at most MAX_SIDE pixels long. */
static cairo_surface_t *
shrink (cairo_surface_t *surface)
{
  const int w = cairo_image_surface_get_width (surface);
  const int h = cairo_image_surface_get_height (surface);
  const double scale = (double) MAX_SIDE / MAX (w, h);

  if (scale >= 1)
    return cairo_surface_reference (surface);
  cairo_surface_t *small = cairo_image_surface_create (cairo_image_surface_get_format (surface),
      MAX ((int) (scale * w), 1), MAX ((int) (scale * h), 1));
  cairo_t *cairo = cairo_create (small);
  cairo_scale (cairo, scale, scale);
  cairo_set_source_surface (cairo, surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cairo), CAIRO_FILTER_GOOD);
  cairo_paint (cairo);
  cairo_destroy (cairo);
  return small;
}

static gboolean
is_cut_out (cairo_surface_t *surface)
{
  const int w = cairo_image_surface_get_width (surface);
  const int h = cairo_image_surface_get_height (surface);
  const guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  gsize transparent = 0;

  if (cairo_image_surface_get_format (surface) != CAIRO_FORMAT_ARGB32 || data == NULL)
    return FALSE;
  for (int y = 0; y < h; y++)
    for (int x = 0; x < w; x++)
      transparent += ((const guint32 *) (data + (gsize) y * stride))[x] >> 24 < 128;
  return transparent > MIN_TRANSPARENT * w * h;
}

static void
free_surface (gpointer surface)
{
  cairo_surface_destroy (surface);
}

/* What picture_read() can read, and so no monster. cairo's reader of PNG knows what is transparent. */
static cairo_surface_t *
read_surface (const char *path)
{
  g_autoptr (Picture) picture = picture_read (path, NULL);

  if (picture == NULL || MIN (picture->width, picture->height) < MIN_SIDE)
    return NULL;
  cairo_surface_t *full = cairo_image_surface_create_from_png (path);
  if (cairo_surface_status (full) != CAIRO_STATUS_SUCCESS) {
    cairo_surface_destroy (full);
    full = surface_of (picture);
  }
  cairo_surface_t *surface = shrink (full);
  cairo_surface_destroy (full);
  return surface;
}

Photographs *
photographs_read (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) paths = files_below (folder, picture_endings);
  Photographs *self = g_new0 (Photographs, 1);

  self->whole = g_ptr_array_new_with_free_func (free_surface);
  self->cut_outs = g_ptr_array_new_with_free_func (free_surface);
  for (guint i = 0; i < paths->len; i++) {
    cairo_surface_t *surface = read_surface (paths->pdata[i]);
    if (surface != NULL)
      g_ptr_array_add (is_cut_out (surface) ? self->cut_outs : self->whole, surface);
  }
  if (photographs_count (self) > 0)
    return self;
  photographs_free (self);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected a folder of photographs (.jpg, .jpeg, .png), found none", folder);
  return NULL;
}

void
photographs_free (Photographs *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->whole);
  g_ptr_array_unref (self->cut_outs);
  g_free (self);
}

guint
photographs_count (const Photographs *self)
{
  return self->whole->len + self->cut_outs->len;
}

/* --- Painting --------------------------------------------------------------------------------- */

static cairo_surface_t *
pick (Dice *dice, const GPtrArray *surfaces)
{
  return surfaces->pdata[dice_pick (dice, surfaces->len)];
}

/* A part of one of them, mirrored or not, fills the surface. */
static void
paint_whole (const Photographs *self, Dice *dice, cairo_t *cairo, guint width, guint height)
{
  cairo_surface_t *surface = pick (dice, self->whole);
  const double w = cairo_image_surface_get_width (surface);
  const double h = cairo_image_surface_get_height (surface);
  const double part = dice_between (dice, MIN_PART, 1);
  const double shown = part * fmin (w / width, h / height); /* its pixels to one of the scene */
  const double x = dice_between (dice, 0, w - shown * width);
  const double y = dice_between (dice, 0, h - shown * height);
  const gboolean mirrored = dice_chance (dice, 0.5);

  cairo_save (cairo);
  if (mirrored) {
    cairo_translate (cairo, width, 0);
    cairo_scale (cairo, -1, 1);
  }
  cairo_scale (cairo, 1 / shown, 1 / shown);
  cairo_set_source_surface (cairo, surface, -x, -y);
  cairo_pattern_set_filter (cairo_get_source (cairo), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (cairo), CAIRO_EXTEND_PAD);
  cairo_paint (cairo);
  cairo_restore (cairo);
}

/* A thing, somewhere, turned a little, mirrored or not. */
static void
paint_cut_out (const Photographs *self, Dice *dice, cairo_t *cairo, guint width, guint height)
{
  cairo_surface_t *surface = pick (dice, self->cut_outs);
  const double w = cairo_image_surface_get_width (surface);
  const double h = cairo_image_surface_get_height (surface);
  const double size = height * exp (dice_between (dice, log (MIN_SIZE), log (MAX_SIZE)));
  const double scale = size / fmax (w, h);
  const double x = dice_between (dice, 0, width), y = dice_between (dice, 0, height);

  cairo_save (cairo);
  cairo_translate (cairo, x, y);
  cairo_rotate (cairo, dice_around (dice, 0.5));
  cairo_scale (cairo, dice_chance (dice, 0.5) ? -scale : scale, scale);
  cairo_set_source_surface (cairo, surface, -w / 2, -h / 2);
  cairo_pattern_set_filter (cairo_get_source (cairo), CAIRO_FILTER_GOOD);
  cairo_paint (cairo);
  cairo_restore (cairo);
}

void
photographs_paint (const Photographs *self, Dice *dice, cairo_t *cairo, guint width, guint height)
{
  const gboolean crowded = self->whole->len == 0 || dice_chance (dice, 0.5);
  const guint n = crowded && self->cut_outs->len > 0 ? 1 + dice_pick (dice, MAX_CUT_OUTS) : 0;

  if (self->whole->len > 0)
    paint_whole (self, dice, cairo, width, height);
  for (guint i = 0; i < n; i++)
    paint_cut_out (self, dice, cairo, width, height);
}
