/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory whose size is reckoned from a file, a frame or parameters: not to have it is an error, where
 * GLib's own calls would end the host. Those are for names, messages and single structs, below 4 KiB.
 */
#ifndef FBNET_MEMORY_H
#define FBNET_MEMORY_H

#include <glib.h>

#define MEMORY_ALIGNMENT 64

/* n numbers or structs of a type, of undefined contents or all zero; n may be 0. NULL with error
 * (FBNET_ERROR_MEMORY). Freed with g_free(). */
#define memory_new(Type, n, error)  ((Type *) memory_take ((n), sizeof (Type), (error)))
#define memory_new0(Type, n, error) ((Type *) memory_take_zeros ((n), sizeof (Type), (error)))
gpointer memory_take (gsize n, gsize size, GError **error);
gpointer memory_take_zeros (gsize n, gsize size, GError **error);

/* The array with n elements of `size` bytes; NULL with error: then it is as it was. */
gpointer memory_resize (gpointer array, gsize n, gsize size, GError **error);

/* Gives an array, of which the variable is named, room for n elements; FALSE with error: it is as it was. */
#define memory_renew(array, n, error) memory_renew_at (&(array), (n), sizeof *(array), (error))
gboolean memory_renew_at (gpointer variable, gsize n, gsize size, GError **error);

/* The array with room for n elements or more, in *room; NULL with error, as above. */
gpointer memory_grow (gpointer array, gsize *room, gsize n, gsize size, GError **error);

/* Copies. Of no text: NULL without error. */
gpointer memory_copy (gconstpointer from, gsize bytes, GError **error);
char *memory_copy_text (const char *text, GError **error);

/* At an address that is a multiple of MEMORY_ALIGNMENT, and rounded up to one. Freed with free(). */
gpointer memory_take_aligned (gsize bytes, GError **error);

#endif
