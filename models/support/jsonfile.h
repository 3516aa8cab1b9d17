/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * cJSON with sentences: files and fields that are there, of the right type, or a GError of domain
 * FBNET_ERROR that names the file, the field, what was expected and what was found.
 */
#ifndef FBNET_SUPPORT_JSONFILE_H
#define FBNET_SUPPORT_JSONFILE_H

#include <cjson/cJSON.h>
#include <glib.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cJSON, cJSON_Delete)

/* The whole file, or text of `length` bytes with a zero after them, as one JSON value; the caller owns it.
 * A byte order mark does not count. Messages call the text `name`. */
cJSON *json_read (const char *path, GError **error);
cJSON *json_parse (const char *text, gsize length, const char *name, GError **error);

/* One line without spaces; g_free() it. */
char *json_print_line (const cJSON *value);

/* That line as a file, which is replaced only when all of it was written. */
gboolean json_write (const cJSON *value, const char *path, GError **error);

/* Fields of `object`. `where` is what messages call the object: "FILE: images[3]". The results live
 * as long as the object. */
const cJSON *json_get_array (const cJSON *object, const char *name, const char *where,
    GError **error);
const char *json_get_string (const cJSON *object, const char *name, const char *where,
    GError **error);
gboolean json_get_number (const cJSON *object, const char *name, double *value, const char *where,
    GError **error);
/* An integer that a double holds exactly. */
gboolean json_get_integer (const cJSON *object, const char *name, gint64 *value, const char *where,
    GError **error);
/* An array of exactly n finite numbers. */
gboolean json_get_numbers (const cJSON *object, const char *name, double *values, guint n,
    const char *where, GError **error);

/* A float with as many digits as it takes to read the same float again, nine at most, whatever the
 * locale. Not finite: null, as JSON has no such number. */
cJSON *json_new_float (float value);

#endif
