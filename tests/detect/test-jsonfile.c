/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tools' JSON helpers.
 */
#include <math.h>
#include <string.h>

#include "support/jsonfile.h"

static void
assert_same_float (float value)
{
  g_autoptr (cJSON) item = json_new_float (value);
  g_autofree char *text = json_print_line (item);
  const float found = (float) g_ascii_strtod (text, NULL);
  if (memcmp (&found, &value, sizeof value) != 0)
    g_error ("%.9g was written as %s", value, text);
}

/* Every float is read back as the same float: edge values, and 100000 random bit patterns. */
static void
test_floats_round_trip (void)
{
  static const float edges[] = { 0, -0.0f, 1, 0.1f, 1 / 3.0f, 16777216, 3.4028235e38f, 1e-45f,
    1.17549435e-38f, 0.9999999f, 1.0000001f, 8388608.5f };
  for (guint i = 0; i < G_N_ELEMENTS (edges); i++)
    assert_same_float (edges[i]);
  for (guint i = 0; i < 100000; i++) {
    const guint32 bits = g_test_rand_int ();
    float value;
    memcpy (&value, &bits, sizeof value);
    if (isfinite (value))
      assert_same_float (value);
  }
}

/* Short where short is enough, so that output reads well: 0.1 is not 0.100000001. */
static void
test_floats_are_short (void)
{
  static const struct {
    float value;
    const char *expected;
  } cases[] = { { 0.1f, "0.1" }, { 640, "640" }, { 0.05f, "0.05" }, { 0, "0" } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (cJSON) item = json_new_float (cases[i].value);
    g_autofree char *text = json_print_line (item);
    g_assert_cmpstr (text, ==, cases[i].expected);
  }
}

/* What JSON cannot say becomes null instead of invalid JSON. */
static void
test_not_finite (void)
{
  static const float values[] = { NAN, INFINITY, -INFINITY };
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (cJSON) item = json_new_float (values[i]);
    g_assert_true (cJSON_IsNull (item));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/floats-round-trip", test_floats_round_trip);
  g_test_add_func ("/json/floats-are-short", test_floats_are_short);
  g_test_add_func ("/json/not-finite", test_not_finite);
  return g_test_run ();
}
