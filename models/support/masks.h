/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks as runs: read from annotation and results files, made of detections, written, and what COCO's
 * metrics want to know of them. The polygons' pixels and the overlaps are those of pycocotools (cocoapi,
 * maskApi.c), to the bit.
 */
#ifndef FBNET_SUPPORT_MASKS_H
#define FBNET_SUPPORT_MASKS_H

#include <cjson/cJSON.h>
#include <glib.h>

#include "fbnet/fbnet.h"
#include "picture.h"

/* Polygons reach no further out than this, which is farther than any picture. */
#define RLE_MASK_MAX_COORDINATE (3 * PICTURE_MAX_SIDE)

/* Runs of 0 and 1 in turn, 0 first, down the columns; they add up to width × height. */
typedef struct {
  guint width, height;
  guint32 *runs;
  guint n_runs;
} RleMask;

/* A COCO "segmentation" of a picture of width × height pixels: an array of polygons, or an object of
 * "size" and "counts", the latter an array of runs or pycocotools' string. Polygons need the
 * picture's size, runs bring their own. NULL with error, whose message begins with `where`. */
RleMask *rle_mask_from_json (const cJSON *segmentation, guint width, guint height,
    const char *where, GError **error);

/* A list of numbers where a list of polygons belongs, as VIA writes it: one polygon. */
gboolean polygon_is_alone (const cJSON *polygons);

/* Whether it has three points at least, and no half one. */
gboolean polygon_is_whole (const cJSON *polygon);

/* Appends a whole polygon's numbers (double), x, y, x, y …. FALSE with error, whose message begins with
 * `where`, when one is none, or far outside of any picture. */
gboolean polygon_append (GArray *points, const cJSON *polygon, const char *where, GError **error);

/* The pixels of one polygon, n_points × (x, y), as pycocotools' rleFrPoly sets them. NULL with error
 * when a coordinate is far outside of any picture, or the picture is empty or too large. */
RleMask *rle_mask_from_polygon (const double *points, guint n_points, guint width, guint height,
    const char *where, GError **error);

/* A detection's mask in a frame of frame_width × frame_height pixels, both at least 1 and their product
 * below 2^32. The mask's rectangle lies inside the frame. Without pixels, or with an empty rectangle: all
 * of it is background. */
RleMask *rle_mask_from_detection (const FbnetMask *mask, guint frame_width, guint frame_height);

void rle_mask_free (RleMask *mask); /* NULL is allowed */

/* The runs as pycocotools' mask.encode() writes them; g_free() it. */
char *rle_mask_print (const RleMask *mask);

/* COCO's object around that: {"size":[height,width],"counts":"…"}; the caller owns it. */
cJSON *rle_mask_to_json (const RleMask *mask);

/* The same of a detection's mask. */
cJSON *rle_detection_to_json (const FbnetMask *mask, guint frame_width, guint frame_height);

/* Sets the mask's pixels to 1 in `pixels`, height rows of width bytes; others stay. */
void rle_mask_paint (const RleMask *mask, guint8 *pixels);

/* Pixels that are set. */
guint64 rle_mask_area (const RleMask *mask);

/* x, y, width and height around them; all 0 if there are none. */
void rle_mask_bounds (const RleMask *mask, double bounds[4]);

/* Intersection over union, or over the area of `mask` when `crowd`; 0 for masks of different size. */
double rle_mask_overlap (const RleMask *mask, const RleMask *object, gboolean crowd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RleMask, rle_mask_free)

#endif
