/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-dataset.
 */
#ifndef FBNET_DATASET_LABELOPTIONS_H
#define FBNET_DATASET_LABELOPTIONS_H

#include "support/labelformat.h"
#include "support/paramoptions.h"

typedef struct {
  char **annotations, **images; /* pairs */
  char *format_name;            /* as given, or NULL */
  char *names, *attribute;
  char **renamed, **dropped;
  double val_split;
  gint max_side;
  gint crops; /* pixels; 0: none */
  char *output;
  ParamOptions *params;
  LabelFormat format; /* after the check */
} LabelOptions;

LabelOptions label_options_new (void);
void label_options_clear (LabelOptions *options);

/* For Program. */
void label_options_add (gpointer options, GOptionContext *context);
gboolean label_options_check (gpointer options, GError **error);

#endif
