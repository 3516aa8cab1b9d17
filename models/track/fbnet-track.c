/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-track: detections in MOTChallenge's format in, tracks out.
 */
#include "fbnet/fbnet.h"
#include "support/commandline.h"
#include "support/files.h"
#include "support/motfile.h"
#include "support/paramoptions.h"
#include "support/plural.h"

/* No value that can be meant. */
#define NOT_GIVEN (-G_MAXDOUBLE)

typedef struct {
  char *detections, *output;
  double frame_rate, max_aspect, min_area;
  gint every;
  ParamOptions *tracker;
} Options;

static void
add_options (gpointer options, GOptionContext *context)
{
  static const char *const none[] = { NULL };
  Options *o = options;
  const GOptionEntry entries[] = {
    { "detections", 'd', 0, G_OPTION_ARG_FILENAME, &o->detections,
        "What was found: frame, id, x, y, width, height, score a line", "FILE" },
    { "frame-rate", 'r', 0, G_OPTION_ARG_DOUBLE, &o->frame_rate, "Frames a second", "F" },
    { "every", 'k', 0, G_OPTION_ARG_INT, &o->every,
        "Look at every Kth frame only, and number those from 1 [1]", "K" },
    { "max-aspect", 0, 0, G_OPTION_ARG_DOUBLE, &o->max_aspect,
        "Leave out boxes whose width over height is greater [any]", "X" },
    { "min-area", 0, 0, G_OPTION_ARG_DOUBLE, &o->min_area,
        "Leave out boxes of at most so many square pixels [any]", "X" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output, "Where the tracks go", "FILE" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add_all_but (o->tracker, context, none);
}

static gboolean
check (gpointer options, GError **error)
{
  Options *o = options;

  if (o->detections == NULL || o->output == NULL)
    return usage_error (error, "--%s: expected a file, found none",
        o->detections == NULL ? "detections" : "output");
  if (file_is_same (o->output, o->detections))
    return usage_error (error,
        "--output: expected another file than %s, whose detections it would replace",
        o->detections);
  if (o->frame_rate == NOT_GIVEN)
    return usage_error (error, "--frame-rate: expected above 0, at most 1000000, found none");
  if (!(o->frame_rate > 0 && o->frame_rate <= 1e6))
    return usage_error (error, "--frame-rate: expected above 0, at most 1000000, found %g",
        o->frame_rate);
  if (o->every < 1)
    return usage_error (error, "--every: expected 1 or more, found %d", o->every);
  if (o->max_aspect != NOT_GIVEN && !(o->max_aspect > 0))
    return usage_error (error, "--max-aspect: expected above 0, found %g", o->max_aspect);
  if (o->min_area != NOT_GIVEN && !(o->min_area >= 0))
    return usage_error (error, "--min-area: expected 0 or more, found %g", o->min_area);
  return param_options_check (o->tracker, error);
}

/* --- One frame -------------------------------------------------------------------------------- */

static FbnetDetection
to_detection (const MotRow *row)
{
  return (FbnetDetection){
    .x0 = (float) row->x,
    .y0 = (float) row->y,
    .x1 = (float) (row->x + row->width),
    .y1 = (float) (row->y + row->height),
    .score = (float) MIN (row->score, 1),
    .class_id = (guint) (row->class_id + 1), /* -1: none */
  };
}

static gboolean
is_wanted (const Options *o, const MotRow *row)
{
  return (o->max_aspect == NOT_GIVEN || row->width <= o->max_aspect * row->height)
      && row->width * row->height > o->min_area;
}

static void
add_tracks (const Options *o, GArray *rows, const FbnetTracks *tracks, guint frame)
{
  for (guint i = 0; i < tracks->n; i++) {
    const FbnetTrack *track = &tracks->items[i];
    const MotRow row = {
      .frame = frame,
      .id = (gint64) track->id,
      .x = track->x0,
      .y = track->y0,
      .width = track->x1 - track->x0,
      .height = track->y1 - track->y0,
      .score = track->score,
      .class_id = (gint64) track->class_id - 1,
    };
    if (is_wanted (o, &row))
      g_array_append_val (rows, row);
  }
}

/* --- What the tracker cannot use -------------------------------------------------------------- */

typedef gboolean (*IsOdd) (const MotRow *row);

static gboolean
has_no_area (const MotRow *row)
{
  return !(row->width > 0 && row->height > 0);
}

static gboolean
is_below (const MotRow *row)
{
  return row->score < 0;
}

static gboolean
is_above (const MotRow *row)
{
  return row->score > 1;
}

static void
tell_odd (const char *path, const GArray *rows, IsOdd is_odd, const char *what, Console *console)
{
  const MotRow *first = NULL;
  guint n = 0;

  for (guint i = 0; i < rows->len; i++) {
    const MotRow *row = &g_array_index (rows, MotRow, i);
    if (is_odd (row) && n++ == 0)
      first = row;
  }
  if (n == 0)
    return;
  g_autofree char *text = plural_text (n, what);
  console_say (console, "%s: %u of %u %s; first: line %u, %g × %g pixels, score %g", path, n,
      rows->len, text, first->line, first->width, first->height, first->score);
}

/* Detectors without probabilities, as some of MOTChallenge's, have scores of any size. */
static void
tell_left_out (const char *path, const GArray *rows, Console *console)
{
  if (rows->len == 0)
    console_say (console, "%s: expected detections, found none", path);
  tell_odd (path, rows, has_no_area, "detections {has|have} no area: left out", console);
  tell_odd (path, rows, is_below, "detections {has|have} a score below 0: left out", console);
  tell_odd (path, rows, is_above, "detections {has|have} a score above 1: taken for 1", console);
}

/* --- All -------------------------------------------------------------------------------------- */

/* Frames without a detection are looks, too. */
static GArray *
follow (const Options *o, const GArray *rows, FbnetTracker *tracker, GError **error)
{
  g_autoptr (GArray) tracks = g_array_new (FALSE, FALSE, sizeof (MotRow));
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));

  for (guint i = 0, frame = 1; i < rows->len; frame++) {
    const double time = (frame - 1.0) * o->every / o->frame_rate;
    g_array_set_size (found, 0);
    for (; i < rows->len && g_array_index (rows, MotRow, i).frame == frame; i++) {
      const FbnetDetection detection = to_detection (&g_array_index (rows, MotRow, i));
      g_array_append_val (found, detection);
    }
    const FbnetTracks *told = fbnet_tracker_update (tracker, (const FbnetDetection *) found->data,
        found->len, time, error);
    if (told == NULL)
      return NULL;
    add_tracks (o, tracks, told, frame);
  }
  return g_steal_pointer (&tracks);
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  const Options *o = options;
  g_autoptr (FbnetTracker) tracker = param_options_new_tracker (o->tracker, error);
  g_autoptr (GArray) rows = tracker != NULL ? mot_read (o->detections, error) : NULL;
  if (rows == NULL)
    return FALSE;
  mot_thin (rows, (guint) o->every);
  tell_left_out (o->detections, rows, console);
  g_autoptr (GArray) tracks = follow (o, rows, tracker, error);
  if (tracks == NULL)
    return FALSE;
  if (rows->len > 0 && tracks->len == 0)
    console_say (console,
        "%s: expected tracks, found none: see --track-new-score, --track-min-hits, --max-aspect "
        "and "
        "--min-area",
        o->detections);
  return mot_write (tracks, o->output, error);
}

static void
name_files (gpointer options, Confines *confines)
{
  const Options *o = options;

  confines_add_input (confines, o->detections);
  confines_add_output (confines, OUTPUT_TEXT, "--output", o->output);
}

static const Program program = {
  .name = "fbnet-track",
  .summary = "Follows objects from frame to frame: detections in MOTChallenge's format become "
             "tracks.",
  .examples = "Examples:\n"
              "  fbnet-track --detections det.txt --frame-rate 30 -o tracks.txt\n"
              "  fbnet-track --detections det.txt --frame-rate 30 --every 6 --max-aspect 1.6 \\\n"
              "      --min-area 100 -o tracks.txt\n",
  .failures = "a file could not be read or written",
  .add_options = add_options,
  .check = check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  guint n;
  const FbnetParamInfo *table = fbnet_tracker_options_table (&n);
  Options options = {
    .frame_rate = NOT_GIVEN,
    .max_aspect = NOT_GIVEN,
    .min_area = NOT_GIVEN,
    .every = 1,
    .tracker = param_options_new_of (table, n),
  };
  const int code = program_main (&program, &options, argc, argv);

  param_options_free (options.tracker);
  g_free (options.detections);
  g_free (options.output);
  return code;
}
