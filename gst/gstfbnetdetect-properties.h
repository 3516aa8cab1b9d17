/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties, for gtk-doc and hotdoc: test-inspect --blocks writes this file of what the
 * plugin says.
 */

/**
 * GstFbnetDetect:model-file:
 *
 * Model file to detect with (unset = the bundled model); a new one is loaded in the background
 * while playing.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:model-sha256:
 *
 * SHA-256 that the model file must have, in hexadecimal digits (unset = any); before another
 * model-file set this first.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:label-file:
 *
 * Text file with one label per class and line, instead of the model's labels.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:scheduling:
 *
 * When inference runs in relation to the stream.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:enable:
 *
 * Detect; otherwise frames pass untouched.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:inference-interval:
 *
 * Look at every Nth frame.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:max-inference-rate:
 *
 * Look at no more than so many frames a second (0/1 = no limit).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:qos:
 *
 * Do not look at frames that would be shown too late; they pass.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:on-skip:
 *
 * What frames carry that were not looked at.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:repeat-timeout:
 *
 * For how long a result is repeated, in ns.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:inference-region:
 *
 * What is looked at: the frame, or the regions that came with it.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:roi:
 *
 * Part of the frame to look at, in pixels: x, y, width, height (unset = the whole frame).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:object-class:
 *
 * Label of the regions to look into with inference-region=roi-list (unset = all).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:post-messages:
 *
 * Tell results as element messages on the bus.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:meta-types:
 *
 * Kinds of metadata to attach.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:class-thresholds:
 *
 * score-threshold class by class: fields are labels (spaces as _) or numbers of classes.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:include-classes:
 *
 * Labels or numbers of the classes to detect, separated by ; (unset = all).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:exclude-classes:
 *
 * Labels or numbers of classes not to detect, separated by ;.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:top-classes:
 *
 * Classes that a classifier tells of a frame, the most probable so many.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:evaluate:
 *
 * Compare detections with the regions that are on the frames already.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:tracking:
 *
 * Follow objects from frame to frame: each has an id.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:still-threshold:
 *
 * Do not look at frames that differ from the last one looked at nowhere by more than so many levels
 * of a pixel of the network (0 = look at them).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:track-timeout:
 *
 * For how long a track is kept that is not seen, in ns.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:overlay:
 *
 * Draw the detections into the frames.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:overlay-mode:
 *
 * Whether drawings go into the frames or beside them, for a sink to blend.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:draw-boxes:
 *
 * Draw boxes.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:draw-labels:
 *
 * Draw labels.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:draw-scores:
 *
 * Draw probabilities.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:draw-masks:
 *
 * Tint the objects' pixels.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:draw-keypoints:
 *
 * Draw keypoints, and the skeleton between COCO's.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:color-by:
 *
 * What a colour stands for.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:outline-color:
 *
 * Colour of boxes and masks, 0xAARRGGBB (0 = from the palette).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:labels-color:
 *
 * Colour of the text of labels, 0xAARRGGBB (0 = black or white, by the palette).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:line-width:
 *
 * Width of lines in a frame of 480 rows; others in proportion.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:mask-alpha:
 *
 * Opacity of masks.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:threads:
 *
 * Threads that work on a frame (0 = one per processor).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:kernels:
 *
 * Kernel set: c, openblas, sse41, avx2, avxvnni, avx512, amx, neon, neondot, neoni8mm (unset = the
 * best).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:precision:
 *
 * Arithmetic.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:int8-bias:
 *
 * Biases of int8 layers that are beyond 32 bits.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:normalization:
 *
 * How the statistics of frames are pooled where norm-statistics is stream.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:memory-limit:
 *
 * Most memory of a frame's tensors, in MiB (0 = 2048).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:multiply-add-limit:
 *
 * Most multiply-adds of a frame, in thousand millions (0 = 1000).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:score-threshold:
 *
 * A detection is more probable than this.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:iou-threshold:
 *
 * Of two detections of a class that overlap more, the better stays (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:class-agnostic-nms:
 *
 * Suppress overlapping detections of different classes too.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:max-detections:
 *
 * Most detections per frame, best first.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:min-object-width:
 *
 * Least width of a detection, in pixels of the frame (0 = any).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:min-object-height:
 *
 * Least height of a detection, in pixels of the frame (0 = any).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:max-object-width:
 *
 * Greatest width of a detection, in pixels of the frame (0 = any).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:max-object-height:
 *
 * Greatest height of a detection, in pixels of the frame (0 = any).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:rpn-iou-threshold:
 *
 * Of two region proposals that overlap more, the better stays (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:pre-nms-count:
 *
 * Proposals per feature level before suppression (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:post-nms-count:
 *
 * Proposals after suppression (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:min-proposal-size:
 *
 * A proposal's sides are greater than this, in pixels of the network (unset = any) (default: the
 * model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:box-pooler-resolution:
 *
 * Side of a region's features for the box head (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:mask-pooler-resolution:
 *
 * Side of a region's features for the mask head (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:min-size:
 *
 * Shorter side that frames are resized to, in pixels (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:max-size:
 *
 * Bound of the longer side of resized frames, in pixels (0 = the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:masks:
 *
 * Find the objects' masks (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:mask-threshold:
 *
 * Least probability of a pixel of a mask.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:keypoints:
 *
 * Find the objects' keypoints (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:norm-statistics:
 *
 * Where batch normalization has its mean and variance from.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:norm-momentum:
 *
 * How much a frame counts beside those before, where norm-statistics is stream.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:iou-lower:
 *
 * A detection that overlaps no reference by so much is background (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:iou-upper:
 *
 * A detection that overlaps a reference by so much is that object (default: the model's).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:track-min-hits:
 *
 * Looks in which an object is found before its track is told.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:track-score:
 *
 * Which score is told for a track.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:zoom-regions:
 *
 * Second looks at parts of a frame, at most (0 = none).
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:zoom-policy:
 *
 * Which parts.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:zoom-factor:
 *
 * How much larger they are seen.
 *
 * Since: 0.1
 */

/**
 * GstFbnetDetect:stats:
 *
 * Counters; latency and ages in ns; milliseconds per stage: last, mean, p50, p95.
 *
 * Since: 0.1
 */
