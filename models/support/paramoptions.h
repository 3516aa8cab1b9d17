/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's parameters on command lines: an option for each row of fbnet.h's tables, with the row's
 * name, range and words, --NAME and --no-NAME for what is on or off. Older names are still understood.
 */
#ifndef FBNET_SUPPORT_PARAMOPTIONS_H
#define FBNET_SUPPORT_PARAMOPTIONS_H

#include "fbnet/fbnet.h"

/* What was given of them. */
typedef struct ParamOptions ParamOptions;

ParamOptions *param_options_new (void); /* nothing */
/* The same for the rows of another table, with which the options of several may stand side by side. */
ParamOptions *param_options_new_of (const FbnetParamInfo *table, guint n);
void param_options_free (ParamOptions *options); /* NULL is allowed */

/* What --help says that the option is when it is not given, for a program that does not do as the model
 * says; not copied. Before it is added. */
void param_options_say_default (ParamOptions *options, const char *name, const char *initial);

/* Adds the options of these names (NULL-terminated), or all but these. Parsing the context fills the
 * options, which must outlive it. */
void param_options_add (ParamOptions *options, GOptionContext *context, const char *const *names);
void param_options_add_all_but (ParamOptions *options, GOptionContext *context,
    const char *const *names);

/* FALSE with error, a sentence about the option that is no number, or out of its range. */
gboolean param_options_check (ParamOptions *options, GError **error);

/* The rest is for options that have been checked. */

/* The name of the first that was given, `but` (nullable) left out; NULL: none was. */
const char *param_options_given (const ParamOptions *options, const char *but);

gboolean param_options_has (const ParamOptions *options, const char *name);

/* What was given for it, or `otherwise`. */
double param_options_number (const ParamOptions *options, const char *name, double otherwise);

/* How a detector or classifier is to run; valid as long as the options. */
FbnetDetectorOptions param_options_how (const ParamOptions *options);

/* Puts what was given in place of the model's values. */
void param_options_apply (const ParamOptions *options, FbnetParams *params);

/* The same into the struct of another table. */
void param_options_apply_to (const ParamOptions *options, gpointer values);

/* A tracker as options of the tracker's table say. NULL with error: one that contradicts another belongs to the
 * command line. */
FbnetTracker *param_options_new_tracker (const ParamOptions *options, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParamOptions, param_options_free)

#endif
