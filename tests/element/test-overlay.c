/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing of hand-made detections into every raw format.
 */
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "gstfbnetcanvas.h"
#include "gstfbnetoverlay.h"
#include "gstfbnetpalette.h"
#include "gstfbnettext.h"
#include "gstfbnettrails.h"

#define RED   0xffff0000
#define GREY  128
#define SLACK 8 /* Y'CbCr's rounding there and back */

static GstFbnetOverlayStyle
make_style (void)
{
  return (GstFbnetOverlayStyle){ .draw_boxes = TRUE,
    .draw_labels = TRUE,
    .draw_scores = TRUE,
    .draw_masks = TRUE,
    .draw_keypoints = TRUE,
    .outline_color = RED,
    .line_width = 2,
    .mask_alpha = 0.5 };
}

static GQuark
dog (void)
{
  return g_quark_from_static_string ("dog");
}

static const GQuark *
labels (void)
{
  static GQuark list[2];

  list[0] = dog ();
  list[1] = g_quark_from_static_string ("");
  return list;
}

static GstFbnetResult
make_result (const FbnetDetections *found, guint width, guint height)
{
  return (GstFbnetResult){ .found = found,
    .width = width,
    .height = height,
    .labels = labels (),
    .mask_threshold = 0.5f,
    .n_keypoints = GST_FBNET_N_COCO_KEYPOINTS };
}

static GstVideoOverlayComposition *
compose (const FbnetDetections *found, guint width, guint height, const GstFbnetOverlayStyle *style)
{
  const GstFbnetResult result = make_result (found, width, height);
  GstFbnetOverlay *overlay = gst_fbnet_overlay_new ();
  GstVideoOverlayComposition *composition = gst_fbnet_overlay_compose (overlay, &result, style);

  gst_fbnet_overlay_free (overlay);
  return composition;
}

static guint8 *
grey_picture (guint width, guint height)
{
  guint8 *rgb = g_malloc ((gsize) width * height * 3);

  for (gsize i = 0; i < (gsize) width * height * 3; i++)
    rgb[i] = GREY;
  return rgb;
}

/* (transfer full): the grey picture with the detections drawn into it. */
static GstBuffer *
draw_frame (const GstVideoInfo *info, guint padding, const FbnetDetections *found,
    const GstFbnetOverlayStyle *style)
{
  const guint width = GST_VIDEO_INFO_WIDTH (info), height = GST_VIDEO_INFO_HEIGHT (info);
  const GstFbnetResult result = make_result (found, width, height);
  GstFbnetOverlay *overlay = gst_fbnet_overlay_new ();
  g_autofree guint8 *grey = grey_picture (width, height);
  GstBuffer *buffer = frames_from_rgb (grey, info, padding);
  GstVideoFrame frame;

  g_assert_true (gst_video_frame_map (&frame, info, buffer, GST_MAP_READWRITE));
  gst_fbnet_overlay_draw (overlay, &result, style, &frame);
  gst_video_frame_unmap (&frame);
  gst_fbnet_overlay_free (overlay);
  return buffer;
}

static guint8 *
draw_on_grey (const char *format, guint width, guint height, guint padding,
    const FbnetDetections *found, const GstFbnetOverlayStyle *style)
{
  GstVideoInfo info;

  frames_info (&info, format, width, height, NULL);
  g_autoptr (GstBuffer) buffer = draw_frame (&info, padding, found, style);
  return frames_to_rgb (buffer, &info);
}

static void
check_pixel (const guint8 *rgb, guint width, guint x, guint y, guint r, guint g, guint b,
    guint slack)
{
  const guint8 *p = rgb + 3 * ((gsize) y * width + x);

  g_assert_cmpint (abs (p[0] - (gint) r), <=, slack);
  g_assert_cmpint (abs (p[1] - (gint) g), <=, slack);
  g_assert_cmpint (abs (p[2] - (gint) b), <=, slack);
}

/* In every format, packed and padded, even and odd: the box's edge is red (grey formats: its luma),
 * the inside and the far outside stay grey. */
static void
test_box_in_every_format (void)
{
  const FbnetDetection item = { 10, 8, 51, 41, 0.9f, 0, { 0 } };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_labels = style.draw_scores = FALSE;
  style.line_width = 64; /* 6 pixels: their middle has chroma of its own */
  for (guint i = 0; frames_formats[i]; i++) {
    for (guint padding = 0; padding <= 20; padding += 20) {
      const guint width = padding ? 65 : 64, height = padding ? 49 : 48;
      g_test_message ("%s %u x %u", frames_formats[i], width, height);
      g_autofree guint8 *rgb =
          draw_on_grey (frames_formats[i], width, height, padding, &found, &style);
      const gboolean grey = frames_is_gray (frames_formats[i]);
      check_pixel (rgb, width, 30, 11, grey ? 76 : 255, grey ? 76 : 0, grey ? 76 : 0, SLACK);
      check_pixel (rgb, width, 13, 24, grey ? 76 : 255, grey ? 76 : 0, grey ? 76 : 0, SLACK);
      check_pixel (rgb, width, 30, 24, GREY, GREY, GREY, 5); /* of 5 bits */
      check_pixel (rgb, width, 60, 45, GREY, GREY, GREY, 5);
    }
  }
}

/* A mask tints the object's pixels with its opacity, and no others. */
static void
test_mask (void)
{
  static const guint8 mask[4 * 2] = { 0, 255, 255, 0, 0, 255, 255, 0 };
  const FbnetDetection item = { 5, 5, 8, 6, 0.9f, 0, { 4, 4, 4, 2, mask } };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_boxes = style.draw_labels = style.draw_scores = FALSE;
  g_autofree guint8 *rgb = draw_on_grey ("RGB", 16, 16, 0, &found, &style);
  check_pixel (rgb, 16, 4, 4, GREY, GREY, GREY, 0);
  check_pixel (rgb, 16, 5, 4, 191, 64, 64, 2);
  check_pixel (rgb, 16, 6, 5, 191, 64, 64, 2);
  check_pixel (rgb, 16, 7, 5, GREY, GREY, GREY, 0);
  check_pixel (rgb, 16, 6, 6, GREY, GREY, GREY, 0);
}

/* Runs of all lengths, from a place that shares chroma with others or not. */
static void
fill_runs (GRand *random, guint8 *mask, gsize n)
{
  for (gsize i = 0; i < n;) {
    const gsize run = (gsize) g_rand_int_range (random, 1, 90), end = MIN (n, i + run);
    const guint8 cover = g_rand_boolean (random) ? 255 : g_rand_int_range (random, 0, 4) * 60;
    memset (mask + i, cover, end - i);
    i = end;
  }
}

/* Both ways to put a mask on a frame, into frames of the same grey. */
static void
check_mask_as_cover (GRand *random, const char *format, guint width, guint height)
{
  enum { WIDTH = 201, HEIGHT = 9 };
  const gint x = g_rand_int_range (random, -30, 30), y = g_rand_int_range (random, -3, 9);
  const guint32 color = g_rand_int (random);
  guint8 mask[WIDTH * HEIGHT];
  GstVideoInfo info;
  GstBuffer *buffers[2];

  fill_runs (random, mask, sizeof mask);
  gst_video_info_set_format (&info, gst_video_format_from_string (format), width, height);
  for (guint i = 0; i < 2; i++) {
    GstVideoFrame frame;
    GstFbnetCanvas canvas;
    buffers[i] = gst_buffer_new_allocate (NULL, info.size, NULL);
    gst_buffer_memset (buffers[i], 0, GREY, info.size);
    g_assert_true (gst_video_frame_map (&frame, &info, buffers[i], GST_MAP_READWRITE));
    gst_fbnet_canvas_init_frame (&canvas, &frame);
    (i == 0 ? gst_fbnet_canvas_cover : gst_fbnet_canvas_mask) (&canvas, x, y, WIDTH, HEIGHT, mask,
        WIDTH, color);
    gst_video_frame_unmap (&frame);
  }
  GstMapInfo map;
  g_assert_true (gst_buffer_map (buffers[0], &map, GST_MAP_READ));
  g_assert_cmpint (gst_buffer_memcmp (buffers[1], 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (buffers[0], &map);
  gst_buffer_unref (buffers[0]);
  gst_buffer_unref (buffers[1]);
}

/* What is faster for masks gives the same bytes. */
static void
test_mask_as_cover (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);

  for (guint i = 0; frames_formats[i]; i++)
    for (guint k = 0; k < 40; k++)
      check_mask_as_cover (random, frames_formats[i], 150 + k, 16 + k % 3);
}

/* Lines keep their proportion to the frame: 2 of 480 rows, at least 1 pixel. */
static void
test_line_follows_frame (void)
{
  static const struct {
    guint height, line;
  } cases[] = { { 100, 1 }, { 240, 1 }, { 480, 2 }, { 720, 3 }, { 2160, 9 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint height = cases[i].height, width = height * 4 / 3;
    const FbnetDetection item = { 20, 20, width - 20, height - 20, 0.9f, 0, { 0 } };
    const FbnetDetections found = { &item, 1 };
    GstFbnetOverlayStyle style = make_style ();
    style.draw_labels = style.draw_scores = FALSE;
    g_autoptr (GstVideoOverlayComposition) composition = compose (&found, width, height, &style);
    g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (composition), ==, 4);
    guint line = 0;
    g_assert_true (gst_video_overlay_rectangle_get_render_rectangle (
        gst_video_overlay_composition_get_rectangle (composition, 0), NULL, NULL, NULL, &line));
    g_assert_cmpuint (line, ==, cases[i].line);
  }
}

static void
label_place (const FbnetDetections *found, guint width, guint height, gint *x, gint *y, guint *w,
    guint *h)
{
  GstFbnetOverlayStyle style = make_style ();

  style.draw_boxes = FALSE;
  g_autoptr (GstVideoOverlayComposition) composition = compose (found, width, height, &style);
  g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (composition), ==, 1);
  gst_video_overlay_rectangle_get_render_rectangle (
      gst_video_overlay_composition_get_rectangle (composition, 0), x, y, w, h);
}

/* A label stands on its box, or inside at the frame's upper edge, and never leaves the frame. */
static void
test_label_stays_inside (void)
{
  static const FbnetDetection boxes[] = {
    { 100, 100, 200, 200, 0.9f, 0, { 0 } },
    { 0, 0, 320, 240, 0.9f, 0, { 0 } },
    { 310, 230, 320, 240, 0.9f, 0, { 0 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (boxes); i++) {
    const FbnetDetections found = { &boxes[i], 1 };
    gint x, y;
    guint w, h;
    label_place (&found, 320, 240, &x, &y, &w, &h);
    g_assert_cmpint (x, >=, 0);
    g_assert_cmpint (y, >=, 0);
    g_assert_cmpint (x + (gint) w, <=, 320);
    g_assert_cmpint (y + (gint) h, <=, 240);
    if (i == 0)
      g_assert_cmpint (y + (gint) h, ==, 100);
  }
}

static void
plate_at (GstVideoOverlayComposition *composition, guint i, GstVideoRectangle *plate)
{
  guint width = 0, height = 0;

  gst_video_overlay_rectangle_get_render_rectangle (
      gst_video_overlay_composition_get_rectangle (composition, i), &plate->x, &plate->y, &width,
      &height);
  plate->w = (gint) width;
  plate->h = (gint) height;
}

static gint
shared_area (const GstVideoRectangle *a, const GstVideoRectangle *b)
{
  const gint width = MIN (a->x + a->w, b->x + b->w) - MAX (a->x, b->x);
  const gint height = MIN (a->y + a->h, b->y + b->h) - MAX (a->y, b->y);

  return MAX (width, 0) * MAX (height, 0);
}

static void
check_plates_apart (GstVideoOverlayComposition *composition)
{
  const guint n = gst_video_overlay_composition_n_rectangles (composition);

  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < i; j++) {
      GstVideoRectangle a, b;
      plate_at (composition, i, &a);
      plate_at (composition, j, &b);
      g_assert_cmpint (shared_area (&a, &b), ==, 0);
    }
}

/* The labels of boxes in the same place do not hide each other. */
static void
test_labels_make_room (void)
{
  const FbnetDetection items[] = {
    { 20, 40, 200, 200, 0.9f, 0, { 0 } },
    { 22, 41, 200, 200, 0.8f, 0, { 0 } },
    { 20, 42, 200, 200, 0.7f, 0, { 0 } },
  };
  const FbnetDetections found = { items, G_N_ELEMENTS (items) };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_boxes = FALSE;
  g_autoptr (GstVideoOverlayComposition) composition = compose (&found, 320, 240, &style);
  g_assert_cmpuint (gst_video_overlay_composition_n_rectangles (composition), ==, 3);
  check_plates_apart (composition);
}

/* A label goes elsewhere when it would hide a small object that lies above its own. */
static void
test_label_gives_way (void)
{
  const FbnetDetection items[] = {
    { 100, 100, 200, 200, 0.9f, 0, { 0 } },
    { 100, 84, 130, 98, 0.8f, 0, { 0 } },
  };
  const FbnetDetections found = { items, G_N_ELEMENTS (items) };
  const GstVideoRectangle small = { 100, 84, 30, 14 };
  GstFbnetOverlayStyle style = make_style ();
  GstVideoRectangle plate;

  style.draw_boxes = FALSE;
  g_autoptr (GstVideoOverlayComposition) composition = compose (&found, 320, 240, &style);
  plate_at (composition, 0, &plate);
  g_assert_cmpint (shared_area (&plate, &small), ==, 0);
}

/* A crowd on a small frame: plates neither overlap nor hide much of anybody, some are of smaller text, and
 * those that find no room are left out. */
static void
test_crowd (void)
{
  enum { COLUMNS = 10, ROWS = 7, N = COLUMNS * ROWS, SIDE = 26, STEP = 30 };
  FbnetDetection items[N];
  const FbnetDetections found = { items, N };
  GstFbnetOverlayStyle style = make_style ();
  gint lowest = G_MAXINT, highest = 0;

  for (guint i = 0; i < N; i++) {
    const float x = (float) (i % COLUMNS * STEP + 3), y = (float) (i / COLUMNS * STEP + 3);
    items[i] = (FbnetDetection){ x, y, x + SIDE, y + SIDE, 0.9f, 0, { 0 } };
  }
  style.draw_boxes = FALSE;
  g_autoptr (GstVideoOverlayComposition) composition = compose (&found, 320, 240, &style);
  const guint n = gst_video_overlay_composition_n_rectangles (composition);
  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (n, <, N);
  check_plates_apart (composition);
  for (guint i = 0; i < n; i++) {
    GstVideoRectangle plate;
    plate_at (composition, i, &plate);
    lowest = MIN (lowest, plate.h);
    highest = MAX (highest, plate.h);
    for (guint k = 0; k < N; k++) {
      const GstVideoRectangle box = { (gint) items[k].x0, (gint) items[k].y0, SIDE, SIDE };
      g_assert_cmpint (3 * shared_area (&plate, &box), <=, SIDE * SIDE + SIDE);
    }
  }
  g_assert_cmpint (lowest, <, highest);
  g_test_message ("%u of %u plates, %d … %d pixels high", n, N, lowest, highest);
}

/* Text is there: a label's plate holds pixels of its own colour and of the ink. */
static void
test_label_is_written (void)
{
  const FbnetDetection item = { 20, 40, 100, 100, 0.9f, 0, { 0 } };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_boxes = FALSE;
  g_autofree guint8 *rgb = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  guint n_plate = 0, n_ink = 0;
  for (guint i = 0; i < 160 * 120; i++) {
    const guint8 *p = rgb + 3 * i;
    n_plate += p[0] == 255 && p[1] == 0 && p[2] == 0;
    n_ink += p[0] < 60 && p[1] < 60 && p[2] < 60;
  }
  g_assert_cmpuint (n_plate, >, 200);
  g_assert_cmpuint (n_ink, >, 20);
}

/* A word is set once: the same label again is the same picture. */
static void
test_words_are_kept (void)
{
  GstFbnetText *text = gst_fbnet_text_new ();
  const GstFbnetWord *first = gst_fbnet_text_get (text, "dog", 20);

  g_assert_true (gst_fbnet_text_get (text, "dog", 20) == first);
  g_assert_true (gst_fbnet_text_get (text, "dog", 12) != first);
  g_assert_cmpint (gst_fbnet_text_get (text, "dog", 12)->height, <, first->height);
  g_assert_cmpint (gst_fbnet_text_get (text, "", 20)->width, ==, 0);
  gst_fbnet_text_free (text);
}

/* Text on every plate that there can be has a contrast of 4.5 or more: all of the palette, and colours
 * from everywhere for the user's own. */
static void
test_contrast (void)
{
  for (guint i = 0; i < 2000; i++) {
    const guint32 color = fbnet_palette_color (i);
    g_assert_cmpfloat (gst_fbnet_color_contrast (color, gst_fbnet_color_ink (color)), >=, 4.5);
  }
  for (guint32 rgb = 0; rgb < 16 * 16 * 16; rgb++) {
    const guint32 color =
        0xff000000 | (rgb >> 8) * 0x110000 | (rgb >> 4 & 15) * 0x1100 | (rgb & 15) * 0x11;
    g_assert_cmpfloat (gst_fbnet_color_contrast (color, gst_fbnet_color_ink (color)), >=, 4.5);
  }
  g_assert_cmpfloat (gst_fbnet_color_contrast (0xff000000, 0xffffffff), ==, 21);
}

/* Between seen keypoints the limbs are drawn, also past the frame's edge; one of a low score takes its
 * limbs with it, and without any seen nothing is drawn. */
static void
test_skeleton (void)
{
  FbnetKeypoint points[GST_FBNET_N_COCO_KEYPOINTS] = { 0 };
  const FbnetDetection item = { 10, 10, 100, 100, 0.9f, 0, { 0 }, points };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_boxes = style.draw_labels = style.draw_scores = FALSE;
  g_autoptr (GstVideoOverlayComposition) nothing = compose (&found, 160, 120, &style);
  g_assert_null (nothing);

  points[5] = (FbnetKeypoint){ 20, 60.5f, 0.9f };  /* left shoulder */
  points[6] = (FbnetKeypoint){ 100, 60.5f, 0.9f }; /* right shoulder */
  points[8] = (FbnetKeypoint){ 100, 2000, 0.9f };  /* right elbow, far outside */
  points[7] = (FbnetKeypoint){ 20, 110, 0.01f };   /* left elbow, not seen */
  style.line_width = 16;                           /* 4 pixels */
  g_autofree guint8 *rgb = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  check_pixel (rgb, 160, 60, 60, 255, 0, 0, 0);
  check_pixel (rgb, 160, 100, 100, 255, 0, 0, 64);
  check_pixel (rgb, 160, 20, 90, GREY, GREY, GREY, 0);
  check_pixel (rgb, 160, 60, 80, GREY, GREY, GREY, 0);
}

/* What is switched off is not drawn, and with all of it off there is nothing to blend. */
static void
test_switches (void)
{
  static const guint8 mask[4] = { 255, 255, 255, 255 };
  const FbnetDetection item = { 20, 40, 100, 100, 0.9f, 0, { 30, 50, 2, 2, mask } };
  const FbnetDetections found = { &item, 1 };
  const GstFbnetOverlayStyle all = make_style ();

  for (guint bits = 0; bits < 16; bits++) {
    GstFbnetOverlayStyle style = all;
    style.draw_boxes = bits & 1;
    style.draw_masks = bits >> 1 & 1;
    style.draw_labels = bits >> 2 & 1;
    style.draw_scores = bits >> 3 & 1;
    g_autoptr (GstVideoOverlayComposition) composition = compose (&found, 160, 120, &style);
    const guint expected =
        4 * style.draw_boxes + style.draw_masks + (style.draw_labels || style.draw_scores);
    g_assert_cmpuint (composition ? gst_video_overlay_composition_n_rectangles (composition) : 0,
        ==, expected);
  }
}

/* Two classes have two colours, two objects of a class one, and by instance two. */
static void
test_palette (void)
{
  static const FbnetDetection items[] = {
    { 10, 10, 40, 40, 0.9f, 0, { 0 } },
    { 60, 10, 90, 40, 0.8f, 0, { 0 } },
    { 110, 10, 140, 40, 0.7f, 1, { 0 } },
  };
  const FbnetDetections found = { items, 3 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_labels = style.draw_scores = FALSE;
  style.outline_color = 0;
  g_autofree guint8 *by_class = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  g_assert_cmpmem (by_class + 3 * (160 * 10 + 20), 3, by_class + 3 * (160 * 10 + 70), 3);
  g_assert_cmpint (memcmp (by_class + 3 * (160 * 10 + 20), by_class + 3 * (160 * 10 + 120), 3), !=,
      0);

  style.color_by = GST_FBNET_COLOR_BY_INSTANCE;
  g_autofree guint8 *by_instance = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  g_assert_cmpint (memcmp (by_instance + 3 * (160 * 10 + 20), by_instance + 3 * (160 * 10 + 70), 3),
      !=, 0);
}

/* --- Followed objects -------------------------------------------------------------------------- */

/* (transfer full): a grey picture with one object drawn by an overlay that has drawn before. */
static guint8 *
draw_tracked (GstFbnetOverlay *overlay, const FbnetDetection *item, guint64 id,
    const GstFbnetOverlayStyle *style)
{
  const FbnetDetections found = { item, 1 };
  const FbnetTrack track = { .id = id };
  GstFbnetResult result = make_result (&found, 160, 120);
  g_autofree guint8 *grey = grey_picture (160, 120);
  GstVideoInfo info;
  GstVideoFrame frame;

  result.tracks = &track;
  frames_info (&info, "RGB", 160, 120, NULL);
  g_autoptr (GstBuffer) buffer = frames_from_rgb (grey, &info, 0);
  g_assert_true (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READWRITE));
  gst_fbnet_overlay_draw (overlay, &result, style, &frame);
  gst_video_frame_unmap (&frame);
  return frames_to_rgb (buffer, &info);
}

/* From where it is a line leads to where it was; another object has none of it, and without boxes there is none. */
static void
test_trail (void)
{
  const FbnetDetection before = { 20, 40, 40, 60, 0.9f, 0, { 0 } };
  const FbnetDetection now = { 100, 40, 120, 60, 0.9f, 0, { 0 } };
  GstFbnetOverlayStyle style = make_style ();
  GstFbnetOverlay *overlay = gst_fbnet_overlay_new ();

  style.draw_labels = style.draw_scores = FALSE;
  style.line_width = 64;
  g_autofree guint8 *first = draw_tracked (overlay, &before, 1, &style);
  check_pixel (first, 160, 70, 50, GREY, GREY, GREY, 0);
  g_autofree guint8 *second = draw_tracked (overlay, &now, 1, &style);
  check_pixel (second, 160, 70, 50, 255, 0, 0, 0);
  g_autofree guint8 *other = draw_tracked (overlay, &now, 2, &style);
  check_pixel (other, 160, 70, 50, GREY, GREY, GREY, 0);
  style.draw_boxes = FALSE;
  g_autofree guint8 *none = draw_tracked (overlay, &now, 1, &style);
  check_pixel (none, 160, 70, 50, GREY, GREY, GREY, 0);
  gst_fbnet_overlay_free (overlay);
}

/* A trail has the last places only, newest first, and is forgotten after as many frames without its object. */
static void
test_trail_length (void)
{
  GstFbnetTrails *trails = gst_fbnet_trails_new ();
  GstFbnetPlace places[GST_FBNET_TRAIL_LENGTH];

  for (guint i = 0; i < 2 * GST_FBNET_TRAIL_LENGTH; i++) {
    const FbnetDetection item = { (float) i, 10, (float) i + 2, 20, 0.9f, 0, { 0 } };
    const FbnetDetections found = { &item, 1 };
    const FbnetTrack track = { .id = 7 };
    GstFbnetResult result = make_result (&found, 160, 120);
    result.tracks = &track;
    gst_fbnet_trails_follow (trails, &result);
    const guint n = gst_fbnet_trails_get (trails, 7, places);
    g_assert_cmpuint (n, ==, MIN (i + 1, GST_FBNET_TRAIL_LENGTH));
    g_assert_cmpfloat (places[0].x, ==, i + 1);
    g_assert_cmpfloat (places[n - 1].x, ==, i + 2 - n);
    g_assert_cmpfloat (places[0].y, ==, 15);
  }
  const FbnetDetections nothing = { NULL, 0 };
  const GstFbnetResult empty = make_result (&nothing, 160, 120);
  for (guint i = 0; i < GST_FBNET_TRAIL_LENGTH; i++) {
    g_assert_cmpuint (gst_fbnet_trails_get (trails, 7, places), >, 0);
    gst_fbnet_trails_follow (trails, &empty);
  }
  g_assert_cmpuint (gst_fbnet_trails_get (trails, 7, places), ==, 0);
  gst_fbnet_trails_free (trails);
}

/* By track an object has its colour on every frame, wherever it stands in the list; the number makes its plate wider. */
static void
test_track_color_and_number (void)
{
  const FbnetDetection item = { 20, 40, 140, 110, 0.9f, 0, { 0 } };
  GstFbnetOverlayStyle style = make_style ();
  GstFbnetOverlay *overlay = gst_fbnet_overlay_new ();

  style.outline_color = 0;
  style.color_by = GST_FBNET_COLOR_BY_TRACK;
  for (guint id = 1; id < 4; id++) {
    const guint32 color = fbnet_palette_color (id);
    g_autofree guint8 *rgb = draw_tracked (overlay, &item, id, &style);
    check_pixel (rgb, 160, 20, 80, gst_fbnet_color_channel (color, 16),
        gst_fbnet_color_channel (color, 8), gst_fbnet_color_channel (color, 0), 0);
  }
  style.draw_scores = style.draw_boxes = FALSE;
  g_autofree guint8 *numbered = draw_tracked (overlay, &item, 12, &style);
  const FbnetDetections found = { &item, 1 };
  g_autofree guint8 *plain = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  guint covered[2] = { 0 };
  for (guint i = 0; i < 160 * 120; i++) {
    covered[0] += plain[3 * i] != GREY;
    covered[1] += numbered[3 * i] != GREY;
  }
  g_assert_cmpuint (covered[1], >, covered[0] + covered[0] / 4);
  gst_fbnet_overlay_free (overlay);
}

/* The pictures for a sink to blend show what is drawn into the frame. */
static void
test_attached_is_drawn (void)
{
  static const guint8 mask[4] = { 255, 0, 255, 255 };
  FbnetKeypoint points[GST_FBNET_N_COCO_KEYPOINTS];
  const FbnetDetection item = { 20, 40, 100, 100, 0.9f, 0, { 30, 50, 2, 2, mask }, points };
  const FbnetDetections found = { &item, 1 };
  const GstFbnetOverlayStyle style = make_style ();
  GstVideoInfo info;
  GstVideoFrame frame;

  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    points[i] = (FbnetKeypoint){ 30 + 5.3f * (float) (i * i % 11), 50 + 2.7f * (float) i, 0.9f };
  g_autofree guint8 *drawn = draw_on_grey ("RGB", 160, 120, 0, &found, &style);
  frames_info (&info, "RGB", 160, 120, NULL);
  g_autofree guint8 *grey = grey_picture (160, 120);
  g_autoptr (GstBuffer) buffer = frames_from_rgb (grey, &info, 0);
  g_autoptr (GstVideoOverlayComposition) composition = compose (&found, 160, 120, &style);
  g_assert_true (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READWRITE));
  g_assert_true (gst_video_overlay_composition_blend (composition, &frame));
  gst_video_frame_unmap (&frame);
  g_autofree guint8 *blended = frames_to_rgb (buffer, &info);
  for (guint i = 0; i < 160 * 120 * 3; i++)
    g_assert_cmpint (abs (drawn[i] - blended[i]), <=, 3);
}

/* Whatever the colorimetry, red is red. */
static void
test_colorimetry (void)
{
  static const char *const colorimetries[] = { "2:4:5:1", "1:4:0:1", "2:3:5:1", "1:3:5:1",
    "2:6:0:0", "1:6:0:0" };
  static const char *const formats[] = { "I420", "NV16", "YVYU", "Y444", "I422_10LE", "P010_10LE" };
  const FbnetDetection item = { 10, 8, 51, 41, 0.9f, 0, { 0 } };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.draw_labels = style.draw_scores = FALSE;
  style.line_width = 64;
  for (guint c = 0; c < G_N_ELEMENTS (colorimetries); c++)
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
      GstVideoInfo info;
      g_test_message ("%s %s", formats[f], colorimetries[c]);
      frames_info (&info, formats[f], 64, 48, colorimetries[c]);
      g_autoptr (GstBuffer) buffer = draw_frame (&info, 0, &found, &style);
      g_autofree guint8 *rgb = frames_to_rgb (buffer, &info);
      check_pixel (rgb, 64, 30, 11, 255, 0, 0, SLACK);
    }
}

/* What fills the frame to its edges, of odd sizes, leaves what lies between the rows alone. */
static void
test_padding_is_left (void)
{
  const FbnetDetection item = { 0, 0, 33, 17, 0.9f, 0, { 0 } };
  const FbnetDetections found = { &item, 1 };
  GstFbnetOverlayStyle style = make_style ();

  style.line_width = 64;
  for (guint i = 0; frames_formats[i] != NULL; i++) {
    GstVideoInfo info;
    frames_info (&info, frames_formats[i], 33, 17, NULL);
    const GstFbnetOverlayStyle none = { .line_width = 1 };
    g_autoptr (GstBuffer) before = draw_frame (&info, 20, &found, &none);
    g_autoptr (GstBuffer) after = draw_frame (&info, 20, &found, &style);
    GstMapInfo old, new;
    g_assert_true (gst_buffer_map (before, &old, GST_MAP_READ));
    g_assert_true (gst_buffer_map (after, &new, GST_MAP_READ));
    g_assert_cmpint (memcmp (old.data, new.data, old.size), !=, 0);
    const GstVideoMeta *meta = gst_buffer_get_video_meta (after);
    for (guint p = 0; p < meta->n_planes; p++)
      for (gsize end = meta->offset[p] + (gsize) meta->stride[p];
           end <= (p + 1 < meta->n_planes ? meta->offset[p + 1] : new.size);
           end += (gsize) meta->stride[p])
        g_assert_cmpmem (new.data + end - 20, 20, old.data + end - 20, 20);
    gst_buffer_unmap (before, &old);
    gst_buffer_unmap (after, &new);
  }
}

/* Frames smaller than a label, down to one pixel, in every format: drawn as far as there is room. */
static void
test_tiny_frames (void)
{
  for (guint i = 0; frames_formats[i]; i++) {
    for (guint side = 1; side <= 5; side++) {
      const FbnetDetection items[] = {
        { 0, 0, side, side, 0.9f, 0, { 0 } },
        { 0, 0, 1, 1, 0.8f, 1, { 0 } },
      };
      const FbnetDetections found = { items, 2 };
      const GstFbnetOverlayStyle style = make_style ();
      g_autofree guint8 *rgb = draw_on_grey (frames_formats[i], side, side, 0, &found, &style);
      const guint8 *corner = rgb + 3 * (side * side - 1);
      g_assert_true (corner[0] != GREY || corner[1] != GREY || corner[2] != GREY);
    }
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/element/overlay/box-in-every-format", test_box_in_every_format);
  g_test_add_func ("/element/overlay/mask", test_mask);
  g_test_add_func ("/element/overlay/mask-as-cover", test_mask_as_cover);
  g_test_add_func ("/element/overlay/line-follows-frame", test_line_follows_frame);
  g_test_add_func ("/element/overlay/label-stays-inside", test_label_stays_inside);
  g_test_add_func ("/element/overlay/labels-make-room", test_labels_make_room);
  g_test_add_func ("/element/overlay/label-gives-way", test_label_gives_way);
  g_test_add_func ("/element/overlay/crowd", test_crowd);
  g_test_add_func ("/element/overlay/words-are-kept", test_words_are_kept);
  g_test_add_func ("/element/overlay/contrast", test_contrast);
  g_test_add_func ("/element/overlay/attached-is-drawn", test_attached_is_drawn);
  g_test_add_func ("/element/overlay/colorimetry", test_colorimetry);
  g_test_add_func ("/element/overlay/padding-is-left", test_padding_is_left);
  g_test_add_func ("/element/overlay/label-is-written", test_label_is_written);
  g_test_add_func ("/element/overlay/skeleton", test_skeleton);
  g_test_add_func ("/element/overlay/switches", test_switches);
  g_test_add_func ("/element/overlay/palette", test_palette);
  g_test_add_func ("/element/overlay/tiny-frames", test_tiny_frames);
  g_test_add_func ("/element/overlay/trail", test_trail);
  g_test_add_func ("/element/overlay/trail-length", test_trail_length);
  g_test_add_func ("/element/overlay/track-color-and-number", test_track_color_and_number);
  return g_test_run ();
}
