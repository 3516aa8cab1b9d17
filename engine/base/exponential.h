/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * e^x as ATen computes it with SLEEF (Sleef_expf8_u10, Shibata and Petrogalli, "SLEEF: A Portable
 * Vectorized Library of C Standard Mathematical Functions"), so that scores and boxes have D2Go's
 * bits: the range is reduced to half of ln 2 on either side of 0, the rest is a polynomial. The C
 * library's expf() is as near, but rounds one number in ten the other way.
 */
#ifndef FBNET_EXPONENTIAL_H
#define FBNET_EXPONENTIAL_H

#include <glib.h>
#include <math.h>

/* a × b + c rounded to float: the product is exact in double, and the double's rounding is seen in
 * one sum of 2^29. */
static inline float
exponential_fma (float a, float b, float c)
{
  return (float) ((double) a * b + c);
}

static inline float
exponential (float x)
{
  static const float coefficients[] = { 0.00139304355252534151f, 0.00833336077630519867f,
    0.0416664853692054749f, 0.16666667163372039769f, 0.5f };

  if (!(fabsf (x) <= 104))
    return isnan (x) ? x : x < 0 ? 0 : INFINITY;
  const float n = rintf (x * 1.44269504088896341f);
  const float high = exponential_fma (n, -0.693145751953125f, x);
  const float rest = exponential_fma (n, -1.428606765330187045e-06f, high);
  float sum = 0.000198527617612853646f;
  for (guint i = 0; i < G_N_ELEMENTS (coefficients); i++)
    sum = exponential_fma (sum, rest, coefficients[i]);
  return ldexpf (1 + exponential_fma (rest * rest, sum, rest), (int) n);
}

#endif
