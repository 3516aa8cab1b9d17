/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's parameters on command lines.
 */
#include "paramoptions.h"

#include <string.h>

#include "commandline.h"

typedef struct {
  const FbnetParamInfo *info;
  gboolean is_param;   /* else it is an option of the detector */
  const char *initial; /* what --help says that it is otherwise; NULL: as the table says */
  char *text;          /* as given, or NULL */
  gboolean on, off;    /* of a flag: which was given */
  gboolean given;
  double value;
} Row;

struct ParamOptions {
  Row *rows;
  guint n;
};

/* Letters, and what an option was called before it had the element's name. */
static const struct {
  const char *name, *alias;
  char letter;
} more_names[] = {
  { "score-threshold", NULL, 's' },
  { "threads", NULL, 't' },
  { "pre-nms-count", "pre-nms", 0 },
  { "post-nms-count", "post-nms", 0 },
  { "box-pooler-resolution", "box-pooler", 0 },
  { "mask-pooler-resolution", "mask-pooler", 0 },
};

/* --- Rows ------------------------------------------------------------------------------------- */

/* A number per class needs the classes' names: no option. */
static void
take_table (ParamOptions *options, const FbnetParamInfo *table, guint n, gboolean is_param)
{
  for (guint i = 0; i < n; i++) {
    if (table[i].type != FBNET_PARAM_CLASSES)
      options->rows[options->n++] = (Row){ .info = &table[i], .is_param = is_param };
  }
}

ParamOptions *
param_options_new (void)
{
  guint n_params, n_options;
  const FbnetParamInfo *params = fbnet_params_table (&n_params);
  const FbnetParamInfo *how = fbnet_detector_options_table (&n_options);
  ParamOptions *options = g_new0 (ParamOptions, 1);

  options->rows = g_new0 (Row, n_params + n_options);
  take_table (options, params, n_params, TRUE);
  take_table (options, how, n_options, FALSE);
  return options;
}

ParamOptions *
param_options_new_of (const FbnetParamInfo *table, guint n)
{
  ParamOptions *options = g_new0 (ParamOptions, 1);

  options->rows = g_new0 (Row, n);
  take_table (options, table, n, TRUE);
  return options;
}

void
param_options_free (ParamOptions *options)
{
  if (options == NULL)
    return;
  for (guint i = 0; i < options->n; i++)
    g_free (options->rows[i].text);
  g_free (options->rows);
  g_free (options);
}

static Row *
find_row (const ParamOptions *options, const char *name)
{
  guint i = 0;

  while (strcmp (options->rows[i].info->name, name) != 0) {
    i++;
    g_assert (i < options->n);
  }
  return &options->rows[i];
}

void
param_options_say_default (ParamOptions *options, const char *name, const char *initial)
{
  find_row (options, name)->initial = initial;
}

/* --- Entries ---------------------------------------------------------------------------------- */

static const char *
value_name (const FbnetParamInfo *info)
{
  switch (info->type) {
    case FBNET_PARAM_COUNT:
      return "N";
    case FBNET_PARAM_CHOICE:
    case FBNET_PARAM_NAME:
      return "NAME";
    default:
      return "X";
  }
}

/* "; 1 … 100000 proposals" */
static char *
describe_range (const FbnetParamInfo *info)
{
  g_autofree char *range = info->max == G_MAXINT ? g_strdup_printf ("%g or more", info->min)
                                                 : fbnet_param_describe_range (info);

  if (info->type == FBNET_PARAM_NAME)
    return g_strdup ("");
  return g_strdup_printf ("; %s%s%s", range, info->unit != NULL ? " " : "",
      info->unit != NULL ? info->unit : "");
}

/* "the model's", "0: one per processor" */
static char *
describe_default (const FbnetParamInfo *info)
{
  if (info->of_model)
    return g_strdup ("the model's");
  if (info->type == FBNET_PARAM_NAME)
    return g_strdup (info->zero);
  if (info->type == FBNET_PARAM_CHOICE)
    return g_strdup (info->choices[(guint) info->usual].name);
  if (info->zero != NULL)
    return g_strdup_printf ("%g: %s", info->usual, info->zero);
  return g_strdup_printf ("%g", info->usual);
}

/* The context keeps no copy. */
static const char *
describe (const Row *row)
{
  g_autofree char *range = describe_range (row->info), *usual = describe_default (row->info);
  g_autofree char *text = g_strdup_printf ("%s%s [%s]", row->info->blurb, range,
      row->initial != NULL ? row->initial : usual);

  return g_intern_string (text);
}

static void
add_flag (Row *row, GOptionContext *context)
{
  const gboolean usual = row->info->usual != 0;
  g_autofree char *no = g_strconcat ("no-", row->info->name, NULL);
  const char *blurb = row->info->blurb;
  g_autofree char *help = g_strdup_printf ("Do not %c%s", g_ascii_tolower (*blurb), blurb + 1);
  /* The one that changes something stands in --help. */
  const GOptionEntry entries[] = {
    { row->info->name, 0, usual ? G_OPTION_FLAG_HIDDEN : 0, G_OPTION_ARG_NONE, &row->on, blurb,
        NULL },
    { g_intern_string (no), 0, usual ? 0 : G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &row->off,
        g_intern_string (help), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_value (Row *row, GOptionContext *context)
{
  GOptionEntry entries[3] = { { row->info->name, 0, 0, G_OPTION_ARG_STRING, &row->text,
      describe (row), value_name (row->info) } };

  for (guint i = 0; i < G_N_ELEMENTS (more_names); i++) {
    if (strcmp (more_names[i].name, row->info->name) != 0)
      continue;
    entries[0].short_name = more_names[i].letter;
    if (more_names[i].alias == NULL)
      continue;
    entries[1] = entries[0];
    entries[1].long_name = more_names[i].alias;
    entries[1].flags = G_OPTION_FLAG_HIDDEN;
  }
  g_option_context_add_main_entries (context, entries, NULL);
}

static void
add_rows (ParamOptions *options, GOptionContext *context, const char *const *names, gboolean wanted)
{
  for (guint i = 0; i < options->n; i++) {
    Row *row = &options->rows[i];
    if (g_strv_contains (names, row->info->name) != wanted)
      continue;
    if (row->info->type == FBNET_PARAM_FLAG)
      add_flag (row, context);
    else
      add_value (row, context);
  }
}

void
param_options_add (ParamOptions *options, GOptionContext *context, const char *const *names)
{
  add_rows (options, context, names, TRUE);
}

void
param_options_add_all_but (ParamOptions *options, GOptionContext *context, const char *const *names)
{
  add_rows (options, context, names, FALSE);
}

/* --- Values ----------------------------------------------------------------------------------- */

/* FALSE: it is none of them. */
static gboolean
find_choice (const FbnetParamInfo *info, const char *text, double *value)
{
  for (guint i = 0; i <= (guint) info->max; i++) {
    if (strcmp (info->choices[i].name, text) != 0)
      continue;
    *value = i;
    return TRUE;
  }
  return FALSE;
}

/* FALSE: it is none. Whether it is in range, fbnet_param_check() says. */
static gboolean
read_number (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text, &end);
  return end != text && *end == '\0';
}

static gboolean
read_value (Row *row, GError **error)
{
  const FbnetParamInfo *info = row->info;
  const gboolean read = info->type == FBNET_PARAM_CHOICE
      ? find_choice (info, row->text, &row->value)
      : read_number (row->text, &row->value) && fbnet_param_check (info, row->value, NULL);

  if (read)
    return TRUE;
  g_autofree char *range = fbnet_param_describe_range (info);
  return usage_error (error, "--%s: expected %s, found %s", info->name, range, row->text);
}

gboolean
param_options_check (ParamOptions *options, GError **error)
{
  for (guint i = 0; i < options->n; i++) {
    Row *row = &options->rows[i];
    row->given = row->text != NULL || row->on || row->off;
    if (row->on && row->off)
      return usage_error (error, "--%s: expected it or --no-%s, found both", row->info->name,
          row->info->name);
    if (row->info->type == FBNET_PARAM_FLAG)
      row->value = row->on;
    else if (row->given && row->info->type != FBNET_PARAM_NAME && !read_value (row, error))
      return FALSE;
  }
  return TRUE;
}

const char *
param_options_given (const ParamOptions *options, const char *but)
{
  for (guint i = 0; i < options->n; i++)
    if (options->rows[i].given && g_strcmp0 (options->rows[i].info->name, but) != 0)
      return options->rows[i].info->name;
  return NULL;
}

gboolean
param_options_has (const ParamOptions *options, const char *name)
{
  return find_row (options, name)->given;
}

double
param_options_number (const ParamOptions *options, const char *name, double otherwise)
{
  const Row *row = find_row (options, name);

  return row->given ? row->value : otherwise;
}

static void
set_values (const ParamOptions *options, gboolean is_param, gpointer values)
{
  for (guint i = 0; i < options->n; i++) {
    const Row *row = &options->rows[i];
    if (row->is_param != is_param || !row->given)
      continue;
    if (row->info->type == FBNET_PARAM_NAME)
      G_STRUCT_MEMBER (const char *, values, row->info->offset) = row->text;
    else
      fbnet_param_set (row->info, values, row->value);
  }
}

FbnetDetectorOptions
param_options_how (const ParamOptions *options)
{
  FbnetDetectorOptions how = { 0 };

  set_values (options, FALSE, &how);
  return how;
}

void
param_options_apply (const ParamOptions *options, FbnetParams *params)
{
  set_values (options, TRUE, params);
}

void
param_options_apply_to (const ParamOptions *options, gpointer values)
{
  set_values (options, TRUE, values);
}

FbnetTracker *
param_options_new_tracker (const ParamOptions *options, GError **error)
{
  FbnetTrackerOptions how;

  fbnet_tracker_options_init (&how);
  param_options_apply_to (options, &how);
  FbnetTracker *tracker = fbnet_tracker_new (&how, error);
  if (tracker == NULL && error != NULL
      && g_error_matches (*error, FBNET_ERROR, FBNET_ERROR_ARGUMENT))
    g_prefix_error_literal (error, "--");
  usage_error_adopt (error);
  return tracker;
}
