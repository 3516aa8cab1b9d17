/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels along channels, of floats and of bytes: every row of the table against the definitions;
 * with --bench, their speed.
 */
#include "channels.h"

static void
add_tests (void)
{
  channels_add_float_tests ();
  channels_add_byte_tests ();
}

static void
bench (void)
{
  channels_bench_floats ();
  channels_bench_bytes ();
}

int
main (int argc, char **argv)
{
  return check_main (argc, argv, add_tests, bench);
}
