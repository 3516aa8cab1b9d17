/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words set with Pango into alpha pictures of cairo's.
 */
#include "gstfbnettext.h"

#include <pango/pangocairo.h>

/* Labels and scores of two sizes, and the same again after the frame's size has changed. */
#define MOST_WORDS 2048

struct _GstFbnetText {
  PangoContext *fonts;
  PangoLayout *layout;
  gint size;         /* of the layout's font */
  GHashTable *words; /* "SIZE WORD" → GstFbnetWord */
};

static void
free_word (gpointer data)
{
  GstFbnetWord *word = data;

  g_free (word->cover);
  g_free (word);
}

GstFbnetText *
gst_fbnet_text_new (void)
{
  GstFbnetText *text = g_new0 (GstFbnetText, 1);
  PangoFontMap *map = pango_cairo_font_map_new ();

  text->fonts = pango_font_map_create_context (map);
  g_object_unref (map);

  /* Video has no subpixels to speak of. */
  cairo_font_options_t *options = cairo_font_options_create ();
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (text->fonts, options);
  cairo_font_options_destroy (options);

  text->layout = pango_layout_new (text->fonts);
  text->words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_word);
  return text;
}

void
gst_fbnet_text_free (GstFbnetText *text)
{
  if (text == NULL)
    return;
  g_hash_table_unref (text->words);
  g_object_unref (text->layout);
  g_object_unref (text->fonts);
  g_free (text);
}

static void
use_size (GstFbnetText *text, gint size)
{
  if (text->size == size)
    return;
  PangoFontDescription *font = pango_font_description_from_string ("Sans Bold");
  pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
  pango_layout_set_font_description (text->layout, font);
  pango_font_description_free (font);
  text->size = size;
}

/* The layout's line in ink. */
static void
paint_word (GstFbnetText *text, GstFbnetWord *word)
{
  cairo_surface_t *surface = cairo_image_surface_create_for_data (word->cover, CAIRO_FORMAT_A8,
      word->width, word->height, (int) word->stride);
  cairo_t *cairo = cairo_create (surface);

  pango_cairo_show_layout (cairo, text->layout);
  cairo_surface_finish (surface);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
}

static GstFbnetWord *
set_word (GstFbnetText *text, const char *string, gint size)
{
  GstFbnetWord *word = g_new0 (GstFbnetWord, 1);

  use_size (text, size);
  pango_layout_set_text (text->layout, string, -1);
  pango_layout_get_pixel_size (text->layout, &word->width, &word->height);
  const int stride = cairo_format_stride_for_width (CAIRO_FORMAT_A8, word->width);
  if (stride <= 0 || word->width <= 0 || word->height <= 0)
    return word;
  word->stride = (gsize) stride;
  word->cover = g_try_malloc0_n ((gsize) word->height, word->stride);
  if (word->cover != NULL)
    paint_word (text, word);
  return word;
}

const GstFbnetWord *
gst_fbnet_text_get (GstFbnetText *text, const char *string, gint size)
{
  char *key = g_strdup_printf ("%d %s", size, string);
  GstFbnetWord *word = g_hash_table_lookup (text->words, key);

  if (word != NULL) {
    g_free (key);
    return word;
  }
  word = set_word (text, string, size);
  g_hash_table_insert (text->words, key, word);
  return word;
}

void
gst_fbnet_text_trim (GstFbnetText *text)
{
  if (g_hash_table_size (text->words) > MOST_WORDS)
    g_hash_table_remove_all (text->words);
}
