/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In builds for the leak sanitizer: what it is to pass over. As a part of each program, as confined ones cannot read a file
 * that says so.
 */
const char *__lsan_default_suppressions (void);

/* fontconfig keeps its configuration until the process ends. */
__attribute__ ((visibility ("default"))) const char *
__lsan_default_suppressions (void)
{
  return "leak:libfontconfig\n";
}
