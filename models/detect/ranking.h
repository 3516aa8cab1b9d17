/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A picture's most probable classes, for people or as one line of JSON; docs/classification.md
 * describes both.
 */
#ifndef FBNET_DETECT_RANKING_H
#define FBNET_DETECT_RANKING_H

#include "support/picture.h"

typedef struct {
  const char *file;
  const Picture *picture;
  const char *model;
  const char *const *labels; /* n_classes, each or all of it may be NULL */
  const float *probabilities;
  guint n_classes;
  guint n_shown; /* the most probable so many, at most n_classes */
} Ranking;

/* The classes by descending probability; equal ones by number. g_free() it. */
guint *ranking_order (const float *probabilities, guint n_classes);

/* Both without the last newline; g_free() them. */
char *ranking_to_text (const Ranking *ranking);
char *ranking_to_json (const Ranking *ranking);

#endif
