/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libyaml's events into a cJSON tree.
 */
#include "yaml-tree.h"
#include "fbnet/fbnet.h"
#include "support/files.h"

#include <math.h>
#include <string.h>
#include <yaml.h>

/* A config dump has some 600 nodes and is 5 deep. Aliases are copies, so that this bounds them. */
#define MAX_NODES     20000
#define MAX_DEPTH     64
#define MAX_FILE_SIZE ((gsize) 16 << 20)

typedef struct {
  yaml_parser_t yaml;
  const char *name;
  GHashTable *anchors; /* name → cJSON, its own copy */
  guint n_nodes;
  guint depth;
} Parser;

static void
fail (const Parser *p, const yaml_mark_t *at, const char *what, GError **error)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: line %zu: %s", p->name, at->line + 1,
      what);
}

static gboolean
next_event (Parser *p, yaml_event_t *event, GError **error)
{
  if (yaml_parser_parse (&p->yaml, event))
    return TRUE;
  const yaml_mark_t *at = &p->yaml.problem_mark;
  fail (p, at, p->yaml.problem != NULL ? p->yaml.problem : "no YAML", error);
  return FALSE;
}

/* --- Scalars ---------------------------------------------------------------------------------- */

static gboolean
is_one_of (const char *text, const char *const *words)
{
  return g_strv_contains (words, text);
}

/* The digits of an integer without signs and underscores; FALSE when it is none. The forms are
 * those of PyYAML's resolver: 0b…, 0…, 0x…, decimal. */
static gboolean
parse_integer (const char *text, double *number)
{
  const gboolean negative = *text == '-';

  if (*text == '-' || *text == '+')
    text++;
  g_auto (GStrv) parts = g_strsplit (text, "_", -1);
  g_autofree char *digits = g_strjoinv ("", parts);
  if (!g_ascii_isdigit (text[0]))
    return FALSE;
  guint base = 10, skip = 0;
  if (digits[0] == '0' && digits[1] == 'x')
    base = 16, skip = 2;
  else if (digits[0] == '0' && digits[1] == 'b')
    base = 2, skip = 2;
  else if (digits[0] == '0' && digits[1] != '\0')
    base = 8, skip = 1;
  guint64 value;
  if (!g_ascii_string_to_unsigned (digits + skip, base, 0, G_MAXUINT64, &value, NULL))
    return FALSE;
  *number = negative ? -(double) value : (double) value;
  return TRUE;
}

/* 1.5, 1., .5, 1.0e-08, .inf, .nan. As in PyYAML a number without a point, or with an exponent that
 * has no sign, is a string. */
static gboolean
parse_float (const char *text, double *number)
{
  static const char *const pattern =
      "^[-+]?([0-9][0-9_]*\\.[0-9_]*|\\.[0-9][0-9_]*)([eE][-+][0-9]+)?$";
  static const char *const infinity[] = { ".inf", ".Inf", ".INF", NULL };
  static const char *const nan_words[] = { ".nan", ".NaN", ".NAN", NULL };
  const char *unsigned_text = text + (*text == '-' || *text == '+');

  if (is_one_of (unsigned_text, infinity)) {
    *number = *text == '-' ? -INFINITY : INFINITY;
    return TRUE;
  }
  if (is_one_of (text, nan_words)) {
    *number = NAN;
    return TRUE;
  }
  if (!g_regex_match_simple (pattern, text, 0, 0))
    return FALSE;
  g_auto (GStrv) parts = g_strsplit (text, "_", -1);
  g_autofree char *digits = g_strjoinv ("", parts);
  *number = g_ascii_strtod (digits, NULL);
  return TRUE;
}

static cJSON *
resolve_plain (const char *text)
{
  static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
  static const char *const truths[] = { "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On",
    "ON", NULL };
  static const char *const lies[] = { "no", "No", "NO", "false", "False", "FALSE", "off", "Off",
    "OFF", NULL };
  double number;

  if (is_one_of (text, nulls))
    return cJSON_CreateNull ();
  if (is_one_of (text, truths))
    return cJSON_CreateTrue ();
  if (is_one_of (text, lies))
    return cJSON_CreateFalse ();
  if (parse_integer (text, &number) || parse_float (text, &number))
    return cJSON_CreateNumber (number);
  return cJSON_CreateString (text);
}

static gboolean
tag_allowed (const char *tag)
{
  static const char *const known[] = { YAML_NULL_TAG, YAML_BOOL_TAG, YAML_STR_TAG, YAML_INT_TAG,
    YAML_FLOAT_TAG, YAML_SEQ_TAG, YAML_MAP_TAG, "tag:yaml.org,2002:python/tuple", "!", NULL };

  return tag == NULL || is_one_of (tag, known);
}

static gboolean
check_tag (const Parser *p, const yaml_event_t *event, const yaml_char_t *tag, GError **error)
{
  if (tag_allowed ((const char *) tag))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
      "%s: line %zu: the tag %s is refused: only plain values are read", p->name,
      event->start_mark.line + 1, (const char *) tag);
  return FALSE;
}

static cJSON *
read_scalar (Parser *p, const yaml_event_t *event, GError **error)
{
  const char *text = (const char *) event->data.scalar.value;
  const char *tag = (const char *) event->data.scalar.tag;

  if (!check_tag (p, event, event->data.scalar.tag, error))
    return NULL;
  if (strlen (text) != event->data.scalar.length) {
    fail (p, &event->start_mark, "a text holds a NUL", error);
    return NULL;
  }
  const gboolean string = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE
      || (tag != NULL && (strcmp (tag, YAML_STR_TAG) == 0 || strcmp (tag, "!") == 0));
  if (string && (tag == NULL || strcmp (tag, YAML_STR_TAG) == 0 || strcmp (tag, "!") == 0))
    return cJSON_CreateString (text);
  return resolve_plain (text);
}

/* --- Collections ------------------------------------------------------------------------------ */

static cJSON *read_node (Parser *p, yaml_event_t *event, GError **error);

static gboolean
count_node (Parser *p, const yaml_event_t *event, GError **error)
{
  if (++p->n_nodes <= MAX_NODES)
    return TRUE;
  fail (p, &event->start_mark, "more than 20000 values, aliases counted each time", error);
  return FALSE;
}

static gboolean
count_copy (Parser *p, const yaml_event_t *event, const cJSON *node, GError **error)
{
  if (!count_node (p, event, error))
    return FALSE;
  for (const cJSON *child = node->child; child != NULL; child = child->next)
    if (!count_copy (p, event, child, error))
      return FALSE;
  return TRUE;
}

static cJSON *
read_alias (Parser *p, const yaml_event_t *event, GError **error)
{
  const cJSON *node = g_hash_table_lookup (p->anchors, event->data.alias.anchor);

  if (node == NULL) {
    fail (p, &event->start_mark, "an alias to nothing, or to what it is part of", error);
    return NULL;
  }
  return count_copy (p, event, node, error) ? cJSON_Duplicate (node, TRUE) : NULL;
}

static gboolean
read_items (Parser *p, cJSON *array, GError **error)
{
  for (;;) {
    yaml_event_t event;
    if (!next_event (p, &event, error))
      return FALSE;
    const gboolean end = event.type == YAML_SEQUENCE_END_EVENT;
    cJSON *item = end ? NULL : read_node (p, &event, error);
    yaml_event_delete (&event);
    if (item == NULL)
      return end;
    cJSON_AddItemToArray (array, item);
  }
}

/* A key as text; NULL with error set when it is no plain value. */
static char *
read_key (Parser *p, const yaml_event_t *event, GError **error)
{
  if (event->type != YAML_SCALAR_EVENT) {
    fail (p, &event->start_mark, "a key is no plain value", error);
    return NULL;
  }
  const char *text = (const char *) event->data.scalar.value;
  if (strcmp (text, "<<") == 0 || strlen (text) != event->data.scalar.length) {
    fail (p, &event->start_mark, "a merge key (<<), or a key with a NUL, is not read", error);
    return NULL;
  }
  return g_strdup (text);
}

static gboolean
read_pair (Parser *p, cJSON *object, const yaml_event_t *key_event, GError **error)
{
  g_autofree char *key = read_key (p, key_event, error);
  yaml_event_t event;

  if (key == NULL || !next_event (p, &event, error))
    return FALSE;
  cJSON *value = read_node (p, &event, error);
  yaml_event_delete (&event);
  if (value == NULL)
    return FALSE;
  cJSON_DeleteItemFromObjectCaseSensitive (object, key);
  cJSON_AddItemToObject (object, key, value);
  return TRUE;
}

static gboolean
read_pairs (Parser *p, cJSON *object, GError **error)
{
  for (;;) {
    yaml_event_t event;
    if (!next_event (p, &event, error))
      return FALSE;
    const gboolean end = event.type == YAML_MAPPING_END_EVENT;
    const gboolean read = !end && read_pair (p, object, &event, error);
    yaml_event_delete (&event);
    if (!read)
      return end;
  }
}

static cJSON *
read_collection (Parser *p, const yaml_event_t *event, GError **error)
{
  const gboolean mapping = event->type == YAML_MAPPING_START_EVENT;

  if (!check_tag (p, event,
          mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag, error))
    return NULL;
  if (p->depth >= MAX_DEPTH) {
    fail (p, &event->start_mark, "values nest deeper than 64", error);
    return NULL;
  }
  p->depth++;
  cJSON *node = mapping ? cJSON_CreateObject () : cJSON_CreateArray ();
  const gboolean read = mapping ? read_pairs (p, node, error) : read_items (p, node, error);
  p->depth--;
  if (!read)
    g_clear_pointer (&node, cJSON_Delete);
  return node;
}

static const char *
event_anchor (const yaml_event_t *event)
{
  switch (event->type) {
    case YAML_SCALAR_EVENT:
      return (const char *) event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
      return (const char *) event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
      return (const char *) event->data.mapping_start.anchor;
    default:
      return NULL;
  }
}

/* The node that begins with `event`; an anchored one is remembered once it is complete. */
static cJSON *
read_node (Parser *p, yaml_event_t *event, GError **error)
{
  cJSON *node = NULL;

  if (event->type == YAML_ALIAS_EVENT)
    return read_alias (p, event, error);
  if (!count_node (p, event, error))
    return NULL;
  if (event->type == YAML_SCALAR_EVENT)
    node = read_scalar (p, event, error);
  else if (event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT)
    node = read_collection (p, event, error);
  else
    fail (p, &event->start_mark, "expected a value", error);
  const char *anchor = event_anchor (event);
  if (node == NULL || anchor == NULL)
    return node;
  if (!count_copy (p, event, node, error)) {
    cJSON_Delete (node);
    return NULL;
  }
  g_hash_table_insert (p->anchors, g_strdup (anchor), cJSON_Duplicate (node, TRUE));
  return node;
}

/* --- Documents -------------------------------------------------------------------------------- */

/* Stream start, document start, the value. */
static cJSON *
read_document (Parser *p, GError **error)
{
  for (;;) {
    yaml_event_t event;
    if (!next_event (p, &event, error))
      return NULL;
    const yaml_event_type_t type = event.type;
    if (type == YAML_STREAM_END_EVENT)
      fail (p, &event.start_mark, "expected a document, found none", error);
    const gboolean before = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT;
    cJSON *node = before || type == YAML_STREAM_END_EVENT ? NULL : read_node (p, &event, error);
    yaml_event_delete (&event);
    if (!before)
      return node;
  }
}

/* Nothing but the end may follow. */
static gboolean
read_end (Parser *p, GError **error)
{
  for (;;) {
    yaml_event_t event;
    if (!next_event (p, &event, error))
      return FALSE;
    const yaml_event_type_t type = event.type;
    if (type != YAML_STREAM_END_EVENT && type != YAML_DOCUMENT_END_EVENT)
      fail (p, &event.start_mark, "expected one document, found another", error);
    yaml_event_delete (&event);
    if (type != YAML_DOCUMENT_END_EVENT)
      return type == YAML_STREAM_END_EVENT;
  }
}

static void
delete_node (gpointer node)
{
  cJSON_Delete (node);
}

cJSON *
yaml_parse (const char *text, gsize length, const char *name, GError **error)
{
  Parser p = { .name = name };

  if (!yaml_parser_initialize (&p.yaml)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: no memory to parse it", name);
    return NULL;
  }
  p.anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, delete_node);
  yaml_parser_set_input_string (&p.yaml, (const unsigned char *) text, length);
  cJSON *root = read_document (&p, error);
  if (root != NULL && !read_end (&p, error))
    g_clear_pointer (&root, cJSON_Delete);
  g_hash_table_unref (p.anchors);
  yaml_parser_delete (&p.yaml);
  return root;
}

cJSON *
yaml_load (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = file_bytes (path, error);

  if (bytes == NULL)
    return NULL;
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  if (size > MAX_FILE_SIZE) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a config of at most 16 MiB, found %zu bytes", path, size);
    return NULL;
  }
  return yaml_parse (text != NULL ? text : "", size, path, error);
}
