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
/* Below it detectron2's visualizer leaves a keypoint out, too. */
#define MIN_KEYPOINT_SCORE 0.05f

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
  if (overlay == NULL)
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
own_or_palette (const Drawing *drawing, guint index)
{
  const guint32 own = drawing->style->outline_color;

  return own ? own : palette_color (index);
}

static guint32
outline_color (const Drawing *drawing, guint index)
{
  const gboolean by_class = drawing->style->color_by == GST_FBNET_COLOR_BY_CLASS;

  return own_or_palette (drawing, by_class ? drawing->result->found->items[index].class_id : index);
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
  if (pixels == NULL)
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

  if (drawing->composition == NULL)
    drawing->composition = gst_video_overlay_composition_new (NULL);
  gst_video_overlay_composition_add_rectangle (drawing->composition, rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

static void
fill_rectangle (Drawing *drawing, gint x, gint y, gint width, gint height, guint32 color)
{
  guint32 *pixels = new_pixels (width, height);

  if (pixels == NULL)
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

  if (mask->data == NULL || drawing->style->mask_alpha <= 0)
    return;
  guint32 *pixels = new_pixels (mask->width, mask->height);
  if (pixels == NULL)
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
label_text (const Drawing *drawing, guint class_id, double probability)
{
  const char *label = g_quark_to_string (drawing->result->labels[class_id]);
  char score[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (score, sizeof score, "%.2f", probability);
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

/* (transfer full): writes into the pixels until it is finished. */
static cairo_t *
begin_painting (guint32 *pixels, gint width, gint height)
{
  cairo_surface_t *surface = cairo_image_surface_create_for_data ((guchar *) pixels,
      CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cairo_t *cairo = cairo_create (surface);

  cairo_surface_destroy (surface); /* the context holds it */
  return cairo;
}

static void
finish_painting (cairo_t *cairo)
{
  cairo_surface_finish (cairo_get_target (cairo));
  cairo_destroy (cairo);
}

/* Text on a plate that fills the picture. */
static void
paint_label (guint32 *pixels, gint width, gint height, gint padding, PangoLayout *layout,
    guint32 plate, guint32 ink)
{
  cairo_t *cairo = begin_painting (pixels, width, height);

  set_source_color (cairo, plate);
  cairo_paint (cairo);
  set_source_color (cairo, ink);
  cairo_move_to (cairo, padding, 0);
  pango_cairo_show_layout (cairo, layout);
  finish_painting (cairo);
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

/* (nullable): the text on a plate of its size. */
static guint32 *
make_label (const Drawing *drawing, const char *text, guint32 color, gint *width, gint *height)
{
  PangoLayout *layout = drawing->overlay->layout;

  pango_layout_set_text (layout, text, -1);
  const gint padding = MAX (2, drawing->font_size / 4);
  pango_layout_get_pixel_size (layout, width, height);
  *width += 2 * padding;

  guint32 *pixels = new_pixels (*width, *height);
  if (pixels == NULL)
    return NULL;
  const guint32 ink = drawing->style->labels_color;
  const guint32 plate = ink ? with_alpha (contrast_to (ink), 0.7) : color | 0xff000000;
  paint_label (pixels, *width, *height, padding, layout, plate, ink ? ink : contrast_to (plate));
  return pixels;
}

static void
draw_label (Drawing *drawing, guint index)
{
  const FbnetDetection *d = &drawing->result->found->items[index];
  g_autofree char *text = label_text (drawing, d->class_id, d->score);

  if (text == NULL)
    return;
  gint width, height;
  guint32 *pixels = make_label (drawing, text, outline_color (drawing, index), &width, &height);
  if (pixels == NULL)
    return;
  const GstVideoRectangle place = place_label (drawing, index, width, height);
  g_array_append_val (drawing->overlay->labels, place);
  place_pixels (drawing, pixels, place.x, place.y, width, height);
}

/* In the upper left corner. */
static void
draw_class (Drawing *drawing)
{
  const GstFbnetClass *best = &drawing->result->classes[0];
  g_autofree char *text = label_text (drawing, best->class_id, best->probability);

  if (text == NULL)
    return;
  gint width, height;
  guint32 *pixels =
      make_label (drawing, text, own_or_palette (drawing, best->class_id), &width, &height);
  if (pixels != NULL)
    place_pixels (drawing, pixels, 0, 0, width, height);
}

/* --- Keypoints --------------------------------------------------------------------------------- */

/* `skeleton` of COCO's person, counted from 0. */
static const guint8 coco_skeleton[][2] = { { 15, 13 }, { 13, 11 }, { 16, 14 }, { 14, 12 },
  { 11, 12 }, { 5, 11 }, { 6, 12 }, { 5, 6 }, { 5, 7 }, { 6, 8 }, { 7, 9 }, { 8, 10 }, { 1, 2 },
  { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 4 }, { 3, 5 }, { 4, 6 } };

static gboolean
is_seen (const FbnetKeypoint *keypoint)
{
  return keypoint->score >= MIN_KEYPOINT_SCORE;
}

static double
dot_radius (const Drawing *drawing)
{
  return 1.5 * drawing->line_width;
}

/* What the seen ones take of the frame. FALSE if that is nothing. */
static gboolean
keypoints_area (const Drawing *drawing, const FbnetKeypoint *keypoints, GstVideoRectangle *area)
{
  const double margin = dot_radius (drawing) + 2;
  double x0 = drawing->result->width, y0 = drawing->result->height, x1 = 0, y1 = 0;

  for (guint i = 0; i < drawing->result->n_keypoints; i++) {
    if (!is_seen (&keypoints[i]))
      continue;
    x0 = MIN (x0, keypoints[i].x - margin);
    y0 = MIN (y0, keypoints[i].y - margin);
    x1 = MAX (x1, keypoints[i].x + margin);
    y1 = MAX (y1, keypoints[i].y + margin);
  }
  area->x = (gint) floor (MAX (x0, 0));
  area->y = (gint) floor (MAX (y0, 0));
  area->w = (gint) ceil (MIN (x1, drawing->result->width)) - area->x;
  area->h = (gint) ceil (MIN (y1, drawing->result->height)) - area->y;
  return area->w > 0 && area->h > 0;
}

/* A dark seam keeps the limbs apart from a background of their colour. */
static void
paint_limbs (cairo_t *cairo, const FbnetKeypoint *keypoints, gint line_width, guint32 color)
{
  for (guint i = 0; i < G_N_ELEMENTS (coco_skeleton); i++) {
    const FbnetKeypoint *from = &keypoints[coco_skeleton[i][0]];
    const FbnetKeypoint *to = &keypoints[coco_skeleton[i][1]];
    if (!is_seen (from) || !is_seen (to))
      continue;
    cairo_move_to (cairo, from->x, from->y);
    cairo_line_to (cairo, to->x, to->y);
  }
  cairo_set_line_cap (cairo, CAIRO_LINE_CAP_ROUND);
  set_source_color (cairo, 0x66000000);
  cairo_set_line_width (cairo, line_width + 2);
  cairo_stroke_preserve (cairo);
  set_source_color (cairo, color);
  cairo_set_line_width (cairo, line_width);
  cairo_stroke (cairo);
}

static void
paint_dots (cairo_t *cairo, const Drawing *drawing, const FbnetKeypoint *keypoints, guint32 color)
{
  cairo_set_line_width (cairo, MAX (1, drawing->line_width / 3.0));
  for (guint i = 0; i < drawing->result->n_keypoints; i++) {
    if (!is_seen (&keypoints[i]))
      continue;
    cairo_new_sub_path (cairo);
    cairo_arc (cairo, keypoints[i].x, keypoints[i].y, dot_radius (drawing), 0, 2 * G_PI);
    set_source_color (cairo, color);
    cairo_fill_preserve (cairo);
    set_source_color (cairo, 0xff000000);
    cairo_stroke (cairo);
  }
}

static void
draw_keypoints (Drawing *drawing, guint index)
{
  const FbnetKeypoint *keypoints = drawing->result->found->items[index].keypoints;
  GstVideoRectangle area;

  if (keypoints == NULL || !keypoints_area (drawing, keypoints, &area))
    return;
  guint32 *pixels = new_pixels (area.w, area.h);
  if (pixels == NULL)
    return;

  const guint32 color = outline_color (drawing, index);
  cairo_t *cairo = begin_painting (pixels, area.w, area.h);
  cairo_translate (cairo, -area.x, -area.y);
  if (drawing->result->n_keypoints == GST_FBNET_N_COCO_KEYPOINTS)
    paint_limbs (cairo, keypoints, drawing->line_width, color);
  paint_dots (cairo, drawing, keypoints, color);
  finish_painting (cairo);
  place_pixels (drawing, pixels, area.x, area.y, area.w, area.h);
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
  for (guint i = n; style->draw_keypoints && i-- > 0;)
    draw_keypoints (&drawing, i);
  g_array_set_size (overlay->labels, 0);
  for (guint i = 0; i < n; i++) /* the best get the best places */
    draw_label (&drawing, i);
  if (result->n_classes > 0)
    draw_class (&drawing);
  return drawing.composition;
}
