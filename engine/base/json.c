/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON fields with sentences for what is wrong.
 */
#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "memory.h"

/* The parser and every walk over its tree go down a frame of the stack per level. */
#define MAX_DEPTH 64

#define MAX_NAME 255

/* Characters of a value that a message shows. */
#define MAX_SHOWN 60

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

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
check_own_keys (const cJSON *object, const char *what, GError **error)
{
  const gsize n = (gsize) cJSON_GetArraySize (object);
  g_autofree const char **keys = memory_new (const char *, n, error);
  const cJSON *item;
  gsize i = 0;

  if (keys == NULL)
    return FALSE;
  cJSON_ArrayForEach (item, object) keys[i++] = item->string;
  qsort (keys, n, sizeof *keys, compare_keys);
  for (i = 1; i < n; i++) {
    if (strcmp (keys[i - 1], keys[i]) == 0) {
      g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
          "%s: expected every key once, found \"%s\" twice in its object", what,
          json_key_text (keys[i]));
      return FALSE;
    }
  }
  return TRUE;
}

/* In the object or array, and in all within it. */
static gboolean
check_keys (const cJSON *tree, const char *what, GError **error)
{
  const cJSON *item;

  if (cJSON_IsObject (tree) && !check_own_keys (tree, what, error))
    return FALSE;
  cJSON_ArrayForEach (item, tree)
  {
    if ((cJSON_IsObject (item) || cJSON_IsArray (item)) && !check_keys (item, what, error))
      return FALSE;
  }
  return TRUE;
}

/* cJSON says only that it has not made a tree. */
static cJSON *
parse (const char *text, gsize length, const char **end, const char *what, GError **error)
{
  errno = 0;
  cJSON *tree = cJSON_ParseWithLengthOpts (text, length, end, FALSE);

  if (tree == NULL && errno == ENOMEM)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "%s: expected memory for %" G_GSIZE_FORMAT " bytes of JSON, found less", what, length);
  else if (tree == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a JSON object, found text that is not JSON at byte %" G_GSIZE_FORMAT, what,
        *end != NULL ? (gsize) (*end - text) : 0);
  return tree;
}

cJSON *
json_parse_object (const char *text, gsize length, const char *what, GError **error)
{
  const char *end = NULL;

  if (!check_text (text, length, what, error))
    return NULL;
  cJSON *tree = parse (text, length, &end, what, error);
  if (tree == NULL)
    return NULL;
  while (end < text + length && strchr (" \t\r\n", *end) != NULL && *end != '\0')
    end++;
  if (!cJSON_IsObject (tree) || end != text + length) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected one JSON object, found %s",
        what, cJSON_IsObject (tree) ? "more text after it" : "another JSON value");
    cJSON_Delete (tree);
    return NULL;
  }
  if (!check_keys (tree, what, error)) {
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
  char *text = cJSON_PrintUnformatted (item);
  if (text == NULL)
    return g_strdup ("a value");
  /* No character has more than four bytes. */
  g_autofree char *head = g_strndup (text, 4 * (MAX_SHOWN + 1));
  cJSON_free (text);
  g_autofree char *printed = g_utf8_make_valid (head, -1);
  if (g_utf8_strlen (printed, -1) <= MAX_SHOWN)
    return g_steal_pointer (&printed);
  g_autofree char *shown = g_utf8_substring (printed, 0, MAX_SHOWN - 3);
  return g_strconcat (shown, "...", NULL);
}

const char *
json_key_text (const char *key)
{
  return strlen (key) <= JSON_MAX_KEY ? key : "(a long name)";
}

static char *
join_path (const char *path, const char *key)
{
  const char *shown = json_key_text (key);

  return *path == '\0' ? g_strdup (shown) : g_strconcat (path, ".", shown, NULL);
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
