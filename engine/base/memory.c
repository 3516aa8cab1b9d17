/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that may not be had; see memory.h. The only file of the engine that asks for such.
 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fbnet/fbnet.h"

/* Blocks of this size and more come in such pages, where the system has them: fewer addresses to look up, and the C
 * library gives the block back to the system when it is freed. */
#define HUGE_PAGE ((gsize) 2 << 20)

static gpointer
or_error (gpointer memory, gsize n, gsize size, GError **error)
{
  if (memory != NULL)
    return memory;
  if (n > 1 && size > 1)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT " bytes of memory, found less", n, size);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "expected %" G_GSIZE_FORMAT " bytes of memory, found less", MAX (n, 1) * size);
  return NULL;
}

gpointer
memory_take (gsize n, gsize size, GError **error)
{
  return or_error (g_try_malloc_n (MAX (n, 1), size), n, size, error);
}

gpointer
memory_take_zeros (gsize n, gsize size, GError **error)
{
  return or_error (g_try_malloc0_n (MAX (n, 1), size), n, size, error);
}

gpointer
memory_resize (gpointer array, gsize n, gsize size, GError **error)
{
  return or_error (g_try_realloc_n (array, MAX (n, 1), size), n, size, error);
}

gboolean
memory_renew_at (gpointer variable, gsize n, gsize size, GError **error)
{
  gpointer array;

  memcpy (&array, variable, sizeof array); /* a pointer to anything */
  array = memory_resize (array, n, size, error);
  if (array == NULL)
    return FALSE;
  memcpy (variable, &array, sizeof array);
  return TRUE;
}

gpointer
memory_grow (gpointer array, gsize *room, gsize n, gsize size, GError **error)
{
  const gsize wanted = MAX (n, 2 * *room);

  if (n <= *room && array != NULL)
    return array;
  const gpointer grown = memory_resize (array, wanted, size, error);
  if (grown != NULL)
    *room = wanted;
  return grown;
}

gpointer
memory_copy (gconstpointer from, gsize bytes, GError **error)
{
  const gpointer copy = memory_take (bytes, 1, error);

  if (copy != NULL && bytes > 0)
    memcpy (copy, from, bytes);
  return copy;
}

char *
memory_copy_text (const char *text, GError **error)
{
  return text != NULL ? memory_copy (text, strlen (text) + 1, error) : NULL;
}

gpointer
memory_take_aligned (gsize bytes, GError **error)
{
  const gsize alignment = bytes < HUGE_PAGE ? MEMORY_ALIGNMENT : HUGE_PAGE;
  /* Aligned_alloc() wants whole multiples. */
  const gsize size = (MAX (bytes, 1) + alignment - 1) & ~(alignment - 1);
  const gpointer memory = size >= bytes ? aligned_alloc (alignment, size) : NULL;

#ifdef MADV_HUGEPAGE
  if (memory != NULL && alignment == HUGE_PAGE)
    madvise (memory, bytes & ~(HUGE_PAGE - 1), MADV_HUGEPAGE); /* none is half empty */
#endif
  return or_error (memory, bytes, 1, error);
}
