/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector at work on a COCO data set.
 */
#include "cocorun.h"

#include "support/problems.h"

static gboolean
match_classes (const CocoRun *run, PictureDetector *detector, GError **error)
{
  guint n_unmatched, n_strangers;

  if (!class_table_match (detector->classes, run->file, &n_unmatched, error))
    return FALSE;
  if (n_unmatched > 0 && run->console != NULL)
    console_say (run->console,
        "%u of %u classes are no category of %s: their detections are left out", n_unmatched,
        detector->classes->n, run->file->path);
  g_autofree char *names = class_table_list_strangers (detector->classes, run->file, &n_strangers);
  if (n_strangers > 0 && run->console != NULL)
    console_say (run->console, "%s: %u of %u categories are no class of the model: %s",
        run->file->path, n_strangers, run->file->categories->len, names);
  return TRUE;
}

typedef enum {
  SIZE_EXCHANGED,
  SIZE_OTHER,
  N_FLAWS,
} Flaw;

static const char *const flaws[N_FLAWS] = {
  [SIZE_EXCHANGED] =
      "{picture|pictures} whose width and height the annotation file exchanges: looked at as "
      "{it is|they are}",
  [SIZE_OTHER] = "{picture|pictures} of another size than the annotation file says: looked at as "
                 "{it is|they are}",
};

static void
check_size (const CocoImage *image, const Picture *picture, const char *path, Problems *problems)
{
  if (image->width == 0 || image->height == 0
      || (image->width == picture->width && image->height == picture->height))
    return;
  const gboolean exchanged = image->width == picture->height && image->height == picture->width;
  g_autofree char *where = g_strdup_printf ("%s: expected %u×%u pixels, found %u×%u", path,
      image->width, image->height, picture->width, picture->height);
  problems_note (problems, exchanged ? SIZE_EXCHANGED : SIZE_OTHER, where);
}

static void
say_problems (Console *console, const Problems *problems)
{
  g_auto (GStrv) sentences = problems_describe (problems);

  for (guint i = 0; sentences[i] != NULL; i++)
    console_say (console, "%s", sentences[i]);
}

static gboolean
run_image (const CocoRun *run, PictureDetector *detector, const CocoImage *image,
    CocoWriter *writer, Problems *problems, GError **error)
{
  g_autofree char *path = g_build_filename (run->folder, image->file_name, NULL);
  g_autoptr (Picture) picture = picture_detector_run (detector, path, error);

  if (picture == NULL)
    return FALSE;
  check_size (image, picture, path, problems);
  coco_writer_add (writer, image, picture->width, picture->height, detector->detections,
      detector->classes->category_ids, detector->classes->n_keypoints);
  return run->func == NULL || run->func (run->data, picture, path, error);
}

gboolean
coco_run (const CocoRun *run, PictureDetector *detector, CocoWriter *writer, GError **error)
{
  Console unheard = { 0 };
  Console *console = run->console != NULL ? run->console : &unheard;
  g_autoptr (Problems) problems = problems_new (flaws, N_FLAWS);

  if (!coco_file_check_images (run->file, TRUE, error) || !match_classes (run, detector, error))
    return FALSE;
  if (run->unit != NULL)
    console->progress = progress_new (run->file->images->len, run->unit);
  for (guint i = 0; i < run->file->images->len; i++) {
    const CocoImage *image = &g_array_index (run->file->images, CocoImage, i);
    g_autoptr (GError) failure = NULL;
    if (!run_image (run, detector, image, writer, problems, &failure)) {
      if (run->console == NULL) {
        progress_hide (&console->progress);
        g_propagate_error (error, g_steal_pointer (&failure));
        return FALSE;
      }
      console_fail (console, failure);
    }
    if (run->unit != NULL)
      progress_step (&console->progress);
  }
  if (run->console != NULL)
    say_problems (console, problems);
  return TRUE;
}
