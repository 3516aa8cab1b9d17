/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Printed codes that machines read: QR codes, bar codes, Data Matrix, Aztec, PDF417, each of a random text,
 * as libzint encodes them.
 */
#ifndef FBNET_SCENES_CODES_H
#define FBNET_SCENES_CODES_H

#include "dice.h"
#include "outline.h"

typedef enum {
  CODE_QR,
  CODE_BAR, /* EAN, UPC, Code 128, Code 39, Code 93, interleaved 2 of 5, Codabar */
  CODE_DATA_MATRIX,
  CODE_AZTEC,
  CODE_PDF417,
  N_CODES,
} CodeKind;

/* "qr-code", … */
const char *code_name (CodeKind kind);

/* Its dark modules around (0, 0), the longer side one unit. */
typedef struct {
  Outline *modules;
  double width, height; /* of the code without its quiet zone */
  double module;        /* side of the smallest element */
  char *text;           /* what is written below it; NULL: nothing */
} Code;

/* FALSE: the program was built without libzint, and has no codes. */
gboolean codes_available (void);

/* Only where they are available. NULL: no text was found that needs at most so many modules a side. */
Code *code_new (Dice *dice, CodeKind kind, double max_modules);

/* The same code for the same text; a bar code is Code 128. NULL when it cannot be encoded. */
Code *code_of_text (CodeKind kind, const char *text);

void code_free (Code *code); /* NULL is allowed */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Code, code_free)

#endif
