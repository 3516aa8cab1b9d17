/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-scenes.
 */
#include "sceneoptions.h"

#include "support/options.h"
#include "scene.h"
#include "support/plot.h"

/* File names have six digits, and ids are doubles on the way through JSON. */
#define MAX_SCENES 1000000

static const char summary[] =
    "Makes pictures of printed symbols, with boxes and masks in COCO's format, to train and test\n"
    "the bundled model with.";

static const char description[] =
    "A scene depends on seed, index and size alone, whatever the number of threads.\n"
    "\n"
    "Examples:\n"
    "  fbnet-scenes --count 4000 --seed 1 -o train\n"
    "  fbnet-scenes --count 500 --seed 2 -o val\n"
    "  fbnet-scenes --sheet sheet.pdf\n"
    "\n"
    "Exit status: 0 all went well; 1 a file could not be written; 2 the command line is wrong.\n";

static GOptionContext *
context_new (SceneOptions *o)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->folder,
        "Write DIR/images/*.jpg and DIR/annotations.json", "DIR" },
    { "count", 'n', 0, G_OPTION_ARG_INT, &o->count, "How many scenes; default 100", "N" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &o->seed, "Which scenes, from 0; default 0", "S" },
    { "first", 0, 0, G_OPTION_ARG_INT, &o->first, "Begin with scene N of this seed; default 0",
        "N" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &o->size, "Pixels, as WIDTHxHEIGHT; default 320x240",
        "SIZE" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->threads,
        "Threads; 0, the default: one per processor", "N" },
    { "sheet", 0, 0, G_OPTION_ARG_FILENAME, &o->sheet,
        "Write the sheet to print: FILE.pdf, FILE.svg, or FILE.png for a preview", "FILE" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  return context;
}

static gboolean
parse_side (const char *text, guint *side)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (text, 10, SCENE_MIN_SIDE, SCENE_MAX_SIDE, &number, NULL))
    return FALSE;
  *side = (guint) number;
  return TRUE;
}

static gboolean
parse_size (SceneOptions *options, GError **error)
{
  const char *size = options->size ? options->size : "320x240";
  g_auto (GStrv) sides = g_strsplit (size, "x", -1);
  if (g_strv_length (sides) == 2 && parse_side (sides[0], &options->dataset.width)
      && parse_side (sides[1], &options->dataset.height))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--size: expected WIDTHxHEIGHT, both from %d to %d, found '%s'", SCENE_MIN_SIDE,
      SCENE_MAX_SIDE, size);
  return FALSE;
}

static gboolean
check_range (const char *name, gint64 value, gint64 low, gint64 high, GError **error)
{
  if (value >= low && value <= high)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--%s: expected a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
      ", found %" G_GINT64_FORMAT,
      name, low, high, value);
  return FALSE;
}

static gboolean
check (SceneOptions *o, GError **error)
{
  if (o->version)
    return TRUE;
  if (!o->folder && !o->sheet)
    return usage_error (error, "expected --output or --sheet, found none of them");
  if (!plot_check_format ("--sheet", o->sheet, error)
      || !check_range ("count", o->count, 1, MAX_SCENES, error)
      || !check_range ("first", o->first, 0, MAX_SCENES - o->count, error)
      || !check_range ("seed", o->seed, 0, G_MAXINT64, error)
      || !check_range ("threads", o->threads, 0, 1024, error) || !parse_size (o, error))
    return FALSE;
  o->dataset.seed = (guint64) o->seed;
  o->dataset.first = (guint) o->first;
  o->dataset.count = (guint) o->count;
  o->dataset.n_threads = o->threads > 0 ? (guint) o->threads : g_get_num_processors ();
  return TRUE;
}

gboolean
scene_options_parse (SceneOptions *options, int argc, char **argv, GError **error)
{
  *options = (SceneOptions){ .count = 100 };
  GOptionContext *context = context_new (options);
  gboolean parsed = g_option_context_parse (context, &argc, &argv, error);
  g_option_context_free (context);
  if (parsed && argc > 1) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "expected options only, found '%s'",
        argv[1]);
    parsed = FALSE;
  }
  return parsed && check (options, error);
}

void
scene_options_clear (SceneOptions *options)
{
  g_free (options->folder);
  g_free (options->sheet);
  g_free (options->size);
}
