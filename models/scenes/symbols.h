/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The printed symbols that the bundled model finds: bold, and unlike each other from any side.
 */
#ifndef FBNET_SCENES_SYMBOLS_H
#define FBNET_SCENES_SYMBOLS_H

#include "outline.h"

typedef enum {
  SYMBOL_ARROW,
  SYMBOL_CROSS,
  SYMBOL_HEART,
  SYMBOL_MOON,
  SYMBOL_RING,
  SYMBOL_STAR,
  N_SYMBOLS,
} Symbol;

/* "arrow", … */
const char *symbol_name (Symbol symbol);

/* About one unit wide and high around (0, 0), y downwards. */
Outline *symbol_outline (Symbol symbol);

#endif
