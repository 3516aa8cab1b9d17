/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PNG through libpng. Reading follows Pillow's convert("RGB"): palettes resolved, alpha dropped and
 * not blended, of 16 bits the upper eight. One kind is refused: 16-bit grey, which Pillow cuts to
 * white wherever it is brighter than 255 of 65535.
 */
#include "codecs.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

#define SIGNATURE_SIZE 8
/* Large pictures spend most of an annotated file's time here; 3 is half of the default's. */
#define COMPRESSION_LEVEL 3
/* Text, profiles and the like, all of which are ignored. */
#define MAX_CHUNK_BYTES (16 * 1024 * 1024)

typedef struct {
  const char *name;
  const char *verb; /* "damaged PNG" or "cannot write PNG", for messages */
  GError **error;
  const guint8 *data; /* what is left to read */
  gsize size;
  GByteArray *out;
} Codec;

static G_GNUC_NORETURN void
fail (png_structp png, png_const_charp reason)
{
  const Codec *codec = png_get_error_ptr (png);

  if (*codec->error == NULL)
    g_set_error (codec->error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: %s: %s", codec->name,
        codec->verb, reason);
  png_longjmp (png, 1);
}

/* Warnings are about parts that this reader does not look at. */
static void
ignore_warning (png_structp png, png_const_charp reason)
{
}

static void
read_bytes (png_structp png, png_bytep to, size_t n)
{
  Codec *codec = png_get_io_ptr (png);

  if (n > codec->size) {
    g_set_error (codec->error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: truncated PNG: expected %" G_GSIZE_FORMAT " more bytes, found %" G_GSIZE_FORMAT,
        codec->name, (gsize) n, codec->size);
    png_longjmp (png, 1);
  }
  memcpy (to, codec->data, n);
  codec->data += n;
  codec->size -= n;
}

gboolean
png_recognise (const guint8 *data, gsize size)
{
  return size >= SIGNATURE_SIZE && png_sig_cmp (data, 0, SIGNATURE_SIZE) == 0;
}

static gboolean
check_kind (png_structp png, png_infop info, const char *name, GError **error)
{
  const gboolean is_grey = (png_get_color_type (png, info) & ~PNG_COLOR_MASK_ALPHA) == 0;
  const gboolean has_alpha = png_get_color_type (png, info) & PNG_COLOR_MASK_ALPHA;

  if (!is_grey || has_alpha || png_get_bit_depth (png, info) < 16)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "%s: PNG pixels: expected at most 8 bits of grey, found 16, which D2Go's reader would cut to "
      "white; convert the picture to 8 bits",
      name);
  return FALSE;
}

static void
ask_for_rgb (png_structp png, png_infop info)
{
  const int type = png_get_color_type (png, info);

  png_set_strip_16 (png);
  if (type == PNG_COLOR_TYPE_PALETTE)
    png_set_palette_to_rgb (png);
  if (type == PNG_COLOR_TYPE_GRAY)
    png_set_expand_gray_1_2_4_to_8 (png);
  if (!(type & PNG_COLOR_MASK_COLOR))
    png_set_gray_to_rgb (png);
  png_set_strip_alpha (png);
  png_set_interlace_handling (png);
  png_read_update_info (png, info);
}

static Orientation
read_orientation (png_structp png, png_infop info)
{
  png_uint_32 size;
  png_bytep exif;

  if (!png_get_eXIf_1 (png, info, &size, &exif))
    return 1;
  return exif_orientation (exif, size);
}

static void
read_rows (png_structp png, Picture *picture)
{
  const gsize stride = 3 * (gsize) picture->width;
  const int passes = png_set_interlace_handling (png);

  for (int pass = 0; pass < passes; pass++)
    for (guint y = 0; y < picture->height; y++)
      png_read_row (png, picture->pixels + y * stride, NULL);
}

/* What may jump back into png_decode(). *picture is set as soon as there is one to free. */
static gboolean
decode (png_structp png, png_infop info, Picture *volatile *picture, Orientation *orientation,
    const char *name, GError **error)
{
  png_set_user_limits (png, PICTURE_MAX_SIDE, PICTURE_MAX_SIDE);
  png_set_chunk_malloc_max (png, MAX_CHUNK_BYTES);
  png_read_info (png, info);
  if (!check_kind (png, info, name, error))
    return FALSE;
  *picture =
      picture_new (png_get_image_width (png, info), png_get_image_height (png, info), name, error);
  if (*picture == NULL)
    return FALSE;
  ask_for_rgb (png, info);
  g_assert (png_get_rowbytes (png, info) == 3 * (gsize) (*picture)->width);
  read_rows (png, *picture);
  png_read_end (png, info);
  *orientation = read_orientation (png, info);
  return TRUE;
}

Picture *
png_decode (const guint8 *data, gsize size, Orientation *orientation, const char *name,
    GError **error)
{
  GError *local_error = NULL;
  Codec codec = { name, "damaged PNG", &local_error, data, size, NULL };
  Picture *volatile picture = NULL;
  volatile gboolean done = FALSE;

  png_structp png = png_create_read_struct (PNG_LIBPNG_VER_STRING, &codec, fail, ignore_warning);
  png_infop info = png != NULL ? png_create_info_struct (png) : NULL;

  if (info == NULL) {
    png_destroy_read_struct (&png, NULL, NULL);
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for a PNG reader", name);
    return NULL;
  }
  if (setjmp (png_jmpbuf (png)) == 0) {
    png_set_read_fn (png, &codec, read_bytes);
    done = decode (png, info, &picture, orientation, name, &local_error);
  }
  png_destroy_read_struct (&png, &info, NULL);

  if (!done) {
    picture_free (picture);
    g_propagate_error (error, local_error);
    return NULL;
  }
  return picture;
}

static void
write_bytes (png_structp png, png_bytep from, size_t n)
{
  const Codec *codec = png_get_io_ptr (png);

  if (n > G_MAXUINT / 2 - codec->out->len)
    png_error (png, "the file would be larger than 2 GiB");
  g_byte_array_append (codec->out, from, (guint) n);
}

/* The bytes go to memory: there is nothing to flush. */
static void
flush_nothing (png_structp png)
{
}

static void
encode (png_structp png, png_infop info, const Picture *picture)
{
  png_set_compression_level (png, COMPRESSION_LEVEL);
  png_set_IHDR (png, info, picture->width, picture->height, 8, PNG_COLOR_TYPE_RGB,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info (png, info);
  for (guint y = 0; y < picture->height; y++)
    png_write_row (png, picture->pixels + y * 3 * (gsize) picture->width);
  png_write_end (png, NULL);
}

GByteArray *
png_encode (const Picture *picture, const char *name, GError **error)
{
  GError *local_error = NULL;
  GByteArray *out = g_byte_array_new ();
  Codec codec = { name, "cannot write PNG", &local_error, NULL, 0, out };
  volatile gboolean done = FALSE;

  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, &codec, fail, ignore_warning);
  png_infop info = png != NULL ? png_create_info_struct (png) : NULL;

  if (info == NULL)
    g_set_error (&local_error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory for a PNG writer",
        name);
  else if (setjmp (png_jmpbuf (png)) == 0) {
    png_set_write_fn (png, &codec, write_bytes, flush_nothing);
    encode (png, info, picture);
    done = TRUE;
  }
  png_destroy_write_struct (&png, &info);

  if (!done) {
    g_byte_array_unref (out);
    g_propagate_error (error, local_error);
    return NULL;
  }
  return out;
}
