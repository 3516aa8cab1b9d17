/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the keys of a D2Go config, such as "MODEL.RPN.NMS_THRESH", so that whatever is wrong
 * becomes a sentence with the key, its value, and what would do.
 *
 * The first thing that was wrong is remembered; after it every reader returns nothing (0, FALSE,
 * NULL, -1), so that a list of them reads top to bottom and is checked once at its end.
 */
#ifndef FBNET_IMPORT_D2GO_KEYS_H
#define FBNET_IMPORT_D2GO_KEYS_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "fbnet/fbnet.h"

typedef struct {
  const cJSON *config;
  const cJSON *defaults; /* read where the config is silent */
  const char *name;      /* of the config, in front of messages */
  GError *error;
} Keys;

/* What is at the dotted key, or NULL. */
const cJSON *keys_find (const cJSON *tree, const char *key);

/* The same in the config or the defaults; a key that is in neither is an error. */
const cJSON *keys_value (Keys *keys, const char *key);

gboolean keys_boolean (Keys *keys, const char *key);
const char *keys_text (Keys *keys, const char *key);
const cJSON *keys_array (Keys *keys, const char *key);
double keys_number (Keys *keys, const char *key, double least, double most);
double keys_count (Keys *keys, const char *key, int least, int most); /* a whole number */

/* A copy of an array of `n` numbers. */
cJSON *keys_copy_numbers (Keys *keys, const char *key, int n, gboolean positive);

/* Index in `supported`, NULL-terminated, of the text. */
int keys_choice (Keys *keys, const char *key, const char *const *supported);
void keys_expect_text (Keys *keys, const char *key, const char *supported);
void keys_expect_false (Keys *keys, const char *key);

/* Recording what is wrong: in general; a value that cannot be supported; one of the wrong type. */
void keys_refuse (Keys *keys, FbnetError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
void keys_refuse_value (Keys *keys, const char *key, const cJSON *value, const char *supported);
void keys_refuse_type (Keys *keys, const char *key, const cJSON *value, const char *expected);

/* Whether `value` is an array of one or more items, all of which `is_wanted` likes. */
gboolean json_is_array_of (const cJSON *value, cJSON_bool (*is_wanted) (const cJSON *const item));
cJSON_bool json_is_positive (const cJSON *const item); /* a finite number above 0 */

#endif
