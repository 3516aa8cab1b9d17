/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading fields of a JSON object so that whatever is wrong becomes a sentence: "rpn.iou_threshold:
 * expected a number from 0 to 1, found \"high\"". A getter does nothing once the reader has failed,
 * so a list of them reads top to bottom and is checked once at its end.
 */
#ifndef FBNET_JSON_H
#define FBNET_JSON_H

#include <glib.h>
#include <cjson/cJSON.h>

typedef struct {
  const cJSON *object; /* NULL: nothing can be read (after a failure) */
  const char *path;    /* of the object, for messages; "" at the top */
  GError **error;
  gboolean failed;
} JsonReader;

/* Text to tree: the whole of `length` bytes must be one JSON object in UTF-8, without trailing text, without
 * duplicate keys, and not nested deeply. NULL with error (FBNET_ERROR_FORMAT); `what` is how messages call the
 * text. */
cJSON *json_parse_object (const char *text, gsize length, const char *what, GError **error);

/* Reader over a member that must be an object. With `optional`, an absent member gives a reader
 * whose object is NULL and that has not failed. */
JsonReader json_open (JsonReader *parent, const char *key, const char *path, gboolean optional);

/* Fails unless each of the object's keys is in `keys` (NULL-terminated). */
void json_only_keys (JsonReader *reader, const char *const *keys);

/* More than any key has that the formats know: a longer one is not shown in messages. */
#define JSON_MAX_KEY 1000
const char *json_key_text (const char *key);

/* Records a failure: "PATH.KEY: expected EXPECTED, found WHAT STANDS THERE". */
void json_fail (JsonReader *reader, const char *key, const char *expected);

/* Numbers; with `fallback` not NULL the member may be absent. */
double json_number (JsonReader *reader, const char *key, double min, double max,
    const double *fallback);
guint json_uint (JsonReader *reader, const char *key, guint min, guint max, const guint *fallback);
gboolean json_bool (JsonReader *reader, const char *key, gboolean fallback);

/* Exactly n numbers in [min, max]; `out` is left alone when the member is absent and optional. */
void json_numbers (JsonReader *reader, const char *key, double *out, gsize n, double min,
    double max, gboolean optional);

/* NULL when absent and optional, or after a failure. Belongs to the tree. */
const char *json_string (JsonReader *reader, const char *key, gboolean optional);

/* The same of a name that is shown to people and put into others: of at most 255 bytes, without control
 * characters. */
const char *json_name (JsonReader *reader, const char *key, gboolean optional);
gboolean json_is_name (const cJSON *item);
#define JSON_NAME "a string of at most 255 bytes without control characters"

/* An array with at least `min_length` elements; NULL as above. */
const cJSON *json_array (JsonReader *reader, const char *key, gsize min_length, gboolean optional);

#endif
