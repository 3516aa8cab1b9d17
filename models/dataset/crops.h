/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is annotated, cut out: a folder of small pictures for each class, as a classifier learns from. A detector of
 * little data, or of things that look alike, learns faster from the trunk of such a classifier than from nothing.
 */
#ifndef FBNET_DATASET_CROPS_H
#define FBNET_DATASET_CROPS_H

#include "labelset.h"

/* Cut out of pictures that show none of the objects. */
#define CROPS_NOTHING "nothing"

/* Writes FOLDER/CLASS/NUMBER.jpg, squares of `side` pixels, of the pictures whose flag is `flag`. An object is not
 * enlarged: a smaller one is seen with what is around it, a larger one reduced with a margin around it. What lies
 * beyond the picture's edge is grey. FALSE with error. */
gboolean crops_write (const LabelSet *set, const gboolean *flags, gboolean flag, guint side,
    const char *folder, GError **error);

#endif
