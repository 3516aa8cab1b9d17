/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JPEG through libjpeg-turbo with its default settings, which are Pillow's: integer inverse DCT,
 * smooth up-sampling of the colour planes. Four-component pictures are read as Pillow reads them:
 * inverted, as Adobe stores them, then by its CMYK to RGB formula. Written are three components, colours
 * at half the resolution, as cameras store them.
 */
#include "codecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#define EXIF_PREFIX      "Exif\0" /* and one padding byte */
#define EXIF_PREFIX_SIZE 6

/* The longest time a hostile progressive file may take: each scan walks over the whole picture. */
#define MAX_SCANS 500

typedef struct {
  struct jpeg_error_mgr base; /* first: libjpeg hands it back */
  jmp_buf jump;
  const char *name, *verb; /* "damaged JPEG" or "cannot write JPEG", for messages */
  GError **error;
} ErrorManager;

static G_GNUC_NORETURN void
fail (j_common_ptr info)
{
  ErrorManager *manager = (ErrorManager *) info->err;
  char reason[JMSG_LENGTH_MAX];
  info->err->format_message (info, reason);
  g_set_error (manager->error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s: %s", manager->name,
      manager->verb, reason);
  longjmp (manager->jump, 1);
}

/* libjpeg paints what a truncated file lacks grey and only warns; other warnings are about pixels
 * that Pillow accepts too. */
static void
take_message (j_common_ptr info, int level)
{
  ErrorManager *manager = (ErrorManager *) info->err;
  if (level >= 0 || info->err->msg_code != JWRN_JPEG_EOF)
    return;
  g_set_error (manager->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: truncated JPEG: expected more data, found the end of the file", manager->name);
  longjmp (manager->jump, 1);
}

static void
check_scans (j_common_ptr info)
{
  ErrorManager *manager = (ErrorManager *) info->err;
  if (!info->is_decompressor || ((j_decompress_ptr) info)->input_scan_number <= MAX_SCANS)
    return;
  g_set_error (manager->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: damaged JPEG: expected at most %d scans, found more", manager->name, MAX_SCANS);
  longjmp (manager->jump, 1);
}

gboolean
jpeg_recognise (const guint8 *data, gsize size)
{
  return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

static Orientation
read_orientation (const struct jpeg_decompress_struct *info)
{
  for (jpeg_saved_marker_ptr marker = info->marker_list; marker; marker = marker->next) {
    const gboolean is_exif = marker->marker == JPEG_APP0 + 1
        && marker->data_length >= EXIF_PREFIX_SIZE
        && memcmp (marker->data, EXIF_PREFIX, EXIF_PREFIX_SIZE - 1) == 0;
    if (is_exif)
      return exif_orientation (marker->data + EXIF_PREFIX_SIZE,
          marker->data_length - EXIF_PREFIX_SIZE);
  }
  return 1;
}

/* Colour spaces as Pillow's JpegImagePlugin.py maps numbers of components to modes. */
static gboolean
choose_output (struct jpeg_decompress_struct *info, const char *name, GError **error)
{
  switch (info->num_components) {
    case 1:
      info->out_color_space = JCS_GRAYSCALE;
      return TRUE;
    case 3:
      info->out_color_space = JCS_RGB;
      return TRUE;
    case 4:
      info->out_color_space = JCS_CMYK;
      return TRUE;
    default:
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
          "%s: JPEG components: expected 1, 3 or 4, found %d", name, info->num_components);
      return FALSE;
  }
}

/* a * b / 255, rounded, as Pillow's ImagingUtils.h computes it. */
static guint
multiply_255 (guint a, guint b)
{
  const guint product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/* Widens a row of grey or CMYK to RGB in place; walks backwards where it grows. */
static void
convert_row (guint8 *rgb, const guint8 *row, guint width, J_COLOR_SPACE space)
{
  if (space == JCS_GRAYSCALE) {
    for (guint x = 0; x < width; x++)
      rgb[3 * x] = rgb[3 * x + 1] = rgb[3 * x + 2] = row[x];
    return;
  }
  for (guint x = 0; x < width; x++) {
    /* Stored inverted: what lies in the row is white less ink. */
    const guint8 *light = row + 4 * x;
    for (guint c = 0; c < 3; c++)
      rgb[3 * x + c] = (guint8) (light[3] - multiply_255 (255 - light[c], light[3]));
  }
}

static void
read_rows (struct jpeg_decompress_struct *info, Picture *picture)
{
  const gsize stride = 3 * (gsize) picture->width;
  const gboolean is_rgb = info->out_color_space == JCS_RGB;
  /* libjpeg's own pool: freed with the decompressor, also after a jump. */
  guint8 *row = is_rgb ? NULL
                       : info->mem->alloc_large ((j_common_ptr) info, JPOOL_IMAGE,
                           (gsize) picture->width * info->output_components);

  while (info->output_scanline < info->output_height) {
    guint8 *rgb = picture->pixels + info->output_scanline * stride;
    JSAMPROW target = is_rgb ? rgb : row;
    jpeg_read_scanlines (info, &target, 1);
    if (!is_rgb)
      convert_row (rgb, row, picture->width, info->out_color_space);
  }
}

/* What may jump back into jpeg_decode(). *picture is set as soon as there is one to free. */
static gboolean
decode (struct jpeg_decompress_struct *info, Picture *volatile *picture, Orientation *orientation,
    const char *name, GError **error)
{
  jpeg_save_markers (info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header (info, TRUE);
  *orientation = read_orientation (info);
  if (!choose_output (info, name, error))
    return FALSE;
  *picture = picture_new (info->image_width, info->image_height, name, error);
  if (!*picture)
    return FALSE;
  jpeg_start_decompress (info);
  read_rows (info, *picture);
  jpeg_finish_decompress (info);
  return TRUE;
}

Picture *
jpeg_decode (const guint8 *data, gsize size, Orientation *orientation, const char *name,
    GError **error)
{
  struct jpeg_decompress_struct info;
  struct jpeg_progress_mgr progress = { .progress_monitor = check_scans };
  ErrorManager manager = { .name = name, .verb = "damaged JPEG", .error = error };
  Picture *volatile picture = NULL;
  volatile gboolean done = FALSE;

  info.err = jpeg_std_error (&manager.base);
  manager.base.error_exit = fail;
  manager.base.emit_message = take_message;
  jpeg_create_decompress (&info);
  info.progress = &progress;
  if (setjmp (manager.jump) == 0) {
    jpeg_mem_src (&info, data, size);
    done = decode (&info, &picture, orientation, name, error);
  }
  jpeg_destroy_decompress (&info);

  if (!done) {
    picture_free (picture);
    return NULL;
  }
  return picture;
}

/* Nothing about pixels of our own is worth a warning. */
static void
ignore_message (j_common_ptr info, int level)
{
}

static void
encode (struct jpeg_compress_struct *info, const Picture *picture, guint quality)
{
  info->image_width = picture->width;
  info->image_height = picture->height;
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults (info);
  jpeg_set_quality (info, (int) quality, TRUE);
  jpeg_start_compress (info, TRUE);
  while (info->next_scanline < info->image_height) {
    JSAMPROW row = picture->pixels + (gsize) 3 * picture->width * info->next_scanline;
    jpeg_write_scanlines (info, &row, 1);
  }
  jpeg_finish_compress (info);
}

/* *data is libjpeg's, of malloc(), also after a failure. */
static gboolean
encode_to_memory (const Picture *picture, guint quality, ErrorManager *manager,
    unsigned char **data, unsigned long *size)
{
  struct jpeg_compress_struct info = { .err = jpeg_std_error (&manager->base) };
  volatile gboolean done = FALSE;

  manager->base.error_exit = fail;
  manager->base.emit_message = ignore_message;
  if (setjmp (manager->jump) == 0) {
    jpeg_create_compress (&info);
    jpeg_mem_dest (&info, data, size);
    encode (&info, picture, quality);
    done = TRUE;
  }
  jpeg_destroy_compress (&info);
  return done;
}

GByteArray *
jpeg_encode (const Picture *picture, guint quality, const char *name, GError **error)
{
  ErrorManager manager = { .name = name, .verb = "cannot write JPEG", .error = error };
  unsigned char *data = NULL;
  unsigned long size = 0;
  GByteArray *file = NULL;

  if (encode_to_memory (picture, quality, &manager, &data, &size))
    file = g_byte_array_append (g_byte_array_new (), data, (guint) size);
  free (data);
  return file;
}
