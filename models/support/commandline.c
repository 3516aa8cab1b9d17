/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all programs have in common.
 */
#include "commandline.h"

#include <locale.h>

#include "fbnet/fbnet.h"
#include "outputs.h"

static void
choose_locale (void)
{
  setlocale (LC_ALL, "");
  setlocale (LC_NUMERIC, "C");
}

static char *
describe (const Program *program)
{
  return g_strdup_printf ("%s\nExit status: 0 all went well; 1 %s; 2 the command line is wrong.\n",
      program->examples, program->failures);
}

/* Of all programs. */
typedef struct {
  gboolean version, unconfined;
} Common;

static gboolean
parse (const Program *program, gpointer options, Common *asked, int argc, char **argv,
    GError **error)
{
  const GOptionEntry common[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &asked->version, "Print the version", NULL },
    { "unconfined", 0, program->name_files == NULL ? G_OPTION_FLAG_HIDDEN : 0, G_OPTION_ARG_NONE,
        &asked->unconfined, "Keep access to other files, to the network and to other programs",
        NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *description = describe (program);

  program->add_options (options, context);
  g_option_context_add_main_entries (context, common, NULL);
  g_option_context_set_summary (context, program->summary);
  g_option_context_set_description (context, description);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    return usage_error (error, "expected options only, found '%s'", argv[1]);
  return asked->version || program->check (options, error);
}

/* What cannot be written is told before the work. */
static gboolean
prepare (const Program *program, gpointer options, gboolean confined, GError **error)
{
  Confines confines = confines_new ();
  gboolean good = TRUE;

  if (program->name_files != NULL)
    program->name_files (options, &confines);
  for (guint i = 0; good && i < confines.outputs->len; i++)
    good = output_check (&g_array_index (confines.outputs, Output, i), error);
  if (good && confined && program->name_files != NULL)
    confine_process (&confines);
  confines_clear (&confines);
  return good;
}

static int
run (const Program *program, gpointer options, gboolean confined)
{
  Console console = { .program = program->name };
  g_autoptr (GError) error = NULL;

  if (prepare (program, options, confined, &error) && program->run (options, &console, &error))
    return console.failed ? EXIT_FAILED : EXIT_DONE;
  console_fail (&console, error);
  return error->domain == G_OPTION_ERROR ? EXIT_USAGE : EXIT_FAILED;
}

int
program_main (const Program *program, gpointer options, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Common asked = { FALSE };

  choose_locale ();
  if (!parse (program, options, &asked, argc, argv, &error)) {
    g_printerr ("%s: %s\nTry '%s --help'.\n", program->name, error->message, program->name);
    return EXIT_USAGE;
  }
  if (!asked.version)
    return run (program, options, !asked.unconfined);
  g_print ("%s %s\n", program->name, fbnet_version ());
  return EXIT_DONE;
}

gboolean
usage_error (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, sentence);
  return FALSE;
}

void
usage_error_adopt (GError **error)
{
  if (error == NULL || !g_error_matches (*error, FBNET_ERROR, FBNET_ERROR_ARGUMENT))
    return;
  (*error)->domain = G_OPTION_ERROR;
  (*error)->code = G_OPTION_ERROR_BAD_VALUE;
}
