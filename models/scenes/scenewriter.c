/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many scenes as a data set in COCO's format (cocodataset.org, #format-data).
 */
#include "scenewriter.h"

#include "support/files.h"
#include "support/jsonfile.h"
#include "support/picture.h"
#include "support/progress.h"
#include "support/masks.h"

typedef struct {
  const SceneSet *set;
  const char *images;    /* the folder */
  GAsyncQueue *finished; /* Job */
  gint stopped;          /* atomic; once a scene failed, the rest need not be made */
} Maker;

/* One scene. */
typedef struct {
  guint index;
  GArray *objects; /* SceneObject; NULL: failed, or not made */
  GError *error;
} Job;

static char *
scene_file_name (guint index)
{
  return g_strdup_printf ("scene-%06u.jpg", index);
}

/* --- Making ----------------------------------------------------------------------------------- */

static void
make_scene (const Maker *maker, Job *job)
{
  const SceneSet *set = maker->set;
  g_autofree char *name = scene_file_name (job->index);
  g_autofree char *path = g_build_filename (maker->images, name, NULL);
  g_autoptr (Scene) scene =
      scene_new (set->seed, job->index, set->width, set->height, &set->kind, &job->error);

  if (scene != NULL && picture_write_jpeg (scene->picture, scene->quality, path, &job->error))
    job->objects = g_array_ref (scene->objects);
}

static void
work (gpointer data, gpointer user_data)
{
  Maker *maker = user_data;
  Job *job = data;

  if (!g_atomic_int_get (&maker->stopped))
    make_scene (maker, job);
  g_async_queue_push (maker->finished, job);
}

/* Waits for all of them; the first error is the one that is told. */
static gboolean
collect (Maker *maker, guint count, GError **error)
{
  gboolean good = TRUE;
  Progress progress = progress_new (count, "scenes");

  for (guint i = 0; i < count; i++) {
    Job *job = g_async_queue_pop (maker->finished);
    if (job->error != NULL && good) {
      progress_hide (&progress);
      g_propagate_error (error, g_steal_pointer (&job->error));
      g_atomic_int_set (&maker->stopped, TRUE);
      good = FALSE;
    }
    if (good)
      progress_step (&progress);
  }
  return good;
}

static gboolean
make_all (const SceneSet *set, const char *images, Job *jobs, GError **error)
{
  Maker maker = { .set = set, .images = images, .finished = g_async_queue_new () };
  GThreadPool *pool = g_thread_pool_new (work, &maker, (gint) set->n_threads, FALSE, NULL);

  for (guint i = 0; i < set->count; i++) {
    jobs[i].index = set->first + i;
    g_thread_pool_push (pool, &jobs[i], NULL);
  }
  const gboolean good = collect (&maker, set->count, error);
  g_thread_pool_free (pool, FALSE, TRUE);
  g_async_queue_unref (maker.finished);
  return good;
}

static void
clear_jobs (Job *jobs, guint count)
{
  for (guint i = 0; i < count; i++) {
    g_clear_pointer (&jobs[i].objects, g_array_unref);
    g_clear_error (&jobs[i].error);
  }
  g_free (jobs);
}

/* --- annotations.json ------------------------------------------------------------------------- */

/* COCO counts ids from 1. A class has the same number in every set, and is listed where it may be seen. */
static cJSON *
categories_to_json (const SceneKind *kind)
{
  cJSON *categories = cJSON_CreateArray ();

  for (guint i = 0; i < N_SCENE_CLASSES; i++) {
    if (!(i < N_SYMBOLS ? kind->symbols : kind->codes))
      continue;
    cJSON *category = cJSON_CreateObject ();
    cJSON_AddNumberToObject (category, "id", i + 1);
    cJSON_AddStringToObject (category, "name", scene_class_name (i));
    cJSON_AddStringToObject (category, "supercategory", i < N_SYMBOLS ? "symbol" : "code");
    cJSON_AddItemToArray (categories, category);
  }
  return categories;
}

static cJSON *
image_to_json (const SceneSet *set, guint index)
{
  g_autofree char *name = scene_file_name (index);
  cJSON *image = cJSON_CreateObject ();

  cJSON_AddNumberToObject (image, "id", index + 1.0);
  cJSON_AddStringToObject (image, "file_name", name);
  cJSON_AddNumberToObject (image, "width", set->width);
  cJSON_AddNumberToObject (image, "height", set->height);
  return image;
}

static cJSON *
object_to_json (const SceneSet *set, const SceneObject *object, guint id, guint index)
{
  const int box[] = { object->mask.x, object->mask.y, object->mask.width, object->mask.height };
  cJSON *annotation = cJSON_CreateObject ();

  cJSON_AddNumberToObject (annotation, "id", id);
  cJSON_AddNumberToObject (annotation, "image_id", index + 1.0);
  cJSON_AddNumberToObject (annotation, "category_id", object->class_id + 1);
  cJSON_AddItemToObject (annotation, "bbox", cJSON_CreateIntArray (box, 4));
  cJSON_AddNumberToObject (annotation, "area", object->area);
  cJSON_AddNumberToObject (annotation, "iscrowd", 0);
  cJSON_AddItemToObject (annotation, "segmentation",
      rle_detection_to_json (&object->mask, set->width, set->height));
  return annotation;
}

/* How to make it again. */
static cJSON *
info_to_json (const SceneSet *set)
{
  g_autofree char *text = g_strdup_printf ("fbnet-scenes --seed %" G_GUINT64_FORMAT
                                           " --first %u --count %u --size %ux%u%s",
      set->seed, set->first, set->count, set->width, set->height, set->description);
  cJSON *info = cJSON_CreateObject ();

  cJSON_AddStringToObject (info, "description", text);
  cJSON_AddStringToObject (info, "version", FBNET_VERSION);
  return info;
}

static cJSON *
scene_set_to_json (const SceneSet *set, const Job *jobs)
{
  cJSON *file = cJSON_CreateObject ();

  cJSON_AddItemToObject (file, "info", info_to_json (set));
  cJSON_AddItemToObject (file, "categories", categories_to_json (&set->kind));
  cJSON *images = cJSON_AddArrayToObject (file, "images");
  cJSON *annotations = cJSON_AddArrayToObject (file, "annotations");
  guint id = 0;
  for (guint i = 0; i < set->count; i++) {
    cJSON_AddItemToArray (images, image_to_json (set, jobs[i].index));
    for (guint j = 0; j < jobs[i].objects->len; j++)
      cJSON_AddItemToArray (annotations,
          object_to_json (set, &g_array_index (jobs[i].objects, SceneObject, j), ++id,
              jobs[i].index));
  }
  return file;
}

static gboolean
write_annotations (const SceneSet *set, const Job *jobs, const char *path, GError **error)
{
  g_autoptr (cJSON) file = scene_set_to_json (set, jobs);

  return json_write (file, path, error);
}

/* --- The whole -------------------------------------------------------------------------------- */

/* An older annotations.json would not be about the new pictures. */
static gboolean
prepare (const char *images, const char *annotations, GError **error)
{
  return file_make_folder (images, error) && file_remove (annotations, error);
}

gboolean
scene_set_write (const SceneSet *set, const char *folder, GError **error)
{
  g_autofree char *images = g_build_filename (folder, "images", NULL);
  g_autofree char *annotations = g_build_filename (folder, "annotations.json", NULL);

  if (!prepare (images, annotations, error))
    return FALSE;
  Job *jobs = g_new0 (Job, set->count);
  const gboolean good =
      make_all (set, images, jobs, error) && write_annotations (set, jobs, annotations, error);
  clear_jobs (jobs, set->count);
  return good;
}
