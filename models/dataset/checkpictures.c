/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is annotated compared with the pictures.
 */
#include "checkpictures.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "picturefinder.h"
#include "scaled.h"
#include "support/files.h"
#include "support/masks.h"
#include "support/progress.h"

#define REDUCED_QUALITY 95

/* What a look at a picture's file finds. */
typedef struct {
  LabelPicture *picture;
  guint full_width, full_height, turn;
  guint width, height; /* of what is taken: it, or what was written instead */
  char *reduced;
  char *flaw;
  GError *error; /* that ends everything */
} Look;

typedef struct {
  const PictureCheck *check;
  GAsyncQueue *finished; /* Look */
} Looking;

/* --- Which file ------------------------------------------------------------------------------- */

static const PictureFinder *
finder_of (GHashTable *finders, const char *folder)
{
  PictureFinder *finder = g_hash_table_lookup (finders, folder);

  if (finder == NULL) {
    finder = picture_finder_new (folder);
    g_hash_table_insert (finders, g_strdup (folder), finder);
  }
  return finder;
}

static void
take_objects (LabelPicture *to, LabelPicture *from)
{
  while (from->objects->len > 0)
    g_ptr_array_add (to->objects, g_ptr_array_steal_index (from->objects, 0));
}

/* Pictures that are not there go, and a picture that stands there twice becomes one. */
static void
find_files (LabelSet *set)
{
  g_autoptr (GHashTable) finders =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, picture_finder_free);
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *kept = g_ptr_array_new_with_free_func (label_picture_free);

  for (guint i = 0; i < set->pictures->len; i++) {
    LabelPicture *picture = set->pictures->pdata[i];
    gboolean ambiguous;
    picture->path =
        picture_finder_find (finder_of (finders, picture->images), picture->name, &ambiguous);
    LabelPicture *first = picture->path != NULL ? g_hash_table_lookup (known, picture->path) : NULL;
    if (picture->path == NULL) {
      problems_note (set->problems, ambiguous ? PICTURE_AMBIGUOUS : PICTURE_MISSING,
          picture->where);
    } else if (first != NULL && first->shares == picture->shares) {
      problems_note (set->problems, PICTURE_MERGED, picture->path);
      take_objects (first, picture);
    } else {
      g_hash_table_insert (known, picture->path, picture);
      g_ptr_array_add (kept, picture);
      set->pictures->pdata[i] = NULL;
    }
  }
  for (guint i = 0; i < set->pictures->len; i++) {
    if (set->pictures->pdata[i] != NULL)
      label_picture_free (set->pictures->pdata[i]);
  }
  g_ptr_array_set_free_func (set->pictures, NULL);
  g_ptr_array_unref (set->pictures);
  set->pictures = kept;
}

/* --- Looking at it ---------------------------------------------------------------------------- */

/* FNV-1a: not to be guessed at by anybody, only to tell files apart. */
static guint64
number_of (const guint8 *bytes, gsize size)
{
  guint64 number = G_GUINT64_CONSTANT (14695981039346656037);

  for (gsize i = 0; i < size; i++)
    number = (number ^ bytes[i]) * G_GUINT64_CONSTANT (1099511628211);
  return number;
}

guint64
picture_number (const LabelPicture *picture)
{
  /* The last bits of a sum that ended with similar bytes are similar. */
  const guint64 mixed =
      (picture->content ^ picture->content >> 33) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);

  return mixed ^ mixed >> 33;
}

static Picture *
reduce (const Picture *picture, guint max_side, GError **error)
{
  const guint longer = MAX (picture->width, picture->height);
  const guint width = MAX (1, (guint) round ((double) picture->width * max_side / longer));
  const guint height = MAX (1, (guint) round ((double) picture->height * max_side / longer));

  return picture_scaled (picture, width, height, error);
}

static void
write_reduced (const Looking *looking, Look *look, const Picture *picture)
{
  g_autofree char *base = g_path_get_basename (look->picture->path);
  g_autofree char *name =
      g_strdup_printf ("%016" G_GINT64_MODIFIER "x-%s.jpg", look->picture->content, base);
  g_autofree char *path = g_build_filename (looking->check->folder, name, NULL);
  g_autoptr (Picture) reduced = reduce (picture, looking->check->max_side, &look->error);

  if (reduced == NULL || !picture_write_jpeg (reduced, REDUCED_QUALITY, path, &look->error))
    return;
  look->reduced = g_steal_pointer (&path);
  look->width = reduced->width;
  look->height = reduced->height;
}

static void
look_at (gpointer data, gpointer user_data)
{
  Look *look = data;
  const Looking *looking = user_data;
  const guint max_side = looking->check->max_side;
  g_autoptr (GError) error = NULL;
  gsize size = 0;
  g_autofree char *bytes = file_read (look->picture->path, &size, NULL);
  g_autoptr (Picture) picture = picture_read_turned (look->picture->path, &look->turn, &error);

  if (bytes != NULL)
    look->picture->content = number_of ((const guint8 *) bytes, size);
  if (picture == NULL) {
    look->flaw = g_strdup (error->message);
  } else {
    look->width = look->full_width = picture->width;
    look->height = look->full_height = picture->height;
    if (max_side > 0 && MAX (picture->width, picture->height) > max_side)
      write_reduced (looking, look, picture);
  }
  g_async_queue_push (looking->finished, look);
}

/* --- What it makes of the annotations --------------------------------------------------------- */

typedef struct {
  guint width, height; /* that the places are in */
  guint turn;          /* 1: none */
  double scale_x, scale_y;
} Move;

/* The same turn as support/picturefile.c gives the pixels. */
static void
move_point (const Move *move, double *x, double *y)
{
  const gboolean transpose = move->turn >= 5;
  const double width = transpose ? move->height : move->width;
  const double height = transpose ? move->width : move->height;
  const double u = transpose ? *y : *x, v = transpose ? *x : *y;
  const gboolean mirror_x =
      move->turn == 2 || move->turn == 3 || move->turn == 6 || move->turn == 7;
  const gboolean mirror_y =
      move->turn == 3 || move->turn == 4 || move->turn == 7 || move->turn == 8;

  *x = (mirror_x ? width - u : u) * move->scale_x;
  *y = (mirror_y ? height - v : v) * move->scale_y;
}

/* Masks as runs are not turned, only made smaller. */
static void
move_runs (const Move *move, LabelObject *object, guint width, guint height)
{
  g_autoptr (RleMask) mask =
      move->turn == 1 ? rle_mask_from_json (object->runs, 0, 0, "", NULL) : NULL;
  g_autofree guint8 *pixels = NULL, *smaller = g_new (guint8, (gsize) width * height);

  g_clear_pointer (&object->runs, cJSON_Delete);
  if (mask == NULL || mask->width != move->width || mask->height != move->height)
    return;
  pixels = g_new0 (guint8, (gsize) mask->width * mask->height);
  rle_mask_paint (mask, pixels);
  for (guint y = 0; y < height; y++) {
    const gsize row = (gsize) y * mask->height / height * mask->width;
    for (guint x = 0; x < width; x++)
      smaller[(gsize) y * width + x] = pixels[row + (gsize) x * mask->width / width];
  }
  const FbnetMask whole = { 0, 0, (gint) width, (gint) height, smaller };
  object->runs = rle_detection_to_json (&whole, width, height);
}

static void
move_object (const Move *move, LabelObject *object, guint width, guint height)
{
  double x0 = object->x0, y0 = object->y0, x1 = object->x1, y1 = object->y1;

  move_point (move, &x0, &y0);
  move_point (move, &x1, &y1);
  object->x0 = MIN (x0, x1);
  object->y0 = MIN (y0, y1);
  object->x1 = MAX (x0, x1);
  object->y1 = MAX (y0, y1);
  for (guint i = 0; object->polygons != NULL && i < object->polygons->len; i++) {
    GArray *polygon = object->polygons->pdata[i];
    double *points = (double *) (gpointer) polygon->data;
    for (guint p = 0; p + 1 < polygon->len; p += 2)
      move_point (move, &points[p], &points[p + 1]);
  }
  if (object->runs != NULL && (move->turn != 1 || move->scale_x != 1))
    move_runs (move, object, width, height);
}

/* FALSE: what is annotated is not this picture. Shares know of no size; whoever writes them looks at
 * pictures as they are seen. */
static gboolean
choose_move (LabelSet *set, const Look *look, Move *move)
{
  const LabelPicture *picture = look->picture;
  const guint width = look->full_width, height = look->full_height;
  const gboolean said = picture->width > 0 && picture->height > 0 && !picture->shares;

  *move = (Move){ width, height, 1, (double) look->width / width, (double) look->height / height };
  if (picture->shares) {
    move->scale_x = look->width;
    move->scale_y = look->height;
  }
  if (!said || (picture->width == width && picture->height == height))
    return TRUE;
  if (look->turn < 5 || picture->width != height || picture->height != width)
    return FALSE;
  problems_note (set->problems, PICTURE_TURNED, picture->path);
  move->turn = look->turn;
  move->width = picture->width;
  move->height = picture->height;
  return TRUE;
}

/* FALSE: the picture is left out. */
static gboolean
apply_look (LabelSet *set, Look *look)
{
  LabelPicture *picture = look->picture;
  Move move;

  if (look->flaw != NULL) {
    problems_note (set->problems, PICTURE_BROKEN, look->flaw);
    return FALSE;
  }
  if (!choose_move (set, look, &move)) {
    g_autofree char *where = g_strdup_printf ("%s: expected %u×%u pixels, found %u×%u",
        picture->path, picture->width, picture->height, look->full_width, look->full_height);
    const gboolean exchanged =
        picture->width == look->full_height && picture->height == look->full_width;
    problems_note (set->problems, exchanged ? PICTURE_EXCHANGED : PICTURE_OTHER_SIZE, where);
    return FALSE;
  }
  picture->width = look->width;
  picture->height = look->height;
  if (look->reduced != NULL) {
    g_free (picture->path);
    picture->path = g_steal_pointer (&look->reduced);
  }
  for (guint i = 0; i < picture->objects->len; i++)
    move_object (&move, picture->objects->pdata[i], picture->width, picture->height);
  return TRUE;
}

/* --- Objects ---------------------------------------------------------------------------------- */

static gboolean
is_same_object (const LabelObject *a, const LabelObject *b)
{
  const double near = 0.01; /* of a pixel: rounding */

  return strcmp (a->label, b->label) == 0 && fabs (a->x0 - b->x0) < near
      && fabs (a->y0 - b->y0) < near && fabs (a->x1 - b->x1) < near && fabs (a->y1 - b->y1) < near;
}

static gboolean
is_known (const LabelPicture *picture, guint index)
{
  for (guint i = 0; i < index; i++) {
    if (is_same_object (picture->objects->pdata[i], picture->objects->pdata[index]))
      return TRUE;
  }
  return FALSE;
}

/* N_LABEL_FLAWS: it stays. It is cut to the picture. */
static LabelFlaw
check_object (LabelSet *set, const LabelPicture *picture, LabelObject *object)
{
  const double margin = 1, width = picture->width, height = picture->height;

  if (*object->label == '\0')
    return LABEL_NAMELESS;
  if (!isfinite (object->x0 + object->y0 + object->x1 + object->y1))
    return BOX_BROKEN;
  if (!(object->x1 > object->x0 && object->y1 > object->y0))
    return BOX_EMPTY;
  if (object->x0 >= width || object->y0 >= height || object->x1 <= 0 || object->y1 <= 0)
    return BOX_OUTSIDE;
  problems_note_if (set->problems,
      object->x0 < -margin || object->y0 < -margin || object->x1 > width + margin
          || object->y1 > height + margin,
      BOX_BEYOND, picture->where);
  object->x0 = MAX (object->x0, 0);
  object->y0 = MAX (object->y0, 0);
  object->x1 = MIN (object->x1, width);
  object->y1 = MIN (object->y1, height);
  return N_LABEL_FLAWS;
}

static void
check_objects (LabelSet *set, LabelPicture *picture)
{
  guint i = 0;

  while (i < picture->objects->len) {
    LabelFlaw flaw = check_object (set, picture, picture->objects->pdata[i]);
    if (flaw == N_LABEL_FLAWS && is_known (picture, i))
      flaw = BOX_TWICE;
    if (flaw == N_LABEL_FLAWS) {
      i++;
      continue;
    }
    problems_note (set->problems, flaw, picture->where);
    g_ptr_array_remove_index (picture->objects, i);
  }
  problems_note_if (set->problems, picture->objects->len == 0, PICTURE_UNLABELLED, picture->where);
}

/* --- All of it -------------------------------------------------------------------------------- */

static void
look_at_all (Looking *looking, Look *looks, guint n)
{
  GThreadPool *pool =
      g_thread_pool_new (look_at, looking, (gint) MAX (looking->check->n_threads, 1), FALSE, NULL);
  Progress progress = progress_new (n, "pictures looked at");

  for (guint i = 0; i < n; i++)
    g_thread_pool_push (pool, &looks[i], NULL);
  for (guint i = 0; i < n; i++) {
    g_async_queue_pop (looking->finished);
    progress_step (&progress);
  }
  g_thread_pool_free (pool, FALSE, TRUE);
}

static void
note_copies (LabelSet *set)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_int64_hash, g_int64_equal);

  for (guint i = 0; i < set->pictures->len; i++) {
    LabelPicture *picture = set->pictures->pdata[i];
    if (!g_hash_table_add (known, &picture->content))
      problems_note (set->problems, PICTURE_COPY, picture->path);
  }
}

/* In the pictures' order, whichever was looked at first. */
static void
apply_looks (LabelSet *set, Look *looks)
{
  guint left = 0;

  for (guint i = 0; i < set->pictures->len; i++) {
    if (apply_look (set, &looks[i]))
      set->pictures->pdata[left++] = looks[i].picture;
    else
      label_picture_free (looks[i].picture);
  }
  g_ptr_array_set_free_func (set->pictures, NULL);
  g_ptr_array_set_size (set->pictures, (gint) left);
  g_ptr_array_set_free_func (set->pictures, label_picture_free);
  for (guint i = 0; i < left; i++)
    check_objects (set, set->pictures->pdata[i]);
  note_copies (set);
}

gboolean
check_pictures (LabelSet *set, const PictureCheck *check, GError **error)
{
  find_files (set);
  const guint n = set->pictures->len;
  Looking looking = { check, g_async_queue_new () };
  Look *looks = g_new0 (Look, n);
  gboolean good = TRUE;

  for (guint i = 0; i < n; i++)
    looks[i].picture = set->pictures->pdata[i];
  look_at_all (&looking, looks, n);
  for (guint i = 0; i < n && good; i++) {
    good = looks[i].error == NULL;
    if (!good)
      g_propagate_error (error, g_steal_pointer (&looks[i].error));
  }
  if (good)
    apply_looks (set, looks);
  for (guint i = 0; i < n; i++) {
    g_clear_error (&looks[i].error);
    g_free (looks[i].reduced);
    g_free (looks[i].flaw);
  }
  g_free (looks);
  g_async_queue_unref (looking.finished);
  return good;
}
