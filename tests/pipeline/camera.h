/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A camera as video4linux has it: a driver that fills one of four buffers for every frame, and loses the
 * frame when none of them is free.
 */
#ifndef TESTS_CAMERA_H
#define TESTS_CAMERA_H

#include <gst/gst.h>

#define CAMERA_N_BUFFERS 4

/* (transfer floating): a live source of `n_frames` frames in NV12, noise that stays the same; the buffers
 * carry the running time at which the driver filled them. */
GstElement *camera_new (guint width, guint height, guint fps, guint n_frames);

/* Frames that found no free buffer. */
guint camera_get_n_lost (GstElement *camera);

#endif
