/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON fields with sentences for what is wrong.
 */
#include "json.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"

/* The parser and every walk over its tree go down a frame of the stack per level. */
#define MAX_DEPTH 64

#define MAX_NAME 255

/* How deep brackets stand in each other; text need not be JSON. */
static guint
nesting (const char *text, gsize length)
{
  guint depth = 0, deepest = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < length; i++) {
    if (quoted && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '[' || text[i] == '{'))
      depth++;
    else if (!quoted && (text[i] == ']' || text[i] == '}') && depth > 0)
      depth--;
    deepest = MAX (deepest, depth);
  }
  return deepest;
}

static gboolean
check_text (const char *text, gsize length, const char *what, GError **error)
{
  const char *end = NULL;

  if (!g_utf8_validate_len (text, length, &end)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected UTF-8 text, found byte 0x%02x at byte %" G_GSIZE_FORMAT, what, (guint8) *end,
        (gsize) (end - text));
    return FALSE;
  }
  const guint depth = nesting (text, length);
  if (depth <= MAX_DEPTH)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected at most %d arrays and objects within each other, found %u", what, MAX_DEPTH,
      depth);
  return FALSE;
}

static gboolean
has_duplicate_keys (const cJSON *object)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  const cJSON *item;

  cJSON_ArrayForEach (item, object)
  {
    if (cJSON_IsObject (object) && !g_hash_table_add (seen, item->string))
      return TRUE;
    if ((cJSON_IsObject (item) || cJSON_IsArray (item)) && has_duplicate_keys (item))
      return TRUE;
  }
  return FALSE;
}

cJSON *
json_parse_object (const char *text, gsize length, const char *what, GError **error)
{
  const char *end = NULL;

  if (!check_text (text, length, what, error))
    return NULL;
  cJSON *tree = cJSON_ParseWithLengthOpts (text, length, &end, FALSE);
  if (tree == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a JSON object, found text that is not JSON at byte %" G_GSIZE_FORMAT, what,
        end != NULL ? (gsize) (end - text) : 0);
    return NULL;
  }
  while (end < text + length && strchr (" \t\r\n", *end) != NULL && *end != '\0')
    end++;
  if (!cJSON_IsObject (tree) || end != text + length) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected one JSON object, found %s",
        what, cJSON_IsObject (tree) ? "more text after it" : "another JSON value");
    cJSON_Delete (tree);
    return NULL;
  }
  if (has_duplicate_keys (tree)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected every key once, found one that stands twice in its object", what);
    cJSON_Delete (tree);
    return NULL;
  }
  return tree;
}

/* What stands at an item, short enough for a message. */
static char *
describe_item (const cJSON *item)
{
  if (item == NULL)
    return g_strdup ("nothing");
  g_autofree char *printed = NULL;
  char *text = cJSON_PrintUnformatted (item);
  if (text == NULL)
    return g_strdup ("a value");
  printed = g_utf8_make_valid (text, -1);
  cJSON_free (text);
  if (g_utf8_strlen (printed, -1) <= 60)
    return g_steal_pointer (&printed);
  g_autofree char *head = g_utf8_substring (printed, 0, 57);
  return g_strconcat (head, "...", NULL);
}

static char *
join_path (const char *path, const char *key)
{
  return *path == '\0' ? g_strdup (key) : g_strconcat (path, ".", key, NULL);
}

void
json_fail (JsonReader *reader, const char *key, const char *expected)
{
  if (reader->failed)
    return;
  g_autofree char *path = join_path (reader->path, key);
  g_autofree char *found = describe_item (cJSON_GetObjectItemCaseSensitive (reader->object, key));
  g_set_error (reader->error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected %s, found %s", path,
      expected, found);
  reader->failed = TRUE;
}

static const cJSON *
member (JsonReader *reader, const char *key)
{
  if (reader->failed || reader->object == NULL)
    return NULL;
  return cJSON_GetObjectItemCaseSensitive (reader->object, key);
}

JsonReader
json_open (JsonReader *parent, const char *key, const char *path, gboolean optional)
{
  const cJSON *item = member (parent, key);

  if (!cJSON_IsObject (item)) {
    if (item != NULL || !optional)
      json_fail (parent, key, "an object");
    item = NULL;
  }
  return (JsonReader){ item, path, parent->error, parent->failed };
}

void
json_only_keys (JsonReader *reader, const char *const *keys)
{
  const cJSON *item;

  if (reader->failed || reader->object == NULL)
    return;
  cJSON_ArrayForEach (item, reader->object)
  {
    if (!g_strv_contains (keys, item->string)) {
      g_autofree char *known = g_strjoinv (", ", (char **) keys);
      g_autofree char *expected = g_strdup_printf ("only the fields %s here", known);
      json_fail (reader, item->string, expected);
      return;
    }
  }
}

static gboolean
is_number_in (const cJSON *item, double min, double max)
{
  return cJSON_IsNumber (item) && item->valuedouble >= min && item->valuedouble <= max;
}

double
json_number (JsonReader *reader, const char *key, double min, double max, const double *fallback)
{
  const cJSON *item = member (reader, key);

  if (item == NULL && fallback != NULL)
    return *fallback;
  if (!is_number_in (item, min, max)) {
    g_autofree char *expected = g_strdup_printf ("a number from %g to %g", min, max);
    json_fail (reader, key, expected);
    return min;
  }
  return item->valuedouble;
}

guint
json_uint (JsonReader *reader, const char *key, guint min, guint max, const guint *fallback)
{
  const cJSON *item = member (reader, key);

  if (item == NULL && fallback != NULL)
    return *fallback;
  if (!is_number_in (item, min, max) || item->valuedouble != floor (item->valuedouble)) {
    g_autofree char *expected = g_strdup_printf ("a whole number from %u to %u", min, max);
    json_fail (reader, key, expected);
    return min;
  }
  return (guint) item->valuedouble;
}

gboolean
json_bool (JsonReader *reader, const char *key, gboolean fallback)
{
  const cJSON *item = member (reader, key);

  if (item == NULL)
    return fallback;
  if (!cJSON_IsBool (item)) {
    json_fail (reader, key, "true or false");
    return fallback;
  }
  return cJSON_IsTrue (item);
}

void
json_numbers (JsonReader *reader, const char *key, double *out, gsize n, double min, double max,
    gboolean optional)
{
  const cJSON *item = member (reader, key);
  const cJSON *element;
  gsize i = 0;

  if (item == NULL && optional)
    return;
  gboolean good = cJSON_IsArray (item) && (gsize) cJSON_GetArraySize (item) == n;
  if (good) {
    cJSON_ArrayForEach (element, item)
    {
      good = good && is_number_in (element, min, max);
      out[i++] = good ? element->valuedouble : min;
    }
  }
  if (!good) {
    g_autofree char *expected =
        g_strdup_printf ("an array of %" G_GSIZE_FORMAT " numbers from %g to %g", n, min, max);
    json_fail (reader, key, expected);
  }
}

const char *
json_string (JsonReader *reader, const char *key, gboolean optional)
{
  const cJSON *item = member (reader, key);

  if (item == NULL && optional)
    return NULL;
  if (!cJSON_IsString (item)) {
    json_fail (reader, key, "a string");
    return NULL;
  }
  return item->valuestring;
}

gboolean
json_is_name (const cJSON *item)
{
  const char *text = cJSON_GetStringValue (item);

  if (text == NULL || strlen (text) > MAX_NAME)
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  }
  return TRUE;
}

const char *
json_name (JsonReader *reader, const char *key, gboolean optional)
{
  const cJSON *item = member (reader, key);

  if (item == NULL && optional)
    return NULL;
  if (!json_is_name (item)) {
    json_fail (reader, key, JSON_NAME);
    return NULL;
  }
  return item->valuestring;
}

const cJSON *
json_array (JsonReader *reader, const char *key, gsize min_length, gboolean optional)
{
  const cJSON *item = member (reader, key);

  if (item == NULL && optional)
    return NULL;
  if (!cJSON_IsArray (item) || (gsize) cJSON_GetArraySize (item) < min_length) {
    g_autofree char *expected =
        g_strdup_printf ("an array with at least %" G_GSIZE_FORMAT " elements", min_length);
    json_fail (reader, key, expected);
    return NULL;
  }
  return item;
}
