/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames of white paper with symbols on it, at places that a test knows, and a small model that finds them.
 */
#ifndef TESTS_SYMBOLS_H
#define TESTS_SYMBOLS_H

#include <gst/video/video.h>

typedef enum { SYMBOL_RING, SYMBOL_CROSS } SymbolKind;

typedef struct {
  SymbolKind kind;
  double x, y; /* its middle, in pixels */
  double size; /* of its box, which is a square */
} Symbol;

/* (transfer none): tests/data/symbols.safetensors, trained on scenes of fbnet-scenes. */
const char *symbols_model (void);

/* (transfer full): those behind cover those before. */
GstBuffer *symbols_frame (const GstVideoInfo *info, const Symbol *symbols, guint n);

#endif
