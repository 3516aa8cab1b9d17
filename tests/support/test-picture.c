/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and writing picture files: every kind of PNG and JPEG gives the pixels that Pillow's
 * convert("RGB") gives, and what is no whole picture gives a sentence.
 */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

#include "fbnet/fbnet.h"
#include "support/picture.h"

/* --- Files ------------------------------------------------------------------------------------ */

static char *folder;

static char *
write_file (gconstpointer data, gsize size)
{
  static guint n_files;
  char *path = g_strdup_printf ("%s/%u", folder, n_files++);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) size, &error);
  g_assert_no_error (error);
  return path;
}

static Picture *
read_bytes (gconstpointer data, gsize size, GError **error)
{
  g_autofree char *path = write_file (data, size);
  Picture *picture = picture_read (path, error);

  g_remove (path);
  return picture;
}

static Picture *
read_good (GByteArray *file)
{
  g_autoptr (GError) error = NULL;
  Picture *picture = read_bytes (file->data, file->len, &error);

  g_assert_no_error (error);
  return picture;
}

/* A sentence like `expected` that begins with the path. */
static void
assert_refused (gconstpointer data, gsize size, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = write_file (data, size);
  g_autoptr (Picture) picture = picture_read (path, &error);

  g_assert_null (picture);
  g_assert_nonnull (error);
  g_assert_true (error->domain == FBNET_ERROR);
  g_assert_true (g_str_has_prefix (error->message, path));
  if (!g_pattern_match_simple (expected, error->message))
    g_error ("expected a message like %s, found %s", expected, error->message);
  g_remove (path);
}

static void
assert_pixels (const Picture *picture, guint width, guint height, const guint8 *expected)
{
  g_assert_cmpuint (picture->width, ==, width);
  g_assert_cmpuint (picture->height, ==, height);
  const gsize size = (gsize) width * height * 3;
  g_assert_cmpmem (picture->pixels, size, expected, size);
}

/* --- PNG -------------------------------------------------------------------------------------- */

typedef struct {
  guint width, height;
  int color_type, bit_depth;
  const guint8 *rows; /* as the file stores them, all rows without gaps */
  gsize stride;
  gboolean interlaced;
  const png_color *palette; /* n_palette of them */
  int n_palette;
  gboolean transparent; /* with a tRNS chunk that must not matter */
  guint orientation;    /* 0: no eXIf chunk */
} PngSpec;

static void
append_bytes (png_structp png, png_bytep data, size_t size)
{
  g_byte_array_append (png_get_io_ptr (png), data, (guint) size);
}

static void
flush_nothing (png_structp png)
{
}

static void
add_transparency (png_structp png, png_infop info, const PngSpec *spec)
{
  static guint8 alphas[] = { 0, 128 };
  static const png_color_16 key = { 0 };

  if (spec->color_type == PNG_COLOR_TYPE_PALETTE)
    png_set_tRNS (png, info, alphas, 2, NULL);
  else
    png_set_tRNS (png, info, NULL, 0, &key);
}

/* Big-endian TIFF: one directory with one entry, a short. */
static void
fill_exif (guint8 exif[26], guint orientation)
{
  static const guint8 header[] = { 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1 };

  memset (exif, 0, 26);
  memcpy (exif, header, sizeof header);
  exif[19] = (guint8) orientation;
}

static GByteArray *
make_png (const PngSpec *spec)
{
  GByteArray *file = g_byte_array_new ();
  guint8 exif[26];
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct (png);

  g_assert_nonnull (info);
  if (setjmp (png_jmpbuf (png)))
    g_error ("libpng refused to write the test's picture");
  png_set_write_fn (png, file, append_bytes, flush_nothing);
  png_set_IHDR (png, info, spec->width, spec->height, spec->bit_depth, spec->color_type,
      spec->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
      PNG_FILTER_TYPE_DEFAULT);
  if (spec->palette != NULL)
    png_set_PLTE (png, info, spec->palette, spec->n_palette);
  if (spec->transparent)
    add_transparency (png, info, spec);
  if (spec->orientation) {
    fill_exif (exif, spec->orientation);
    png_set_eXIf_1 (png, info, sizeof exif, exif);
  }
  png_write_info (png, info);
  const int passes = png_set_interlace_handling (png);
  for (int pass = 0; pass < passes; pass++)
    for (guint y = 0; y < spec->height; y++)
      png_write_row (png, spec->rows + y * spec->stride);
  png_write_end (png, info);
  png_destroy_write_struct (&png, &info);
  return file;
}

static const guint8 rgb_2x2[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 0, 128, 255 };

static void
check_png (const PngSpec *spec, const guint8 *expected)
{
  g_autoptr (GByteArray) file = make_png (spec);
  g_autoptr (Picture) picture = read_good (file);

  assert_pixels (picture, spec->width, spec->height, expected);
}

/* Plain RGB, and RGB with a transparent colour, come through untouched. */
static void
test_png_rgb (void)
{
  PngSpec spec = { 2, 2, PNG_COLOR_TYPE_RGB, 8, rgb_2x2, 6 };

  check_png (&spec, rgb_2x2);
  spec.transparent = TRUE;
  check_png (&spec, rgb_2x2);
}

/* Alpha is dropped, not blended: a pixel that cannot be seen keeps its colour. */
static void
test_png_alpha (void)
{
  static const guint8 rgba[] = { 10, 20, 30, 0, 40, 50, 60, 255 };
  static const guint8 grey_alpha[] = { 10, 0, 200, 99 };
  static const guint8 grey[] = { 10, 10, 10, 200, 200, 200 };

  check_png (&(PngSpec){ 2, 1, PNG_COLOR_TYPE_RGB_ALPHA, 8, rgba, 8 }, rgb_2x2);
  check_png (&(PngSpec){ 2, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 8, grey_alpha, 4 }, grey);
}

/* Grey of 1, 2, 4 and 8 bits spans black to white. */
static void
test_png_grey (void)
{
  static const struct {
    int bits;
    guint8 row;
    guint8 first, second;
  } cases[] = { { 1, 0x40, 0, 255 }, { 2, 0x60, 85, 170 }, { 4, 0x3c, 51, 204 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const guint8 a = cases[i].first, b = cases[i].second;
    const guint8 expected[] = { a, a, a, b, b, b };
    check_png (&(PngSpec){ 2, 1, PNG_COLOR_TYPE_GRAY, cases[i].bits, &cases[i].row, 1 }, expected);
  }
  static const guint8 bytes[] = { 7, 250 };
  static const guint8 expected[] = { 7, 7, 7, 250, 250, 250 };
  PngSpec spec = { 2, 1, PNG_COLOR_TYPE_GRAY, 8, bytes, 2 };
  check_png (&spec, expected);
  spec.transparent = TRUE;
  check_png (&spec, expected);
}

/* Palettes of 1 and 8 bits become their colours, transparent entries too. */
static void
test_png_palette (void)
{
  static const png_color palette[] = { { 10, 20, 30 }, { 40, 50, 60 }, { 70, 80, 90 } };
  static const guint8 bits = 0x40, bytes[] = { 0, 1, 2 };
  static const guint8 expected[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90 };
  PngSpec spec = { 2, 1, PNG_COLOR_TYPE_PALETTE, 1, &bits, 1, .palette = palette, .n_palette = 2 };

  check_png (&spec, expected);
  spec.transparent = TRUE;
  check_png (&spec, expected);
  check_png (&(PngSpec){ 3, 1, PNG_COLOR_TYPE_PALETTE, 8, bytes, 3, .palette = palette,
                 .n_palette = 3, .transparent = TRUE },
      expected);
}

/* Of 16-bit colours the upper eight bits stay, not rounded. */
static void
test_png_16_bit (void)
{
  static const guint8 rgb[] = { 10, 255, 20, 0, 30, 128 };
  static const guint8 rgba[] = { 10, 255, 20, 0, 30, 128, 0, 0 };
  static const guint8 grey_alpha[] = { 99, 255, 1, 2 };
  static const guint8 grey[] = { 99, 99, 99 };

  check_png (&(PngSpec){ 1, 1, PNG_COLOR_TYPE_RGB, 16, rgb, 6 }, rgb_2x2);
  check_png (&(PngSpec){ 1, 1, PNG_COLOR_TYPE_RGB_ALPHA, 16, rgba, 8 }, rgb_2x2);
  check_png (&(PngSpec){ 1, 1, PNG_COLOR_TYPE_GRAY_ALPHA, 16, grey_alpha, 4 }, grey);
}

/* 16-bit grey, of which Pillow makes something white, is refused. */
static void
test_png_16_bit_grey (void)
{
  static const guint8 grey[] = { 99, 255 };
  g_autoptr (GByteArray) file = make_png (&(PngSpec){ 1, 1, PNG_COLOR_TYPE_GRAY, 16, grey, 2 });

  assert_refused (file->data, file->len, "*expected at most 8 bits of grey, found 16*");
}

static guint8 *
random_rgb (guint width, guint height)
{
  guint8 *pixels = g_malloc ((gsize) width * height * 3);

  for (gsize i = 0; i < (gsize) width * height * 3; i++)
    pixels[i] = (guint8) g_test_rand_int ();
  return pixels;
}

/* Interlaced files give the same pixels, also where some passes are empty. */
static void
test_png_interlaced (void)
{
  static const guint sizes[][2] = { { 1, 1 }, { 4, 3 }, { 5, 9 }, { 33, 17 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const guint width = sizes[i][0], height = sizes[i][1];
    g_autofree guint8 *pixels = random_rgb (width, height);
    check_png (&(PngSpec){ width, height, PNG_COLOR_TYPE_RGB, 8, pixels, width * 3, TRUE }, pixels);
  }
}

/* Each of the eight EXIF orientations turns a 3×2 picture as the standard's table says; other
 * numbers leave it. Pixels are named by their grey: rows "1 2 3", "4 5 6". */
static void
test_orientations (void)
{
  static const guint8 stored[] = { 1, 2, 3, 4, 5, 6 };
  static const struct {
    guint orientation, width, height;
    guint8 greys[6];
  } cases[] = {
    { 1, 3, 2, { 1, 2, 3, 4, 5, 6 } },
    { 2, 3, 2, { 3, 2, 1, 6, 5, 4 } }, /* mirrored left to right */
    { 3, 3, 2, { 6, 5, 4, 3, 2, 1 } }, /* upside down */
    { 4, 3, 2, { 4, 5, 6, 1, 2, 3 } }, /* mirrored top to bottom */
    { 5, 2, 3, { 1, 4, 2, 5, 3, 6 } }, /* rows become columns */
    { 6, 2, 3, { 4, 1, 5, 2, 6, 3 } }, /* a quarter clockwise */
    { 7, 2, 3, { 6, 3, 5, 2, 4, 1 } }, /* along the other diagonal */
    { 8, 2, 3, { 3, 6, 2, 5, 1, 4 } }, /* a quarter the other way */
    { 9, 3, 2, { 1, 2, 3, 4, 5, 6 } },
    { 255, 3, 2, { 1, 2, 3, 4, 5, 6 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GByteArray) file = make_png (
        &(PngSpec){ 3, 2, PNG_COLOR_TYPE_GRAY, 8, stored, 3, .orientation = cases[i].orientation });
    g_autoptr (Picture) picture = read_good (file);
    g_assert_cmpuint (picture->width, ==, cases[i].width);
    g_assert_cmpuint (picture->height, ==, cases[i].height);
    for (guint p = 0; p < 6; p++)
      g_assert_cmpuint (picture->pixels[3 * p], ==, cases[i].greys[p]);
  }
}

/* A PNG cut anywhere before its last chunk is a sentence, never half a picture. */
static void
test_png_truncated (void)
{
  g_autofree guint8 *pixels = random_rgb (20, 20);
  g_autoptr (GByteArray) file = make_png (&(PngSpec){ 20, 20, PNG_COLOR_TYPE_RGB, 8, pixels, 60 });

  for (guint length = 8; length < file->len; length++)
    assert_refused (file->data, length, "*truncated PNG: expected * more bytes, found *");
}

/* One flipped bit anywhere is found by the chunk's checksum, or did not matter: never other pixels. */
static void
test_png_bit_flips (void)
{
  g_autofree guint8 *pixels = random_rgb (12, 12);
  g_autoptr (GByteArray) file = make_png (&(PngSpec){ 12, 12, PNG_COLOR_TYPE_RGB, 8, pixels, 36 });

  for (guint i = 0; i < file->len; i++) {
    const guint8 kept = file->data[i];
    file->data[i] ^= (guint8) (1u << g_test_rand_int_range (0, 8));
    g_autoptr (GError) error = NULL;
    g_autoptr (Picture) picture = read_bytes (file->data, file->len, &error);
    g_assert_true ((picture == NULL) == (error != NULL));
    if (picture != NULL)
      assert_pixels (picture, 12, 12, pixels);
    file->data[i] = kept;
  }
}

static void
set_png_size (GByteArray *file, guint32 width, guint32 height)
{
  const guint32 size[] = { GUINT32_TO_BE (width), GUINT32_TO_BE (height) };

  memcpy (file->data + 16, size, sizeof size); /* IHDR's first fields */
  png_uint_32 crc = 0xffffffff;
  for (guint i = 12; i < 29; i++) { /* PNG specification, annex D */
    crc ^= file->data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc & 1 ? 0xedb88320 ^ crc >> 1 : crc >> 1;
  }
  const guint32 checksum = GUINT32_TO_BE (crc ^ 0xffffffff);
  memcpy (file->data + 29, &checksum, sizeof checksum);
}

/* A small file that announces a huge picture is refused before memory is taken for it. */
static void
test_png_bomb (void)
{
  static const struct {
    guint32 width, height;
    const char *expected;
  } cases[] = {
    { 0x7fffffff, 1, "*PNG*" },
    { 1, 0x7fffffff, "*PNG*" },
    { 32768, 2, "*PNG*" },
    { 0, 5, "*PNG*" },
    { 32767, 32767, "*picture size*found 32767×32767*" },
    { 20000, 20000, "*picture size*found 20000×20000*" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GByteArray) file = make_png (&(PngSpec){ 2, 2, PNG_COLOR_TYPE_RGB, 8, rgb_2x2, 6 });
    set_png_size (file, cases[i].width, cases[i].height);
    assert_refused (file->data, file->len, cases[i].expected);
  }
}

/* What picture_write_png() writes reads back to the same pixels. */
static void
test_png_write (void)
{
  static const guint sizes[][2] = { { 1, 1 }, { 640, 3 }, { 3, 480 } };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree guint8 *pixels = random_rgb (sizes[i][0], sizes[i][1]);
    const Picture picture = { sizes[i][0], sizes[i][1], pixels };
    g_autofree char *path = g_build_filename (folder, "written.png", NULL);
    g_assert_true (picture_write_png (&picture, path, &error));
    g_assert_no_error (error);
    g_autoptr (Picture) found = picture_read (path, &error);
    g_assert_no_error (error);
    assert_pixels (found, sizes[i][0], sizes[i][1], pixels);
    g_remove (path);
  }
}

/* A place that cannot be written to is a sentence with the path, and leaves nothing behind. */
static void
test_png_write_fails (void)
{
  g_autoptr (GError) error = NULL;
  guint8 pixels[3] = { 0 };
  const Picture picture = { 1, 1, pixels };
  g_autofree char *path = g_build_filename (folder, "absent", "written.png", NULL);

  g_assert_false (picture_write_png (&picture, path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "absent"));
}

/* --- JPEG ------------------------------------------------------------------------------------- */

/* Three files that Pillow 9.4 (libjpeg-turbo 2.1.5) wrote, and the SHA-256 of the pixels that it
 * reads from them with exif_transpose() and convert("RGB"). The picture is 37×23, red 7x, green
 * 11y + x², blue 255 where x/5 + y/4 is odd and xy elsewhere, all modulo 256; quality 40. */
typedef struct {
  const char *base64, *sha256;
  guint width, height;
} JpegCase;

/* subsampling=2, optimize=True */
static const JpegCase subsampled_jpeg = {
  "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVG"
  "ZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8"
  "fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAXACUDASIAAhEBAxEB/8QAGQAAAgMBAAAAAAAAAAAAAAAAAAQBAwUC/8QA"
  "KxAAAgEDAwIFAwUAAAAAAAAAAQIDAAQREiExE0EFImGhwRRCcVGBgpGx/8QAGAEBAQADAAAAAAAAAAAAAAAABAUBAgb/"
  "xAAlEQACAgEBBwUAAAAAAAAAAAABAgADESEEEzFBUWGRUoHB0fD/2gAMAwEAAhEDEQA/AMK2tekwbnO1btugt7Z7o4BR"
  "cgEZGew/vFL21r0mB57VdfkO8VuuCQdbeh4A/wB9qWV3hFZGBxx075+IFbN4wEm3THh0h8oJGgA987H2zTqBVkt43XSk"
  "UZcvzt+P41TJgm3thjOdbDG47D5qzqF2uyFYhR0hk8facfvk1q6DVjqWz78sdpTqJbX90nDxBba3hCklVLE9t9viim0j"
  "GspgDpqq887Z+aKylwrULnHaU1twJm3Uy+FxK2Ncr5CL2/Jpfw+NpJDK5y7HUfU0UUhEWqohek5bZhigPzMejdZ7+SRz"
  "pjg8u44A549c1MTmSGNC5EksupiPuxz7kUUUVs4U+rj4likDx9R6G6t7Npvq5dJaQhfKTkDbsP0xRRRQmsKMVXgJVr2R"
  "LUDknWf/2Q==",
  "f1de37401517d6942b6386fc465082ffacd8d79d9b5bfde28c60155de9f9ad2c",
  37,
  23,
};

/* subsampling=1, progressive=True, EXIF orientation 6 */
static const JpegCase progressive_jpeg = {
  "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDABQODxIPDRQS"
  "EBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjsh"
  "ITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wgARCAAXACUDASEA"
  "AhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAAAAAAAAIDBAH/xAAYAQEBAQEBAAAAAAAAAAAAAAADBAIFAf/aAAwDAQACEAMQ"
  "AAABwb1Hl80oLZB8ceje10DfNNebcxZcJf/EAB0QAAICAgMBAAAAAAAAAAAAAAECABEhIgMTM0H/2gAIAQEAAQUCVai6"
  "qvn9rVVqPDLlRj1DjFkZcZAZUn//xAAcEQADAAEFAAAAAAAAAAAAAAAAAQIRAxITITL/2gAIAQMBAT8BbyITIeaIMml5"
  "3EHHb7R//8QAHhEAAgICAgMAAAAAAAAAAAAAAAIBERJRISJBQ6H/2gAIAQIBAT8BdfWTF22xbWKFXnDQ0/SHhOoi4ITP"
  "nZcLwf/EAB4QAAIBAwUAAAAAAAAAAAAAAAABAhJBURARYXGR/9oACAEBAAY/AioZFYRFaKJGJLw6OTcbshZbHU7n/8QA"
  "HhABAAMAAgIDAAAAAAAAAAAAAQARITFRYXHB4fD/2gAIAQEAAT8htXBZ1IOjqFCCiy/3qNKPBctTaHtnyGacufSGq6BD"
  "B5XBEscuxDmYxUr5D5jma8ZP/9oADAMBAAIAAwAAABCYwwMk7//EAB8RAAICAQQDAAAAAAAAAAAAAAABESGBEEFRYbHR"
  "8P/aAAgBAwEBPxCl3Q8t58FZEMWlP0vQkM24sVxHsdFrB//EAB4RAAICAgIDAAAAAAAAAAAAAAERACExYUFxUaHB/9oA"
  "CAECAQE/EHp8W/kZ2R6UMMQ1EC3k4wBadWoCDCtxwM8wgQC0HVZmJ4qf/8QAIRABAAEEAQQDAAAAAAAAAAAAAREAITFB"
  "UWFxocGBkbH/2gAIAQEAAT8QisptQrQMwJJOj7ioWsUiO5s+JoyCZ527UMRKidXt6qKc6pkcUe04D98VBRiZii5o91Jo"
  "gIy42j5lopxDYZtPuoCX5q7tIHlpdWlZ5IwGcdZp0WSw4Z8pVwMhcZC2jiK//9k=",
  "9b41c2442e92caed1577f72ef744597487bffeed32298ca86b24849bf6c10950",
  23,
  37,
};

/* convert ("CMYK"), optimize=True */
static const JpegCase cmyk_jpeg = {
  "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAUDg8SDw0UEhASFxUUGB4yIR4cHB49LC4kMklATEtHQEZFUFpzYlBVbVZFRmSI"
  "ZW13e4GCgU5gjZeMfZZzfoF8/8AAFAgAFwAlBEMRAE0RAFkRAEsRAP/EABsAAAIDAQEBAAAAAAAAAAAAAAAFAgMEBgcB"
  "/8QANBAAAQIEBAUBBwIHAAAAAAAAAQIDAAQREgUhMUETFDJRYSMGFiJSgZGhFXEkM0KistHx/9oADgRDAE0AWQBLAAA/"
  "AOWltoRS0l8YyibeG+5558O84XfQst4dK/FWtT8unmOzhtLbR0ssBh+HvTRoC2iqbgSCrRINPJETGGDEXR7RFfDUCHuX"
  "tr/Lypd5t7bwQ2ltowyqOUwN9QsCnEhpIVvdkaeaVP0i+YlfeoILqeV5atP67rvtTp/MEN5baNIsamZJLqbW5dlTyl65"
  "E55eLPzGlbCpyR/Rlt2NJSGuNWtQilDb5t77wQ0a6YVTbKVSUlLhJvbQVk0yorIf4mLsNkVYKwqWl2+OlSuIVdNCQBSm"
  "faCPKJbaHEtJfGMoVy2F+6p5sO82XPRstspXOtan5fzBDaW2ivH3EqclsOQASgh1w9jQhI17EnTcQxZkhOupxQmxSiF8"
  "KlenLX6doIbS20E4B/AyKaEk8ZYoajZOem6vtG65mcfU0ojisAFaAa23aV+0EN5baIuuXLxN0JWtKU8ulKjS3RBprlUk"
  "/wDYXGamZ8uYaEmXUFWcy0sjpOoG1aaV33gho10xPg8aYUiy3gNobrXqyKq/3U+kTkkS3s+0ZQzDHxHieo4Gznlof2gj"
  "yiW2hhjE+3gsulQRxJh2oaQdMtSfAqP3/IySOE+7RD4e5nielbbZSuddT2ghtLbQiwdhUxMqedNzjiipRoBUk1MNXFFM"
  "s7PpSm8JvsOeSdRXyBrt5ghtLbRuS8h3Gph91RSxKgozT0pR1aa53HvGNCRj4Q44jgcGtBW6tft2ghvLbRmaUpyUlw46"
  "ePMzHEWBleBUmtMtSnL/AFFYxFydfdwmWSqXCCWhMXAqFutE/QjXzBDRrpjczPykk7MqxKYsUt9SUGwmoQabDYUj7LzG"
  "H+zKORemAFK9XNCtDlsD8sEf/9k=",
  "629ad6b5a18e47bdbcb55dd3fd2a37b1328d6f2e7283b5d5f5d2527c55a9a6cf",
  37,
  23,
};

static void
check_jpeg (const JpegCase *jpeg)
{
  GByteArray file = { 0 };
  gsize size;
  g_autofree guint8 *data = g_base64_decode (jpeg->base64, &size);

  file.data = data;
  file.len = (guint) size;
  g_autoptr (Picture) picture = read_good (&file);
  g_assert_cmpuint (picture->width, ==, jpeg->width);
  g_assert_cmpuint (picture->height, ==, jpeg->height);
  g_autofree char *found = g_compute_checksum_for_data (G_CHECKSUM_SHA256, picture->pixels,
      (gsize) picture->width * picture->height * 3);
  g_assert_cmpstr (found, ==, jpeg->sha256);
}

/* Colour planes at half size, odd sizes: bit for bit what Pillow decodes. */
static void
test_jpeg_subsampled (void)
{
  check_jpeg (&subsampled_jpeg);
}

/* Progressive, and turned by its EXIF orientation: bit for bit what Pillow decodes. */
static void
test_jpeg_progressive (void)
{
  check_jpeg (&progressive_jpeg);
}

/* Four inks: bit for bit what Pillow decodes. */
static void
test_jpeg_cmyk (void)
{
  check_jpeg (&cmyk_jpeg);
}

static GByteArray *
make_grey_jpeg (guint width, guint height, guint8 level)
{
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr manager;
  g_autofree guint8 *row = g_malloc (width);

  memset (row, level, width);
  unsigned char *data = NULL;
  unsigned long size = 0;
  info.err = jpeg_std_error (&manager);
  jpeg_create_compress (&info);
  jpeg_mem_dest (&info, &data, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = 1;
  info.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults (&info);
  jpeg_start_compress (&info, TRUE);
  while (info.next_scanline < info.image_height)
    jpeg_write_scanlines (&info, &row, 1);
  jpeg_finish_compress (&info);
  jpeg_destroy_compress (&info);
  GByteArray *file = g_byte_array_new ();
  g_byte_array_append (file, data, (guint) size);
  free (data);
  return file;
}

/* One component becomes three equal ones. */
static void
test_jpeg_grey (void)
{
  g_autoptr (GByteArray) file = make_grey_jpeg (9, 5, 128);
  g_autoptr (Picture) picture = read_good (file);

  g_assert_cmpuint (picture->width, ==, 9);
  g_assert_cmpuint (picture->height, ==, 5);
  for (guint i = 0; i < 9 * 5 * 3; i++)
    g_assert_cmpuint (picture->pixels[i], ==, 128);
}

/* What is written is read again: sizes that are no multiples of the blocks', and one colour, which the
 * best quality keeps but for rounding. */
static void
test_jpeg_write (void)
{
  static const guint8 color[] = { 200, 100, 50 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, "written.jpg", NULL);
  g_autoptr (Picture) picture = picture_new (19, 5, path, &error);

  for (guint i = 0; i < 19 * 5 * 3; i++)
    picture->pixels[i] = color[i % 3];
  g_assert_true (picture_write_jpeg (picture, 100, path, &error));
  g_assert_no_error (error);
  g_autoptr (Picture) again = picture_read (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_assert_cmpuint (again->width, ==, 19);
  g_assert_cmpuint (again->height, ==, 5);
  for (guint i = 0; i < 19 * 5 * 3; i++)
    g_assert_cmpint (ABS (again->pixels[i] - color[i % 3]), <=, 2);
}

/* A JPEG that cannot be written is a sentence. */
static void
test_jpeg_write_fails (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, "missing", "written.jpg", NULL);
  g_autoptr (Picture) picture = picture_new (2, 2, path, &error);

  g_assert_false (picture_write_jpeg (picture, 90, path, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_IO);
}

/* A JPEG cut anywhere is a sentence, never a picture with a grey rest. */
static void
test_jpeg_truncated (void)
{
  const JpegCase *cases[] = { &subsampled_jpeg, &progressive_jpeg, &cmyk_jpeg };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize size;
    g_autofree guint8 *data = g_base64_decode (cases[i]->base64, &size);
    for (gsize length = 3; length < size; length++)
      assert_refused (data, length, "* JPEG: *");
  }
}

/* Random damage never crashes: a picture of the announced size, or a sentence. */
static void
test_jpeg_damaged (void)
{
  for (guint i = 0; i < 600; i++) {
    gsize size;
    g_autofree guint8 *data =
        g_base64_decode (i % 2 ? progressive_jpeg.base64 : subsampled_jpeg.base64, &size);
    for (guint n = 0; n < 3; n++)
      data[g_test_rand_int_range (2, (gint32) size)] = (guint8) g_test_rand_int ();
    g_autoptr (GError) error = NULL;
    g_autoptr (Picture) picture = read_bytes (data, size, &error);
    g_assert_true ((picture == NULL) == (error != NULL));
  }
}

/* A small file that announces a huge picture is refused before memory is taken for it. */
static void
test_jpeg_bomb (void)
{
  g_autoptr (GByteArray) file = make_grey_jpeg (8, 8, 0);
  static const guint8 start_of_frame[] = { 0xff, 0xc0 };
  guint8 *frame = memmem (file->data, file->len, start_of_frame, sizeof start_of_frame);

  g_assert_nonnull (frame);
  memset (frame + 5, 0xff, 4); /* height, width */
  assert_refused (file->data, file->len, "*JPEG*");
  frame[5] = frame[7] = 0x60; /* 24831 × 24831 */
  assert_refused (file->data, file->len, "*picture size*found 24831×24831*");
}

/* --- Neither ---------------------------------------------------------------------------------- */

/* Empty files, text, and other formats are refused by what they are not. */
static void
test_not_a_picture (void)
{
  assert_refused ("", 0, "*expected a PNG or JPEG picture, found an empty file");
  assert_refused ("GIF89a", 6, "*expected a PNG or JPEG picture, found something else");
  assert_refused ("\xff\xd8", 2, "*expected a PNG or JPEG picture*");
  assert_refused ("\x89PNG", 4, "*expected a PNG or JPEG picture*");
}

/* An absent file, and a folder, are named as such. */
static void
test_no_file (void)
{
  g_autoptr (GError) absent = NULL;

  g_assert_null (picture_read ("/nowhere/picture.jpg", &absent));
  g_assert_error (absent, FBNET_ERROR, FBNET_ERROR_NOT_FOUND);
  g_assert_cmpstr (absent->message, ==, "/nowhere/picture.jpg: no such file");
  g_autoptr (GError) is_folder = NULL;
  g_assert_null (picture_read (folder, &is_folder));
  g_assert_error (is_folder, FBNET_ERROR, FBNET_ERROR_IO);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("fbnet-picture-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_test_add_func ("/picture/png-rgb", test_png_rgb);
  g_test_add_func ("/picture/png-alpha", test_png_alpha);
  g_test_add_func ("/picture/png-grey", test_png_grey);
  g_test_add_func ("/picture/png-palette", test_png_palette);
  g_test_add_func ("/picture/png-16-bit", test_png_16_bit);
  g_test_add_func ("/picture/png-16-bit-grey", test_png_16_bit_grey);
  g_test_add_func ("/picture/png-interlaced", test_png_interlaced);
  g_test_add_func ("/picture/orientations", test_orientations);
  g_test_add_func ("/picture/png-truncated", test_png_truncated);
  g_test_add_func ("/picture/png-bit-flips", test_png_bit_flips);
  g_test_add_func ("/picture/png-bomb", test_png_bomb);
  g_test_add_func ("/picture/png-write", test_png_write);
  g_test_add_func ("/picture/png-write-fails", test_png_write_fails);
  g_test_add_func ("/picture/jpeg-subsampled", test_jpeg_subsampled);
  g_test_add_func ("/picture/jpeg-progressive", test_jpeg_progressive);
  g_test_add_func ("/picture/jpeg-cmyk", test_jpeg_cmyk);
  g_test_add_func ("/picture/jpeg-grey", test_jpeg_grey);
  g_test_add_func ("/picture/jpeg-write", test_jpeg_write);
  g_test_add_func ("/picture/jpeg-write-fails", test_jpeg_write_fails);
  g_test_add_func ("/picture/jpeg-truncated", test_jpeg_truncated);
  g_test_add_func ("/picture/jpeg-damaged", test_jpeg_damaged);
  g_test_add_func ("/picture/jpeg-bomb", test_jpeg_bomb);
  g_test_add_func ("/picture/not-a-picture", test_not_a_picture);
  g_test_add_func ("/picture/no-file", test_no_file);
  const int code = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return code;
}
