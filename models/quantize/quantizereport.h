/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was quantised and how well, as lines of text.
 */
#ifndef FBNET_QUANTIZE_QUANTIZEREPORT_H
#define FBNET_QUANTIZE_QUANTIZEREPORT_H

#include "evaluate/accuracy.h"
#include "fidelity.h"
#include "quantizer.h"

typedef struct {
  const char *output, *model, *method;
  const Quantizer *quantizer;
  guint64 size_before, size_after; /* bytes of the files */
  const Accuracy *before, *after;  /* or NULL */
  const Fidelity *fidelity;        /* or NULL: no table of activations */
} QuantizeReport;

/* g_free() it. */
char *quantize_report_to_text (const QuantizeReport *report);

#endif
