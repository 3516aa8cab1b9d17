/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#include "detectoptions.h"

#include "support/commandline.h"

/* They judge detections, and find none. */
static const char *const matching[] = { "iou-lower", "iou-upper", NULL };

#define FRAME_RATE 30

DetectOptions
detect_options_new (void)
{
  guint n_zoom, n_tracker;
  const FbnetParamInfo *zoom = fbnet_zoom_options_table (&n_zoom);
  const FbnetParamInfo *tracker = fbnet_tracker_options_table (&n_tracker);

  return (DetectOptions){
    .params = param_options_new (),
    .zoom = param_options_new_of (zoom, n_zoom),
    .tracker = param_options_new_of (tracker, n_tracker),
    .frame_rate = FRAME_RATE,
  };
}

void
detect_options_clear (DetectOptions *options)
{
  param_options_free (options->params);
  param_options_free (options->zoom);
  param_options_free (options->tracker);
  g_free (options->model);
  g_free (options->annotate);
  g_free (options->coco);
  g_free (options->images);
  g_free (options->coco_results);
  g_strfreev (options->pictures);
}

void
detect_options_add (gpointer options, GOptionContext *context)
{
  static const char *const none[] = { NULL };
  DetectOptions *o = options;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
#ifdef HAVE_ANNOTATE
    { "annotate", 'a', 0, G_OPTION_ARG_FILENAME, &o->annotate,
        "Write each picture, with its detections drawn in, as PNG to DIR", "DIR" },
#endif
    { "timings", 0, 0, G_OPTION_ARG_NONE, &o->timings, "Add milliseconds per stage to each line",
        NULL },
    { "tracking", 0, 0, G_OPTION_ARG_NONE, &o->tracking,
        "Follow objects: the PICTUREs are frames of one sequence, in order", NULL },
    { "frame-rate", 0, 0, G_OPTION_ARG_DOUBLE, &o->frame_rate, "... so many a second; default 30",
        "F" },
    { "coco", 0, 0, G_OPTION_ARG_FILENAME, &o->coco,
        "Run all images of a COCO annotation file instead of PICTUREs", "FILE" },
    { "images", 0, 0, G_OPTION_ARG_FILENAME, &o->images, "Where the images of --coco lie", "DIR" },
    { "coco-results", 0, 0, G_OPTION_ARG_FILENAME, &o->coco_results,
        "Where the results of --coco go", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->pictures, NULL, "PICTURE..." },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add_all_but (o->params, context, matching);
  param_options_add_all_but (o->zoom, context, none);
  param_options_add_all_but (o->tracker, context, none);
}

gboolean
detect_options_check (gpointer options, GError **error)
{
  const DetectOptions *o = options;
  const guint n_coco = (o->coco != NULL) + (o->images != NULL) + (o->coco_results != NULL);

  if (o->model == NULL)
    return usage_error (error, "--model: expected a model file, found none");
  if (n_coco != 0 && n_coco != 3)
    return usage_error (error, "--coco, --images and --coco-results: expected all or none of them");
  if (n_coco == 0 && o->pictures == NULL)
    return usage_error (error, "expected at least one PICTURE, found none");
  if (n_coco == 3 && o->pictures != NULL)
    return usage_error (error, "expected either PICTUREs or --coco, found both");
  if (o->tracking && n_coco == 3)
    return usage_error (error, "--tracking: expected PICTUREs, found --coco");
  if (!(o->frame_rate > 0 && o->frame_rate <= 1e6))
    return usage_error (error, "--frame-rate: expected above 0, at most 1000000, found %g",
        o->frame_rate);
  return param_options_check (o->params, error) && param_options_check (o->zoom, error)
      && param_options_check (o->tracker, error);
}
