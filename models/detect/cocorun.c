/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector at work on a COCO data set.
 */
#include "cocorun.h"

static gboolean
match_classes (const CocoRun *run, PictureDetector *detector, GError **error)
{
  guint n_unmatched;

  if (!class_table_match (detector->classes, run->file, &n_unmatched, error))
    return FALSE;
  if (n_unmatched > 0 && run->console != NULL)
    console_say (run->console,
        "%u of %u classes are no category of %s: their detections are left out", n_unmatched,
        detector->classes->n, run->file->path);
  return TRUE;
}

static gboolean
run_image (const CocoRun *run, PictureDetector *detector, const CocoImage *image,
    CocoWriter *writer, GError **error)
{
  g_autofree char *path = g_build_filename (run->folder, image->file_name, NULL);
  g_autoptr (Picture) picture = picture_detector_run (detector, path, error);

  if (picture == NULL)
    return FALSE;
  coco_writer_add (writer, image->id, picture->width, picture->height, detector->detections,
      detector->classes->category_ids, detector->classes->n_keypoints);
  return run->func == NULL || run->func (run->data, picture, path, error);
}

gboolean
coco_run (const CocoRun *run, PictureDetector *detector, CocoWriter *writer, GError **error)
{
  Console unheard = { 0 };
  Console *console = run->console != NULL ? run->console : &unheard;

  if (!coco_file_check_images (run->file, TRUE, error) || !match_classes (run, detector, error))
    return FALSE;
  console->progress = progress_new (run->file->images->len, run->unit);
  for (guint i = 0; i < run->file->images->len; i++) {
    const CocoImage *image = &g_array_index (run->file->images, CocoImage, i);
    g_autoptr (GError) failure = NULL;
    if (!run_image (run, detector, image, writer, &failure)) {
      if (run->console == NULL) {
        progress_hide (&console->progress);
        g_propagate_error (error, g_steal_pointer (&failure));
        return FALSE;
      }
      console_fail (console, failure);
    }
    progress_step (&console->progress);
  }
  return TRUE;
}
