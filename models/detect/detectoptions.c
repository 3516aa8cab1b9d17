/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#include "detectoptions.h"

#include "support/commandline.h"

/* They judge detections, and find none. */
static const char *const matching[] = { "iou-lower", "iou-upper", NULL };

DetectOptions
detect_options_new (void)
{
  return (DetectOptions){ .params = param_options_new () };
}

void
detect_options_clear (DetectOptions *options)
{
  param_options_free (options->params);
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
  DetectOptions *o = options;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "Model file", "FILE" },
#ifdef HAVE_ANNOTATE
    { "annotate", 'a', 0, G_OPTION_ARG_FILENAME, &o->annotate,
        "Write each picture, with its detections drawn in, as PNG to DIR", "DIR" },
#endif
    { "timings", 0, 0, G_OPTION_ARG_NONE, &o->timings, "Add milliseconds per stage to each line",
        NULL },
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
  return param_options_check (o->params, error);
}
