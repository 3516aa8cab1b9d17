/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers as annotation files have them: text, with a point whatever the locale.
 */
#ifndef FBNET_DATASET_NUMBERS_H
#define FBNET_DATASET_NUMBERS_H

#include <cjson/cJSON.h>
#include <glib.h>

/* NAN: the text, which may be NULL, is no number and nothing but one. */
double number_read (const char *text);

/* The same of a field of an object, a number or text. */
double number_of_field (const cJSON *object, const char *name);

/* A picture's side that a file tells; 0: it tells none. */
guint number_to_side (double number);

/* All numbers of a text in which `separators` stand between them. NULL: something else is among them. */
GArray *numbers_split (const char *text, const char *separators);

#endif
