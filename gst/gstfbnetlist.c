/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A list that may find no memory.
 */
#include "gstfbnetlist.h"

#include <fbnet/fbnet.h>
#include <string.h>

GstFbnetList *
gst_fbnet_list_new (gsize size)
{
  GstFbnetList *list = g_new0 (GstFbnetList, 1);

  list->size = size;
  return list;
}

void
gst_fbnet_list_free (GstFbnetList *list)
{
  if (list == NULL)
    return;
  g_free (list->data);
  g_free (list);
}

gboolean
gst_fbnet_list_reserve (GstFbnetList *list, guint n, GError **error)
{
  const gsize room = MAX (n, 2 * (gsize) list->room);

  if (n <= list->room)
    return TRUE;
  char *data = room <= G_MAXUINT ? g_try_realloc_n (list->data, room, list->size) : NULL;
  if (data == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "list: expected %" G_GSIZE_FORMAT " × %" G_GSIZE_FORMAT " bytes of memory, found less",
        room, list->size);
    return FALSE;
  }
  list->data = data;
  list->room = (guint) room;
  return TRUE;
}

void
gst_fbnet_list_set_length (GstFbnetList *list, guint n)
{
  g_assert (n <= list->room);
  list->len = n;
}

void
gst_fbnet_list_insert (GstFbnetList *list, guint index, gconstpointer element)
{
  g_assert (list->len < list->room && index <= list->len);
  char *at = list->data + index * list->size;

  memmove (at + list->size, at, (list->len - index) * list->size);
  memcpy (at, element, list->size);
  list->len++;
}

void
gst_fbnet_list_append (GstFbnetList *list, gconstpointer element)
{
  gst_fbnet_list_insert (list, list->len, element);
}
