/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for tests, from PNG and JPEG files.
 */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

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
