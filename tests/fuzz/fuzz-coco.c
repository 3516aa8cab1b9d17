/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: two JSON texts with a zero byte between them as an annotation file and a file of results,
 * and all metrics of them.
 */
#include "evaluate/cocoeval.h"
#include "fuzz.h"
#include "support/jsonfile.h"

/* COCO's files are text: what has a zero in it ends there. */
static cJSON *
parse (const char *text, gsize length, const char *name)
{
  g_autofree char *copy = g_strndup (text, length);

  return json_parse (copy, strlen (copy), name, NULL);
}

static void
measure (const CocoTruth *truth, const CocoResults *results, CocoKind kind)
{
  guint n;
  const CocoMetric *metrics = coco_metrics (kind, &n);
  g_autoptr (CocoEval) eval =
      coco_eval_new (truth, results, kind, coco_person_sigmas, COCO_N_PERSON_KEYPOINTS);

  for (guint i = 0; i < n; i++) {
    const double value = coco_eval_measure (eval, &metrics[i]);
    g_assert (value == -1 || (value >= 0 && value <= 1));
  }
}

static void
compare (const CocoFile *file, const cJSON *results)
{
  const guint kinds = coco_kinds_of_file (file) & coco_kinds_of_results (results);
  g_autoptr (CocoProblems) problems = coco_problems_new ();
  g_autoptr (CocoTruth) truth =
      coco_truth_new (file, kinds, COCO_N_PERSON_KEYPOINTS, problems, NULL);
  g_autoptr (CocoResults) read =
      truth != NULL ? coco_results_new (results, "results", truth, problems, NULL) : NULL;
  g_auto (GStrv) sentences = coco_problems_describe (problems);

  for (guint kind = 0; read != NULL && kind < COCO_N_KINDS; kind++) {
    if (kinds & COCO_KIND_BIT (kind))
      measure (truth, read, kind);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  const char *seam = size > 0 ? memchr (text, '\0', size) : NULL;

  if (seam == NULL)
    return 0;
  cJSON *truth = parse (text, (gsize) (seam - text), "truth");
  g_autoptr (CocoFile) file = truth != NULL ? coco_file_new (truth, "truth", NULL) : NULL;
  g_autoptr (cJSON) results = parse (seam + 1, size - 1 - (gsize) (seam - text), "results");
  if (file != NULL && results != NULL)
    compare (file, results);
  return 0;
}
