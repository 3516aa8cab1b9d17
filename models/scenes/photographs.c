/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Photographs that stand behind scenes.
 */
#include "photographs.h"

#include <math.h>
#include <string.h>

#include "support/picture.h"

/* Of the longer side in memory: scenes are smaller. */
#define MAX_SIDE  960
#define MIN_SIDE  64
#define MAX_DEPTH 8
/* The part that is shown, as a share of the photograph. */
#define MIN_PART 0.25

struct Photographs {
  GPtrArray *surfaces; /* cairo_surface_t */
};

/* --- Reading ---------------------------------------------------------------------------------- */

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
is_picture (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);

  return g_str_has_suffix (lower, ".jpg") || g_str_has_suffix (lower, ".jpeg")
      || g_str_has_suffix (lower, ".png");
}

static void
list_pictures (GPtrArray *paths, const char *folder, guint depth)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      continue;
    if (g_file_test (path, G_FILE_TEST_IS_DIR) && depth < MAX_DEPTH)
      list_pictures (paths, path, depth + 1);
    else if (is_picture (name))
      g_ptr_array_add (paths, g_steal_pointer (&path));
  }
}

/* The mean of side × side pixels of the picture. */
static guint32
mean_pixel (const Picture *picture, guint x, guint y, guint side)
{
  guint sums[3] = { 0 };

  for (guint row = 0; row < side; row++) {
    const guint8 *rgb =
        picture->pixels + 3 * ((gsize) (y * side + row) * picture->width + (gsize) x * side);
    for (guint i = 0; i < 3 * side; i++)
      sums[i % 3] += rgb[i];
  }
  const guint n = side * side;
  return sums[0] / n << 16 | sums[1] / n << 8 | sums[2] / n;
}

/* As many times smaller as it takes. */
static cairo_surface_t *
surface_of (const Picture *picture)
{
  const guint side = (MAX (picture->width, picture->height) + MAX_SIDE - 1) / MAX_SIDE;
  const guint width = MAX (picture->width / side, 1), height = MAX (picture->height / side, 1);
  cairo_surface_t *surface =
      cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) width, (int) height);
  guint8 *data = cairo_image_surface_get_data (surface);
  const gsize stride = (gsize) cairo_image_surface_get_stride (surface);

  for (guint y = 0; data != NULL && y < height; y++) {
    guint32 *row = (guint32 *) (data + y * stride);
    for (guint x = 0; x < width; x++)
      row[x] = mean_pixel (picture, x, y, side);
  }
  cairo_surface_mark_dirty (surface);
  return surface;
}

static void
free_surface (gpointer surface)
{
  cairo_surface_destroy (surface);
}

Photographs *
photographs_read (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  Photographs *self = g_new0 (Photographs, 1);

  self->surfaces = g_ptr_array_new_with_free_func (free_surface);
  list_pictures (paths, folder, 0);
  g_ptr_array_sort (paths, compare_paths);
  for (guint i = 0; i < paths->len; i++) {
    g_autoptr (Picture) picture = picture_read (paths->pdata[i], NULL);
    if (picture != NULL && MIN (picture->width, picture->height) >= MIN_SIDE)
      g_ptr_array_add (self->surfaces, surface_of (picture));
  }
  if (self->surfaces->len > 0)
    return self;
  photographs_free (self);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_NOT_FOUND,
      "%s: expected a folder of photographs (.jpg, .jpeg, .png), found none", folder);
  return NULL;
}

void
photographs_free (Photographs *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->surfaces);
  g_free (self);
}

guint
photographs_count (const Photographs *self)
{
  return self->surfaces->len;
}

/* --- Painting --------------------------------------------------------------------------------- */

void
photographs_paint (const Photographs *self, Dice *dice, cairo_t *cairo, guint width, guint height)
{
  cairo_surface_t *surface = self->surfaces->pdata[dice_pick (dice, self->surfaces->len)];
  const double w = cairo_image_surface_get_width (surface);
  const double h = cairo_image_surface_get_height (surface);
  const double part = dice_between (dice, MIN_PART, 1);
  const double shown = part * fmin (w / width, h / height); /* its pixels to one of the scene */
  const double x = dice_between (dice, 0, w - shown * width);
  const double y = dice_between (dice, 0, h - shown * height);
  const gboolean mirrored = dice_chance (dice, 0.5);

  cairo_save (cairo);
  if (mirrored) {
    cairo_translate (cairo, width, 0);
    cairo_scale (cairo, -1, 1);
  }
  cairo_scale (cairo, 1 / shown, 1 / shown);
  cairo_set_source_surface (cairo, surface, -x, -y);
  cairo_pattern_set_filter (cairo_get_source (cairo), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend (cairo_get_source (cairo), CAIRO_EXTEND_PAD);
  cairo_paint (cairo);
  cairo_restore (cairo);
}
