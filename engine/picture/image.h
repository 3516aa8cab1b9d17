/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frame to network input in one pass over the source: colour, antialiased resize, mean and standard
 * deviation, padding. Semantics: detectron2 ResizeShortestEdge, Pillow's 8-bit bilinear resize (bit
 * for bit), GeneralizedRCNN.preprocess_image.
 */
#ifndef FBNET_IMAGE_H
#define FBNET_IMAGE_H

#include "fbnet/fbnet.h"
#include "kernels/picture.h"
#include "base/tensor.h"
#include "base/workers.h"

/* ResizeShortestEdge.get_output_shape: never below 1. */
void image_network_size (gsize frame_height, gsize frame_width, gsize min_size, gsize max_size,
    gsize *network_height, gsize *network_width);

/* Everything that depends on the sizes, and nothing on the pixels. Kept and reused from frame to
 * frame. */
typedef struct ImageResizer ImageResizer;

/* NULL: the best kernels that this processor runs. */
ImageResizer *image_resizer_new (const PictureKernels *kernels);
void image_resizer_free (ImageResizer *resizer); /* NULL is allowed */

/* Makes room for frames of this size and `n_threads`; cheap when nothing changed. Sides are 1 … 32767;
 * larger ones: FBNET_ERROR_ARGUMENT. */
gboolean image_resizer_prepare (ImageResizer *resizer, gsize frame_height, gsize frame_width,
    gsize network_height, gsize network_width, guint n_threads, GError **error);

/* A view of a region of an image, widened to the left and upwards where its format shares chroma between
 * pixels; returns the region that it is of. */
FbnetRegion image_view (FbnetImage *view, const FbnetImage *image, const FbnetRegion *region);

/* Reads `image` (of the prepared frame size), converts it to R'G'B' 8 bit, resizes it, and writes it
 * as 8-bit pixels in channel order R, G, B or (bgr) B, G, R: [network_height][network_width][3].
 * Same bits for any number of threads. Within a frame of the workers, bands suit
 * those that are free. */
void image_resize (ImageResizer *resizer, guint8 *out, const FbnetImage *image, gboolean bgr,
    Workers *workers);

/* The same of a view of a frame of this height, which says where its chroma lies. */
void image_resize_view (ImageResizer *resizer, guint8 *out, const FbnetImage *view,
    gsize frame_height, gboolean bgr, Workers *workers);

/* out (h × w × 3, h >= height, w >= width) = (pixel - mean) / std, in float32; zeros to the right
 * and below. */
void image_normalize (Tensor *out, const guint8 *pixels, gsize height, gsize width,
    const float mean[3], const float std[3], Workers *workers);

#endif
