/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the name that an annotation has for a picture to its file: annotation tools leave out folders and
 * endings, or have those of another machine.
 */
#ifndef FBNET_DATASET_PICTUREFINDER_H
#define FBNET_DATASET_PICTUREFINDER_H

#include <glib.h>

typedef struct PictureFinder PictureFinder;

/* All pictures below the folder. */
PictureFinder *picture_finder_new (const char *folder);
void picture_finder_free (gpointer finder); /* NULL is allowed */

/* As the name says; else the only picture called so without folders; else without ending. NULL: there is
 * none, or (ambiguous) there are several. g_free() it. */
char *picture_finder_find (const PictureFinder *finder, const char *name, gboolean *ambiguous);

#endif
