/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words as outlines.
 */
#include "writing.h"

#include <pango/pangocairo.h>

/* Of the letters, before they are scaled: large enough that curves are smooth. */
#define FONT_SIZE 32

static const char *const families[] = { "Sans", "Serif", "Monospace", "Sans Bold", "Serif Bold",
  "Serif Italic" };

static Outline *
outline_of_path (const cairo_path_t *path, double scale, double middle)
{
  Outline *outline = outline_new ();

  for (int i = 0; i < path->num_data; i += path->data[i].header.length) {
    const cairo_path_data_t *data = &path->data[i];
    if (data->header.type == CAIRO_PATH_CLOSE_PATH)
      continue;
    if (data->header.type == CAIRO_PATH_MOVE_TO)
      outline_begin (outline);
    outline_add (outline, scale * data[1].point.x, scale * (data[1].point.y - middle));
  }
  return outline;
}

Outline *
writing_outline (Dice *dice, const char *text, double *width)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_A8, 1, 1);
  cairo_t *cairo = cairo_create (surface);
  PangoLayout *layout = pango_cairo_create_layout (cairo);
  PangoFontDescription *font =
      pango_font_description_from_string (families[dice_pick (dice, G_N_ELEMENTS (families))]);
  int w, h;

  pango_font_description_set_absolute_size (font, FONT_SIZE * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_text (layout, text, -1);
  pango_layout_get_pixel_size (layout, &w, &h);
  pango_cairo_layout_path (cairo, layout);
  cairo_path_t *path = cairo_copy_path_flat (cairo);
  Outline *outline = outline_of_path (path, 1.0 / MAX (h, 1), h / 2.0);
  *width = (double) w / MAX (h, 1);
  cairo_path_destroy (path);
  pango_font_description_free (font);
  g_object_unref (layout);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  return outline;
}

char *
writing_words (Dice *dice, guint n)
{
  static const char letters[] = "eeeeaaaiioouutnrslcdmpghbfvwyEASRTMILCNDOPBHK0123456789.,";
  GString *words = g_string_new (NULL);

  while (words->len < n) {
    if (words->len > 0 && dice_chance (dice, 0.18))
      g_string_append_c (words, ' ');
    else
      g_string_append_c (words, letters[dice_pick (dice, sizeof letters - 1)]);
  }
  return g_string_free (words, FALSE);
}
