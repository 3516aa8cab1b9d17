/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers as annotation files have them.
 */
#include "numbers.h"

#include <math.h>

double
number_read (const char *text)
{
  g_autofree char *bare = g_strstrip (g_strdup (text != NULL ? text : ""));
  char *end;
  const double number = g_ascii_strtod (bare, &end);

  return end != bare && *end == '\0' && isfinite (number) ? number : NAN;
}

double
number_of_field (const cJSON *object, const char *name)
{
  const cJSON *field = cJSON_GetObjectItemCaseSensitive (object, name);

  if (cJSON_IsNumber (field))
    return isfinite (field->valuedouble) ? field->valuedouble : NAN;
  return number_read (cJSON_GetStringValue (field));
}

guint
number_to_side (double number)
{
  return number >= 1 && number <= G_MAXINT ? (guint) number : 0;
}

GArray *
numbers_split (const char *text, const char *separators)
{
  g_auto (GStrv) parts = g_strsplit_set (text != NULL ? text : "", separators, -1);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; parts[i] != NULL; i++) {
    if (*parts[i] == '\0')
      continue;
    const double number = number_read (parts[i]);
    if (isnan (number))
      return NULL;
    g_array_append_val (numbers, number);
  }
  return g_steal_pointer (&numbers);
}
