/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What following the stream is good for: pictures in fog, with statistics from clear days and with
 * their own. Meta's COCO weights, whose batch norms are unfolded first; what they find in the clear
 * pictures is the reference.
 */
#include <string.h>

#include "fixture.h"
#include "unfold.h"

#define FIXTURE "faster_rcnn_fbnetv3a_dsmask_C4_coco/dogbike"

/* Contrast and light of a thick fog: pixels become 150 … 239. */
#define FOG_LIGHT    150
#define FOG_CONTRAST 0.35f

/* The pictures pass so often before it counts: the stream's statistics have settled. */
#define N_WARM_UP 5
#define MOMENTUM  0.01f

typedef struct {
  GPtrArray *clear, *foggy; /* of Picture */
  GPtrArray *paths;         /* NULL-terminated */
} Pictures;

static void
add_fog (Picture *picture)
{
  for (gsize i = 0; i < (gsize) 3 * picture->width * picture->height; i++)
    picture->pixels[i] = (guint8) (FOG_LIGHT + FOG_CONTRAST * picture->pixels[i]);
}

static Picture *
read_picture (const char *path)
{
  g_autoptr (GError) error = NULL;
  Picture *picture = picture_read (path, &error);

  g_assert_no_error (error);
  return picture;
}

static gint
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static Pictures *
pictures_read (void)
{
  g_autofree char *folder =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "coco-val50", "images", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  Pictures *pictures = g_new0 (Pictures, 1);

  g_assert_nonnull (dir);
  pictures->paths = g_ptr_array_new_with_free_func (g_free);
  pictures->clear = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  pictures->foggy = g_ptr_array_new_with_free_func ((GDestroyNotify) picture_free);
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    g_ptr_array_add (pictures->paths, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (pictures->paths, compare_paths);
  for (guint i = 0; i < pictures->paths->len; i++) {
    Picture *foggy = read_picture (pictures->paths->pdata[i]);
    add_fog (foggy);
    g_ptr_array_add (pictures->clear, read_picture (pictures->paths->pdata[i]));
    g_ptr_array_add (pictures->foggy, foggy);
  }
  g_ptr_array_add (pictures->paths, NULL);
  return pictures;
}

static void
pictures_free (Pictures *pictures)
{
  g_ptr_array_unref (pictures->paths);
  g_ptr_array_unref (pictures->clear);
  g_ptr_array_unref (pictures->foggy);
  g_free (pictures);
}

static FbnetDetector *
new_detector (FbnetModel *model, FbnetNormStatistics statistics)
{
  g_autoptr (GError) error = NULL;
  FbnetParams params;

  FbnetDetector *detector = fbnet_detector_new (model, NULL, &error);
  g_assert_no_error (error);
  fbnet_model_get_params (model, &params);
  params.score_threshold = 0.5f;
  params.norm_statistics = statistics;
  params.norm_momentum = MOMENTUM;
  fbnet_detector_set_params (detector, &params, &error);
  g_assert_no_error (error);
  return detector;
}

static void
look (FbnetDetector *detector, const GPtrArray *pictures, guint i, FbnetDetections *found)
{
  const FbnetImage image = picture_image (pictures->pdata[i]);
  g_autoptr (GError) error = NULL;

  fbnet_detector_run (detector, &image, found, &error);
  g_assert_no_error (error);
}

/* What the detector finds, as references. */
static GArray *
find_references (FbnetDetector *detector, const GPtrArray *pictures, guint i)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  GArray *references = g_array_new (FALSE, FALSE, sizeof (FbnetReference));

  look (detector, pictures, i, found);
  for (guint d = 0; d < found->n; d++) {
    const FbnetDetection *detection = &found->items[d];
    const FbnetReference reference = { detection->x0, detection->y0, detection->x1, detection->y1,
      detection->class_id, FALSE };
    g_array_append_val (references, reference);
  }
  return references;
}

static FbnetMatchCounts
compare (FbnetDetector *truth, const GPtrArray *clear, FbnetDetector *detector,
    const GPtrArray *pictures, float lower, float upper)
{
  g_autoptr (FbnetDetections) found = fbnet_detections_new ();
  FbnetMatchCounts counts = { 0 };

  for (guint i = 0; i < pictures->len; i++) {
    g_autoptr (GArray) references = find_references (truth, clear, i);
    look (detector, pictures, i, found);
    g_autofree FbnetMatch *matches = g_new (FbnetMatch, found->n);
    fbnet_match_detections (matches, found->items, found->n,
        (const FbnetReference *) (gpointer) references->data, references->len, lower, upper,
        &counts);
  }
  return counts;
}

static void
print_counts (const char *what, const FbnetMatchCounts *counts)
{
  g_test_message ("%s: %" G_GUINT64_FORMAT " found, %" G_GUINT64_FORMAT " false, %" G_GUINT64_FORMAT
                  " missed",
      what, counts->true_positives, counts->false_positives, counts->misses);
}

/* Unfolded, the model finds what it found. In fog it misses most of that; when its statistics
 * follow the fog, it finds half as much again at least, with fewer mistakes. */
static void
test_fog (void)
{
  g_autoptr (Fixture) fixture = fixture_open (FIXTURE);

  if (fixture == NULL)
    return;
  g_autofree char *description = fixture_description (fixture);
  g_autoptr (TensorList) tensors = fixture_tensors (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) folded = tensor_list_to_model (tensors, description, &error);
  g_assert_no_error (error);
  Pictures *pictures = pictures_read ();
  g_autoptr (FbnetModel) model =
      unfold_norms (folded, (const char *const *) pictures->paths->pdata);
  g_autoptr (FbnetDetector) truth = new_detector (folded, FBNET_NORM_STATISTICS_STORED);
  g_autoptr (FbnetDetector) stored = new_detector (model, FBNET_NORM_STATISTICS_STORED);
  g_autoptr (FbnetDetector) stream = new_detector (model, FBNET_NORM_STATISTICS_STREAM);

  const FbnetMatchCounts same =
      compare (truth, pictures->clear, stored, pictures->clear, 0.99f, 0.99f);
  print_counts ("clear, stored", &same);
  g_assert_cmpuint (same.true_positives, >, 100);
  g_assert_cmpuint (same.false_positives + same.misses, ==, 0);

  const FbnetMatchCounts before =
      compare (truth, pictures->clear, stored, pictures->foggy, 0.3f, 0.7f);
  print_counts ("fog, stored", &before);
  FbnetMatchCounts after;
  for (guint i = 0; i <= N_WARM_UP; i++)
    after = compare (truth, pictures->clear, stream, pictures->foggy, 0.3f, 0.7f);
  print_counts ("fog, stream", &after);
  g_assert_cmpuint (after.true_positives, >=, before.true_positives * 3 / 2);
  g_assert_cmpuint (after.false_positives, <, before.false_positives);
  pictures_free (pictures);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/golden/fog", test_fog);
  return g_test_run ();
}
