/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-scenes.
 */
#include "sceneoptions.h"

#include <string.h>

#include "scene.h"
#include "support/commandline.h"
#include "support/plot.h"

/* File names have six digits, and ids are doubles on the way through JSON. */
#define MAX_SCENES 1000000

/* Share of the scenes of codes that show none, unless it is said. */
#define SOME_NOTHING 0.18

SceneOptions
scene_options_new (void)
{
  return (SceneOptions){ .params = param_options_new (),
    .count = 100,
    .set.kind.nothing = SOME_NOTHING };
}

void
scene_options_clear (SceneOptions *options)
{
  param_options_free (options->params);
  g_free (options->folder);
  g_free (options->sheet);
  g_free (options->size);
  g_free (options->objects);
  g_free (options->photographs);
  g_free (options->description);
}

void
scene_options_add (gpointer options, GOptionContext *context)
{
  static const char *const params[] = { "threads", NULL };
  SceneOptions *o = options;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->folder,
        "Write DIR/images/*.jpg and DIR/annotations.json", "DIR" },
    { "count", 'n', 0, G_OPTION_ARG_INT, &o->count, "How many scenes; default 100", "N" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &o->seed, "Which scenes, from 0; default 0", "S" },
    { "first", 0, 0, G_OPTION_ARG_INT, &o->first, "Begin with scene N of this seed; default 0",
        "N" },
    { "size", 0, 0, G_OPTION_ARG_STRING, &o->size, "Pixels, as WIDTHxHEIGHT; default 320x240",
        "SIZE" },
    { "objects", 0, 0, G_OPTION_ARG_STRING, &o->objects,
        "What is looked for: symbols, codes (QR, bars, Data Matrix, Aztec, PDF417) or both; "
        "default "
        "symbols",
        "WHAT" },
    { "photographs", 0, 0, G_OPTION_ARG_FILENAME, &o->photographs,
        "A photograph of this folder is behind two of three scenes", "DIR" },
    { "nothing", 0, 0, G_OPTION_ARG_DOUBLE, &o->set.kind.nothing,
        "Share of the scenes of codes that show none; default 0.18", "P" },
    { "sheet", 0, 0, G_OPTION_ARG_FILENAME, &o->sheet,
        "Write the sheet to print: FILE.pdf, FILE.svg, or FILE.png for a preview", "FILE" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add (o->params, context, params);
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
  const char *size = options->size != NULL ? options->size : "320x240";
  g_auto (GStrv) sides = g_strsplit (size, "x", -1);

  if (g_strv_length (sides) == 2 && parse_side (sides[0], &options->set.width)
      && parse_side (sides[1], &options->set.height))
    return TRUE;
  return usage_error (error, "--size: expected WIDTHxHEIGHT, both from %d to %d, found '%s'",
      SCENE_MIN_SIDE, SCENE_MAX_SIDE, size);
}

static gboolean
check_range (const char *name, gint64 value, gint64 low, gint64 high, GError **error)
{
  if (value >= low && value <= high)
    return TRUE;
  return usage_error (error,
      "--%s: expected a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
      ", found %" G_GINT64_FORMAT,
      name, low, high, value);
}

/* Of the command line, what a scene's number does not say. */
static char *
describe (const SceneOptions *o)
{
  GString *text = g_string_new (NULL);

  if (o->objects != NULL)
    g_string_append_printf (text, " --objects %s", o->objects);
  if (o->set.kind.nothing != SOME_NOTHING)
    g_string_append_printf (text, " --nothing %g", o->set.kind.nothing);
  if (o->photographs != NULL)
    g_string_append_printf (text, " --photographs %s", o->photographs);
  return g_string_free (text, FALSE);
}

static gboolean
read_kind (SceneOptions *o, GError **error)
{
  const char *objects = o->objects != NULL ? o->objects : "symbols";
  const gboolean both = strcmp (objects, "both") == 0;

  o->set.kind.symbols = both || strcmp (objects, "symbols") == 0;
  o->set.kind.codes = both || strcmp (objects, "codes") == 0;
  if (!o->set.kind.symbols && !o->set.kind.codes)
    return usage_error (error, "--objects: expected symbols, codes or both, found '%s'", objects);
  if (o->set.kind.codes && !codes_available ())
    return usage_error (error,
        "--objects %s: expected a program built with libzint, which this one is not", objects);
  o->description = describe (o);
  o->set.description = o->description;
  return TRUE;
}

gboolean
scene_options_check (gpointer options, GError **error)
{
  SceneOptions *o = options;

  if (o->folder == NULL && o->sheet == NULL)
    return usage_error (error, "expected --output or --sheet, found none of them");
  if (!plot_check_format ("--sheet", o->sheet, error)
      || !check_range ("count", o->count, 1, MAX_SCENES, error)
      || !check_range ("first", o->first, 0, MAX_SCENES - o->count, error)
      || !check_range ("seed", o->seed, 0, G_MAXINT64, error)
      || !param_options_check (o->params, error) || !parse_size (o, error) || !read_kind (o, error))
    return FALSE;
  if (!(o->set.kind.nothing >= 0 && o->set.kind.nothing <= 1))
    return usage_error (error, "--nothing: expected a share from 0 to 1, found %g",
        o->set.kind.nothing);
  o->set.seed = (guint64) o->seed;
  o->set.first = (guint) o->first;
  o->set.count = (guint) o->count;
  o->set.n_threads = param_options_how (o->params).n_threads;
  if (o->set.n_threads == 0)
    o->set.n_threads = g_get_num_processors ();
  return TRUE;
}
