/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an evaluation found, for people and for programs; docs/eval.md describes both.
 */
#ifndef FBNET_EVALUATE_EVALREPORT_H
#define FBNET_EVALUATE_EVALREPORT_H

#include "cocoeval.h"
#include "confusion.h"
#include "evalmatch.h"

typedef struct {
  const char *annotations, *source; /* paths; the latter of a results file or a model */
  gboolean source_is_model;
  const CocoTruth *truth;
  const CocoResults *results;
  const CocoEval *evals[COCO_N_KINDS]; /* NULL: not evaluated */
  const EvalMatch *match;              /* NULL: not asked for */
  const Confusion *confusion;          /* the same */
  char *const *problems;               /* sentences, NULL-terminated */
  gboolean per_class;
  double passes; /* looks a picture, where there were second ones; else 0 */
} EvalReport;

/* Lines of text, or one line of JSON without the newline; g_free() it. */
char *eval_report_to_text (const EvalReport *report);
char *eval_report_to_json (const EvalReport *report);

#endif
