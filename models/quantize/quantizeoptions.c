/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The command line of fbnet-quantize.
 */
#include "quantizeoptions.h"

#include "support/commandline.h"
#include "support/modelparams.h"

#define DEFAULT_PERCENTILE 99.99

QuantizeOptions
quantize_options_new (void)
{
  return (QuantizeOptions){ .params = param_options_new (), .percentile = DEFAULT_PERCENTILE };
}

void
quantize_options_clear (QuantizeOptions *o)
{
  param_options_free (o->params);
  g_free (o->model);
  g_free (o->images);
  g_free (o->output);
  g_free (o->annotations);
  g_free (o->eval_images);
  g_free (o->method);
  g_strfreev (o->keep_float);
}

void
quantize_options_add (gpointer options, GOptionContext *context)
{
  static const char *const params[] = { "threads", "kernels", NULL };
  QuantizeOptions *o = options;
  const GOptionEntry entries[] = {
    { "model", 'm', 0, G_OPTION_ARG_FILENAME, &o->model, "The float model", "FILE" },
    { "images", 'i', 0, G_OPTION_ARG_FILENAME, &o->images,
        "Pictures (PNG, JPEG) of this folder and of those in it, to learn ranges from", "DIR" },
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
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose, "Add a table of all activations", NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
  param_options_add (o->params, context, params);
  param_options_add (o->params, context, model_params);
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

gboolean
quantize_options_check (gpointer options, GError **error)
{
  const QuantizeOptions *o = options;

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
  return param_options_check (o->params, error);
}

QuantizerOptions
quantize_options_how (const QuantizeOptions *o)
{
  const FbnetDetectorOptions run = param_options_how (o->params);
  QuantizerOptions how = quantizer_options_default ();

  how.method = (RangeMethod) find_method (o->method);
  how.share = o->percentile / 100;
  how.plain_weights = o->plain_weights;
  how.correct_biases = !o->no_bias_correction;
  how.all = o->all;
  how.keep_float = o->keep_float;
  how.kernels = run.kernels;
  how.n_threads = run.n_threads;
  return how;
}
