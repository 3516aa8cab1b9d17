/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The report.
 */
#include "quantizereport.h"
#include "support/plural.h"

#include <math.h>

#define MEBIBYTE (1024.0 * 1024.0)

typedef struct {
  guint n_int8, n_float;
  guint64 int8_weights, weights;
} Sums;

static Sums
sum_parts (const GArray *parts)
{
  Sums sums = { 0 };

  for (guint i = 0; i < parts->len; i++) {
    const QuantizerPart *part = &g_array_index (parts, QuantizerPart, i);
    sums.n_int8 += part->int8;
    sums.n_float += !part->int8;
    sums.weights += part->n_weights;
    sums.int8_weights += part->int8 ? part->n_weights : 0;
  }
  return sums;
}

/* Parts that stay float for one reason stand together, in the order of the first. */
static void
append_floats (GString *text, const GArray *parts)
{
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < parts->len; i++) {
    const char *reason = g_array_index (parts, QuantizerPart, i).reason;
    if (reason == NULL || !g_hash_table_add (done, (gpointer) reason))
      continue;
    g_string_append_printf (text, "    %s:\n", reason);
    for (guint j = i; j < parts->len; j++) {
      const QuantizerPart *part = &g_array_index (parts, QuantizerPart, j);
      if (g_strcmp0 (part->reason, reason) == 0)
        g_string_append_printf (text, "      %s (%" G_GUINT64_FORMAT " weights)\n", part->name,
            part->n_weights);
    }
  }
}

static void
append_accuracy (GString *text, const Accuracy *before, const Accuracy *after)
{
  g_string_append_printf (text, "  accuracy  on %u annotated pictures, float32 to int8\n",
      before->n_images);
  for (guint kind = 0; kind < COCO_N_KINDS; kind++) {
    if (before->measured[kind] && after->measured[kind])
      g_string_append_printf (text, "    %-9s AP %.4f to %.4f\n", coco_kind_name (kind),
          before->ap[kind], after->ap[kind]);
  }
}

static void
append_decibels (GString *text, gboolean known, double value)
{
  if (known && isfinite (value))
    g_string_append_printf (text, " %7.1f", value);
  else
    g_string_append (text, known ? "       ∞" : "       –");
}

static void
append_ranges (GString *text, const GArray *ranges, const Fidelity *fidelity)
{
  g_string_append (text,
      "  activations: what was seen, what the bytes stand for, and signal to noise in dB: of the\n"
      "  bytes alone; of the tensor as it is computed, since its part's input; in the worst "
      "picture\n");
  g_string_append_printf (text, "    %10s %10s %10s %10s %7s %7s %7s  %s\n", "least", "most",
      "from", "to", "bytes", "tensor", "worst", "name");
  for (guint i = 0; i < ranges->len; i++) {
    const QuantizerRange *range = &g_array_index (ranges, QuantizerRange, i);
    const double scale = range->quant.scale;
    double mean = 0, worst = 0;
    const gboolean known = fidelity_get (fidelity, range->name, &mean, &worst);
    g_string_append_printf (text, "    %10.4g %10.4g %10.4g %10.4g", range->min, range->max,
        -range->quant.zero * scale, (255 - range->quant.zero) * scale);
    append_decibels (text, TRUE, range->error_db);
    append_decibels (text, known, mean);
    append_decibels (text, known, worst);
    g_string_append_printf (text, "  %s\n", range->name);
  }
}

char *
quantize_report_to_text (const QuantizeReport *r)
{
  GString *text = g_string_new (r->output);
  const GArray *parts = quantizer_parts (r->quantizer);
  const Sums sums = sum_parts (parts);
  const guint n_images = quantizer_n_images (r->quantizer);

  g_string_append_printf (text, "\n  model     %s\n", r->model);
  g_string_append_printf (text, "  ranges    %s of %u %s\n", r->method, n_images,
      plural (n_images, "picture", "pictures"));
  g_string_append_printf (text, "  int8      %u blocks and layers with %.1f %% of the weights\n",
      sums.n_int8, sums.weights > 0 ? 100.0 * sums.int8_weights / sums.weights : 0.0);
  g_string_append_printf (text, "  float     %u\n", sums.n_float);
  append_floats (text, parts);
  g_string_append_printf (text, "  file      %.2f MiB to %.2f MiB\n", r->size_before / MEBIBYTE,
      r->size_after / MEBIBYTE);
  if (r->before != NULL && r->after != NULL)
    append_accuracy (text, r->before, r->after);
  if (r->fidelity != NULL)
    append_ranges (text, quantizer_ranges (r->quantizer), r->fidelity);
  return g_string_free (text, FALSE);
}
