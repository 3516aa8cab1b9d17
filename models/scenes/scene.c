/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One generated picture and the symbols in it.
 */
#include "scene.h"

#include "background.h"
#include "camera.h"
#include "compose.h"
#include "composecodes.h"

/* Of less than half an arrow nobody can say whether it is one. */
#define MIN_VISIBLE 0.55
/* Of the picture's height squared. */
#define MIN_AREA 0.004

static void
clear_object (gpointer data)
{
  SceneObject *object = data;

  g_free ((gpointer) object->mask.data);
}

/* --- What is seen of each symbol -------------------------------------------------------------- */

/* x1 and y1 are the last pixels. */
typedef struct {
  guint x0, y0, x1, y1, area;
} Extent;

static Extent *
measure (const Stack *stack, const guint16 *owners)
{
  Extent *extents = g_new (Extent, stack->layers->len + 1);

  for (guint i = 0; i <= stack->layers->len; i++)
    extents[i] = (Extent){ G_MAXUINT, G_MAXUINT, 0, 0, 0 };
  for (guint y = 0; y < stack->height; y++)
    for (guint x = 0; x < stack->width; x++) {
      Extent *extent = &extents[owners[(gsize) y * stack->width + x]];
      extent->x0 = MIN (extent->x0, x);
      extent->y0 = MIN (extent->y0, y);
      extent->x1 = MAX (extent->x1, x);
      extent->y1 = MAX (extent->y1, y);
      extent->area++;
    }
  return extents;
}

static FbnetMask
cut_mask (const guint16 *owners, guint width, guint16 owner, const Extent *extent)
{
  FbnetMask mask = { .x = (gint) extent->x0,
    .y = (gint) extent->y0,
    .width = (gint) (extent->x1 - extent->x0 + 1),
    .height = (gint) (extent->y1 - extent->y0 + 1) };
  guint8 *pixels = g_new (guint8, (gsize) mask.width * mask.height);

  mask.data = pixels;
  for (guint y = extent->y0; y <= extent->y1; y++)
    for (guint x = extent->x0; x <= extent->x1; x++)
      *pixels++ = owners[(gsize) y * width + x] == owner;
  return mask;
}

static void
find_objects (Scene *scene, const Stack *stack)
{
  g_autofree guint16 *owners = stack_see (stack);
  g_autofree Extent *extents = measure (stack, owners);

  for (guint i = 0; i < stack->layers->len; i++) {
    const Layer *layer = &g_array_index (stack->layers, Layer, i);
    const Extent *extent = &extents[i + 1];
    if (layer->symbol == NO_SYMBOL || extent->area == 0)
      continue;
    const SceneObject object = { (guint) layer->symbol,
      cut_mask (owners, stack->width, (guint16) (i + 1), extent), extent->area };
    g_array_append_val (scene->objects, object);
  }
}

/* --- The whole -------------------------------------------------------------------------------- */

/* A photograph behind two of three scenes: where there are none, no number is thrown for it. */
static cairo_surface_t *
ground_new (Dice *dice, guint width, guint height, Color skin, const SceneKind *kind)
{
  cairo_surface_t *surface = background_new (dice, width, height, skin);

  if (kind->photographs == NULL || !dice_chance (dice, 0.67))
    return surface;
  cairo_t *cairo = cairo_create (surface);
  photographs_paint (kind->photographs, dice, cairo, width, height);
  cairo_destroy (cairo);
  return surface;
}

static void
draw (Scene *scene, Dice *dice, const SceneKind *kind)
{
  const guint width = scene->picture->width, height = scene->picture->height;
  const Color skin = color_skin (dice);
  cairo_surface_t *surface = ground_new (dice, width, height, skin, kind);
  g_autoptr (Stack) stack =
      kind->codes ? compose_codes (dice, surface, skin, kind) : compose (dice, surface, skin);

  stack_drop_hidden (stack, MIN_VISIBLE, (guint) (MIN_AREA * height * height));
  cairo_t *cairo = cairo_create (surface);
  stack_draw (stack, cairo, dice);
  cairo_destroy (cairo);
  camera_shoot (dice, surface, scene->picture);
  cairo_surface_destroy (surface);
  find_objects (scene, stack);
}

Scene *
scene_new (guint64 seed, guint64 index, guint width, guint height, const SceneKind *kind,
    GError **error)
{
  static const SceneKind usual = { .symbols = TRUE };

  g_return_val_if_fail (width >= SCENE_MIN_SIDE && width <= SCENE_MAX_SIDE, NULL);
  g_return_val_if_fail (height >= SCENE_MIN_SIDE && height <= SCENE_MAX_SIDE, NULL);
  Dice dice = dice_new (seed, index);
  Picture *picture = picture_new (width, height, "a scene", error);
  if (picture == NULL)
    return NULL;
  Scene *scene = g_new0 (Scene, 1);
  scene->picture = picture;
  scene->objects = g_array_new (FALSE, FALSE, sizeof (SceneObject));
  g_array_set_clear_func (scene->objects, clear_object);
  scene->quality = 40 + dice_pick (&dice, 56);
  draw (scene, &dice, kind != NULL ? kind : &usual);
  return scene;
}

void
scene_free (Scene *scene)
{
  if (scene == NULL)
    return;
  picture_free (scene->picture);
  g_array_unref (scene->objects);
  g_free (scene);
}
