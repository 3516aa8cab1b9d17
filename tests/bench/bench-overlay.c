/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What it costs to draw thirty objects into a frame: boxes, labels, masks, skeletons, in some formats and
 * sizes. Milliseconds of processor time, least and median of the runs.
 *
 *   bench-overlay [RUNS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gstfbnetoverlay.h"
#include "timing.h"

#define N_OBJECTS 30

static const char *const formats[] = { "NV12", "I420", "YUY2", "RGB", "BGRx", "I420_10LE",
  "GRAY8" };

static const struct {
  guint width, height;
} sizes[] = { { 1920, 1080 }, { 3840, 2160 } };

static const struct {
  const char *name;
  GstFbnetOverlayStyle style;
} styles[] = {
  { "boxes", { .draw_boxes = TRUE } },
  { "and labels", { .draw_boxes = TRUE, .draw_labels = TRUE, .draw_scores = TRUE } },
  { "and masks",
      { .draw_boxes = TRUE, .draw_labels = TRUE, .draw_scores = TRUE, .draw_masks = TRUE } },
  { "skeletons", { .draw_keypoints = TRUE } },
};

/* Objects of an eighth to a quarter of the frame's sides, all over it; where each is an ellipse. */
typedef struct {
  FbnetDetection items[N_OBJECTS];
  FbnetKeypoint keypoints[N_OBJECTS][GST_FBNET_N_COCO_KEYPOINTS];
  guint8 *masks[N_OBJECTS];
  FbnetDetections found;
} Scene;

static void
fill_mask (Scene *scene, guint i)
{
  FbnetDetection *d = &scene->items[i];
  const gint width = (gint) (d->x1 - d->x0), height = (gint) (d->y1 - d->y0);
  guint8 *mask = g_malloc0 ((gsize) width * height);

  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++) {
      const double across = 2.0 * x / width - 1, down = 2.0 * y / height - 1;
      mask[y * width + x] = across * across + down * down < 1 ? 255 : 0;
    }
  scene->masks[i] = mask;
  d->mask = (FbnetMask){ (gint) d->x0, (gint) d->y0, width, height, mask };
}

/* A person from nose to ankles, in parts of its box. */
static const struct {
  float x, y;
} standing[GST_FBNET_N_COCO_KEYPOINTS] = { { 0.5f, 0.1f }, { 0.54f, 0.08f }, { 0.46f, 0.08f },
  { 0.6f, 0.1f }, { 0.4f, 0.1f }, { 0.7f, 0.22f }, { 0.3f, 0.22f }, { 0.85f, 0.4f },
  { 0.15f, 0.4f }, { 0.9f, 0.55f }, { 0.1f, 0.55f }, { 0.62f, 0.55f }, { 0.38f, 0.55f },
  { 0.62f, 0.75f }, { 0.38f, 0.75f }, { 0.62f, 0.95f }, { 0.38f, 0.95f } };

static void
fill_object (Scene *scene, GRand *random, guint i, guint width, guint height)
{
  FbnetDetection *d = &scene->items[i];
  const gint w = g_rand_int_range (random, (gint) width / 8, (gint) width / 4);
  const gint h = g_rand_int_range (random, (gint) height / 8, (gint) height / 4);
  const gint x = g_rand_int_range (random, 0, (gint) width - w);
  const gint y = g_rand_int_range (random, 0, (gint) height - h);

  *d = (FbnetDetection){ (float) x, (float) y, (float) (x + w), (float) (y + h),
    0.99f - 0.01f * (float) i, i % 2 };
  fill_mask (scene, i);
  for (guint k = 0; k < GST_FBNET_N_COCO_KEYPOINTS; k++)
    scene->keypoints[i][k] =
        (FbnetKeypoint){ d->x0 + standing[k].x * (float) w, d->y0 + standing[k].y * (float) h, 1 };
  d->keypoints = scene->keypoints[i];
}

static void
scene_fill (Scene *scene, guint width, guint height)
{
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < N_OBJECTS; i++)
    fill_object (scene, random, i, width, height);
  scene->found = (FbnetDetections){ scene->items, N_OBJECTS };
  g_rand_free (random);
}

static void
scene_clear (Scene *scene)
{
  for (guint i = 0; i < N_OBJECTS; i++)
    g_free (scene->masks[i]);
}

static double
cpu_micros (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec * 1e6 + (double) now.tv_nsec * 1e-3;
}

static void
bench_style (GstFbnetOverlay *overlay, const GstFbnetResult *result, const GstVideoFrame *frame,
    guint s, guint n_runs)
{
  g_autofree double *times = g_new (double, n_runs);
  GstFbnetOverlayStyle style = styles[s].style;

  style.line_width = 2;
  style.mask_alpha = 0.5;
  gst_fbnet_overlay_draw (overlay, result, &style, frame); /* sets the words */
  for (guint i = 0; i < n_runs; i++) {
    const double start = cpu_micros ();
    gst_fbnet_overlay_draw (overlay, result, &style, frame);
    times[i] = cpu_micros () - start;
  }
  const Timing timing = timing_of (times, n_runs);
  printf ("  %-10s min %7.3f  median %7.3f ms\n", styles[s].name, timing.least / 1000,
      timing.median / 1000);
}

static void
bench_frame (const Scene *scene, const char *format, guint width, guint height, guint n_runs)
{
  const GQuark labels[] = { g_quark_from_static_string ("person"),
    g_quark_from_static_string ("traffic light") };
  const GstFbnetResult result = { .found = &scene->found,
    .width = width,
    .height = height,
    .labels = labels,
    .n_keypoints = GST_FBNET_N_COCO_KEYPOINTS };
  GstFbnetOverlay *overlay = gst_fbnet_overlay_new ();
  GstVideoInfo info;
  GstVideoFrame frame;

  gst_video_info_set_format (&info, gst_video_format_from_string (format), width, height);
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_buffer_memset (buffer, 0, 128, info.size);
  if (!gst_video_frame_map (&frame, &info, buffer, GST_MAP_READWRITE))
    g_error ("%s: expected a frame that can be mapped", format);
  printf ("%s, %u x %u, %u objects\n", format, width, height, N_OBJECTS);
  for (guint s = 0; s < G_N_ELEMENTS (styles); s++)
    bench_style (overlay, &result, &frame, s, n_runs);
  gst_video_frame_unmap (&frame);
  gst_fbnet_overlay_free (overlay);
}

int
main (int argc, char **argv)
{
  const guint n_runs = argc > 1 ? (guint) MAX (atoi (argv[1]), 1) : 30;

  gst_init (NULL, NULL);
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    Scene scene = { 0 };
    scene_fill (&scene, sizes[s].width, sizes[s].height);
    for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
      bench_frame (&scene, formats[f], sizes[s].width, sizes[s].height, n_runs);
    scene_clear (&scene);
  }
  return 0;
}
