/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which classes are detected, and from which probability on: the properties that name classes, as a
 * threshold for each.
 */
#ifndef GST_FBNET_CLASSES_H
#define GST_FBNET_CLASSES_H

#include "gstfbnetnetwork.h"
#include "gstfbnetsettings.h"

G_BEGIN_DECLS

/* Sets `params`' class_thresholds to the network's `thresholds`; to NULL where no property names classes. A sentence
 * goes to `unknown` for every class that the network lacks, and which is thus left out. */
void gst_fbnet_classes_apply (const GstFbnetSettings *settings, const GstFbnetNetwork *network,
    FbnetParams *params, GPtrArray *unknown);

G_END_DECLS

#endif
