/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections → GstVideoOverlayComposition.
 *
 * Blending costs time per pixel of the rectangles, touched or not. So a box is four thin rectangles
 * rather than one with a hole, and a label has just the size of its text.
 */
#include "gstfbnetoverlay.h"

#include <math.h>
#include <pango/pangocairo.h>

/* Line widths are given for frames with this shorter side. */
#define REFERENCE_SIDE 480.0

struct _GstFbnetOverlay {
  PangoContext *fonts;
  PangoLayout *layout;
  GArray *labels; /* of GstVideoRectangle: where this frame has labels already */
};

/* A drawing in progress. */
typedef struct {
  GstFbnetOverlay *overlay;
  const GstFbnetResult *result;
  const GstFbnetOverlayStyle *style;
  gint line_width;
  gint font_size;
  GstVideoOverlayComposition *composition; /* NULL until something is drawn */
} Drawing;

GType
gst_fbnet_color_by_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_COLOR_BY_CLASS, "A colour per class", "class" },
    { GST_FBNET_COLOR_BY_INSTANCE, "A colour per object of the frame", "instance" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetColorBy", values));
  return type;
}

GstFbnetOverlay *
gst_fbnet_overlay_new (void)
{
  GstFbnetOverlay *overlay = g_new0 (GstFbnetOverlay, 1);
  PangoFontMap *map = pango_cairo_font_map_new ();
  overlay->fonts = pango_font_map_create_context (map);
  g_object_unref (map);

  /* Video has no subpixels to speak of. */
  cairo_font_options_t *options = cairo_font_options_create ();
  cairo_font_options_set_antialias (options, CAIRO_ANTIALIAS_GRAY);
  pango_cairo_context_set_font_options (overlay->fonts, options);
  cairo_font_options_destroy (options);

  overlay->layout = pango_layout_new (overlay->fonts);
  overlay->labels = g_array_new (FALSE, FALSE, sizeof (GstVideoRectangle));
  return overlay;
}

void
gst_fbnet_overlay_free (GstFbnetOverlay *overlay)
{
  if (!overlay)
    return;
  g_array_unref (overlay->labels);
  g_object_unref (overlay->layout);
  g_object_unref (overlay->fonts);
  g_free (overlay);
}

/* --- Colours: 0xAARRGGBB ----------------------------------------------------------------------- */

/* Hues a golden ratio apart stay far from their neighbours however many there are; lightness
 * alternates because hues alone run out. */
static guint32
palette_color (guint index)
{
  const double hue = fmod (0.58 + index * 0.6180339887498949, 1.0) * 6;
  const double value = index % 3 == 1 ? 0.8 : 1.0;
  const double saturation = index % 3 == 2 ? 0.6 : 0.85;
  guint32 color = 0xff;
  for (gint channel = 0; channel < 3; channel++) { /* red, green, blue: offsets 5, 3, 1 */
    const double k = fmod (5 - 2 * channel + hue, 6);
    const double level = value - value * saturation * CLAMP (MIN (k, 4 - k), 0, 1);
    color = color << 8 | (guint32) lrint (255 * level);
  }
  return color;
}

static guint
channel_of (guint32 color, guint shift)
{
  return color >> shift & 0xff;
}

/* ITU-R BT.601 luma, 0…255. */
static double
luma_of (guint32 color)
{
  return 0.299 * channel_of (color, 16) + 0.587 * channel_of (color, 8)
      + 0.114 * channel_of (color, 0);
}

static guint32
contrast_to (guint32 color)
{
  return luma_of (color) > 140 ? 0xff000000 : 0xffffffff;
}

static guint32
with_alpha (guint32 color, double alpha)
{
  return (color & 0xffffff) | (guint32) lrint (channel_of (color, 24) * alpha) << 24;
}

static guint32
premultiply (guint32 color)
{
  const guint alpha = channel_of (color, 24);
  guint32 out = alpha;
  for (gint shift = 16; shift >= 0; shift -= 8)
    out = out << 8 | (channel_of (color, shift) * alpha + 127) / 255;
  return out;
}

static guint32
outline_color (const Drawing *drawing, guint index)
{
  if (drawing->style->outline_color)
    return drawing->style->outline_color;
  return palette_color (drawing->style->color_by == GST_FBNET_COLOR_BY_CLASS
          ? drawing->result->found->items[index].class_id
          : index);
}

/* --- Rectangles of the composition ------------------------------------------------------------- */

/* A picture of premultiplied native-endian ARGB, cairo's and GStreamer's common format, that becomes
 * a rectangle of the composition. NULL when memory is short: then it is not drawn. */
static guint32 *
new_pixels (gint width, gint height)
{
  if (width <= 0 || height <= 0 || width > G_MAXINT / 4)
    return NULL;
  guint32 *pixels = g_try_malloc0_n ((gsize) width * height, sizeof *pixels);
  if (!pixels)
    GST_WARNING ("no memory for a drawing of %d x %d pixels", width, height);
  return pixels;
}

/* Takes `pixels` over. */
static void
place_pixels (Drawing *drawing, guint32 *pixels, gint x, gint y, gint width, gint height)
{
  GstBuffer *buffer = gst_buffer_new_wrapped (pixels, (gsize) width * height * sizeof *pixels);
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width, height);
  GstVideoOverlayRectangle *rectangle = gst_video_overlay_rectangle_new_raw (buffer, x, y, width,
      height, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (buffer);

  if (!drawing->composition)
    drawing->composition = gst_video_overlay_composition_new (NULL);
  gst_video_overlay_composition_add_rectangle (drawing->composition, rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

static void
fill_rectangle (Drawing *drawing, gint x, gint y, gint width, gint height, guint32 color)
{
  guint32 *pixels = new_pixels (width, height);
  if (!pixels)
    return;
  const guint32 value = premultiply (color);
  const gsize n = (gsize) width * height;
  for (gsize i = 0; i < n; i++)
    pixels[i] = value;
  place_pixels (drawing, pixels, x, y, width, height);
}

/* --- Parts of a detection ---------------------------------------------------------------------- */

static void
draw_mask (Drawing *drawing, guint index)
{
  const FbnetMask *mask = &drawing->result->found->items[index].mask;
  if (!mask->data || drawing->style->mask_alpha <= 0)
    return;
  guint32 *pixels = new_pixels (mask->width, mask->height);
  if (!pixels)
    return;
  const guint32 tint =
      premultiply (with_alpha (outline_color (drawing, index), drawing->style->mask_alpha));
  const gsize n = (gsize) mask->width * mask->height;
  for (gsize i = 0; i < n; i++)
    pixels[i] = mask->data[i] ? tint : 0;
  place_pixels (drawing, pixels, mask->x, mask->y, mask->width, mask->height);
}

static void
draw_box (Drawing *drawing, guint index)
{
  const guint32 color = outline_color (drawing, index);
  const gint line = drawing->line_width;
  GstVideoRectangle r;
  gst_fbnet_result_rectangle (drawing->result, index, &r);
  if (r.w <= 2 * line || r.h <= 2 * line) {
    fill_rectangle (drawing, r.x, r.y, r.w, r.h, color);
    return;
  }
  fill_rectangle (drawing, r.x, r.y, r.w, line, color);
  fill_rectangle (drawing, r.x, r.y + r.h - line, r.w, line, color);
  fill_rectangle (drawing, r.x, r.y + line, line, r.h - 2 * line, color);
  fill_rectangle (drawing, r.x + r.w - line, r.y + line, line, r.h - 2 * line, color);
}

/* (transfer full) (nullable): "car 0.87", or the part of it that is wanted. */
static char *
label_text (const Drawing *drawing, const FbnetDetection *d)
{
  const char *label = g_quark_to_string (drawing->result->labels[d->class_id]);
  char score[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (score, sizeof score, "%.2f", d->score);
  if (drawing->style->draw_labels && drawing->style->draw_scores)
    return g_strdup_printf ("%s %s", label, score);
  if (drawing->style->draw_labels)
    return g_strdup (label);
  return drawing->style->draw_scores ? g_strdup (score) : NULL;
}

static void
set_source_color (cairo_t *cairo, guint32 color)
{
  cairo_set_source_rgba (cairo, channel_of (color, 16) / 255.0, channel_of (color, 8) / 255.0,
      channel_of (color, 0) / 255.0, channel_of (color, 24) / 255.0);
}

/* Text on a plate that fills the picture. */
static void
paint_label (guint32 *pixels, gint width, gint height, gint padding, PangoLayout *layout,
    guint32 plate, guint32 ink)
{
  cairo_surface_t *surface = cairo_image_surface_create_for_data ((guchar *) pixels,
      CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cairo_t *cairo = cairo_create (surface);
  set_source_color (cairo, plate);
  cairo_paint (cairo);
  set_source_color (cairo, ink);
  cairo_move_to (cairo, padding, 0);
  pango_cairo_show_layout (cairo, layout);
  cairo_destroy (cairo);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
}

static gboolean
is_free (const GArray *labels, const GstVideoRectangle *place)
{
  for (guint i = 0; i < labels->len; i++) {
    const GstVideoRectangle *other = &g_array_index (labels, GstVideoRectangle, i);
    if (place->x < other->x + other->w && other->x < place->x + place->w
        && place->y < other->y + other->h && other->y < place->y + place->h)
      return FALSE;
  }
  return TRUE;
}

/* On the box's upper edge, or inside the box where the frame ends; a label that is there already
 * pushes it down, as long as there is room. Never past the frame's edges unless it is larger. */
static GstVideoRectangle
place_label (const Drawing *drawing, guint index, gint width, gint height)
{
  const gint right = MAX (0, (gint) drawing->result->width - width);
  const gint bottom = MAX (0, (gint) drawing->result->height - height);
  GstVideoRectangle box;
  gst_fbnet_result_rectangle (drawing->result, index, &box);

  const GstVideoRectangle first = { .x = MIN (box.x, right),
    .y = MIN (box.y >= height ? box.y - height : box.y, bottom),
    .w = width,
    .h = height };
  GstVideoRectangle place = first;
  while (!is_free (drawing->overlay->labels, &place)) {
    place.y += height;
    if (place.y > MIN (bottom, box.y + box.h))
      return first;
  }
  return place;
}

static void
draw_label (Drawing *drawing, guint index)
{
  const FbnetDetection *d = &drawing->result->found->items[index];
  g_autofree char *text = label_text (drawing, d);
  if (!text)
    return;

  PangoLayout *layout = drawing->overlay->layout;
  pango_layout_set_text (layout, text, -1);
  const gint padding = MAX (2, drawing->font_size / 4);
  gint width, height;
  pango_layout_get_pixel_size (layout, &width, &height);
  width += 2 * padding;

  guint32 *pixels = new_pixels (width, height);
  if (!pixels)
    return;
  const guint32 ink = drawing->style->labels_color;
  const guint32 outline = outline_color (drawing, index) | 0xff000000;
  if (ink)
    paint_label (pixels, width, height, padding, layout, with_alpha (contrast_to (ink), 0.7), ink);
  else
    paint_label (pixels, width, height, padding, layout, outline, contrast_to (outline));

  const GstVideoRectangle place = place_label (drawing, index, width, height);
  g_array_append_val (drawing->overlay->labels, place);
  place_pixels (drawing, pixels, place.x, place.y, width, height);
}

/* --- The whole ----------------------------------------------------------------------------------*/

/* Sizes follow the frame; text grows slower than lines, which would leave none readable on small
 * frames or fill large ones. */
static void
choose_sizes (Drawing *drawing)
{
  const double side = MIN (drawing->result->width, drawing->result->height);
  drawing->line_width = MAX (1, lrint (drawing->style->line_width * side / REFERENCE_SIDE));
  drawing->font_size = lrint (7 + 0.018 * side);

  PangoFontDescription *font = pango_font_description_from_string ("Sans Bold");
  pango_font_description_set_absolute_size (font, drawing->font_size * PANGO_SCALE);
  pango_layout_set_font_description (drawing->overlay->layout, font);
  pango_font_description_free (font);
}

GstVideoOverlayComposition *
gst_fbnet_overlay_compose (GstFbnetOverlay *overlay, const GstFbnetResult *result,
    const GstFbnetOverlayStyle *style)
{
  Drawing drawing = { .overlay = overlay, .result = result, .style = style };
  choose_sizes (&drawing);
  const guint n = result->found->n;
  for (guint i = n; style->draw_masks && i-- > 0;)
    draw_mask (&drawing, i);
  for (guint i = n; style->draw_boxes && i-- > 0;)
    draw_box (&drawing, i);
  g_array_set_size (overlay->labels, 0);
  for (guint i = 0; i < n; i++) /* the best get the best places */
    draw_label (&drawing, i);
  return drawing.composition;
}
