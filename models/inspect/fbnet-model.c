/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * fbnet-model: prints what is in a model file, for people or, with --json, for programs. Everything
 * comes through fbnet.h, so a file that it prints is one that the library runs.
 */
#include <math.h>
#include <stdio.h>

#include "fbnet/fbnet.h"
#include "layertable.h"
#include "support/commandline.h"
#include "support/jsonfile.h"
#include "support/modelfile.h"

typedef struct {
  gboolean json, tensors;
  char **files;
} ModelOptions;

typedef struct {
  FbnetModel *model;
  cJSON *description;
  LayerTable *layers;
} Contents;

/* --- Tensors ---------------------------------------------------------------------------------- */

typedef struct {
  double min, max;
  gboolean known;
} Range;

/* IEEE 754 binary16: one bit sign, five bits exponent, ten bits fraction. */
static double
half_value (guint16 bits)
{
  const gint exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  const double sign = bits & 0x8000 ? -1 : 1;

  if (exponent == 0x1f)
    return fraction ? NAN : sign * INFINITY;
  if (exponent == 0)
    return sign * ldexp (fraction, -24);
  return sign * ldexp (fraction + 0x400, exponent - 25);
}

static double
element (const FbnetTensorView *view, guint64 i)
{
  switch (view->dtype) {
    case FBNET_DTYPE_F32:
      return ((const float *) view->data)[i];
    case FBNET_DTYPE_F16:
      return half_value (((const guint16 *) view->data)[i]);
    case FBNET_DTYPE_I64:
      return (double) ((const gint64 *) view->data)[i];
    case FBNET_DTYPE_I32:
      return ((const gint32 *) view->data)[i];
    case FBNET_DTYPE_I8:
      return ((const gint8 *) view->data)[i];
    case FBNET_DTYPE_U8:
      return ((const guint8 *) view->data)[i];
  }
  g_return_val_if_reached (NAN);
}

static Range
tensor_range (const FbnetTensorView *view)
{
  Range range = { INFINITY, -INFINITY, FALSE };
  const guint64 count = view->n_bytes / fbnet_dtype_size (view->dtype);

  for (guint64 i = 0; i < count; i++) {
    const double value = element (view, i);
    range.min = fmin (range.min, value);
    range.max = fmax (range.max, value);
  }
  range.known = range.min <= range.max;
  return range;
}

static char *
shape_text (const FbnetTensorView *view)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < view->n_dims; i++)
    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT, i ? "×" : "", view->shape[i]);
  return g_string_free (text, FALSE);
}

/* Spaces up to `width` characters on the screen: printf counts bytes, of which × has two. */
static void
print_padded (const char *text, glong width)
{
  const glong length = g_utf8_strlen (text, -1);

  printf ("%s%*s", text, (int) MAX (width - length, 0), "");
}

static void
print_tensors (const FbnetModel *model)
{
  printf ("\ntensors\n  %-70s %-5s %-16s %12s %12s\n", "name", "type", "shape", "min", "max");
  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    g_autofree char *shape = shape_text (&view);
    const Range range = tensor_range (&view);
    printf ("  %-70s %-5s ", view.name, fbnet_dtype_name (view.dtype));
    print_padded (shape, 16);
    if (range.known)
      printf (" %12.6g %12.6g", range.min, range.max);
    putchar ('\n');
  }
}

static cJSON *
tensors_to_json (const FbnetModel *model)
{
  cJSON *array = cJSON_CreateArray ();

  for (guint i = 0; i < fbnet_model_get_n_tensors (model); i++) {
    FbnetTensorView view;
    fbnet_model_get_tensor (model, i, &view);
    const Range range = tensor_range (&view);
    cJSON *tensor = cJSON_CreateObject ();
    cJSON_AddStringToObject (tensor, "name", view.name);
    cJSON_AddStringToObject (tensor, "type", fbnet_dtype_name (view.dtype));
    cJSON *shape = cJSON_AddArrayToObject (tensor, "shape");
    for (guint d = 0; d < view.n_dims; d++)
      cJSON_AddItemToArray (shape, cJSON_CreateNumber ((double) view.shape[d]));
    if (range.known) {
      cJSON_AddNumberToObject (tensor, "min", range.min);
      cJSON_AddNumberToObject (tensor, "max", range.max);
    }
    cJSON_AddItemToArray (array, tensor);
  }
  return array;
}

/* --- For programs ----------------------------------------------------------------------------- */

static cJSON *
layer_to_json (const LayerRow *row)
{
  const int output[] = { (int) row->channels, (int) row->height, (int) row->width };
  cJSON *layer = cJSON_CreateObject ();

  cJSON_AddStringToObject (layer, "name", row->name);
  cJSON_AddStringToObject (layer, "op", row->op);
  cJSON_AddItemToObject (layer, "output", cJSON_CreateIntArray (output, 3));
  cJSON_AddNumberToObject (layer, "n_parameters", (double) row->parameters);
  cJSON_AddNumberToObject (layer, "multiply_adds", (double) row->multiply_adds);
  cJSON_AddNumberToObject (layer, "runs", row->runs);
  return layer;
}

static void
add_layers (cJSON *object, const LayerTable *table)
{
  const int input[] = { (int) table->input_height, (int) table->input_width };

  cJSON_AddItemToObject (object, "network_input", cJSON_CreateIntArray (input, 2));
  cJSON_AddNumberToObject (object, "multiply_adds", (double) table->multiply_adds);
  cJSON *layers = cJSON_AddArrayToObject (object, "layers");
  for (guint i = 0; i < table->rows->len; i++)
    cJSON_AddItemToArray (layers, layer_to_json (&g_array_index (table->rows, LayerRow, i)));
}

static void
print_json (const Contents *contents, const char *file, gboolean with_tensors)
{
  const FbnetModel *model = contents->model;
  g_autofree char *shown = g_filename_display_name (file);
  g_autoptr (cJSON) object = cJSON_CreateObject ();

  cJSON_AddStringToObject (object, "file", shown);
  cJSON_AddStringToObject (object, "name", fbnet_model_get_name (model));
  g_autofree char *sha256 = fbnet_model_get_sha256 (model);
  cJSON_AddStringToObject (object, "sha256", sha256);
  cJSON_AddNumberToObject (object, "n_parameters", (double) fbnet_model_get_n_parameters (model));
  cJSON_AddNumberToObject (object, "n_tensors", fbnet_model_get_n_tensors (model));
  cJSON_AddItemReferenceToObject (object, "description", contents->description);
  add_layers (object, contents->layers);
  if (with_tensors)
    cJSON_AddItemToObject (object, "tensors", tensors_to_json (model));
  g_autofree char *line = json_print_line (object);
  puts (line);
}

/* --- For people ------------------------------------------------------------------------------- */

/* "1,744,012" */
static char *
group_digits (guint64 number)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  GString *text = g_string_new (digits);

  for (gssize position = (gssize) text->len - 3; position > 0; position -= 3)
    g_string_insert_c (text, position, ',');
  return g_string_free (text, FALSE);
}

/* A field of the description as text: strings as they are, anything else as JSON with air. */
static char *
field_text (const cJSON *value)
{
  if (cJSON_IsString (value))
    return g_strdup (value->valuestring);
  g_autofree char *line = json_print_line (value);
  GString *text = g_string_new (NULL);
  for (const char *p = line; *p; p++) {
    g_string_append_c (text, *p);
    if (*p == ',' || *p == ':')
      g_string_append_c (text, ' ');
  }
  return g_string_free (text, FALSE);
}

/* Every field of one object of the description. */
static void
print_section (const cJSON *description, const char *name)
{
  const cJSON *section = cJSON_GetObjectItemCaseSensitive (description, name);

  if (section == NULL)
    return;
  printf ("\n%s\n", name);
  const cJSON *field;
  cJSON_ArrayForEach (field, section)
  {
    g_autofree char *text = field_text (field);
    printf ("  %-20s %s\n", field->string, text);
  }
}

/* The objects that have no section of their own: how features and anchors are made, and the heads. */
static void
print_parts (const cJSON *description)
{
  static const char *const others[] = { "provenance", "input", "architecture", "quantization",
    NULL };
  const cJSON *section;

  cJSON_ArrayForEach (section, description)
  {
    if (cJSON_IsObject (section) && !g_strv_contains (others, section->string))
      print_section (description, section->string);
  }
}

/* The block lists are shown as layers instead. */
static void
print_architecture (const cJSON *description)
{
  static const char *const fields[] = { "name", "basic_args", "width_divisor", "scale_factor",
    "norm" };
  const cJSON *architecture = cJSON_GetObjectItemCaseSensitive (description, "architecture");

  puts ("\narchitecture");
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    const cJSON *field = cJSON_GetObjectItemCaseSensitive (architecture, fields[i]);
    if (field == NULL)
      continue;
    g_autofree char *text = field_text (field);
    printf ("  %-20s %s\n", fields[i], text);
  }
}

/* The ranges of some hundred tensors are counted, not listed. */
static void
print_quantization (const cJSON *description)
{
  const cJSON *quantization = cJSON_GetObjectItemCaseSensitive (description, "quantization");

  if (quantization == NULL)
    return;
  const char *bias = cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (quantization, "bias"));
  const int n = cJSON_GetArraySize (cJSON_GetObjectItemCaseSensitive (quantization, "activations"));
  puts ("\nquantization");
  printf ("  %-20s %s\n", "scheme",
      cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (quantization, "scheme")));
  printf ("  %-20s %s\n", "bias", bias != NULL ? bias : "wide");
  printf ("  %-20s %d tensors of bytes\n", "activations", n);
}

static void
print_layer (const LayerRow *row)
{
  g_autofree char *output = g_strdup_printf ("%u×%u×%u", row->channels, row->height, row->width);
  g_autofree char *parameters = group_digits (row->parameters);

  printf ("  %-62s %-15s ", row->name, row->op);
  print_padded (output, 12);
  printf (" %10s %9.3f", parameters, (double) row->multiply_adds / 1e6);
  if (row->runs > 1)
    printf (" × %u", row->runs);
  putchar ('\n');
}

static void
print_layers (const LayerTable *table)
{
  printf ("\nlayers (network input %u×%u; output is channels×height×width; millions of "
          "multiply-adds each time)\n",
      table->input_height, table->input_width);
  printf ("  %-62s %-15s %-12s %10s %9s\n", "name", "op", "output", "parameters", "M");
  for (guint i = 0; i < table->rows->len; i++)
    print_layer (&g_array_index (table->rows, LayerRow, i));
}

static void
print_labels (const FbnetModel *model)
{
  puts ("\nlabels");
  if (fbnet_model_get_label (model, 0) == NULL) {
    puts ("  none");
    return;
  }
  for (guint i = 0; i < fbnet_model_get_n_classes (model); i++) {
    printf ("%s%u %s", i % 6 ? ", " : i ? ",\n  " : "  ", i, fbnet_model_get_label (model, i));
  }
  putchar ('\n');
}

static void
print_head (const Contents *contents, const char *file)
{
  const FbnetModel *model = contents->model;
  const gboolean detects = fbnet_model_get_task (model) == FBNET_TASK_DETECTION;
  g_autofree char *parameters = group_digits (fbnet_model_get_n_parameters (model));
  g_autofree char *shown = g_filename_display_name (file);

  printf ("%s: %s\n", shown, fbnet_model_get_name (model));
  printf ("  %-20s %s of %u classes%s", "task", detects ? "detection" : "classification",
      fbnet_model_get_n_classes (model), fbnet_model_has_masks (model) ? ", with masks" : "");
  const guint n_keypoints = fbnet_model_get_n_keypoints (model);
  if (n_keypoints > 0)
    printf (", with %u keypoints each", n_keypoints);
  printf ("\n  %-20s %s in %u tensors\n", "parameters", parameters,
      fbnet_model_get_n_tensors (model));
  printf ("  %-20s at most %.1f million for a network input of %u×%u\n", "multiply-adds",
      (double) contents->layers->multiply_adds / 1e6, contents->layers->input_height,
      contents->layers->input_width);
  g_autofree char *sha256 = fbnet_model_get_sha256 (model);
  printf ("  %-20s %s\n", "SHA-256", sha256);
  const char *notes =
      cJSON_GetStringValue (cJSON_GetObjectItemCaseSensitive (contents->description, "notes"));
  if (notes != NULL)
    printf ("  %-20s %s\n", "notes", notes);
}

static void
print_text (const Contents *contents, const char *file, gboolean with_tensors)
{
  print_head (contents, file);
  print_section (contents->description, "provenance");
  print_section (contents->description, "input");
  print_architecture (contents->description);
  print_quantization (contents->description);
  print_parts (contents->description);
  print_labels (contents->model);
  print_layers (contents->layers);
  if (with_tensors)
    print_tensors (contents->model);
}

/* --- Main ------------------------------------------------------------------------------------- */

static gboolean
contents_open (Contents *contents, const char *file, GError **error)
{
  *contents = (Contents){ .model = fbnet_model_load (file, error) };
  if (contents->model == NULL)
    return FALSE;
  contents->description = model_file_description (contents->model);
  contents->layers = layer_table_new (contents->model);
  return TRUE;
}

static void
contents_close (Contents *contents)
{
  layer_table_free (contents->layers);
  cJSON_Delete (contents->description);
  fbnet_model_unref (contents->model);
}

static gboolean
print_file (gpointer data, const char *file, GError **error)
{
  const ModelOptions *options = data;
  Contents contents;

  if (!contents_open (&contents, file, error))
    return FALSE;
  if (options->json)
    print_json (&contents, file, options->tensors);
  else
    print_text (&contents, file, options->tensors);
  contents_close (&contents);
  return output_print ("", error); /* whatever could not be written before */
}

static gboolean
run (gpointer options, Console *console, GError **error)
{
  char **files = ((ModelOptions *) options)->files;

  console_each (console, files, g_strv_length (files), NULL, print_file, options);
  return TRUE;
}

static void
add_options (gpointer options, GOptionContext *context)
{
  ModelOptions *o = options;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &o->json, "One line of JSON per file", NULL },
    { "tensors", 0, 0, G_OPTION_ARG_NONE, &o->tensors,
        "List the tensors too: name, type, shape, smallest and largest value", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files, NULL, "FILE..." },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, NULL);
}

static gboolean
check (gpointer options, GError **error)
{
  const ModelOptions *o = options;

  return o->files != NULL || usage_error (error, "expected at least one FILE, found none");
}

static void
name_files (gpointer options, Confines *confines)
{
  confines_add_inputs (confines, ((ModelOptions *) options)->files);
}

static const Program program = {
  .name = "fbnet-model",
  .summary = "Prints what is in a model file.",
  .examples = "Examples:\n"
              "  fbnet-model model.safetensors\n"
              "  fbnet-model --json model.safetensors | jq .description\n",
  .failures = "at least one file failed",
  .add_options = add_options,
  .check = check,
  .name_files = name_files,
  .run = run,
};

int
main (int argc, char **argv)
{
  ModelOptions options = { 0 };
  const int code = program_main (&program, &options, argc, argv);

  g_strfreev (options.files);
  return code;
}
