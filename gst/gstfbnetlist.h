/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A list whose length is a frame's: not to have memory for it is an error, where a GArray ends the process.
 */
#ifndef GST_FBNET_LIST_H
#define GST_FBNET_LIST_H

#include <glib.h>

G_BEGIN_DECLS

/* As g_array_index() reads it. */
typedef struct {
  char *data;
  guint len, room;
  gsize size; /* of an element */
} GstFbnetList;

GstFbnetList *gst_fbnet_list_new (gsize size);
void gst_fbnet_list_free (GstFbnetList *list); /* NULL is allowed */

/* Room for n elements in all, without which none of the next may be called; FALSE with error. */
gboolean gst_fbnet_list_reserve (GstFbnetList *list, guint n, GError **error);

/* What is new is undefined. */
void gst_fbnet_list_set_length (GstFbnetList *list, guint n);
void gst_fbnet_list_append (GstFbnetList *list, gconstpointer element);
void gst_fbnet_list_insert (GstFbnetList *list, guint index, gconstpointer element);

G_END_DECLS

#endif
