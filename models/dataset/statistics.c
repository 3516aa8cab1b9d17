/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in a set.
 */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture/image.h"
#include "support/plural.h"

#define N_SIZES  5
#define N_RATIOS 3
#define N_ROUNDS 50

/* detectron2's and D2Go's own; and what overlaps less than half learns slowly. */
static const double usual_sizes[N_SIZES] = { 32, 64, 128, 256, 512 };
static const double usual_ratios[N_RATIOS] = { 0.5, 1, 2 };
#define GOOD_OVERLAP 0.5

/* COCO's bounds of small, medium and large, in pixels of the picture. */
#define SMALL  32
#define MEDIUM 96

/* --- Classes ---------------------------------------------------------------------------------- */

typedef struct {
  guint objects, val_objects, pictures, small, medium, large;
} ClassCount;

static void
count_object (ClassCount *count, const LabelObject *object, gboolean val)
{
  const double root = sqrt ((object->x1 - object->x0) * (object->y1 - object->y0));

  count->objects++;
  count->val_objects += val;
  count->small += root < SMALL;
  count->medium += root >= SMALL && root < MEDIUM;
  count->large += root >= MEDIUM;
}

static ClassCount
count_class (const LabelSet *set, const gboolean *flags, const char *label)
{
  ClassCount count = { 0 };

  for (guint i = 0; i < set->pictures->len; i++) {
    const LabelPicture *picture = set->pictures->pdata[i];
    const guint before = count.objects;
    for (guint j = 0; j < picture->objects->len; j++) {
      const LabelObject *object = picture->objects->pdata[j];
      if (strcmp (object->label, label) == 0)
        count_object (&count, object, flags[i]);
    }
    count.pictures += count.objects > before;
  }
  return count;
}

static void
append_classes (GString *text, const LabelSet *set, const gboolean *flags)
{
  g_string_append_printf (text, "  %8s %8s %8s %8s %8s %8s  class\n", "objects", "to eval.",
      "pictures", "small", "medium", "large");
  for (guint i = 0; i < set->labels->len; i++) {
    const ClassCount c = count_class (set, flags, set->labels->pdata[i]);
    g_string_append_printf (text, "  %8u %8u %8u %8u %8u %8u  %s\n", c.objects, c.val_objects,
        c.pictures, c.small, c.medium, c.large, (const char *) set->labels->pdata[i]);
  }
}

/* Names that differ in nothing but case, spaces and dashes were mostly meant to be one. */
static void
append_similar (GString *text, const LabelSet *set)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < set->labels->len; i++) {
    const char *label = set->labels->pdata[i];
    g_autofree char *folded = g_utf8_casefold (label, -1);
    g_auto (GStrv) words = g_strsplit_set (folded, " _-", -1);
    char *key = g_strjoinv ("", words);
    const char *other = g_hash_table_lookup (seen, key);
    if (other != NULL)
      g_string_append_printf (text,
          "  '%s' and '%s' are two classes; --rename '%s=%s' makes them one\n", other, label, label,
          other);
    g_hash_table_insert (seen, key, (gpointer) label);
  }
}

/* --- Anchors ---------------------------------------------------------------------------------- */

double
sides_overlap (double width, double height, double other_width, double other_height)
{
  const double both = MIN (width, other_width) * MIN (height, other_height);

  return both / (width * height + other_width * other_height - both);
}

static int
compare_doubles (const void *a, const void *b)
{
  const double left = *(const double *) a, right = *(const double *) b;

  return (left > right) - (left < right);
}

static double
quantile (const double *sorted, guint n, double share)
{
  return sorted[MIN ((guint) (share * n), n - 1)];
}

/* One round: each number to the nearest middle, each middle to the mean of its numbers. */
static void
move_middles (double *middles, guint n_middles, const double *logs, guint n)
{
  g_autofree double *sums = g_new0 (double, n_middles);
  g_autofree guint *counts = g_new0 (guint, n_middles);

  for (guint i = 0; i < n; i++) {
    guint best = 0;
    for (guint m = 1; m < n_middles; m++) {
      if (fabs (logs[i] - middles[m]) < fabs (logs[i] - middles[best]))
        best = m;
    }
    sums[best] += logs[i];
    counts[best]++;
  }
  for (guint m = 0; m < n_middles; m++)
    middles[m] = counts[m] > 0 ? sums[m] / counts[m] : middles[m];
}

void
choose_anchor_sizes (double *sizes, guint n_sizes, const double *roots, guint n)
{
  g_autofree double *logs = g_new (double, n);

  for (guint i = 0; i < n; i++)
    logs[i] = log (roots[i]);
  qsort (logs, n, sizeof *logs, compare_doubles);
  for (guint m = 0; m < n_sizes; m++)
    sizes[m] = quantile (logs, n, (m + 0.5) / n_sizes);
  for (guint round = 0; round < N_ROUNDS; round++)
    move_middles (sizes, n_sizes, logs, n);
  qsort (sizes, n_sizes, sizeof *sizes, compare_doubles);
  for (guint m = 0; m < n_sizes; m++)
    sizes[m] = exp (sizes[m]);
}

/* Objects as the network sees them: width and height in turn. */
static GArray *
network_sides (const LabelSet *set, const StatisticsOptions *options)
{
  GArray *sides = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < set->pictures->len; i++) {
    const LabelPicture *picture = set->pictures->pdata[i];
    gsize width, height;
    image_network_size (picture->height, picture->width, options->min_size, options->max_size,
        &height, &width);
    for (guint j = 0; j < picture->objects->len; j++) {
      const LabelObject *object = picture->objects->pdata[j];
      const double pair[] = { (object->x1 - object->x0) * width / picture->width,
        (object->y1 - object->y0) * height / picture->height };
      g_array_append_vals (sides, pair, 2);
    }
  }
  return sides;
}

/* The share of objects that some anchor overlaps well. */
static double
covered_share (const GArray *sides, const double *sizes, const double *ratios)
{
  const double *side = (const double *) (gpointer) sides->data;
  const guint n = sides->len / 2;
  guint n_covered = 0;

  for (guint i = 0; i < n; i++) {
    double best = 0;
    for (guint a = 0; a < N_SIZES * N_RATIOS; a++) {
      const double size = sizes[a / N_RATIOS], stretch = sqrt (ratios[a % N_RATIOS]);
      best =
          fmax (best, sides_overlap (side[2 * i], side[2 * i + 1], size / stretch, size * stretch));
    }
    n_covered += best >= GOOD_OVERLAP;
  }
  return (double) n_covered / n;
}

static void
choose_ratios (double ratios[N_RATIOS], const GArray *sides)
{
  const double *side = (const double *) (gpointer) sides->data;
  const guint n = sides->len / 2;
  g_autofree double *found = g_new (double, n);

  for (guint i = 0; i < n; i++)
    found[i] = side[2 * i + 1] / side[2 * i];
  choose_anchor_sizes (ratios, N_RATIOS, found, n);
}

static void
append_anchors (GString *text, const GArray *sides, const double *roots,
    const StatisticsOptions *options)
{
  const guint n = sides->len / 2;
  double sizes[N_SIZES], ratios[N_RATIOS];

  choose_anchor_sizes (sizes, N_SIZES, roots, n);
  choose_ratios (ratios, sides);
  g_string_append_printf (text,
      "  at a network size of %u to %u pixels an object has %.0f pixels a side (one in ten less "
      "than "
      "%.0f,\n  one in ten more than %.0f)\n",
      options->min_size, options->max_size, quantile (roots, n, 0.5), quantile (roots, n, 0.1),
      quantile (roots, n, 0.9));
  g_string_append_printf (text,
      "  the usual anchors overlap %.0f %% of the objects by half or more; these %.0f %%:\n"
      "    \"sizes\": [[%.0f, %.0f, %.0f, %.0f, %.0f]], \"aspect_ratios\": [[%.2f, %.2f, %.2f]]\n",
      100 * covered_share (sides, usual_sizes, usual_ratios),
      100 * covered_share (sides, sizes, ratios), sizes[0], sizes[1], sizes[2], sizes[3], sizes[4],
      ratios[0], ratios[1], ratios[2]);
  if (quantile (roots, n, 0.5) < 16)
    g_string_append_printf (text,
        "  half of the objects are smaller than the grid that they are looked for on: --sizes %u "
        "or "
        "more\n  shows them larger\n",
        (guint) (options->min_size * 24 / MAX (quantile (roots, n, 0.5), 3)));
}

char *
statistics_to_text (const LabelSet *set, const gboolean *flags, const StatisticsOptions *options)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GArray) sides = network_sides (set, options);
  const guint n = sides->len / 2;
  g_autofree double *roots = g_new (double, MAX (n, 1));
  guint n_val = 0;

  for (guint i = 0; i < n; i++)
    roots[i] =
        sqrt (g_array_index (sides, double, 2 * i) * g_array_index (sides, double, 2 * i + 1));
  for (guint i = 0; i < set->pictures->len; i++)
    n_val += flags[i];
  g_string_append_printf (text, "%u %s, %u of them to evaluate with; %u %s of %u %s\n",
      set->pictures->len, plural (set->pictures->len, "picture", "pictures"), n_val, n,
      plural (n, "object", "objects"), set->labels->len,
      plural (set->labels->len, "class", "classes"));
  append_classes (text, set, flags);
  append_similar (text, set);
  qsort (roots, n, sizeof *roots, compare_doubles);
  if (n > 0)
    append_anchors (text, sides, roots, options);
  return g_string_free (text, FALSE);
}
