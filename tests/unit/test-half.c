/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Half precision, there and back.
 */
#include <math.h>

#include "model/safetensors.h"

static float
half_to_float (guint16 half)
{
  const FbnetTensorView view = { "half", FBNET_DTYPE_F16, 0, { 0 }, &half, sizeof half };

  return tensor_element (&view, 0);
}

/* Every half that is a number is its own nearest. */
static void
test_all (void)
{
  for (guint half = 0; half < 65536; half++) {
    const float x = half_to_float ((guint16) half);
    if (isnan (x))
      g_assert_cmphex (half_from_float (x) & 0x7fff, ==, 0x7e00);
    else
      g_assert_cmphex (half_from_float (x), ==, half);
  }
}

/* Between two halves the nearer one, in the middle the even one. */
static void
test_between (void)
{
  for (guint half = 0; half < 0x7bff; half++) {
    const float low = half_to_float ((guint16) half), high = half_to_float ((guint16) (half + 1));
    const float middle = low + (high - low) / 2; /* exact: one digit more */
    g_assert_cmphex (half_from_float (middle), ==, half + (half & 1));
    g_assert_cmphex (half_from_float (nextafterf (middle, low)), ==, half);
    g_assert_cmphex (half_from_float (nextafterf (middle, high)), ==, half + 1);
    g_assert_cmphex (half_from_float (-middle), ==, (half + (half & 1)) | 0x8000);
  }
}

static void
test_too_large (void)
{
  g_assert_cmphex (half_from_float (65504), ==, 0x7bff);
  g_assert_cmphex (half_from_float (65519.99f), ==, 0x7bff);
  g_assert_cmphex (half_from_float (65520), ==, 0x7c00);
  g_assert_cmphex (half_from_float (-INFINITY), ==, 0xfc00);
  g_assert_cmphex (half_from_float (1e-30f), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/half/all", test_all);
  g_test_add_func ("/half/between", test_between);
  g_test_add_func ("/half/too-large", test_too_large);
  return g_test_run ();
}
