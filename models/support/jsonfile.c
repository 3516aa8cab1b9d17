/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * cJSON with sentences.
 */
#include "jsonfile.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "files.h"

/* Beyond it a double skips integers (2^53). */
#define MAX_EXACT_INTEGER 9007199254740992.0

/* --- Files ------------------------------------------------------------------------------------ */

/* What stands at `position`: a few characters of its line, or that there are none. */
static char *
describe_place (const char *position, const char *end)
{
  enum { LONGEST = 20 };
  const char *stop = position;

  while (stop < end && *stop != '\n' && *stop != '\0' && stop - position < LONGEST)
    stop++;
  if (stop == position)
    return g_strdup (position == end ? "the end" : "a line that ends");
  g_autofree char *text = g_strndup (position, (gsize) (stop - position));
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  return g_strdup_printf ("\"%s\"", valid);
}

static void
set_syntax_error (GError **error, const char *name, const char *text, const char *end,
    const char *position)
{
  g_autofree char *found = describe_place (position, end);
  const char *line_start = text;
  guint line = 1;

  for (const char *p = text; p < position; p++) {
    if (*p == '\n') {
      line_start = p + 1;
      line++;
    }
  }
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: not JSON: expected a value or a separator, found %s at line %u, byte %" G_GSIZE_FORMAT,
      name, found, line, (gsize) (position - line_start) + 1);
}

cJSON *
json_parse (const char *text, gsize length, const char *name, GError **error)
{
  const char *end = text + length, *position = NULL;
  /* With the zero: else cJSON says of a text that ends too early that its last byte is wrong. */
  g_autoptr (cJSON) value = cJSON_ParseWithLengthOpts (text, length + 1, &position, FALSE);

  if (position == NULL)
    position = text;
  while (value != NULL && position < end && g_ascii_isspace (*position))
    position++;
  if (value != NULL && position == end)
    return g_steal_pointer (&value);
  set_syntax_error (error, name, text, end, position);
  return NULL;
}

cJSON *
json_read (const char *path, GError **error)
{
  gsize length;
  g_autofree char *text = file_read (path, &length, error);

  return text != NULL ? json_parse (text, length, path, error) : NULL;
}

char *
json_print_line (const cJSON *value)
{
  char *text = cJSON_PrintUnformatted (value);
  char *line = g_strdup (text);

  cJSON_free (text);
  return line;
}

gboolean
json_write (const cJSON *value, const char *path, GError **error)
{
  g_autofree char *line = json_print_line (value);
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  return file_write (path, text, strlen (text), error);
}

/* --- Fields ----------------------------------------------------------------------------------- */

static const char *
type_name (const cJSON *value)
{
  if (!value)
    return "nothing";
  if (cJSON_IsNull (value))
    return "null";
  if (cJSON_IsBool (value))
    return "a truth value";
  if (cJSON_IsNumber (value))
    return "a number";
  if (cJSON_IsString (value))
    return "a string";
  return cJSON_IsArray (value) ? "an array" : "an object";
}

static void
set_type_error (GError **error, const char *where, const char *name, const char *expected,
    const cJSON *found)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: field '%s': expected %s, found %s",
      where, name, expected, type_name (found));
}

const cJSON *
json_get_array (const cJSON *object, const char *name, const char *where, GError **error)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (object, name);
  if (cJSON_IsArray (value))
    return value;
  set_type_error (error, where, name, "an array", value);
  return NULL;
}

const char *
json_get_string (const cJSON *object, const char *name, const char *where, GError **error)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (object, name);
  if (cJSON_IsString (value))
    return value->valuestring;
  set_type_error (error, where, name, "a string", value);
  return NULL;
}

gboolean
json_get_number (const cJSON *object, const char *name, double *number, const char *where,
    GError **error)
{
  const cJSON *value = cJSON_GetObjectItemCaseSensitive (object, name);
  if (!cJSON_IsNumber (value) || !isfinite (value->valuedouble)) {
    set_type_error (error, where, name, "a finite number", value);
    return FALSE;
  }
  *number = value->valuedouble;
  return TRUE;
}

gboolean
json_get_integer (const cJSON *object, const char *name, gint64 *integer, const char *where,
    GError **error)
{
  double number;
  if (!json_get_number (object, name, &number, where, error))
    return FALSE;
  if (number != floor (number) || fabs (number) > MAX_EXACT_INTEGER) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: field '%s': expected an integer, found %g", where, name, number);
    return FALSE;
  }
  *integer = (gint64) number;
  return TRUE;
}

gboolean
json_get_numbers (const cJSON *object, const char *name, double *values, guint n, const char *where,
    GError **error)
{
  const cJSON *array = json_get_array (object, name, where, error);
  if (!array)
    return FALSE;
  guint i = 0;
  const cJSON *item;
  cJSON_ArrayForEach (item, array)
  {
    if (i < n && cJSON_IsNumber (item) && isfinite (item->valuedouble))
      values[i] = item->valuedouble;
    else
      break;
    i++;
  }
  if (i == n && !item)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: field '%s': expected %u finite numbers, found something else after %u of them", where,
      name, n, i);
  return FALSE;
}

cJSON *
json_new_float (float value)
{
  if (!isfinite (value))
    return cJSON_CreateNull ();
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  for (int digits = 6; digits <= 9; digits++) {
    char format[8];
    g_snprintf (format, sizeof format, "%%.%dg", digits);
    g_ascii_formatd (text, sizeof text, format, value);
    if ((float) g_ascii_strtod (text, NULL) == value)
      break;
  }
  return cJSON_CreateRaw (text);
}
