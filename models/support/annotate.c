/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections drawn into a picture, with cairo and pango.
 */
#include "annotate.h"

#include <math.h>
#include <string.h>

#include <pango/pangocairo.h>

#include "hsv.h"

#define MASK_ALPHA 0.45
/* Below it detectron2's visualizer leaves a keypoint out, too. */
#define MIN_KEYPOINT_SCORE 0.05
/* Of the picture's shorter side. */
#define LINE_WIDTH 0.004
#define FONT_SIZE  0.032
/* Below these, in pixels, nothing can be read. */
#define MIN_LINE_WIDTH 1.0
#define MIN_FONT_SIZE  9.0

typedef struct {
  cairo_t *cairo;
  PangoLayout *layout; /* one for all labels */
  double width, height;
  double line_width, font_size;
} Canvas;

/* --- Picture ↔ surface ------------------------------------------------------------------------ */

static cairo_surface_t *
surface_new (const Picture *picture, const char *name, GError **error)
{
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) picture->width, (int) picture->height);

  if (cairo_surface_status (surface) != CAIRO_STATUS_SUCCESS) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw on %u×%u pixels: %s",
        name, picture->width, picture->height,
        cairo_status_to_string (cairo_surface_status (surface)));
    cairo_surface_destroy (surface);
    return NULL;
  }
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  const guint8 *rgb = picture->pixels;
  for (guint y = 0; y < picture->height; y++) {
    guint32 *row = (guint32 *) (data + y * stride);
    for (guint x = 0; x < picture->width; x++, rgb += 3)
      row[x] = (guint32) rgb[0] << 16 | (guint32) rgb[1] << 8 | rgb[2];
  }
  cairo_surface_mark_dirty (surface);
  return surface;
}

static void
copy_back (Picture *picture, cairo_surface_t *surface)
{
  cairo_surface_flush (surface);
  const guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  guint8 *rgb = picture->pixels;
  for (guint y = 0; y < picture->height; y++) {
    const guint32 *row = (const guint32 *) (data + y * stride);
    for (guint x = 0; x < picture->width; x++, rgb += 3) {
      rgb[0] = (guint8) (row[x] >> 16);
      rgb[1] = (guint8) (row[x] >> 8);
      rgb[2] = (guint8) row[x];
    }
  }
}

static Canvas
canvas_new (cairo_surface_t *surface, const Picture *picture)
{
  const double side = MIN (picture->width, picture->height);
  Canvas canvas = {
    .cairo = cairo_create (surface),
    .width = picture->width,
    .height = picture->height,
    .line_width = fmax (MIN_LINE_WIDTH, round (side * LINE_WIDTH)),
    .font_size = fmax (MIN_FONT_SIZE, round (side * FONT_SIZE)),
  };

  canvas.layout = pango_cairo_create_layout (canvas.cairo);
  PangoFontDescription *font = pango_font_description_from_string ("Sans Bold");
  pango_font_description_set_absolute_size (font, canvas.font_size * PANGO_SCALE);
  pango_layout_set_font_description (canvas.layout, font);
  pango_font_description_free (font);
  return canvas;
}

static void
canvas_clear (Canvas *canvas)
{
  g_object_unref (canvas->layout);
  cairo_destroy (canvas->cairo);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static Color
class_color (guint class_id)
{
  const guint32 color = fbnet_palette_color (class_id);

  return (
      Color){ (color >> 16 & 0xff) / 255.0, (color >> 8 & 0xff) / 255.0, (color & 0xff) / 255.0 };
}

static gboolean
is_bright (Color color)
{
  return 0.299 * color.red + 0.587 * color.green + 0.114 * color.blue > 0.5;
}

static void
set_color (cairo_t *cairo, Color color, double alpha)
{
  cairo_set_source_rgba (cairo, color.red, color.green, color.blue, alpha);
}

static void
draw_mask (const Canvas *canvas, const FbnetMask *mask, Color color)
{
  if (mask->data == NULL || mask->width < 1 || mask->height < 1)
    return;
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_A8, mask->width, mask->height);
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);
  for (gint y = 0; data != NULL && y < mask->height; y++)
    memcpy (data + (gsize) y * stride, mask->data + (gsize) y * mask->width, mask->width);
  cairo_surface_mark_dirty (surface);
  set_color (canvas->cairo, color, MASK_ALPHA);
  cairo_mask_surface (canvas->cairo, surface, mask->x, mask->y);
  cairo_surface_destroy (surface);
}

/* The path as a line; a dark seam around it keeps it apart from a background of its own colour. */
static void
stroke (const Canvas *canvas, Color color)
{
  cairo_set_source_rgba (canvas->cairo, 0, 0, 0, 0.4);
  cairo_set_line_width (canvas->cairo, canvas->line_width + 2);
  cairo_stroke_preserve (canvas->cairo);
  set_color (canvas->cairo, color, 1);
  cairo_set_line_width (canvas->cairo, canvas->line_width);
  cairo_stroke (canvas->cairo);
}

/* The line lies inside the box, so that boxes at the picture's edge are seen. */
static void
draw_box (const Canvas *canvas, const FbnetDetection *detection, Color color)
{
  const double inset = canvas->line_width / 2;
  const double width = fmax (1, detection->x1 - detection->x0 - canvas->line_width);
  const double height = fmax (1, detection->y1 - detection->y0 - canvas->line_width);

  cairo_rectangle (canvas->cairo, detection->x0 + inset, detection->y0 + inset, width, height);
  stroke (canvas, color);
}

static char *
label_text (const FbnetDetection *detection, const char *const *labels)
{
  const char *label = labels != NULL ? labels[detection->class_id] : NULL;
  g_autofree char *name =
      label != NULL ? g_strdup (label) : g_strdup_printf ("class %u", detection->class_id);

  if (isnan (detection->score))
    return g_steal_pointer (&name);
  return g_strdup_printf ("%s %.2f", name, detection->score);
}

/* --- Labels ----------------------------------------------------------------------------------- */

typedef struct {
  double x, y, width, height;
} Rect;

static gboolean
is_free (const Rect *rect, const Rect *taken, guint n_taken)
{
  for (guint i = 0; i < n_taken; i++)
    if (rect->x < taken[i].x + taken[i].width && taken[i].x < rect->x + rect->width
        && rect->y < taken[i].y + taken[i].height && taken[i].y < rect->y + rect->height)
      return FALSE;
  return TRUE;
}

static void
set_label (const Canvas *canvas, const FbnetDetection *detection, const char *const *labels)
{
  g_autofree char *text = label_text (detection, labels);

  pango_layout_set_text (canvas->layout, text, -1);
}

static double
label_margin (const Canvas *canvas)
{
  return round (canvas->font_size / 4);
}

/* Where the layout's text goes: above the box, else inside its upper edge, else lower and lower;
 * the first of these that lies in the picture and covers no label of a better detection. When there
 * is none, the first, as far into the picture as it goes. */
static Rect
place_label (const Canvas *canvas, const FbnetDetection *detection, const Rect *taken,
    guint n_taken)
{
  int width, height;

  pango_layout_get_pixel_size (canvas->layout, &width, &height);
  Rect rect = { .width = width + 2 * label_margin (canvas), .height = height };
  rect.x = round (fmax (0, fmin (detection->x0, canvas->width - rect.width)));
  const double first = round (fmax (0, detection->y0 - height));
  for (rect.y = first; rect.y + height <= canvas->height; rect.y += height)
    if (is_free (&rect, taken, n_taken))
      return rect;
  rect.y = first;
  return rect;
}

static void
draw_label (const Canvas *canvas, const Rect *rect, Color color)
{
  cairo_rectangle (canvas->cairo, rect->x, rect->y, rect->width, rect->height);
  set_color (canvas->cairo, color, 0.85);
  cairo_fill (canvas->cairo);
  const double ink = is_bright (color) ? 0 : 1;
  cairo_set_source_rgb (canvas->cairo, ink, ink, ink);
  cairo_move_to (canvas->cairo, rect->x + label_margin (canvas), rect->y);
  pango_cairo_show_layout (canvas->cairo, canvas->layout);
}

/* The best choose their places first and are drawn last. */
static void
draw_labels (const Canvas *canvas, const FbnetDetections *detections, const char *const *labels)
{
  g_autofree Rect *places = g_new (Rect, detections->n);

  for (guint i = 0; i < detections->n; i++) {
    set_label (canvas, &detections->items[i], labels);
    places[i] = place_label (canvas, &detections->items[i], places, i);
  }
  for (guint i = detections->n; i-- > 0;) {
    set_label (canvas, &detections->items[i], labels);
    draw_label (canvas, &places[i], class_color (detections->items[i].class_id));
  }
}

/* --- Keypoints -------------------------------------------------------------------------------- */

/* COCO's person, whose 17 points begin with the nose: left is even. The pairs are `skeleton` in its
 * annotation files, counted from 0. */
#define N_COCO_KEYPOINTS 17

static const guint8 coco_skeleton[][2] = { { 15, 13 }, { 13, 11 }, { 16, 14 }, { 14, 12 },
  { 11, 12 }, { 5, 11 }, { 6, 12 }, { 5, 6 }, { 5, 7 }, { 6, 8 }, { 7, 9 }, { 8, 10 }, { 1, 2 },
  { 0, 1 }, { 0, 2 }, { 1, 3 }, { 2, 4 }, { 3, 5 }, { 4, 6 } };

static gboolean
is_seen (const FbnetKeypoint *keypoint)
{
  return keypoint->score >= MIN_KEYPOINT_SCORE;
}

/* A dark seam first, as around the boxes. */
static void
draw_bones (const Canvas *canvas, const FbnetKeypoint *keypoints, Color color)
{
  for (guint i = 0; i < G_N_ELEMENTS (coco_skeleton); i++) {
    const FbnetKeypoint *from = &keypoints[coco_skeleton[i][0]];
    const FbnetKeypoint *to = &keypoints[coco_skeleton[i][1]];
    if (!is_seen (from) || !is_seen (to))
      continue;
    cairo_move_to (canvas->cairo, from->x, from->y);
    cairo_line_to (canvas->cairo, to->x, to->y);
  }
  cairo_set_line_cap (canvas->cairo, CAIRO_LINE_CAP_ROUND);
  stroke (canvas, color);
}

/* Dots where the heat map is more than flat; between COCO's, the bones. */
static void
draw_keypoints (const Canvas *canvas, const FbnetDetection *detection, guint n)
{
  const double radius = 1.5 * canvas->line_width;
  const Color color = class_color (detection->class_id);

  if (detection->keypoints == NULL)
    return;
  if (n == N_COCO_KEYPOINTS)
    draw_bones (canvas, detection->keypoints, color);
  for (guint i = 0; i < n; i++) {
    const FbnetKeypoint *keypoint = &detection->keypoints[i];
    if (!is_seen (keypoint))
      continue;
    cairo_new_sub_path (canvas->cairo);
    cairo_arc (canvas->cairo, keypoint->x, keypoint->y, radius, 0, 2 * G_PI);
    set_color (canvas->cairo, color, 1);
    cairo_fill_preserve (canvas->cairo);
    cairo_set_source_rgb (canvas->cairo, 0, 0, 0);
    cairo_set_line_width (canvas->cairo, fmax (1, canvas->line_width / 3));
    cairo_stroke (canvas->cairo);
  }
}

/* --- All of it -------------------------------------------------------------------------------- */

/* All masks below all boxes below all keypoints below all labels, in each layer the best on top. */
static void
draw_detections (const Canvas *canvas, const FbnetDetections *detections, const char *const *labels,
    guint n_keypoints)
{
  for (guint i = detections->n; i-- > 0;) {
    const FbnetDetection *detection = &detections->items[i];
    draw_mask (canvas, &detection->mask, class_color (detection->class_id));
  }
  for (guint i = detections->n; i-- > 0;) {
    const FbnetDetection *detection = &detections->items[i];
    draw_box (canvas, detection, class_color (detection->class_id));
  }
  for (guint i = detections->n; i-- > 0;)
    draw_keypoints (canvas, &detections->items[i], n_keypoints);
  draw_labels (canvas, detections, labels);
}

gboolean
annotate_picture (Picture *picture, const FbnetDetections *detections, const char *const *labels,
    guint n_keypoints, const char *name, GError **error)
{
  cairo_surface_t *surface = surface_new (picture, name, error);

  if (surface == NULL)
    return FALSE;
  Canvas canvas = canvas_new (surface, picture);
  draw_detections (&canvas, detections, labels, n_keypoints);
  const cairo_status_t status = cairo_status (canvas.cairo);
  canvas_clear (&canvas);
  if (status == CAIRO_STATUS_SUCCESS)
    copy_back (picture, surface);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot draw: %s", name,
        cairo_status_to_string (status));
  cairo_surface_destroy (surface);
  return status == CAIRO_STATUS_SUCCESS;
}
