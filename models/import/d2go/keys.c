/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the keys of a D2Go config.
 */
#include "keys.h"

#include <math.h>

#include "support/jsonfile.h"

/* The value as a short JSON text, for messages. */
static char *
show (const cJSON *value)
{
  enum { LONGEST = 100 };
  g_autofree char *text = json_print_line (value);
  if (text == NULL)
    return g_strdup ("nothing");
  g_autofree char *head = g_strndup (text, LONGEST);
  const gboolean is_cut = strlen (text) > LONGEST;
  g_autofree char *valid = g_utf8_make_valid (head, -1);
  return g_strconcat (valid, is_cut ? " …" : "", NULL);
}

void
keys_refuse (Keys *keys, FbnetError code, const char *format, ...)
{
  if (keys->error)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *why = g_strdup_vprintf (format, args);
  va_end (args);
  keys->error = g_error_new (FBNET_ERROR, code, "%s: %s", keys->name, why);
}

void
keys_refuse_value (Keys *keys, const char *key, const cJSON *value, const char *supported)
{
  g_autofree char *found = show (value);
  keys_refuse (keys, FBNET_ERROR_UNSUPPORTED, "%s is %s; supported: %s", key, found, supported);
}

void
keys_refuse_type (Keys *keys, const char *key, const cJSON *value, const char *expected)
{
  g_autofree char *found = show (value);
  keys_refuse (keys, FBNET_ERROR_FORMAT, "%s: expected %s, found %s", key, expected, found);
}

const cJSON *
keys_find (const cJSON *tree, const char *key)
{
  g_auto (GStrv) parts = g_strsplit (key, ".", -1);
  for (char **part = parts; *part; part++)
    tree = cJSON_GetObjectItemCaseSensitive (tree, *part);
  return tree;
}

const cJSON *
keys_value (Keys *keys, const char *key)
{
  if (keys->error)
    return NULL;
  const cJSON *value = keys_find (keys->config, key);
  if (!value)
    value = keys_find (keys->defaults, key);
  if (!value)
    keys_refuse (keys, FBNET_ERROR_FORMAT, "%s is missing", key);
  return value;
}

gboolean
keys_boolean (Keys *keys, const char *key)
{
  const cJSON *value = keys_value (keys, key);
  if (value && !cJSON_IsBool (value))
    keys_refuse_type (keys, key, value, "true or false");
  return cJSON_IsTrue (value);
}

const char *
keys_text (Keys *keys, const char *key)
{
  const cJSON *value = keys_value (keys, key);
  if (value && !cJSON_IsString (value))
    keys_refuse_type (keys, key, value, "a text");
  return cJSON_GetStringValue (value);
}

const cJSON *
keys_array (Keys *keys, const char *key)
{
  const cJSON *value = keys_value (keys, key);
  if (value && !cJSON_IsArray (value))
    keys_refuse_type (keys, key, value, "an array");
  return cJSON_IsArray (value) ? value : NULL;
}

double
keys_number (Keys *keys, const char *key, double least, double most)
{
  const cJSON *value = keys_value (keys, key);
  if (!value)
    return 0;
  g_autofree char *expected = least == most ? g_strdup_printf ("%g", least)
                                            : g_strdup_printf ("a number, %g to %g", least, most);
  if (!cJSON_IsNumber (value))
    keys_refuse_type (keys, key, value, expected);
  else if (!(value->valuedouble >= least && value->valuedouble <= most))
    keys_refuse_value (keys, key, value, expected);
  return keys->error ? 0 : value->valuedouble;
}

double
keys_count (Keys *keys, const char *key, int least, int most)
{
  const double count = keys_number (keys, key, least, most);
  if (count != floor (count))
    keys_refuse_type (keys, key, keys_value (keys, key), "a whole number");
  return count;
}

gboolean
json_is_array_of (const cJSON *value, cJSON_bool (*is_wanted) (const cJSON *const item))
{
  const cJSON *item;
  cJSON_ArrayForEach (item, value)
  {
    if (!is_wanted (item))
      return FALSE;
  }
  return cJSON_IsArray (value) && cJSON_GetArraySize (value) > 0;
}

cJSON_bool
json_is_positive (const cJSON *const item)
{
  return cJSON_IsNumber (item) && item->valuedouble > 0 && isfinite (item->valuedouble);
}

cJSON *
keys_copy_numbers (Keys *keys, const char *key, int n, gboolean positive)
{
  const cJSON *value = keys_array (keys, key);
  if (!value)
    return NULL;
  if (cJSON_GetArraySize (value) == n
      && json_is_array_of (value, positive ? json_is_positive : cJSON_IsNumber))
    return cJSON_Duplicate (value, TRUE);
  g_autofree char *expected = g_strdup_printf ("%d %snumbers", n, positive ? "positive " : "");
  keys_refuse_type (keys, key, value, expected);
  return NULL;
}

int
keys_choice (Keys *keys, const char *key, const char *const *supported)
{
  const char *text = keys_text (keys, key);
  if (!text)
    return -1;
  g_autoptr (GString) list = g_string_new (NULL);
  for (int i = 0; supported[i]; i++) {
    if (strcmp (text, supported[i]) == 0)
      return i;
    g_string_append_printf (list, "%s\"%s\"", i ? ", " : "", supported[i]);
  }
  keys_refuse_value (keys, key, keys_value (keys, key), list->str);
  return -1;
}

void
keys_expect_text (Keys *keys, const char *key, const char *supported)
{
  keys_choice (keys, key, (const char *const[]){ supported, NULL });
}

void
keys_expect_false (Keys *keys, const char *key)
{
  if (keys_boolean (keys, key))
    keys_refuse_value (keys, key, keys_value (keys, key), "false");
}
