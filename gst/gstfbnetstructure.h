/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was found as GstStructures, for those who read metadata and signals without this project's
 * headers: docs/metadata.md.
 */
#ifndef GST_FBNET_STRUCTURE_H
#define GST_FBNET_STRUCTURE_H

#include "gstfbnetresult.h"

G_BEGIN_DECLS

/* All of them (transfer full). `index` is of a detection. */

/* "detection": class, confidence, and the exact box as fractions of the frame, the form that DL Streamer
 * and others read. */
GstStructure *gst_fbnet_structure_new_detection (const GstFbnetResult *result, guint index);

/* (nullable): "mask", of the region's rectangle; NULL without one. */
GstStructure *gst_fbnet_structure_new_mask (const GstFbnetResult *result, guint index);

/* (nullable): "keypoints"; NULL without. */
GstStructure *gst_fbnet_structure_new_keypoints (const GstFbnetResult *result, guint index);

/* (nullable): "object_id" and "track", of a detection that is an object's; NULL where none is followed. */
GstStructure *gst_fbnet_structure_new_object_id (const GstFbnetResult *result, guint index);
GstStructure *gst_fbnet_structure_new_track (const GstFbnetResult *result, guint index);

/* "classification", of a frame that has a class. */
GstStructure *gst_fbnet_structure_new_classification (const GstFbnetResult *result);

/* "fbnetdetect": when the frame was looked at, and what the detection is by the references; -1 for the
 * frame itself. */
GstStructure *gst_fbnet_structure_new_inference (const GstFbnetResult *result, gint index);

/* "detections": everything, for the signal new-detections. */
GstStructure *gst_fbnet_structure_new_detections (const GstFbnetResult *result);

G_END_DECLS

#endif
