/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-detect.
 */
#include "detectoptions.h"

static const char summary[] =
    "Finds objects in PNG and JPEG pictures: one line of JSON per picture on standard output.";

static const char description[] =
    "Thresholds, sizes and counts that are not given are those of the model file.\n"
    "\n"
    "Examples:\n"
    "  fbnet-detect --model model.safetensors --annotate seen street.jpg\n"
    "  fbnet-detect --model model.safetensors --coco instances_val2017.json \\\n"
    "      --images val2017 --coco-results results.json\n"
    "\n"
    "Exit status: 0 all went well; 1 the model or at least one picture failed, the others were\n"
    "done; 2 the command line is wrong.\n";

static GOptionContext *
context_new (Options *o)
{
  const GOptionEntry entries[] = {
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
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->pictures, NULL, "PICTURE..." },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);
  detector_options_add (&o->detector, context);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  return context;
}

static gboolean
check (const Options *options, GError **error)
{
  if (options->version)
    return TRUE;
  if (!options->detector.model)
    return usage_error (error, "--model: expected a model file, found none");
  const guint n_coco =
      (options->coco != NULL) + (options->images != NULL) + (options->coco_results != NULL);
  if (n_coco != 0 && n_coco != 3)
    return usage_error (error, "--coco, --images and --coco-results: expected all or none of them");
  if (n_coco == 0 && !options->pictures)
    return usage_error (error, "expected at least one PICTURE, found none");
  if (n_coco == 3 && options->pictures)
    return usage_error (error, "expected either PICTUREs or --coco, found both");
  return detector_options_check (&options->detector, error);
}

gboolean
options_parse (Options *options, int argc, char **argv, GError **error)
{
  *options = (Options){ .detector = detector_options_new () };
  GOptionContext *context = context_new (options);
  const gboolean parsed = g_option_context_parse (context, &argc, &argv, error);
  g_option_context_free (context);
  return parsed && check (options, error);
}

void
options_clear (Options *options)
{
  detector_options_clear (&options->detector);
  g_free (options->annotate);
  g_free (options->coco);
  g_free (options->images);
  g_free (options->coco_results);
  g_strfreev (options->pictures);
}
