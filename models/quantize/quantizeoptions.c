/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-quantize.
 */
#include "quantizeoptions.h"

#include "support/options.h"

static const char summary[] =
    "Makes an int8 model of a float model: what its layers compute for the pictures of a folder\n"
    "decides what the bytes stand for.";

static const char description[] =
    "The pictures should be like those that the model will see, a few dozen of them; they need no\n"
    "annotations. Methods and what they cost: docs/int8.md.\n"
    "\n"
    "Examples:\n"
    "  fbnet-quantize --model float.safetensors --images frames -o int8.safetensors\n"
    "  fbnet-quantize --model float.safetensors --images frames -o int8.safetensors \\\n"
    "      --annotations instances_val2017.json --eval-images val2017\n"
    "\n"
    "Exit status: 0 all went well; 1 the model or at least one picture failed; 2 the command line\n"
    "is wrong.\n";

#define DEFAULT_PERCENTILE 99.99

static GOptionContext *
context_new (QuantizeOptions *o)
{
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "The float model", "FILE" },
    { "images", 'i', 0, G_OPTION_ARG_FILENAME, &o->images,
        "Folder of pictures (PNG, JPEG) to learn ranges from", "DIR" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &o->output, "The int8 model to write", "FILE" },
    { "annotations", 0, 0, G_OPTION_ARG_FILENAME, &o->annotations,
        "Compare accuracy before and after on this COCO annotation file", "FILE" },
    { "eval-images", 0, 0, G_OPTION_ARG_FILENAME, &o->eval_images,
        "Where the images of --annotations lie; --verbose compares on them", "DIR" },
    { "method", 0, 0, G_OPTION_ARG_STRING, &o->method,
        "How ranges of activations are chosen: mse (least squared error), percentile, min-max; "
        "default: mse",
        "NAME" },
    { "percentile", 0, 0, G_OPTION_ARG_DOUBLE, &o->percentile,
        "Percent of all numbers inside the range, for --method percentile; default: 99.99", "P" },
    { "keep-float", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->keep_float,
        "Leave blocks and layers of such names as they are (* and ? match); may be repeated",
        "PATTERN" },
    { "all", 0, 0, G_OPTION_ARG_NONE, &o->all,
        "Predictors too: their outputs, logits and deltas, become bytes", NULL },
    { "plain-weights", 0, 0, G_OPTION_ARG_NONE, &o->plain_weights,
        "Weights by their largest, not by the least squared error", NULL },
    { "no-bias-correction", 0, 0, G_OPTION_ARG_NONE, &o->no_bias_correction,
        "Leave biases as they are, not corrected for what rounding weights does on average", NULL },
    { "kernels", 0, 0, G_OPTION_ARG_STRING, &o->kernels,
        "Kernel set that the float model runs with: c, openblas, avx2, avx512; default: the best. "
        "With c the result is the same on every machine",
        "NAME" },
    { "threads", 't', 0, G_OPTION_ARG_INT, &o->threads,
        "Threads; 0, the default: one per processor", "N" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, "Add a table of all activations", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version", NULL },
    { NULL },
  };
  GOptionContext *context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  return context;
}

/* In the order of RangeMethod. */
static const char *const methods[] = { "mse", "percentile", "min-max" };

/* G_N_ELEMENTS (methods): there is no such method. */
static guint
find_method (const char *name)
{
  guint i = 0;

  while (name != NULL && i < G_N_ELEMENTS (methods) && !g_str_equal (name, methods[i]))
    i++;
  return i;
}

static gboolean
check (const QuantizeOptions *o, int argc, GError **error)
{
  if (o->version)
    return TRUE;
  if (argc > 1)
    return usage_error (error, "expected options only; the pictures are a folder's, --images");
  if (o->model == NULL)
    return usage_error (error, "--model: expected a model file, found none");
  if (o->images == NULL)
    return usage_error (error, "--images: expected a folder of pictures, found none");
  if (o->output == NULL)
    return usage_error (error, "--output: expected the name of a file to write, found none");
  if (o->annotations != NULL && o->eval_images == NULL)
    return usage_error (error, "--annotations: expected --eval-images too, found none");
  if (find_method (o->method) == G_N_ELEMENTS (methods))
    return usage_error (error, "--method: expected mse, percentile or min-max");
  if (!(o->percentile > 50 && o->percentile <= 100))
    return usage_error (error, "--percentile: expected more than 50, at most 100");
  if (o->threads < 0)
    return usage_error (error, "--threads: expected a number from 0 on");
  return TRUE;
}

gboolean
quantize_options_parse (QuantizeOptions *options, int argc, char **argv, GError **error)
{
  *options = (QuantizeOptions){ .percentile = DEFAULT_PERCENTILE };
  GOptionContext *context = context_new (options);
  const gboolean parsed = g_option_context_parse (context, &argc, &argv, error);

  g_option_context_free (context);
  return parsed && check (options, argc, error);
}

void
quantize_options_clear (QuantizeOptions *o)
{
  g_free (o->model);
  g_free (o->images);
  g_free (o->output);
  g_free (o->annotations);
  g_free (o->eval_images);
  g_free (o->method);
  g_free (o->kernels);
  g_strfreev (o->keep_float);
}

QuantizerOptions
quantize_options_how (const QuantizeOptions *o)
{
  QuantizerOptions how = quantizer_options_default ();

  how.method = (RangeMethod) find_method (o->method);
  how.share = o->percentile / 100;
  how.plain_weights = o->plain_weights;
  how.correct_biases = !o->no_bias_correction;
  how.all = o->all;
  how.keep_float = o->keep_float;
  how.kernels = o->kernels;
  how.n_threads = (guint) o->threads;
  return how;
}
