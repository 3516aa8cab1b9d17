/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words as pictures of how much ink covers each pixel: each is set once and kept.
 */
#ifndef GST_FBNET_TEXT_H
#define GST_FBNET_TEXT_H

#include <glib.h>

G_BEGIN_DECLS

/* Fonts, and the words that were set so far. One thread at a time. */
typedef struct _GstFbnetText GstFbnetText;

typedef struct {
  gint width, height; /* the line's: all words of a size are equally high */
  gsize stride;
  guint8 *cover; /* (nullable): NULL without memory: there is nothing to be seen of the word */
} GstFbnetWord;

GstFbnetText *gst_fbnet_text_new (void);
void gst_fbnet_text_free (GstFbnetText *text); /* NULL is allowed */

/* (transfer none): valid until the next gst_fbnet_text_trim(). `size`: of the font, in pixels. */
const GstFbnetWord *gst_fbnet_text_get (GstFbnetText *text, const char *word, gint size);

/* Forgets all when there are more words than a stream can have use for. */
void gst_fbnet_text_trim (GstFbnetText *text);

G_END_DECLS

#endif
