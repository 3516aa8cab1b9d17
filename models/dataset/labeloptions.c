/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-dataset.
 */
#include "labeloptions.h"

#include "support/commandline.h"
#include "support/picture.h"

#define MIN_CROP 16
#define MAX_CROP 1024

LabelOptions
label_options_new (void)
{
  return (LabelOptions){ .val_split = 0.15, .params = param_options_new () };
}

void
label_options_clear (LabelOptions *o)
{
  g_strfreev (o->annotations);
  g_strfreev (o->images);
  g_strfreev (o->renamed);
  g_strfreev (o->dropped);
  g_free (o->format_name);
  g_free (o->names);
  g_free (o->attribute);
  g_free (o->output);
  param_options_free (o->params);
}

void
label_options_add (gpointer options, GOptionContext *context)
{
  static const char *const params[] = { "threads", "min-size", "max-size", NULL };
  LabelOptions *o = options;
  const GOptionEntry entries[] = {
    { "annotations", 'a', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->annotations,
        "Annotations: a file, or a folder of files; may be given several times", "PATH" },
    { "images", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->images,
        "Folder of the pictures: one for each --annotations, or one for all", "DIR" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output,
        "Write train.json, val.json and a sheet of samples into this folder", "DIR" },
    { "format", 'f', 0, G_OPTION_ARG_STRING, &o->format_name,
        "coco, voc, yolo, via, labelme, cvat or csv [as they look]", "NAME" },
    { "names", 0, 0, G_OPTION_ARG_FILENAME, &o->names,
        "YOLO: what the numbers are called, a .yaml or a name a line [beside the labels]", "FILE" },
    { "attribute", 0, 0, G_OPTION_ARG_STRING, &o->attribute,
        "VIA: the attribute that is a region's class [label, class, name …]", "NAME" },
    { "rename", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->renamed,
        "Call a class otherwise; two of one name become one; may be repeated", "OLD=NEW" },
    { "drop", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->dropped,
        "Leave out the objects of a class; may be repeated", "NAME" },
    { "val-split", 0, 0, G_OPTION_ARG_DOUBLE, &o->val_split,
        "Share of the pictures that go to val.json, always the same ones [0.15]", "P" },
    { "max-side", 0, 0, G_OPTION_ARG_INT, &o->max_side,
        "Write pictures with a longer side than this again, smaller; 0: none [0]", "N" },
    { "crops", 0, 0, G_OPTION_ARG_INT, &o->crops,
        "Cut the objects out, too: squares of N pixels in a folder for each class, for a "
        "classifier; 0: none [0]",
        "N" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_say_default (o->params, "min-size", "224, for the advice on anchors");
  param_options_say_default (o->params, "max-size", "320, for the advice on anchors");
  param_options_add (o->params, context, params);
}

static gboolean
check_sources (const LabelOptions *o, GError **error)
{
  const guint n = o->annotations != NULL ? g_strv_length (o->annotations) : 0;
  const guint n_images = o->images != NULL ? g_strv_length (o->images) : 0;

  if (n > 0 && (n_images == n || n_images == 1))
    return TRUE;
  return usage_error (error,
      "expected --annotations PATH and --images DIR, as many of one as of the other, or one folder "
      "for all, found %u and %u",
      n, n_images);
}

gboolean
label_options_check (gpointer options, GError **error)
{
  LabelOptions *o = options;

  if (!check_sources (o, error))
    return FALSE;
  if (o->output == NULL)
    return usage_error (error, "expected --output DIR");
  if (o->format_name != NULL)
    o->format = label_format_find (o->format_name);
  if (o->format_name != NULL && o->format == LABELS_UNKNOWN)
    return usage_error (error,
        "--format: expected coco, voc, yolo, via, labelme, cvat or csv, found %s", o->format_name);
  if (!(o->val_split >= 0 && o->val_split < 1))
    return usage_error (error, "expected a --val-split from 0 to below 1");
  if (o->max_side < 0 || o->max_side > PICTURE_MAX_SIDE)
    return usage_error (error, "--max-side: expected 0 to %d, found %d", PICTURE_MAX_SIDE,
        o->max_side);
  if (o->crops != 0 && (o->crops < MIN_CROP || o->crops > MAX_CROP))
    return usage_error (error, "--crops: expected 0 or %d to %d, found %d", MIN_CROP, MAX_CROP,
        o->crops);
  return param_options_check (o->params, error);
}
