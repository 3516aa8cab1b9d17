/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for tests.
 */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

static Picture *
picture_new (guint width, guint height)
{
  Picture *picture = g_new0 (Picture, 1);

  picture->width = width;
  picture->height = height;
  picture->rgb = g_malloc_n ((gsize) width * height, 3);
  return picture;
}

void
picture_free (Picture *picture)
{
  if (picture == NULL)
    return;
  g_free (picture->rgb);
  g_free (picture);
}

static Picture *
load_png (const char *path, GError **error)
{
  png_image png = { .version = PNG_IMAGE_VERSION };
  Picture *picture = NULL;

  if (png_image_begin_read_from_file (&png, path)) {
    png.format = PNG_FORMAT_RGB;
    picture = picture_new (png.width, png.height);
    if (!png_image_finish_read (&png, NULL, picture->rgb, 0, NULL))
      g_clear_pointer (&picture, picture_free);
  }
  if (picture == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s", path, png.message);
  png_image_free (&png);
  return picture;
}

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf failed;
} JpegErrors;

static void
jpeg_failed (j_common_ptr jpeg)
{
  longjmp (((JpegErrors *) jpeg->err)->failed, 1);
}

/* libjpeg-turbo's default settings: what Pillow, and so D2Go, decodes with. */
static Picture *
decode_jpeg (FILE *file)
{
  struct jpeg_decompress_struct jpeg;
  JpegErrors errors;
  Picture *volatile picture = NULL;

  jpeg.err = jpeg_std_error (&errors.base);
  errors.base.error_exit = jpeg_failed;
  if (setjmp (errors.failed) != 0) {
    jpeg_destroy_decompress (&jpeg);
    picture_free (picture);
    return NULL;
  }
  jpeg_create_decompress (&jpeg);
  jpeg_stdio_src (&jpeg, file);
  jpeg_read_header (&jpeg, TRUE);
  jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress (&jpeg);
  picture = picture_new (jpeg.output_width, jpeg.output_height);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = picture->rgb + (gsize) jpeg.output_scanline * jpeg.output_width * 3;
    jpeg_read_scanlines (&jpeg, &row, 1);
  }
  jpeg_finish_decompress (&jpeg);
  jpeg_destroy_decompress (&jpeg);
  return picture;
}

static Picture *
load_jpeg (const char *path, GError **error)
{
  FILE *file = fopen (path, "rb");
  Picture *picture = file != NULL ? decode_jpeg (file) : NULL;

  if (file != NULL)
    fclose (file);
  if (picture == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected a JPEG picture", path);
  return picture;
}

Picture *
picture_load (const char *path, GError **error)
{
  return g_str_has_suffix (path, ".png") ? load_png (path, error) : load_jpeg (path, error);
}

/* tests/data/make-tiny.py draws the same picture: whole numbers only. */
Picture *
picture_draw (guint width, guint height, guint seed)
{
  Picture *picture = picture_new (width, height);
  guint32 noise = seed * 2654435761u + 1;

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++) {
      guint8 *pixel = picture->rgb + ((gsize) y * width + x) * 3;
      for (guint c = 0; c < 3; c++) {
        const gint dx = (gint) x - (gint) (width * (c + 1) / 4);
        const gint dy = (gint) y - (gint) (height * (3 - c) / 4);
        const gint radius = (gint) MIN (width, height) / (3 + (gint) c);
        const guint disc = dx * dx + dy * dy < radius * radius ? 96 : 0;
        noise = noise * 1664525u + 1013904223u;
        pixel[c] = (guint8) ((x * 3 + y * (2 + c) + disc + (noise >> 28)) & 255);
      }
    }
  }
  return picture;
}

FbnetImage
picture_image (const Picture *picture)
{
  return (FbnetImage){
    .format = FBNET_PIXEL_RGB,
    .width = picture->width,
    .height = picture->height,
    .planes = { picture->rgb },
    .strides = { (gssize) picture->width * 3 },
  };
}
