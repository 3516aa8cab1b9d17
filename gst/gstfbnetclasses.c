/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * class-thresholds, include-classes, exclude-classes → a threshold for each class.
 */
#include "gstfbnetclasses.h"

/* `several`: how those are written, or nothing. */
static void
complain_class (GPtrArray *unknown, const char *property, const char *text, const char *several,
    const GstFbnetNetwork *network)
{
  g_ptr_array_add (unknown,
      g_strdup_printf ("%s: expected a label or a number below %u of %s%s, found \"%s\"", property,
          network->n_classes, network->path, several, text));
}

/* A class that is switched off, above any threshold that may be asked for; in the end it has 1, which no
 * probability exceeds. */
#define OFF 2.0f

/* Of the classes that a list names. */
static void
set_named (float *thresholds, float value, const char *list, const char *property,
    const GstFbnetNetwork *network, GPtrArray *unknown)
{
  g_auto (GStrv) names = g_strsplit (list, ";", -1);

  for (char **name = names; *name != NULL; name++) {
    guint id;
    if (*g_strstrip (*name) == '\0')
      continue;
    if (gst_fbnet_network_find_class (network, *name, &id))
      thresholds[id] = value;
    else
      complain_class (unknown, property, *name, ", several with \";\" between them", network);
  }
}

static gboolean
read_threshold (const GValue *value, float *threshold)
{
  GValue number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_FLOAT);
  const gboolean is_number = (G_VALUE_HOLDS_FLOAT (value) || G_VALUE_HOLDS_DOUBLE (value)
                                 || G_VALUE_HOLDS_INT (value) || G_VALUE_HOLDS_UINT (value))
      && g_value_transform (value, &number);
  if (is_number)
    *threshold = g_value_get_float (&number);
  g_value_unset (&number);
  return is_number && *threshold >= 0 && *threshold <= 1;
}

static void
set_class_thresholds (const GstFbnetSettings *settings, const GstFbnetNetwork *network,
    float *thresholds, GPtrArray *unknown)
{
  const gint n = gst_structure_n_fields (settings->class_thresholds);

  if (n == 0)
    g_ptr_array_add (unknown,
        g_strdup_printf ("class-thresholds: expected a number for a class, as in "
                         "\"classes, person=0.5\", found only the name %s",
            gst_structure_get_name (settings->class_thresholds)));
  for (gint i = 0; i < n; i++) {
    const char *name = gst_structure_nth_field_name (settings->class_thresholds, i);
    const GValue *value = gst_structure_get_value (settings->class_thresholds, name);
    guint id;
    float threshold;
    if (!gst_fbnet_network_find_class (network, name, &id)) {
      complain_class (unknown, "class-thresholds", name, "", network);
    } else if (!read_threshold (value, &threshold)) {
      g_autofree char *text = g_strdup_value_contents (value);
      g_ptr_array_add (unknown,
          g_strdup_printf ("class-thresholds: expected a number from 0 to 1 for \"%s\", found %s",
              name, text));
    } else if (thresholds[id] != OFF) {
      thresholds[id] = threshold;
    }
  }
}

void
gst_fbnet_classes_apply (const GstFbnetSettings *settings, const GstFbnetNetwork *network,
    FbnetParams *params, GPtrArray *unknown)
{
  const char *included = settings->include_classes, *excluded = settings->exclude_classes;
  float *thresholds = network->thresholds;

  params->class_thresholds = NULL;
  if (settings->class_thresholds == NULL && included == NULL && excluded == NULL)
    return;
  for (guint i = 0; i < network->n_classes; i++)
    thresholds[i] = included != NULL ? OFF : params->score_threshold;
  if (included != NULL)
    set_named (thresholds, params->score_threshold, included, "include-classes", network, unknown);
  if (settings->class_thresholds != NULL)
    set_class_thresholds (settings, network, thresholds, unknown);
  if (excluded != NULL)
    set_named (thresholds, OFF, excluded, "exclude-classes", network, unknown);
  for (guint i = 0; i < network->n_classes; i++)
    thresholds[i] = MIN (thresholds[i], 1);
  params->class_thresholds = thresholds;
}
