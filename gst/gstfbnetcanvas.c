/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drawing into planes: a colour becomes a code for each component, and each component's samples are moved
 * towards it. A sample that several pixels share moves as far as the mean of them would.
 */
#include "gstfbnetcanvas.h"

#include <math.h>
#include <string.h>

/* Groups of samples that are worked on at once, and the bytes of the widest. */
#define CHUNK      512
#define MOST_BYTES 4

/* Rows of which a few bytes are written are fetched so early: processors expect what comes next in a row. */
#define ROWS_AHEAD 12

/* Bytes of a row in which groups of any size end together. */
#define TILE 48

/* --- Layers ------------------------------------------------------------------------------------ */

/* Components come in an order in which those of a layer follow each other. */
static void
add_component (GstFbnetCanvas *canvas, const GstFbnetLayer *layer,
    const GstFbnetComponent *component)
{
  GstFbnetLayer *last = canvas->n_layers > 0 ? &canvas->layers[canvas->n_layers - 1] : NULL;

  if (last == NULL || last->data != layer->data || last->step != layer->step) {
    last = &canvas->layers[canvas->n_layers++];
    *last = *layer;
    last->first = canvas->n_components;
  }
  last->n++;
  canvas->components[canvas->n_components++] = *component;
}

/* Two formats are not as GStreamer's table says (1.22): P010's Cr lies a word behind Cb, not a byte, and BGR16
 * has blue in the high bits. */
static guint
place_of (const GstVideoFormatInfo *format, guint i)
{
  if (GST_VIDEO_FORMAT_INFO_FORMAT (format) == GST_VIDEO_FORMAT_P010_10LE)
    return i == 2 ? 2 : 0;
  return GST_VIDEO_FORMAT_INFO_POFFSET (format, i);
}

static guint
shift_of (const GstVideoFormatInfo *format, guint i)
{
  if (GST_VIDEO_FORMAT_INFO_FORMAT (format) == GST_VIDEO_FORMAT_BGR16)
    return (guint[]){ 0, 5, 11 }[i];
  return GST_VIDEO_FORMAT_INFO_SHIFT (format, i);
}

static void
add_component_of (GstFbnetCanvas *canvas, const GstVideoFrame *frame, guint i, gint offset,
    gint scale)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  const guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (format, i);
  const guint shift = shift_of (format, i);
  const guint plane = GST_VIDEO_FORMAT_INFO_PLANE (format, i);
  const GstFbnetLayer layer = {
    .data = GST_VIDEO_FRAME_PLANE_DATA (frame, plane),
    .stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane),
    .step = GST_VIDEO_FORMAT_INFO_PSTRIDE (format, i),
    .columns = GST_VIDEO_FORMAT_INFO_W_SUB (format, i),
    .rows = GST_VIDEO_FORMAT_INFO_H_SUB (format, i),
    .bytes = depth == 8 ? 1 : 2,
  };
  const GstFbnetComponent component = {
    .place = place_of (format, i),
    .bits = depth < 8 ? depth : 0,
    .shift = shift,
    .offset = ldexp (offset, (gint) shift),
    .scale = ldexp (scale, (gint) shift),
    .most = ldexp ((1 << depth) - 1, (gint) shift),
  };

  add_component (canvas, &layer, &component);
}

/* As for convert_matrix() of gstfbnetimage.c: what is unknown is BT.601. */
static void
find_luma_weights (GstFbnetCanvas *canvas, GstVideoColorMatrix matrix)
{
  if (!gst_video_color_matrix_get_Kr_Kb (matrix, &canvas->kr, &canvas->kb))
    gst_video_color_matrix_get_Kr_Kb (GST_VIDEO_COLOR_MATRIX_BT601, &canvas->kr, &canvas->kb);
}

void
gst_fbnet_canvas_init_frame (GstFbnetCanvas *canvas, const GstVideoFrame *frame)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  const gboolean rgb = GST_VIDEO_FORMAT_INFO_IS_RGB (format);
  GstVideoColorRange range = frame->info.colorimetry.range;
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];

  *canvas = (GstFbnetCanvas){ .width = GST_VIDEO_FRAME_WIDTH (frame),
    .height = GST_VIDEO_FRAME_HEIGHT (frame),
    .yuv = !rgb };
  if (rgb || (range == GST_VIDEO_COLOR_RANGE_UNKNOWN && !GST_VIDEO_FORMAT_INFO_IS_YUV (format)))
    range = GST_VIDEO_COLOR_RANGE_0_255;
  else if (range == GST_VIDEO_COLOR_RANGE_UNKNOWN)
    range = GST_VIDEO_COLOR_RANGE_16_235;
  gst_video_color_range_offsets (range, format, offset, scale);
  find_luma_weights (canvas, frame->info.colorimetry.matrix);
  for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); i++)
    add_component_of (canvas, frame, i, offset[i], scale[i]);
}

void
gst_fbnet_canvas_init_pixels (GstFbnetCanvas *canvas, guint32 *pixels, gint x, gint y, gint width,
    gint height)
{
  const GstFbnetLayer layer = { .data = (guint8 *) pixels,
    .stride = 4 * width,
    .step = 4,
    .bytes = 1 };

  *canvas = (GstFbnetCanvas){ .x = x, .y = y, .width = width, .height = height };
  for (guint i = 0; i < 4; i++) {
    const guint byte = i < 3 ? 2 - i : 3; /* R, G, B, A, from the lowest */
    add_component (canvas, &layer,
        &(GstFbnetComponent){ .place = G_BYTE_ORDER == G_LITTLE_ENDIAN ? byte : 3 - byte,
            .scale = 255,
            .most = 255 });
  }
}

/* --- Colours ----------------------------------------------------------------------------------- */

/* One operation's colour as the components have it. */
typedef struct {
  guint alpha;
  guint codes[4];
} Ink;

static Ink
make_ink (const GstFbnetCanvas *canvas, guint32 color)
{
  const double r = (color >> 16 & 0xff) / 255.0, g = (color >> 8 & 0xff) / 255.0;
  const double b = (color & 0xff) / 255.0;
  double parts[4] = { r, g, b, 1 };
  Ink ink = { .alpha = color >> 24 };

  if (canvas->yuv) {
    parts[0] = canvas->kr * r + (1 - canvas->kr - canvas->kb) * g + canvas->kb * b;
    parts[1] = (b - parts[0]) / (2 * (1 - canvas->kb));
    parts[2] = (r - parts[0]) / (2 * (1 - canvas->kr));
  }
  for (guint i = 0; i < canvas->n_components; i++) {
    const GstFbnetComponent *component = &canvas->components[i];
    const double code = component->offset + component->scale * parts[i];
    ink.codes[i] =
        (guint) lrint (CLAMP (code, 0, component->most)); /* full-range chroma passes it */
  }
  return ink;
}

/* --- Rows of samples --------------------------------------------------------------------------- */

/* A layer and a colour, ready to be put into it. */
typedef struct {
  const GstFbnetLayer *layer;
  const GstFbnetComponent *components;
  const guint *codes;

  /* Of samples of one byte */
  gboolean whole;                     /* every byte of a group is some component's */
  guint8 used[MOST_BYTES];            /* 255 where one is */
  guint8 others[TILE];                /* where none is, group after group */
  guint8 pattern[CHUNK * MOST_BYTES]; /* the colour, group after group */
} Brush;

static void
brush_init (Brush *brush, const GstFbnetCanvas *canvas, const GstFbnetLayer *layer, const Ink *ink,
    gsize n_groups)
{
  const gsize step = (gsize) layer->step, n = MIN (n_groups, CHUNK);

  brush->layer = layer;
  brush->components = &canvas->components[layer->first];
  brush->codes = &ink->codes[layer->first];
  brush->whole = layer->n == step;
  if (layer->bytes != 1)
    return;
  memset (brush->used, 0, sizeof brush->used);
  if (!brush->whole)
    memset (brush->pattern, 0, n * step);
  for (guint i = 0; i < layer->n; i++) {
    const guint place = brush->components[i].place;
    brush->used[place] = 255;
    for (gsize k = 0; k < n; k++)
      brush->pattern[k * step + place] = (guint8) brush->codes[i];
  }
  for (gsize k = 0; !brush->whole && k < TILE; k += step)
    for (gsize i = 0; i < step; i++)
      brush->others[k + i] = (guint8) ~brush->used[i];
}

/* Sums of 16 bits, of which twice as many fit a vector: 255 × 255 + 128 and what is added to it do. */
static void
blend_bytes (guint8 *restrict data, const guint8 *restrict covers, const guint8 *restrict pattern,
    gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const guint16 sum = (guint16) (data[i] * (255 - covers[i]) + pattern[i] * covers[i] + 128);
    data[i] = (guint8) ((guint16) (sum + (sum >> 8)) >> 8);
  }
}

/* Each byte's cover from its group's. */
static inline void
spread (guint8 *restrict out, const guint8 *restrict covers, gsize n, const guint8 *restrict used,
    gsize step)
{
  for (gsize i = 0; i < n; i++)
    for (gsize k = 0; k < step; k++)
      out[i * step + k] = covers[i] & used[k];
}

/* A line's edge, row after row. */
static void
blend_group (const Brush *brush, guint8 *data, guint8 cover)
{
  for (gint k = 0; k < brush->layer->step; k++)
    blend_bytes (&data[k], &(guint8){ cover & brush->used[k] }, &brush->pattern[k], 1);
}

static void
blend_groups (const Brush *brush, guint8 *data, const guint8 *covers, gsize n)
{
  guint8 spreaded[CHUNK * MOST_BYTES];

  if (n == 1) {
    blend_group (brush, data, covers[0]);
    return;
  }
  switch (brush->layer->step) { /* the compiler unrolls what it knows */
    case 1:
      blend_bytes (data, covers, brush->pattern, n);
      return;
    case 2:
      spread (spreaded, covers, n, brush->used, 2);
      break;
    case 3:
      spread (spreaded, covers, n, brush->used, 3);
      break;
    default:
      spread (spreaded, covers, n, brush->used, 4);
      break;
  }
  blend_bytes (data, spreaded, brush->pattern, n * (gsize) brush->layer->step);
}

/* What becomes of a tile's samples under one cover: sample × keep + add, divided by 255. */
typedef struct {
  guint16 keep[TILE], add[TILE];
} Coat;

static void
coat_init (Coat *coat, const Brush *brush, guint cover)
{
  const gsize step = (gsize) brush->layer->step;

  if (brush->layer->bytes != 1)
    return;
  for (gsize k = 0; k < TILE; k += step)
    for (gsize i = 0; i < step; i++) {
      const guint own = cover & brush->used[i];
      coat->keep[k + i] = (guint16) (255 - own);
      coat->add[k + i] = (guint16) (brush->pattern[i] * own + 128);
    }
}

static inline void
coat_tile (guint8 *restrict data, const Coat *restrict coat, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const guint16 sum = (guint16) (data[i] * coat->keep[i] + coat->add[i]);
    data[i] = (guint8) ((guint16) (sum + (sum >> 8)) >> 8);
  }
}

/* As blend_bytes() where all covers are the same. */
static void
coat_bytes (guint8 *data, const Coat *coat, gsize n)
{
  for (; n >= TILE; n -= TILE, data += TILE)
    coat_tile (data, coat, TILE);
  coat_tile (data, coat, n);
}

/* A cover of 255 is all of it. */
static inline guint
mix (guint sample, guint code, guint cover)
{
  const gint difference = (gint) code - (gint) sample, part = (gint) (cover + (cover >> 7));

  return (guint) ((gint) sample + ((difference * part + 128) >> 8));
}

/* GStreamer's own macros take a guint16 at an even address for granted, which rows with an odd stride have not got. */
static inline guint
read_word (const guint8 *data)
{
  return data[0] | (guint) data[1] << 8;
}

static inline void
write_word (guint8 *data, guint word)
{
  data[0] = (guint8) word;
  data[1] = (guint8) (word >> 8);
}

/* Bits of a word that are no one's are left as they fall: those below P010's ten do not count. */
static void
blend_scattered_words (guint8 *data, gint step, const guint8 *covers, gsize n, guint code)
{
  for (gsize i = 0; i < n; i++, data += step)
    write_word (data, mix (read_word (data), code, covers[i]));
}

/* The same of words that follow each other, at even addresses: in products of 16 bits by 16, as processors have them. */
static void
blend_words (guint16 *restrict words, const guint8 *restrict covers, gsize n, guint16 code)
{
  for (gsize i = 0; i < n; i++) {
    const guint16 sample = GUINT16_FROM_LE (words[i]);
    const guint16 part = (guint16) (covers[i] + (covers[i] >> 7)), rest = (guint16) (256 - part);
    const guint32 sum = (guint32) sample * rest + (guint32) code * part + 128;
    words[i] = GUINT16_TO_LE ((guint16) (sum >> 8));
  }
}

static void
blend_shared_words (guint8 *data, gint step, const guint8 *covers, gsize n,
    const GstFbnetComponent *component, guint code)
{
  const guint bits = ((1u << component->bits) - 1) << component->shift;

  for (gsize i = 0; i < n; i++, data += step) {
    const guint word = read_word (data);
    const guint part = mix ((word & bits) >> component->shift, code >> component->shift, covers[i]);
    write_word (data, (word & ~bits) | part << component->shift);
  }
}

static guint8 *
group_at (const GstFbnetLayer *layer, gint row, gint column)
{
  return layer->data + (gssize) row * layer->stride + (gssize) column * layer->step;
}

static void
blend (const Brush *brush, gint row, gint first, const guint8 *covers, gsize n)
{
  const GstFbnetLayer *layer = brush->layer;

  for (; n > 0 && covers[n - 1] == 0; n--)
    ;
  for (; n > 0 && covers[0] == 0; n--, covers++)
    first++;
  guint8 *data = group_at (layer, row, first);
  if (layer->bytes == 1) {
    blend_groups (brush, data, covers, n);
    return;
  }
  for (guint i = 0; i < layer->n; i++) {
    const GstFbnetComponent *component = &brush->components[i];
    if (component->bits > 0)
      blend_shared_words (data, layer->step, covers, n, component, brush->codes[i]);
    else if (layer->step == 2 && (gsize) data % 2 == 0)
      blend_words ((gpointer) data, covers, n, (guint16) brush->codes[i]);
    else
      blend_scattered_words (data + component->place, layer->step, covers, n, brush->codes[i]);
  }
}

static void
store_words (guint8 *data, gint step, gsize n, guint code)
{
  for (gsize i = 0; i < n; i++, data += step)
    write_word (data, code);
}

static inline void
store_tile (guint8 *restrict data, const guint8 *restrict pattern, const guint8 *restrict others,
    gsize n)
{
  for (gsize i = 0; i < n; i++)
    data[i] = (data[i] & others[i]) | pattern[i];
}

/* Bytes of no component stay. */
static void
store_bytes (const Brush *brush, guint8 *data, gsize n)
{
  const guint8 *pattern = brush->pattern;

  for (; n >= TILE; n -= TILE, data += TILE, pattern += TILE)
    store_tile (data, pattern, brush->others, TILE);
  store_tile (data, pattern, brush->others, n);
}

/* The colour itself, into samples that have bytes of their own. */
static void
store (const Brush *brush, gint row, gint first, gsize n)
{
  const GstFbnetLayer *layer = brush->layer;
  guint8 *data = group_at (layer, row, first);

  if (layer->bytes == 2) {
    for (guint i = 0; i < layer->n; i++)
      store_words (data + brush->components[i].place, layer->step, n, brush->codes[i]);
    return;
  }
  if (brush->whole)
    memcpy (data, brush->pattern, n * (gsize) layer->step);
  else
    store_bytes (brush, data, n * (gsize) layer->step);
}

/* --- Covers ------------------------------------------------------------------------------------ */

/* What an operation covers, within the canvas and counted from its corner. */
typedef struct {
  gint x, y, width, height;
  const guint8 *cover; /* of the area's first pixel; NULL: all of it */
  gsize stride;
  Ink ink;
  gboolean in_runs; /* most covers are those of their neighbours, and 0 or 255 */
} Area;

static gboolean
clip (const GstFbnetCanvas *canvas, Area *area)
{
  const gint x = MAX (area->x - canvas->x, 0), y = MAX (area->y - canvas->y, 0);
  const gint right = MIN (area->x - canvas->x + area->width, canvas->width);
  const gint bottom = MIN (area->y - canvas->y + area->height, canvas->height);

  if (right <= x || bottom <= y || area->ink.alpha == 0)
    return FALSE;
  if (area->cover != NULL)
    area->cover += (gsize) (y + canvas->y - area->y) * area->stride + (x + canvas->x - area->x);
  area->x = x;
  area->y = y;
  area->width = right - x;
  area->height = bottom - y;
  return TRUE;
}

/* value / 255, rounded, of at most 255 × 255. */
static inline guint
divide_255 (guint value)
{
  return (value + 128 + ((value + 128) >> 8)) >> 8;
}

/* Of a pixel of the canvas. */
static inline guint
cover_at (const Area *area, gint x, gint y)
{
  if (x < area->x || y < area->y || x >= area->x + area->width || y >= area->y + area->height)
    return 0;
  return area->cover == NULL ? 255
                             : area->cover[(gsize) (y - area->y) * area->stride + (x - area->x)];
}

/* n covers of groups that have a pixel each. */
static void
take_covers (guint8 *restrict covers, const Area *area, gint first, gsize n, gint row)
{
  const guint8 *from = area->cover + (gsize) (row - area->y) * area->stride + (first - area->x);
  const guint alpha = area->ink.alpha;

  for (gsize i = 0; i < n; i++) {
    const guint16 sum = (guint16) (from[i] * alpha + 128);
    covers[i] = (guint8) ((guint16) (sum + (sum >> 8)) >> 8);
  }
}

/* Of a group of up to two columns and rows; those beyond the canvas do not count. */
static guint
mean_cover (const GstFbnetCanvas *canvas, const GstFbnetLayer *layer, const Area *area, gint column,
    gint row)
{
  const gint right = MIN ((column + 1) << layer->columns, canvas->width);
  const gint bottom = MIN ((row + 1) << layer->rows, canvas->height);
  guint sum = 0, n = 0;

  for (gint y = row << layer->rows; y < bottom; y++)
    for (gint x = column << layer->columns; x < right; x++, n++)
      sum += cover_at (area, x, y);
  return divide_255 ((sum + n / 2) / n * area->ink.alpha);
}

/* The means of whole pairs of pixels of one row, or two, all of them within the area. */
static void
take_mean_covers (guint8 *restrict covers, const Area *area, gint first, gsize n, gint y,
    gint below)
{
  const guint8 *upper = area->cover + (gsize) (y - area->y) * area->stride + (first - area->x);
  const guint8 *lower = area->cover + (gsize) (below - area->y) * area->stride + (first - area->x);
  const guint alpha = area->ink.alpha;

  for (gsize i = 0; i < n; i++) {
    const guint sum = upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1];
    covers[i] = (guint8) divide_255 ((sum + 2) / 4 * alpha);
  }
}

/* Of rows of groups that the area takes a part of. Where it has no covers of its own all are the same but for those
 * at its ends. */
static void
share_part (const GstFbnetCanvas *canvas, const GstFbnetLayer *layer, guint8 *covers,
    const Area *area, gint first, gsize n, gint row)
{
  for (gsize i = 0; i < n; i++)
    covers[i] = area->cover == NULL && i > 1 && i + 1 < n
        ? covers[1]
        : (guint8) mean_cover (canvas, layer, area, first + (gint) i, row);
}

/* n covers from group `first` of a row of groups that pixels share, or have each. */
static void
share_covers (const GstFbnetCanvas *canvas, const GstFbnetLayer *layer, guint8 *covers,
    const Area *area, gint first, gsize n, gint row)
{
  const gint y = row << layer->rows, below = y + (1 << layer->rows) - 1;
  gsize begin = 0, end = n;

  if (y < area->y || below >= area->y + area->height) {
    share_part (canvas, layer, covers, area, first, n, row);
    return;
  }
  if (first << layer->columns < area->x)
    covers[begin++] = (guint8) mean_cover (canvas, layer, area, first, row);
  if (end > begin && (first + (gint) end) << layer->columns > area->x + area->width) {
    end--;
    covers[end] = (guint8) mean_cover (canvas, layer, area, first + (gint) end, row);
  }
  if (area->cover == NULL)
    memset (covers + begin, (gint) area->ink.alpha, end - begin);
  else
    take_mean_covers (covers + begin, area, (first + (gint) begin) << 1, end - begin, y, below);
}

/* --- Areas ------------------------------------------------------------------------------------- */

/* Columns and rows of groups that an area touches; both ends are inside. */
typedef struct {
  gint left, right, top, bottom;
} Extent;

static void
put_plain_row (const Brush *brush, gint row, gint first, const guint8 *covers, gsize n)
{
  const gsize begin = covers[0] < 255, end = n - (n > begin && covers[n - 1] < 255);

  if (begin > 0)
    blend (brush, row, first, covers, begin);
  store (brush, row, first + (gint) begin, end - begin);
  if (end < n)
    blend (brush, row, first + (gint) end, covers + end, n - end);
}

/* Rows without covers of their own: but for the first and the last all are alike, with a part of a group at
 * either end, and mostly opaque. */
static void
paint_plain (const GstFbnetCanvas *canvas, const Brush *brush, const Area *area,
    const Extent *extent, gint first, gsize n)
{
  const GstFbnetLayer *layer = brush->layer;
  const gboolean opaque = area->ink.alpha == 255 && brush->components[0].bits == 0;
  gboolean known = FALSE;
  guint8 covers[CHUNK];

  for (gint row = extent->top; row <= extent->bottom; row++) {
    __builtin_prefetch (group_at (layer, MIN (row + ROWS_AHEAD, extent->bottom), first), 1);
    const gboolean inside =
        row << layer->rows >= area->y && (row + 1) << layer->rows <= area->y + area->height;
    if (!inside || !known)
      share_covers (canvas, layer, covers, area, first, n, row);
    known = inside;
    if (inside && opaque)
      put_plain_row (brush, row, first, covers, n);
    else
      blend (brush, row, first, covers, n);
  }
}

/* Covers that are looked at together. */
#define WORD 8

/* Pixels with the same cover that are not worth being told from others. */
#define SHORT_RUN 8

typedef enum { COVERS_NONE, COVERS_ALL, COVERS_MIXED } Kind;

/* What covers of the two differ in from those that `same` is made of. */
static inline guint64
difference_at (const guint8 *upper, const guint8 *lower, guint64 same)
{
  guint64 a, b;

  memcpy (&a, upper, WORD);
  memcpy (&b, lower, WORD);
  return (a ^ same) | (b ^ same);
}

/* Of n pixels the first that have those covers. */
static inline gsize
count_same (const guint8 *upper, const guint8 *lower, gsize n, guint64 same)
{
  gsize i = 0;

  for (; i + 4 * WORD <= n; i += 4 * WORD) {
    guint64 difference = 0;
    for (gsize k = i; k < i + 4 * WORD; k += WORD)
      difference |= difference_at (upper + k, lower + k, same);
    if (difference != 0)
      break;
  }
  while (i + WORD <= n && difference_at (upper + i, lower + i, same) == 0)
    i += WORD;
  while (i < n && upper[i] == (guint8) same && lower[i] == (guint8) same)
    i++;
  return i;
}

/* The first of n groups, of a row of pixels or of two, that are of a kind. */
static inline gsize
find_run (const guint8 *upper, const guint8 *lower, gsize n, gint columns, Kind *kind)
{
  const guint8 first = upper[0];
  const guint64 same = first == 0 ? 0 : G_MAXUINT64;
  const gsize run = first == 0 || first == 255 ? count_same (upper, lower, n << columns, same) : 0;

  *kind = run <= SHORT_RUN ? COVERS_MIXED : first == 0 ? COVERS_NONE : COVERS_ALL;
  return MAX (run >> columns, 1);
}

static void
paint_mixed (const GstFbnetCanvas *canvas, const Brush *brush, const Area *area, gint first,
    gsize n, gint row)
{
  const GstFbnetLayer *layer = brush->layer;
  guint8 covers[CHUNK];

  if (n == 0)
    return;
  if (layer->columns + layer->rows == 0)
    take_covers (covers, area, first, n, row);
  else
    share_covers (canvas, layer, covers, area, first, n, row);
  blend (brush, row, first, covers, n);
}

/* Groups all of whose pixels are covered. */
static void
paint_full (const Brush *brush, const Coat *coat, guint cover, gint first, gsize n, gint row)
{
  const GstFbnetLayer *layer = brush->layer;
  guint8 covers[CHUNK];

  if (layer->bytes == 1) {
    coat_bytes (group_at (layer, row, first), coat, n * (gsize) layer->step);
    return;
  }
  memset (covers, (gint) cover, n);
  blend (brush, row, first, covers, n);
}

/* A row of groups within the area, but for parts of the first and the last. */
static void
paint_runs (const GstFbnetCanvas *canvas, const Brush *brush, const Coat *coat, const Area *area,
    gint first, gsize n, gint row)
{
  const GstFbnetLayer *layer = brush->layer;
  const gint columns = (gint) layer->columns, y = row << layer->rows;
  const guint8 *upper = area->cover + (gsize) (y - area->y) * area->stride;
  const guint8 *lower = upper + ((gsize) (1 << layer->rows) - 1) * area->stride;
  const gsize end = n - ((first + (gint) n) << columns > area->x + area->width);
  gsize mixed = 0; /* where those begin that are not painted yet */

  for (gsize at = first << columns < area->x, run; at < end; at += run) {
    const gint x = ((first + (gint) at) << columns) - area->x;
    Kind kind;
    run = upper == lower ? find_run (upper + x, upper + x, end - at, columns, &kind)
                         : find_run (upper + x, lower + x, end - at, columns, &kind);
    if (kind == COVERS_MIXED)
      continue;
    paint_mixed (canvas, brush, area, first + (gint) mixed, at - mixed, row);
    if (kind == COVERS_ALL)
      paint_full (brush, coat, area->ink.alpha, first + (gint) at, run, row);
    mixed = at + run;
  }
  paint_mixed (canvas, brush, area, first + (gint) mixed, n - mixed, row);
}

static void
paint_covered (const GstFbnetCanvas *canvas, const Brush *brush, const Area *area,
    const Extent *extent, gint first, gsize n)
{
  const GstFbnetLayer *layer = brush->layer;
  Coat coat;

  if (area->in_runs)
    coat_init (&coat, brush, area->ink.alpha);
  for (gint row = extent->top; row <= extent->bottom; row++) {
    const gint y = row << layer->rows, below = y + (1 << layer->rows) - 1;
    if (!area->in_runs || y < area->y || below >= area->y + area->height)
      paint_mixed (canvas, brush, area, first, n, row);
    else
      paint_runs (canvas, brush, &coat, area, first, n, row);
  }
}

static void
paint_layer (const GstFbnetCanvas *canvas, const GstFbnetLayer *layer, const Area *area)
{
  const Extent extent = { area->x >> layer->columns, (area->x + area->width - 1) >> layer->columns,
    area->y >> layer->rows, (area->y + area->height - 1) >> layer->rows };
  Brush brush;

  brush_init (&brush, canvas, layer, &area->ink, (gsize) (extent.right + 1 - extent.left));
  for (gint first = extent.left; first <= extent.right; first += CHUNK) {
    const gsize n = (gsize) MIN (extent.right + 1 - first, CHUNK);
    if (area->cover == NULL)
      paint_plain (canvas, &brush, area, &extent, first, n);
    else
      paint_covered (canvas, &brush, area, &extent, first, n);
  }
}

static void
paint (const GstFbnetCanvas *canvas, Area *area)
{
  if (!clip (canvas, area))
    return;
  for (guint i = 0; i < canvas->n_layers; i++)
    paint_layer (canvas, &canvas->layers[i], area);
}

void
gst_fbnet_canvas_fill (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    guint32 color)
{
  paint (canvas, &(Area){ x, y, width, height, .ink = make_ink (canvas, color) });
}

void
gst_fbnet_canvas_cover (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    const guint8 *cover, gsize stride, guint32 color)
{
  paint (canvas, &(Area){ x, y, width, height, cover, stride, make_ink (canvas, color), FALSE });
}

void
gst_fbnet_canvas_mask (const GstFbnetCanvas *canvas, gint x, gint y, gint width, gint height,
    const guint8 *cover, gsize stride, guint32 color)
{
  paint (canvas, &(Area){ x, y, width, height, cover, stride, make_ink (canvas, color), TRUE });
}
