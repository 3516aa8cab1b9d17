/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What of a detection is drawn, where and in what colour.
 */
#include "gstfbnetoverlay.h"

#include <math.h>

#include "gstfbnetcanvas.h"
#include "gstfbnetline.h"
#include "gstfbnetpalette.h"
#include "gstfbnetplates.h"
#include "gstfbnettext.h"
#include "gstfbnettrails.h"

/* Line widths are given for frames with this shorter side. */
#define REFERENCE_SIDE 480.0
/* Where plates crowd, text shrinks to this part of its size, but not below what can be read. */
#define SMALL_TEXT    0.7
#define SMALLEST_TEXT 8
/* Below it detectron2's visualizer leaves a keypoint out, too. */
#define MIN_KEYPOINT_SCORE 0.05f
/* Under limbs and dots: keeps them apart from a background of their colour. */
#define SEAM_COLOR 0xa0000000

/* Of an object: name, number, probability. */
#define N_WORDS 3

struct _GstFbnetOverlay {
  GstFbnetText *text;
  GstFbnetTrails *trails;
  GArray *boxes;  /* of GstVideoRectangle: this frame's */
  GArray *plates; /* of GstVideoRectangle: where this frame has labels already */
};

/* A drawing in progress. */
typedef struct {
  GstFbnetOverlay *overlay;
  const GstFbnetResult *result;
  const GstFbnetOverlayStyle *style;
  gint line_width;
  gint font_size;
  const GstFbnetCanvas *frame;             /* NULL: pictures are made instead */
  GstVideoOverlayComposition *composition; /* of them; NULL until there is one */
} Drawing;

GType
gst_fbnet_color_by_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_COLOR_BY_CLASS, "A colour per class", "class" },
    { GST_FBNET_COLOR_BY_INSTANCE, "A colour per object of the frame", "instance" },
    { GST_FBNET_COLOR_BY_TRACK, "A colour per object that is followed, on all frames", "track" },
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

  overlay->text = gst_fbnet_text_new ();
  overlay->trails = gst_fbnet_trails_new ();
  overlay->boxes = g_array_new (FALSE, FALSE, sizeof (GstVideoRectangle));
  overlay->plates = g_array_new (FALSE, FALSE, sizeof (GstVideoRectangle));
  return overlay;
}

void
gst_fbnet_overlay_free (GstFbnetOverlay *overlay)
{
  if (overlay == NULL)
    return;
  g_array_unref (overlay->plates);
  g_array_unref (overlay->boxes);
  gst_fbnet_trails_free (overlay->trails);
  gst_fbnet_text_free (overlay->text);
  g_free (overlay);
}

/* --- Colours ----------------------------------------------------------------------------------- */

static guint32
own_or_palette (const Drawing *drawing, guint index)
{
  const guint32 own = drawing->style->outline_color;

  return own ? own : fbnet_palette_color (index);
}

static guint32
outline_color (const Drawing *drawing, guint index)
{
  const GstFbnetResult *result = drawing->result;

  if (drawing->style->color_by == GST_FBNET_COLOR_BY_CLASS)
    return own_or_palette (drawing, result->found->items[index].class_id);
  if (drawing->style->color_by == GST_FBNET_COLOR_BY_TRACK && result->tracks != NULL)
    return own_or_palette (drawing, (guint) result->tracks[index].id);
  return own_or_palette (drawing, index);
}

static const GstVideoRectangle *
box_of (const Drawing *drawing, guint index)
{
  return &g_array_index (drawing->overlay->boxes, GstVideoRectangle, index);
}

/* --- Parts ------------------------------------------------------------------------------------- */

/* What is drawn in one go: onto the frame, or as a picture of its own. */
typedef struct {
  GstFbnetCanvas canvas;
  GstVideoRectangle area;
  guint32 *pixels; /* the picture's */
} Part;

/* FALSE: there is nothing of it, or no memory: then it is not drawn. */
static gboolean
part_begin (const Drawing *drawing, Part *part, const GstVideoRectangle *area)
{
  *part = (Part){ .area = *area };
  if (area->w <= 0 || area->h <= 0)
    return FALSE;
  if (drawing->frame != NULL) {
    part->canvas = *drawing->frame;
    return TRUE;
  }
  part->pixels = g_try_malloc0_n ((gsize) area->w * area->h, sizeof *part->pixels);
  if (part->pixels == NULL) {
    GST_WARNING ("no memory for a drawing of %d x %d pixels", area->w, area->h);
    return FALSE;
  }
  gst_fbnet_canvas_init_pixels (&part->canvas, part->pixels, area->x, area->y, area->w, area->h);
  return TRUE;
}

static void
part_end (Drawing *drawing, Part *part)
{
  const GstVideoRectangle *area = &part->area;

  if (part->pixels == NULL)
    return;
  GstBuffer *buffer =
      gst_buffer_new_wrapped (part->pixels, (gsize) area->w * area->h * sizeof *part->pixels);
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, area->w, area->h);
  GstVideoOverlayRectangle *rectangle = gst_video_overlay_rectangle_new_raw (buffer, area->x,
      area->y, area->w, area->h, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_buffer_unref (buffer);

  if (drawing->composition == NULL)
    drawing->composition = gst_video_overlay_composition_new (NULL);
  gst_video_overlay_composition_add_rectangle (drawing->composition, rectangle);
  gst_video_overlay_rectangle_unref (rectangle);
}

static void
draw_rectangle (Drawing *drawing, gint x, gint y, gint width, gint height, guint32 color)
{
  Part part;

  if (!part_begin (drawing, &part, &(GstVideoRectangle){ x, y, width, height }))
    return;
  gst_fbnet_canvas_fill (&part.canvas, x, y, width, height, color);
  part_end (drawing, &part);
}

/* --- Masks and boxes --------------------------------------------------------------------------- */

static void
draw_mask (Drawing *drawing, guint index)
{
  const FbnetMask *mask = &drawing->result->found->items[index].mask;
  Part part;

  if (mask->data == NULL || drawing->style->mask_alpha <= 0
      || !part_begin (drawing, &part,
          &(GstVideoRectangle){ mask->x, mask->y, mask->width, mask->height }))
    return;
  gst_fbnet_canvas_mask (&part.canvas, mask->x, mask->y, mask->width, mask->height, mask->data,
      (gsize) mask->width,
      gst_fbnet_color_fade (outline_color (drawing, index), drawing->style->mask_alpha));
  part_end (drawing, &part);
}

/* Four thin rectangles: one with a hole would make a large picture. */
static void
draw_box (Drawing *drawing, guint index)
{
  const GstVideoRectangle *r = box_of (drawing, index);
  const guint32 color = outline_color (drawing, index);
  const gint line = drawing->line_width;

  if (r->w <= 2 * line || r->h <= 2 * line) {
    draw_rectangle (drawing, r->x, r->y, r->w, r->h, color);
    return;
  }
  draw_rectangle (drawing, r->x, r->y, r->w, line, color);
  draw_rectangle (drawing, r->x, r->y + r->h - line, r->w, line, color);
  draw_rectangle (drawing, r->x, r->y + line, line, r->h - 2 * line, color);
  draw_rectangle (drawing, r->x + r->w - line, r->y + line, line, r->h - 2 * line, color);
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
  return 1.25 * drawing->line_width;
}

static double
seam_width (const Drawing *drawing)
{
  return MAX (1, drawing->line_width / 3.0);
}

/* What the seen ones take of the frame. */
static GstVideoRectangle
keypoints_area (const Drawing *drawing, const FbnetKeypoint *keypoints)
{
  const double margin = dot_radius (drawing) + seam_width (drawing) + 1;
  double x0 = drawing->result->width, y0 = drawing->result->height, x1 = 0, y1 = 0;

  for (guint i = 0; i < drawing->result->n_keypoints; i++) {
    if (!is_seen (&keypoints[i]))
      continue;
    x0 = MIN (x0, keypoints[i].x - margin);
    y0 = MIN (y0, keypoints[i].y - margin);
    x1 = MAX (x1, keypoints[i].x + margin);
    y1 = MAX (y1, keypoints[i].y + margin);
  }
  const gint x = (gint) floor (MAX (x0, 0)), y = (gint) floor (MAX (y0, 0));
  return (GstVideoRectangle){ x, y, (gint) ceil (MIN (x1, drawing->result->width)) - x,
    (gint) ceil (MIN (y1, drawing->result->height)) - y };
}

static void
draw_limbs (const GstFbnetCanvas *canvas, const FbnetKeypoint *keypoints, double radius,
    guint32 color)
{
  for (guint i = 0; i < G_N_ELEMENTS (coco_skeleton); i++) {
    const FbnetKeypoint *from = &keypoints[coco_skeleton[i][0]];
    const FbnetKeypoint *to = &keypoints[coco_skeleton[i][1]];
    if (is_seen (from) && is_seen (to))
      gst_fbnet_line_draw (canvas, from->x, from->y, to->x, to->y, radius, color);
  }
}

static void
draw_dots (const GstFbnetCanvas *canvas, const FbnetKeypoint *keypoints, guint n, double radius,
    guint32 color)
{
  for (guint i = 0; i < n; i++)
    if (is_seen (&keypoints[i]))
      gst_fbnet_line_draw (canvas, keypoints[i].x, keypoints[i].y, keypoints[i].x, keypoints[i].y,
          radius, color);
}

static void
draw_keypoints (Drawing *drawing, guint index)
{
  const FbnetKeypoint *keypoints = drawing->result->found->items[index].keypoints;
  const guint n = drawing->result->n_keypoints;
  const guint32 color = outline_color (drawing, index);
  const double limb = drawing->line_width / 2.0, seam = seam_width (drawing);
  Part part;

  if (keypoints == NULL)
    return;
  const GstVideoRectangle area = keypoints_area (drawing, keypoints);
  if (!part_begin (drawing, &part, &area))
    return;
  if (n == GST_FBNET_N_COCO_KEYPOINTS) {
    draw_limbs (&part.canvas, keypoints, limb + seam, SEAM_COLOR);
    draw_limbs (&part.canvas, keypoints, limb, color);
  }
  draw_dots (&part.canvas, keypoints, n, dot_radius (drawing) + seam, SEAM_COLOR | 0xff000000);
  draw_dots (&part.canvas, keypoints, n, dot_radius (drawing), color);
  part_end (drawing, &part);
}

/* --- Trails ------------------------------------------------------------------------------------ */

static double
trail_radius (const Drawing *drawing)
{
  return MAX (0.75, drawing->line_width / 3.0);
}

static GstVideoRectangle
trail_area (const Drawing *drawing, const GstFbnetPlace *places, guint n)
{
  const float margin = (float) trail_radius (drawing) + 1;
  float x0 = places[0].x, y0 = places[0].y, x1 = x0, y1 = y0;

  for (guint i = 1; i < n; i++) {
    x0 = MIN (x0, places[i].x);
    y0 = MIN (y0, places[i].y);
    x1 = MAX (x1, places[i].x);
    y1 = MAX (y1, places[i].y);
  }
  const gint x = (gint) floorf (MAX (x0 - margin, 0)), y = (gint) floorf (MAX (y0 - margin, 0));
  return (GstVideoRectangle){ x, y,
    (gint) ceilf (MIN (x1 + margin, (float) drawing->result->width)) - x,
    (gint) ceilf (MIN (y1 + margin, (float) drawing->result->height)) - y };
}

/* From the middle of the object back to where it was. */
static void
draw_trail (Drawing *drawing, guint index)
{
  GstFbnetPlace places[GST_FBNET_TRAIL_LENGTH];
  const guint n =
      gst_fbnet_trails_get (drawing->overlay->trails, drawing->result->tracks[index].id, places);
  const guint32 color = outline_color (drawing, index);
  Part part;

  if (n < 2)
    return;
  const GstVideoRectangle area = trail_area (drawing, places, n);
  if (!part_begin (drawing, &part, &area))
    return;
  for (guint i = 1; i < n; i++)
    gst_fbnet_line_draw (&part.canvas, places[i - 1].x, places[i - 1].y, places[i].x, places[i].y,
        trail_radius (drawing), color);
  part_end (drawing, &part);
}

static void
draw_trails (Drawing *drawing)
{
  gst_fbnet_trails_follow (drawing->overlay->trails, drawing->result);
  if (!drawing->style->draw_boxes || drawing->result->tracks == NULL)
    return;
  for (guint i = drawing->result->found->n; i-- > 0;)
    draw_trail (drawing, i);
}

/* --- Labels ------------------------------------------------------------------------------------ */

/* What a label says. */
typedef struct {
  guint class_id;
  guint64 id; /* of the object; 0: none */
  double probability;
} Text;

/* A label in one size of text: a name, the object's number, a probability, as far as they are to be drawn. */
typedef struct {
  const GstFbnetWord *words[N_WORDS]; /* NULL where there is none */
  gint padding, space;
  gint width, height; /* of the plate */
} Label;

static void
set_words (const Drawing *drawing, const Text *says, gint size, Label *label)
{
  GstFbnetText *text = drawing->overlay->text;
  char number[32], score[G_ASCII_DTOSTR_BUF_SIZE];

  g_snprintf (number, sizeof number, "#%" G_GUINT64_FORMAT, says->id);
  g_ascii_formatd (score, sizeof score, "%.2f", says->probability);
  if (drawing->style->draw_labels)
    label->words[0] =
        gst_fbnet_text_get (text, gst_fbnet_result_label (drawing->result, says->class_id), size);
  if (drawing->style->draw_labels && says->id > 0)
    label->words[1] = gst_fbnet_text_get (text, number, size);
  if (drawing->style->draw_scores)
    label->words[2] = gst_fbnet_text_get (text, score, size);
}

static Label
make_label (const Drawing *drawing, const Text *says, gint size)
{
  Label label = { .padding = MAX (2, size / 4), .space = MAX (2, size / 3) };

  set_words (drawing, says, size, &label);
  for (guint i = 0; i < N_WORDS; i++)
    if (label.words[i] != NULL) {
      label.width += label.words[i]->width + (label.width > 0 ? label.space : 0);
      label.height = MAX (label.height, label.words[i]->height);
    }
  label.width += 2 * label.padding;
  return label;
}

static void
draw_words (const GstFbnetCanvas *canvas, const Label *label, gint x, gint y, guint32 ink)
{
  x += label->padding;
  for (guint i = 0; i < N_WORDS; i++) {
    const GstFbnetWord *word = label->words[i];
    if (word == NULL || word->cover == NULL)
      continue;
    gst_fbnet_canvas_cover (canvas, x, y, word->width, word->height, word->cover, word->stride,
        ink);
    x += word->width + label->space;
  }
}

static void
draw_plate (Drawing *drawing, const Label *label, const GstVideoRectangle *place, guint32 color)
{
  const guint32 own = drawing->style->labels_color;
  const guint32 plate = own ? gst_fbnet_color_ink (own) : color | 0xff000000;
  Part part;

  if (!part_begin (drawing, &part, place))
    return;
  gst_fbnet_canvas_fill (&part.canvas, place->x, place->y, place->w, place->h, plate);
  draw_words (&part.canvas, label, place->x, place->y, own ? own : gst_fbnet_color_ink (plate));
  part_end (drawing, &part);
}

/* In the size of the frame; where there is no room, smaller; where there is none for that, not at all. */
static void
draw_label (Drawing *drawing, GstFbnetPlates *plates, guint index)
{
  const GstFbnetResult *result = drawing->result;
  const FbnetDetection *d = &result->found->items[index];
  const Text says = { d->class_id, result->tracks != NULL ? result->tracks[index].id : 0,
    d->score };
  const gint small = MAX (SMALLEST_TEXT, (gint) lrint (SMALL_TEXT * drawing->font_size));
  const gint sizes[] = { drawing->font_size, MIN (small, drawing->font_size) };
  GstVideoRectangle place;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const Label label = make_label (drawing, &says, sizes[i]);
    if (!gst_fbnet_plates_place (plates, index, label.width, label.height, &place))
      continue;
    draw_plate (drawing, &label, &place, outline_color (drawing, index));
    return;
  }
}

/* The best get the best places. */
static void
draw_labels (Drawing *drawing)
{
  GstFbnetOverlay *overlay = drawing->overlay;
  GstFbnetPlates plates = { (gint) drawing->result->width, (gint) drawing->result->height,
    (const GstVideoRectangle *) (void *) overlay->boxes->data, overlay->boxes->len,
    overlay->plates };

  g_array_set_size (overlay->plates, 0);
  for (guint i = 0; i < drawing->result->found->n; i++)
    draw_label (drawing, &plates, i);
}

/* In the upper left corner. */
static void
draw_class (Drawing *drawing)
{
  const GstFbnetClass *best = &drawing->result->classes[0];
  const Text says = { best->class_id, 0, best->probability };
  const Label label = make_label (drawing, &says, drawing->font_size);
  const GstVideoRectangle place = { 0, 0, label.width, label.height };

  draw_plate (drawing, &label, &place, own_or_palette (drawing, best->class_id));
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
}

static void
find_boxes (Drawing *drawing)
{
  const guint n = drawing->result->found->n;

  g_array_set_size (drawing->overlay->boxes, n);
  for (guint i = 0; i < n; i++)
    gst_fbnet_result_rectangle (drawing->result, i,
        &g_array_index (drawing->overlay->boxes, GstVideoRectangle, i));
}

static void
draw (Drawing *drawing)
{
  const GstFbnetOverlayStyle *style = drawing->style;
  const guint n = drawing->result->found->n;

  choose_sizes (drawing);
  find_boxes (drawing);
  for (guint i = n; style->draw_masks && i-- > 0;)
    draw_mask (drawing, i);
  draw_trails (drawing);
  for (guint i = n; style->draw_boxes && i-- > 0;)
    draw_box (drawing, i);
  for (guint i = n; style->draw_keypoints && i-- > 0;)
    draw_keypoints (drawing, i);
  if (style->draw_labels || style->draw_scores) {
    draw_labels (drawing);
    if (drawing->result->n_classes > 0)
      draw_class (drawing);
  }
  gst_fbnet_text_trim (drawing->overlay->text);
}

void
gst_fbnet_overlay_draw (GstFbnetOverlay *overlay, const GstFbnetResult *result,
    const GstFbnetOverlayStyle *style, const GstVideoFrame *frame)
{
  GstFbnetCanvas canvas;

  gst_fbnet_canvas_init_frame (&canvas, frame);
  draw (&(Drawing){ .overlay = overlay, .result = result, .style = style, .frame = &canvas });
}

GstVideoOverlayComposition *
gst_fbnet_overlay_compose (GstFbnetOverlay *overlay, const GstFbnetResult *result,
    const GstFbnetOverlayStyle *style)
{
  Drawing drawing = { .overlay = overlay, .result = result, .style = style };

  draw (&drawing);
  return drawing.composition;
}
