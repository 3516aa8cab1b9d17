/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The golden picture before the element.
 */
#include "scene.h"

#include "frames.h"
#include "models.h"

gboolean
scene_open (Scene *scene, const char *format, const char *settings)
{
  const char *model = models_file (FIXTURE_COCO);

  if (model == NULL)
    return FALSE;
  scene->fixture = fixture_open (FIXTURE_COCO);
  scene->picture = fixture_picture (scene->fixture);
  scene->stream = stream_open (model, settings);
  stream_set_format (scene->stream, format, scene->picture->width, scene->picture->height, NULL);
  return TRUE;
}

void
scene_close (Scene *scene)
{
  stream_close (scene->stream);
  picture_free (scene->picture);
  fixture_free (scene->fixture);
}

GstBuffer *
scene_frame (const Scene *scene)
{
  return frames_from_rgb (scene->picture->pixels, &scene->stream->info, 0);
}

GArray *
scene_look (const Scene *scene)
{
  g_autoptr (GstBuffer) out = stream_push (scene->stream, scene_frame (scene));

  return seen_on (out, &scene->stream->info);
}
