/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors and criticals end a fuzz target as a failed assertion does: of the trap that GLib ends it by libFuzzer knows
 * nothing, and would keep no input.
 */
#include <glib.h>
#include <stdlib.h>

static void
end_if_fatal (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  g_log_default_handler (domain, level & ~G_LOG_FLAG_FATAL, message, NULL);
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    abort ();
}

static void __attribute__ ((constructor)) set_up (void)
{
  g_log_set_default_handler (end_if_fatal, NULL);
}
