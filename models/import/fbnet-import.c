/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-import: D2Go's and mobile_cv's checkpoints and Meta's int8 exports into model files.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "import/d2go/import.h"

enum { EXIT_GOOD, EXIT_FAILED, EXIT_USAGE };

typedef struct {
  char *source, *output;
  char *config, *labels, *name, *precision;
  gboolean ema, no_ema, version;
} Arguments;

static void
arguments_clear (Arguments *a)
{
  g_free (a->source);
  g_free (a->output);
  g_free (a->config);
  g_free (a->labels);
  g_free (a->name);
  g_free (a->precision);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
parse_arguments (int *argc, char ***argv, Arguments *a, GError **error)
{
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
    { "version", 0, 0, G_OPTION_ARG_NONE, &a->version, "Print the version", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("SOURCE - import a checkpoint (.pth) or int8 export (.pt, .ptl)");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "Nothing in SOURCE is executed. Exit status: 0 on success, 1 when SOURCE cannot be "
      "imported,\n"
      "2 for wrong arguments.");
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (a->version)
    return TRUE;
  if (*argc != 2 || a->output == NULL) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        *argc != 2 ? "expected one SOURCE, found %d" : "expected --output, found %d sources only",
        *argc - 1);
    return FALSE;
  }
  if (a->ema && a->no_ema) {
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "expected --ema or --no-ema, found both");
    return FALSE;
  }
  if (a->precision != NULL && strcmp (a->precision, "int8") != 0
      && strcmp (a->precision, "float32") != 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--precision: expected int8 or float32, found %s", a->precision);
    return FALSE;
  }
  a->source = g_strdup ((*argv)[1]);
  return TRUE;
}

static ImportPrecision
chosen_precision (const Arguments *a)
{
  if (a->precision == NULL)
    return IMPORT_AS_STORED;
  return strcmp (a->precision, "int8") == 0 ? IMPORT_INT8 : IMPORT_FLOAT32;
}

/* On a terminal only, and gone when the report comes. */
static void
show_progress (const char *what)
{
  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r\033[K%s", what);
}

static const char *
describe_text (const Imported *imported, const char *field)
{
  const char *text =
      cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (imported->description, field));
  return text != NULL ? text : "?";
}

static void
report (const Imported *imported, const char *output, guint64 n_parameters)
{
  printf ("%s\n", output);
  printf ("  model       %s\n", describe_text (imported, "name"));
  printf ("  config      %s\n", imported->config);
  printf ("  weights     %s\n", imported->source);
  printf ("  tensors     %u\n", imported->weights->views->len);
  printf ("  parameters  %" G_GUINT64_FORMAT "\n", n_parameters);
  if (imported->n_tolerated > 0)
    printf ("  left out    %u tensors of heads and buffers that the config does not ask for\n",
        imported->n_tolerated);
  if (strcmp (describe_text (imported, "task"), "detection") == 0)
    printf ("  thresholds  from %s\n",
        imported->from_archive != NULL ? "the source" : "the config");
  if (imported->from_archive != NULL)
    printf ("  source gave %s; the config the rest\n", imported->from_archive);
}

static gboolean
import (const Arguments *a, GError **error)
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
  show_progress ("reading …");
  g_autoptr (Imported) imported = import_read (a->source, &options, error);
  if (imported == NULL)
    return FALSE;
  show_progress ("writing and checking …");
  if (!import_write (imported, a->output, &n_parameters, error))
    return FALSE;
  show_progress ("");
  report (imported, a->output, n_parameters);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = { 0 };
  g_autoptr (GError) error = NULL;
  if (!parse_arguments (&argc, &argv, &arguments, &error)) {
    fprintf (stderr, "fbnet-import: %s\nTry fbnet-import --help\n", error->message);
    return EXIT_USAGE;
  }
  if (arguments.version) {
    printf ("fbnet-import %s\n", fbnet_version ());
    return EXIT_GOOD;
  }
  if (import (&arguments, &error))
    return EXIT_GOOD;
  show_progress ("");
  fprintf (stderr, "fbnet-import: %s\n", error->message);
  return g_error_matches (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT) ? EXIT_USAGE : EXIT_FAILED;
}
