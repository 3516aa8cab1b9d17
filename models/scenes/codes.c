/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Printed codes, by libzint.
 */
#include "codes.h"

#include <math.h>
#include <string.h>

#ifdef HAVE_ZINT
#  include <zint.h>
#endif

#define MAX_TEXT 400
#define MIN_TEXT 6
#define TRIES    10
/* A bent plane bends what has points every so often. */
#define STEP 0.1

static const char *const names[N_CODES] = {
  [CODE_QR] = "qr-code",
  [CODE_BAR] = "barcode",
  [CODE_DATA_MATRIX] = "data-matrix",
  [CODE_AZTEC] = "aztec",
  [CODE_PDF417] = "pdf417",
};

const char *
code_name (CodeKind kind)
{
  g_return_val_if_fail (kind < N_CODES, NULL);
  return names[kind];
}

void
code_free (Code *code)
{
  if (code == NULL)
    return;
  outline_free (code->modules);
  g_free (code->text);
  g_free (code);
}

#ifndef HAVE_ZINT

gboolean
codes_available (void)
{
  return FALSE;
}

Code *
code_new (Dice *dice, CodeKind kind, double max_modules)
{
  g_return_val_if_reached (NULL);
}

Code *
code_of_text (CodeKind kind, const char *text)
{
  g_return_val_if_reached (NULL);
}

#else

gboolean
codes_available (void)
{
  return TRUE;
}

/* --- What is encoded -------------------------------------------------------------------------- */

#  define DIGITS   "0123456789"
#  define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#  define LETTERS  "abcdefghijklmnopqrstuvwxyz"

/* n characters, each one of `from`. */
static void
append_random (GString *text, Dice *dice, const char *from, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_c (text, from[dice_pick (dice, (guint) strlen (from))]);
}

/* A kind of bar code: its symbology, and texts that it can encode. */
static const struct {
  int symbology;
  const char *characters, *first, *last; /* last: check characters stand there */
  guint min, max;
  guint multiple;
  guint likely;
} bars[] = {
  { BARCODE_EANX, DIGITS, "", "", 12, 12, 1, 5 },
  { BARCODE_EANX, DIGITS, "", "", 7, 7, 1, 2 },
  { BARCODE_UPCA, DIGITS, "", "", 11, 11, 1, 4 },
  { BARCODE_UPCE, DIGITS, "0", "", 6, 6, 1, 1 },
  { BARCODE_CODE128, DIGITS CAPITALS LETTERS "-./ ", "", "", 4, 22, 1, 5 },
  { BARCODE_CODE39, DIGITS CAPITALS "-. ", "", "", 3, 14, 1, 3 },
  { BARCODE_CODE93, DIGITS CAPITALS, "", "", 4, 14, 1, 1 },
  { BARCODE_C25INTER, DIGITS, "", "", 4, 16, 2, 3 },
  { BARCODE_CODABAR, DIGITS, "A", "B", 4, 14, 1, 1 },
};

static guint
choose_bars (Dice *dice)
{
  guint sum = 0, i = 0;

  for (guint b = 0; b < G_N_ELEMENTS (bars); b++)
    sum += bars[b].likely;
  guint at = dice_pick (dice, sum);
  for (; at >= bars[i].likely; i++)
    at -= bars[i].likely;
  return i;
}

/* What it says, and the settings that it is encoded with. */
static GString *
choose_bar_text (Dice *dice, struct zint_symbol *symbol)
{
  const guint b = choose_bars (dice);
  GString *text = g_string_new (bars[b].first);
  guint n = bars[b].min + dice_pick (dice, bars[b].max - bars[b].min + 1);

  n -= n % bars[b].multiple;
  symbol->symbology = bars[b].symbology;
  append_random (text, dice, bars[b].characters, n);
  g_string_append (text, bars[b].last);
  return text;
}

static const int matrices[N_CODES] = { [CODE_QR] = BARCODE_QRCODE,
  [CODE_DATA_MATRIX] = BARCODE_DATAMATRIX,
  [CODE_AZTEC] = BARCODE_AZTEC,
  [CODE_PDF417] = BARCODE_PDF417 };

/* Short texts more often than long ones. */
static GString *
choose_text (Dice *dice, struct zint_symbol *symbol, CodeKind kind, double longest)
{
  const guint n = (guint) (MIN_TEXT * exp (dice_between (dice, 0, log (longest / MIN_TEXT))));
  GString *text = g_string_new (NULL);

  symbol->symbology = matrices[kind];
  append_random (text, dice, dice_chance (dice, 0.3) ? DIGITS : DIGITS CAPITALS LETTERS "/:.-", n);
  if (kind == CODE_QR)
    symbol->option_1 = 1 + (int) dice_pick (dice, 4); /* correction, L … H */
  if (kind == CODE_DATA_MATRIX)
    symbol->option_3 = dice_chance (dice, 0.85) ? DM_SQUARE : 0;
  if (kind == CODE_PDF417)
    symbol->option_2 = 2 + (int) dice_pick (dice, 11); /* columns */
  if (kind == CODE_PDF417 && dice_chance (dice, 0.1))
    symbol->symbology = BARCODE_PDF417COMP;
  return text;
}

/* --- From modules to an outline --------------------------------------------------------------- */

static gboolean
is_dark (const struct zint_symbol *symbol, int row, int column)
{
  return symbol->encoded_data[row][column >> 3] >> (column & 7) & 1;
}

static void
add_side (Outline *outline, double x0, double y0, double x1, double y1)
{
  const guint n = (guint) ceil (hypot (x1 - x0, y1 - y0) / STEP);

  for (guint i = 0; i < n; i++)
    outline_add (outline, x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n);
}

static void
add_rectangle (Outline *outline, double x0, double y0, double x1, double y1)
{
  outline_begin (outline);
  add_side (outline, x0, y0, x1, y0);
  add_side (outline, x1, y0, x1, y1);
  add_side (outline, x1, y1, x0, y1);
  add_side (outline, x0, y1, x0, y0);
}

/* A rectangle for every run of dark modules; rows overlap by a hair, so that no seam shows. */
static Outline *
trace_modules (const struct zint_symbol *symbol, double module, double row_height)
{
  const double left = -symbol->width * module / 2, top = -symbol->rows * row_height / 2;
  Outline *outline = outline_new ();

  for (int row = 0; row < symbol->rows; row++) {
    for (int start = 0; start < symbol->width; start++) {
      int end = start;
      while (end < symbol->width && is_dark (symbol, row, end))
        end++;
      if (end == start)
        continue;
      add_rectangle (outline, left + start * module, top + row * row_height, left + end * module,
          top + (row + 1.02) * row_height);
      start = end;
    }
  }
  return outline;
}

/* Rows in modules: of matrices one, of PDF417 about three, of bars as high as they happen to be. */
static double
choose_row_height (Dice *dice, const struct zint_symbol *symbol, CodeKind kind)
{
  if (kind == CODE_PDF417)
    return dice_between (dice, 2.5, 4);
  return kind == CODE_BAR ? symbol->width * dice_between (dice, 0.18, 0.85) / symbol->rows : 1;
}

static Code *
make_code (const struct zint_symbol *symbol, double rows)
{
  const double longer = fmax (symbol->width, symbol->rows * rows);
  Code *code = g_new0 (Code, 1);

  code->module = 1 / longer;
  code->width = symbol->width / longer;
  code->height = symbol->rows * rows / longer;
  code->modules = trace_modules (symbol, code->module, rows * code->module);
  return code;
}

static gboolean
encode (struct zint_symbol *symbol, const char *text)
{
  const int failed = ZBarcode_Encode (symbol, (const unsigned char *) text, (int) strlen (text));

  return failed < ZINT_ERROR && symbol->rows > 0 && symbol->width > 0;
}

static gboolean
fits (const struct zint_symbol *symbol, double max_modules)
{
  return symbol->width <= max_modules && symbol->rows <= max_modules;
}

/* Where a text cannot be encoded, or not in so few modules, another one is thrown, no longer than half of that. */
Code *
code_new (Dice *dice, CodeKind kind, double max_modules)
{
  g_return_val_if_fail (kind < N_CODES, NULL);
  Code *code = NULL;
  double longest = MAX_TEXT;

  for (guint try = 0; code == NULL && try < TRIES; try++) {
    struct zint_symbol *symbol = ZBarcode_Create ();
    g_autoptr (GString) text = kind == CODE_BAR ? choose_bar_text (dice, symbol)
                                                : choose_text (dice, symbol, kind, longest);
    if (encode (symbol, text->str) && fits (symbol, max_modules)) {
      code = make_code (symbol, choose_row_height (dice, symbol, kind));
      code->text = kind == CODE_BAR && dice_chance (dice, 0.8) ? g_strdup (text->str) : NULL;
    }
    longest = fmax (longest / 2, MIN_TEXT);
    ZBarcode_Delete (symbol);
  }
  return code;
}

Code *
code_of_text (CodeKind kind, const char *text)
{
  g_return_val_if_fail (kind < N_CODES, NULL);
  struct zint_symbol *symbol = ZBarcode_Create ();
  Code *code = NULL;

  symbol->symbology = kind == CODE_BAR ? BARCODE_CODE128 : matrices[kind];
  if (kind == CODE_DATA_MATRIX)
    symbol->option_3 = DM_SQUARE;
  if (kind == CODE_PDF417)
    symbol->option_2 = 3; /* columns */
  if (encode (symbol, text))
    code = make_code (symbol, kind == CODE_BAR ? 0.5 * symbol->width : kind == CODE_PDF417 ? 3 : 1);
  ZBarcode_Delete (symbol);
  return code;
}

#endif
