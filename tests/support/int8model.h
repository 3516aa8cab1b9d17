/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small network of tests/data in int8.
 */
#ifndef TESTS_INT8MODEL_H
#define TESTS_INT8MODEL_H

/* (transfer full): the name of a temporary file, tiny-bn quantised by one drawn picture, for the caller to remove. */
char *int8_model_file (void);

#endif
