/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * YAML as PyYAML's safe_load resolves it.
 */
#include "import/d2go/yaml-tree.h"

#include <math.h>
#include <string.h>

#include "import/d2go/config.h"
#include "fbnet/fbnet.h"
#include "support/jsonfile.h"

static cJSON *
parse (const char *text, GError **error)
{
  return yaml_parse (text, strlen (text), "test.yaml", error);
}

/* The text's tree as JSON without spaces is `expected`. */
static void
check (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) tree = parse (text, &error);

  g_assert_no_error (error);
  char *json = cJSON_PrintUnformatted (tree);
  g_assert_cmpstr (json, ==, expected);
  cJSON_free (json);
}

/* Plain scalars become what YAML 1.1 says, with PyYAML's own idea of floats; quoted ones stay text. */
static void
test_scalars (void)
{
  static const char *const cases[][2] = {
    { "0", "0" },
    { "-12", "-12" },
    { "+12", "12" },
    { "1_000", "1000" },
    { "0x1F", "31" },
    { "0b101", "5" },
    { "010", "8" },
    { "08", "\"08\"" },
    { "1.5", "1.5" },
    { "1.0e-08", "1e-08" },
    { "1.0E+2", "100" },
    { ".5", "0.5" },
    { "5.", "5" },
    { "1e-8", "\"1e-8\"" },
    { "1.0e8", "\"1.0e8\"" },
    { "1.2.3", "\"1.2.3\"" },
    { "-", "[null]" },
    { "_1", "\"_1\"" },
    { "true", "true" },
    { "Yes", "true" },
    { "ON", "true" },
    { "y", "\"y\"" },
    { "no", "false" },
    { "tRUE", "\"tRUE\"" },
    { "~", "null" },
    { "null", "null" },
    { "''", "\"\"" },
    { "'1'", "\"1\"" },
    { "\"true\"", "\"true\"" },
    { "\"a\\tb\"", "\"a\\tb\"" },
    { "!!str 1", "\"1\"" },
    { "!!float 1.5", "1.5" },
    { "|\n  a\n  b\n", "\"a\\nb\\n\"" },
    { ">\n  a\n  b\n", "\"a b\\n\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check (cases[i][0], cases[i][1]);
  g_autoptr (cJSON) infinity = parse ("-.inf", NULL);
  g_autoptr (cJSON) nan_number = parse (".nan", NULL);
  g_assert_true (isinf (infinity->valuedouble) && infinity->valuedouble < 0);
  g_assert_true (isnan (nan_number->valuedouble));
}

/* Block and flow collections, tuples of Python, anchors, equal keys. */
static void
test_collections (void)
{
  check ("a:\n- 1\n- - 2\n  - 3\nb: {c: [x, y], d: }\n",
      "{\"a\":[1,[2,3]],\"b\":{\"c\":[\"x\",\"y\"],\"d\":null}}");
  check ("a: !!python/tuple [1, 2]\n", "{\"a\":[1,2]}");
  check ("a: &x\n- 1\n- 2\nb: *x\nc: *x\n", "{\"a\":[1,2],\"b\":[1,2],\"c\":[1,2]}");
  check ("a: 1\na: 2\n", "{\"a\":2}");
  check ("1: a\n2.5: b\n", "{\"1\":\"a\",\"2.5\":\"b\"}");
  check ("--- {}\n...\n", "{}");
}

/* Tags that would make Python objects, several documents, complex keys, dangling or circular aliases
 * and what is no YAML are refused, with the line. */
static void
test_refusals (void)
{
  static const char *const cases[][2] = {
    { "a: !!python/object/apply:os.system [ls]", "os.system" },
    { "a: !!python/name:os.system", "os.system" },
    { "a: !custom 1", "!custom" },
    { "a: !!binary aGk=", "binary" },
    { "a: 1\n---\nb: 2\n", "another" },
    { "? [a]\n: b\n", "a key is no plain value" },
    { "a: &x 1\n<<: *x\n", "merge key" },
    { "a: *x\n", "an alias to nothing" },
    { "a: &x [1, *x]\n", "an alias to nothing" },
    { "a: [1, 2\nb: 3\n", "line 2" },
    { "a: b: c\n", "line 1" },
    { "a: \"\\x00\"", "NUL" },
    { "", "found none" },
    { "\xff\xfe\xfd", "line 1" },
    { "a:\n\t- 1\n", "line 2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (parse (cases[i][0], &error));
    g_assert_cmpuint (error->domain, ==, FBNET_ERROR);
    g_assert_true (g_str_has_prefix (error->message, "test.yaml: "));
    g_assert_nonnull (strstr (error->message, cases[i][1]));
  }
}

/* Aliases to aliases, which would become 9^9 values, and a thousand nested lists stop at a bound. */
static void
test_bombs (void)
{
  g_autoptr (GString) laughs = g_string_new ("a: &a0 [x, x, x, x, x, x, x, x, x]\n");

  for (guint i = 1; i < 9; i++) {
    g_string_append_printf (laughs, "b%u: &a%u [", i, i);
    for (guint j = 0; j < 9; j++)
      g_string_append_printf (laughs, "%s*a%u", j > 0 ? ", " : "", i - 1);
    g_string_append (laughs, "]\n");
  }
  g_autoptr (GError) error = NULL;
  g_assert_null (parse (laughs->str, &error));
  g_assert_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "more than 20000 values"));

  g_autofree char *nested = g_strnfill (1000, '[');
  g_clear_error (&error);
  g_assert_null (parse (nested, &error));
  g_assert_nonnull (strstr (error->message, "nest deeper than 64"));
}

static char *
golden_config (const char *name)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_GOLDEN_DATA"), "checkpoints", name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_test_skip ("no golden data");
  return NULL;
}

static double
number_at (const cJSON *tree, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, ".", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    tree = cJSON_GetObjectItemCaseSensitive (tree, parts[i]);
  g_assert_true (cJSON_IsNumber (tree));
  return tree->valuedouble;
}

/* D2Go's dump of a custom config, with its anchors, numbers and empty strings, becomes the model that
 * it says: GroupNorm of 8 groups, half width, three classes. */
static void
test_config_dump (void)
{
  g_autofree char *path = golden_config ("custom_gn_3classes.yaml");

  if (path == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (cJSON) tree = yaml_load (path, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (number_at (tree, "SOLVER.EPS"), ==, 1e-8);
  g_assert_cmpfloat (number_at (tree, "MODEL.FBNET_V2.SCALE_FACTOR"), ==, 0.5);
  g_autoptr (cJSON) description = import_describe (tree, "custom", &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (number_at (description, "roi_heads.n_classes"), ==, 3);
  g_assert_cmpfloat (number_at (description, "architecture.norm.num_groups"), ==, 8);
  const cJSON *weights =
      cJSON_GetObjectItem (cJSON_GetObjectItem (description, "box_head"), "bbox_reg_weights");
  char *text = cJSON_PrintUnformatted (weights);
  g_assert_cmpstr (text, ==, "[10,10,5,5]");
  cJSON_free (text);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/import/yaml/scalars", test_scalars);
  g_test_add_func ("/import/yaml/collections", test_collections);
  g_test_add_func ("/import/yaml/refusals", test_refusals);
  g_test_add_func ("/import/yaml/bombs", test_bombs);
  g_test_add_func ("/import/yaml/config-dump", test_config_dump);
  return g_test_run ();
}
