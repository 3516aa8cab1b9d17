/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#include "detectoptions.h"

#include "picturedetector.h"
#include "support/commandline.h"

/* They judge detections, and find none. */
static const char *const matching[] = { "iou-lower", "iou-upper", NULL };

#define FRAME_RATE 30

/* No value that can be meant. */
#define NOT_GIVEN (-G_MAXDOUBLE)

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
    .frame_rate = NOT_GIVEN,
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
        "Follow objects: the PICTUREs are frames of one sequence, in order; another begins with "
        "another size",
        NULL },
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

static gboolean
check_pictures (const DetectOptions *o, GError **error)
{
  const guint n_coco = (o->coco != NULL) + (o->images != NULL) + (o->coco_results != NULL);

  if (n_coco != 0 && n_coco != 3)
    return usage_error (error, "--coco, --images and --coco-results: expected all or none of them");
  if (n_coco == 0 && o->pictures == NULL)
    return usage_error (error, "expected at least one PICTURE, found none");
  if (n_coco == 3 && o->pictures != NULL)
    return usage_error (error, "expected either PICTUREs or --coco, found both");
  if (n_coco == 3 && (o->tracking || o->timings))
    return usage_error (error, "--%s: expected PICTUREs, found --coco",
        o->tracking ? "tracking" : "timings");
  return TRUE;
}

static gboolean
check_tracking (DetectOptions *o, GError **error)
{
  if (!param_options_check (o->tracker, error))
    return FALSE;
  const char *given =
      o->frame_rate != NOT_GIVEN ? "frame-rate" : param_options_given (o->tracker, NULL);
  if (!o->tracking && given != NULL)
    return usage_error (error, "--%s: expected --tracking beside it, found none", given);
  if (o->frame_rate == NOT_GIVEN)
    o->frame_rate = FRAME_RATE;
  return (o->frame_rate > 0 && o->frame_rate <= 1e6)
      || usage_error (error, "--frame-rate: expected above 0, at most 1000000, found %g",
          o->frame_rate);
}

gboolean
detect_options_check (gpointer options, GError **error)
{
  DetectOptions *o = options;

  if (o->model == NULL)
    return usage_error (error, "--model: expected a model file, found none");
  return check_pictures (o, error) && param_options_check (o->params, error)
      && picture_detector_check_zoom (o->zoom, error) && check_tracking (o, error);
}
