/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a picture, and what is known of it, becomes a sample: a part of it or more than it is cut out,
 * resized, mirrored, its colours changed, softened, roughened, a part of it covered. Semantics: detectron2 data/transforms/
 * (ResizeShortestEdge, RandomFlip, RandomCrop and RandomExtent, RandomBrightness, RandomContrast,
 * RandomSaturation), data/detection_utils.py transform_instance_annotations; D2Go trains with the
 * first two.
 *
 * Chosen first, from the picture's size and a key; then applied to pixels, boxes, points and masks
 * alike.
 */
#ifndef FBNET_TRAIN_AUGMENT_H
#define FBNET_TRAIN_AUGMENT_H

#include "base/box.h"
#include "picture/image.h"
#include "support/picture.h"
#include "train/randomkey.h"

#define AUGMENT_MAX_SIZES 32

/* Probabilities and strengths are from 0, which is off, to 1; zoom_out may be more. */
typedef struct {
  /* The shorter side: one of these (INPUT.MIN_SIZE_TRAIN, "choice"), or anything from the first to
   * the second ("range"); less when the longer one would exceed max_size (MAX_SIZE_TRAIN). */
  guint min_sizes[AUGMENT_MAX_SIZES];
  guint n_min_sizes;
  gboolean size_range;
  guint max_size;

  /* A classifier's sample is a square of this side. The part that it shows is one, too: of the picture's
   * shorter side, times zoom_in's and zoom_out's number. 0: parts have the picture's shape. */
  guint square;

  double flip;          /* probability of left and right exchanged */
  double flip_vertical; /* of top and bottom */

  /* The part of the picture that the sample shows: its sides are the picture's times one number
   * from 1 - zoom_in to 1 + zoom_out, its place any that has it in the picture (or the picture in
   * it). Beyond the picture it is filled with `border`. A part of more pixels than a picture may have
   * is not taken, but the picture itself. */
  double zoom_in, zoom_out;
  guint8 border[3];   /* in the model's channel order: its mean colour */
  double min_visible; /* objects of whose box a smaller share is left are dropped */

  /* Factors from 1 - strength to 1 + strength: towards black, the sample's mean, grey; or away. Of all
   * that is shown, the border too. */
  double brightness, contrast, saturation;

  double hue;    /* colours turn by up to this share of half a circle (in YIQ) */
  double grey;   /* probability of no colours at all */
  double blur;   /* standard deviation of up to so many pixels of the sample */
  double noise;  /* bell-shaped, of a standard deviation of up to this share of 255 */
  double cutout; /* probability that a rectangle, a tenth to a third of each side, is covered by
                    `border` (DeVries and Taylor 2017); objects stay, whatever is covered */

  double
      mosaic; /* probability that a sample is four pictures, each in its quarter (YOLOv4, Bochkovskiy et
                    al. 2020); zoom and cutout are not for them */

  gboolean bgr; /* the model's channel order */
} AugmentOptions;

/* What D2Go trains with: flips at 0.5, nothing else; sizes 640 to 800, at most 1333; objects stay
 * from a quarter on. Sizes, border and bgr are the model's to say. */
AugmentOptions augment_options_default (void);

/* FALSE with error when an option is out of its range. */
gboolean augment_options_check (const AugmentOptions *options, GError **error);

/* What was chosen. */
typedef struct {
  gint x, y; /* the part shown, in the picture's pixels; its corner may lie outside */
  guint width, height;
  guint min_size;                      /* of those to choose from */
  guint network_width, network_height; /* the part's size in the sample */
  gboolean flip, flip_vertical;
  double brightness, contrast, saturation; /* factors; 1: as it is */
  double hue;                              /* radians */
  gboolean grey;
  guint blur;   /* passes of a kernel of 1, 2, 1 */
  double noise; /* standard deviation */
  RandomKey noise_key;
  guint cut_x, cut_y, cut_width, cut_height; /* of the sample; width 0: nothing */
} Augmentation;

/* For a picture of this size. */
Augmentation augment_choose (const AugmentOptions *options, guint width, guint height,
    RandomKey key);

/* Whether the key's sample is a mosaic; and makes the augmentation, chosen for another picture, show all of
 * this one in a quarter, 0 … 3 row by row, of the same sample. FALSE: it would be too large. */
gboolean augment_is_mosaic (const AugmentOptions *options, RandomKey key);
gboolean augment_show_quarter (Augmentation *augmentation, guint width, guint height,
    guint quarter);

/* Makes it show the whole picture and nothing but it. */
void augment_show_all (Augmentation *augmentation, const AugmentOptions *options, guint width,
    guint height);

/* From the picture to the sample, in double precision. */
void augment_point (const Augmentation *augmentation, double *x, double *y);

/* A box of the picture in the sample, before and after it is cut to what the sample shows. */
Box augment_box (const Augmentation *augmentation, const Box *box);
Box augment_clip (const Augmentation *augmentation, const Box *box);

/* bits: network_height × network_width bytes made of `mask`, height × width bytes of the picture;
 * each takes the nearest, as Pillow resizes with NEAREST; 0 outside. */
void augment_bits (const Augmentation *augmentation, guint8 *bits, const guint8 *mask, guint width,
    guint height);

/* pixels: network_height × network_width × 3. */
gboolean augment_pixels (const Augmentation *augmentation, const AugmentOptions *options,
    guint8 *pixels, const Picture *picture, ImageResizer *resizer, GError **error);

#endif
