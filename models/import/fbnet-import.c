/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-import: D2Go's and mobile_cv's checkpoints and Meta's int8 exports into model files.
 */
#include <string.h>

#include "import/d2go/import.h"
#include "support/commandline.h"

typedef struct {
  char *output, *config, *labels, *name, *precision;
  gboolean ema, no_ema;
  char **sources;
} Arguments;

static void
arguments_clear (Arguments *a)
{
  g_free (a->output);
  g_free (a->config);
  g_free (a->labels);
  g_free (a->name);
  g_free (a->precision);
  g_strfreev (a->sources);
}

static void
add_options (gpointer arguments, GOptionContext *context)
{
  Arguments *a = arguments;
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &a->output, "The model file to write", "FILE" },
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &a->config,
        "D2Go config: a name of its zoo, or the path of a config dump; or a classifier of "
        "mobile_cv's zoo, dmasking_l3; without it, the model is recognised by its tensors",
        "NAME|FILE.yaml" },
    { "ema", 0, 0, G_OPTION_ARG_NONE, &a->ema, "Take the averaged weights (ema_state, model_ema)",
        NULL },
    { "no-ema", 0, 0, G_OPTION_ARG_NONE, &a->no_ema,
        "Take the others; without either, those that D2Go (model) and mobile_cv (model_ema if "
        "there) "
        "load",
        NULL },
    { "labels", 'l', 0, G_OPTION_ARG_FILENAME, &a->labels,
        "Class names, one a line, in the order of the classes", "FILE" },
    { "name", 'n', 0, G_OPTION_ARG_STRING, &a->name, "Name of the model [the config's]", "NAME" },
    { "precision", 0, 0, G_OPTION_ARG_STRING, &a->precision,
        "int8: an int8 export as it is; float32: its weights dequantised [as the source has them]",
        "int8|float32" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &a->sources, NULL, "SOURCE" },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static gboolean
check (gpointer arguments, GError **error)
{
  const Arguments *a = arguments;
  const guint n = a->sources != NULL ? g_strv_length (a->sources) : 0;

  if (n != 1)
    return usage_error (error, "expected one SOURCE, found %u", n);
  if (a->output == NULL)
    return usage_error (error, "--output: expected a file to write, found none");
  if (a->ema && a->no_ema)
    return usage_error (error, "expected --ema or --no-ema, found both");
  if (a->precision != NULL && strcmp (a->precision, "int8") != 0
      && strcmp (a->precision, "float32") != 0)
    return usage_error (error, "--precision: expected int8 or float32, found %s", a->precision);
  return TRUE;
}

static ImportPrecision
chosen_precision (const Arguments *a)
{
  if (a->precision == NULL)
    return IMPORT_AS_STORED;
  return strcmp (a->precision, "int8") == 0 ? IMPORT_INT8 : IMPORT_FLOAT32;
}

static const char *
describe_text (const Imported *imported, const char *field)
{
  const char *text =
      cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (imported->description, field));

  return text != NULL ? text : "?";
}

static void
append_detector (GString *text, const Imported *imported)
{
  const cJSON *heads = cJSON_GetObjectItemCaseSensitive (imported->description, "roi_heads");
  const cJSON *count = cJSON_GetObjectItemCaseSensitive (heads, "n_classes");
  const gboolean named = cJSON_HasObjectItem (imported->description, "labels");
  const char *given = imported->from_archive != NULL ? imported->from_archive : "";

  g_string_append_printf (text, "  classes     %.0f%s\n", cJSON_GetNumberValue (count),
      named ? "" : ", without names, which --labels gives");
  g_string_append_printf (text, "  thresholds  from %s\n",
      strstr (given, "score_threshold") != NULL ? "the source" : "the config");
}

static gboolean
report (const Imported *imported, const char *output, guint64 n_parameters, GError **error)
{
  GString *text = g_string_new (output);

  g_string_append_printf (text, "\n  model       %s\n", describe_text (imported, "name"));
  g_string_append_printf (text, "  config      %s\n", imported->config);
  g_string_append_printf (text, "  weights     %s\n", imported->source);
  g_string_append_printf (text, "  tensors     %u\n", imported->weights->views->len);
  g_string_append_printf (text, "  parameters  %" G_GUINT64_FORMAT "\n", n_parameters);
  if (imported->n_tolerated > 0)
    g_string_append_printf (text,
        "  left out    %u tensors of heads and buffers that the config does not ask for\n",
        imported->n_tolerated);
  if (strcmp (describe_text (imported, "task"), "detection") == 0)
    append_detector (text, imported);
  if (imported->from_archive != NULL)
    g_string_append_printf (text, "  source gave %s; the config the rest\n",
        imported->from_archive);
  if (imported->wrapper_size > 0)
    g_string_append_printf (text,
        "  size        from the config; the source's wrapper scales the shorter side to %u, as "
        "min-size=%u would\n",
        imported->wrapper_size, imported->wrapper_size);
  const gboolean printed = output_print (text->str, error);
  g_string_free (text, TRUE);
  return printed;
}

static gboolean
import (const Arguments *a, Console *console, GError **error)
{
  const ImportOptions options = {
    .config = a->config,
    .ema = a->ema   ? EMA_YES
        : a->no_ema ? EMA_NO
                    : EMA_USUAL,
    .labels = a->labels,
    .name = a->name,
    .precision = chosen_precision (a),
  };
  guint64 n_parameters;

  console_show (console, "reading …");
  g_autoptr (Imported) imported = import_read (a->sources[0], &options, error);
  if (imported == NULL)
    return FALSE;
  console_show (console, "writing and checking …");
  if (!import_write (imported, a->output, &n_parameters, error))
    return FALSE;
  console_show (console, "");
  return report (imported, a->output, n_parameters, error);
}

static gboolean
run (gpointer arguments, Console *console, GError **error)
{
  const gboolean imported = import (arguments, console, error);

  usage_error_adopt (error);
  return imported;
}

/* A config that is no path is a name of the zoo, which is no file. */
static void
name_files (gpointer arguments, Confines *confines)
{
  const Arguments *a = arguments;

  confines_add_inputs (confines, a->sources);
  confines_add_input (confines, a->config);
  confines_add_beside (confines, a->config);
  confines_add_input (confines, a->labels);
  confines_add_output (confines, OUTPUT_FILE, "--output", a->output);
}

static const Program program = {
  .name = "fbnet-import",
  .summary = "Makes a model file of a checkpoint (.pth) or an int8 export (.pt, .ptl). Nothing in "
             "it is executed.",
  .examples = "Examples:\n"
              "  fbnet-import model_final.pth --output model.safetensors\n"
              "  fbnet-import model_final.pth --config config.yaml --labels labels.txt -o "
              "model.safetensors\n"
              "  fbnet-import model_int8.ptl --precision float32 -o model.safetensors\n",
  .failures = "SOURCE cannot be imported",
  .add_options = add_options,
  .check = check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  Arguments arguments = { 0 };
  const int code = program_main (&program, &arguments, argc, argv);

  arguments_clear (&arguments);
  return code;
}
