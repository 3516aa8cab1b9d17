/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model's file, read once: what is checked is what is used, whatever becomes of the file afterwards.
 */
#ifndef FBNET_READONCE_H
#define FBNET_READONCE_H

#include <glib.h>

/* The whole of a regular file of at most 1 GiB, 64-byte aligned. NULL with error: FBNET_ERROR_NOT_FOUND,
 * FBNET_ERROR_IO, FBNET_ERROR_FORMAT for what is no model file, FBNET_ERROR_MEMORY. */
GBytes *read_once (const char *path, GError **error);

#endif
