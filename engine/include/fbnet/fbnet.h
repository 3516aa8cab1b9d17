/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libfbnet: FBNet detectors on an ordinary CPU.
 *
 *   model    = fbnet_model_load ("model.safetensors", &error);
 *   detector = fbnet_detector_new (model, NULL, &error);
 *   found    = fbnet_detections_new ();
 *   fbnet_detector_run (detector, &image, found, &error);
 *   for (guint i = 0; i < found->n; i++) use (found->items[i]);
 *
 * Errors. Whatever can go wrong outside the caller's code returns FALSE or NULL and sets a
 * #GError of domain %FBNET_ERROR; a caller's mistake is a GLib critical. The library never prints,
 * exits, or changes process-wide state.
 *
 * Threads. A #FbnetModel is immutable and may be used from any thread. A #FbnetDetector and a
 * #FbnetDetections belong to one thread at a time.
 *
 * Languages. What a program has to free is a boxed type (%FBNET_TYPE_MODEL, …), and the comments have the
 * annotations that GObject introspection reads: docs/python.md.
 */
#ifndef FBNET_H
#define FBNET_H

#include <glib-object.h>

G_BEGIN_DECLS

#if defined(FBNET_COMPILATION) && defined(__GNUC__)
#  define FBNET_API __attribute__ ((visibility ("default")))
#else
#  define FBNET_API
#endif

/**
 * fbnet_version:
 * Returns: (transfer none): the library's version as "MAJOR.MINOR.MICRO". Since 0.1
 */
FBNET_API const char *fbnet_version (void);

/* --- Errors ----------------------------------------------------------------------------------- */

#define FBNET_ERROR (fbnet_error_quark ())

/**
 * FbnetError:
 * @FBNET_ERROR_NOT_FOUND: the file does not exist
 * @FBNET_ERROR_IO: the file cannot be read or written
 * @FBNET_ERROR_FORMAT: the file is damaged, or is not what it should be
 * @FBNET_ERROR_UNSUPPORTED: the file is sound but asks for something this version cannot do
 * @FBNET_ERROR_ARGUMENT: a parameter is out of its range
 * @FBNET_ERROR_MEMORY: memory could not be had, or more than memory-limit would be needed
 * @FBNET_ERROR_CANCELLED: fbnet_detector_cancel() ended the run
 * @FBNET_ERROR_WORK: a frame would need more multiply-adds than multiply-add-limit
 *
 * Every message names the file or parameter, what was expected and what was found. Since 0.1
 */
typedef enum {
  FBNET_ERROR_NOT_FOUND,
  FBNET_ERROR_IO,
  FBNET_ERROR_FORMAT,
  FBNET_ERROR_UNSUPPORTED,
  FBNET_ERROR_ARGUMENT,
  FBNET_ERROR_MEMORY,
  FBNET_ERROR_CANCELLED,
  FBNET_ERROR_WORK,
} FbnetError;

FBNET_API GQuark fbnet_error_quark (void);

/* --- Tensors ---------------------------------------------------------------------------------- */

/**
 * FbnetDtype:
 *
 * Element types of the safetensors format that model files use. Since 0.1
 */
typedef enum {
  FBNET_DTYPE_F32,
  FBNET_DTYPE_F16,
  FBNET_DTYPE_I64,
  FBNET_DTYPE_I32,
  FBNET_DTYPE_I8,
  FBNET_DTYPE_U8,
} FbnetDtype;

#define FBNET_MAX_DIMS 8

/**
 * FbnetTensorView:
 * @name: the name, as in D2Go's state_dict
 * @dtype: element type
 * @n_dims: number of dimensions; 0 is a scalar
 * @shape: the dimensions, outermost first
 * @data: @n_bytes little-endian bytes, C order
 *
 * A named array that somebody else owns. Since 0.1
 */
typedef struct {
  const char *name;
  FbnetDtype dtype;
  guint n_dims;
  gsize shape[FBNET_MAX_DIMS];
  const void *data;
  gsize n_bytes;
} FbnetTensorView;

/**
 * fbnet_dtype_name:
 * Returns: (transfer none): the safetensors name, "F32", "I64", … Since 0.1
 */
FBNET_API const char *fbnet_dtype_name (FbnetDtype dtype);

/**
 * fbnet_dtype_size:
 * Returns: bytes per element. Since 0.1
 */
FBNET_API gsize fbnet_dtype_size (FbnetDtype dtype);

/* --- Models ----------------------------------------------------------------------------------- */

/**
 * FbnetModel:
 *
 * What a model file says, checked. Immutable, reference-counted. Since 0.1
 */
typedef struct _FbnetModel FbnetModel;

typedef enum {
  FBNET_TASK_DETECTION,
  FBNET_TASK_CLASSIFICATION,
} FbnetTask;

/**
 * fbnet_model_load:
 * @path: (type filename): a model file (models/FORMAT.md)
 *
 * Maps the file and checks everything in it: the safetensors structure, the description, that the
 * architecture can be built, that every tensor it needs is there with the right shape and type and
 * holds finite numbers.
 *
 * Returns: (transfer full): the model, or NULL with @error set. Since 0.1
 */
FBNET_API FbnetModel *fbnet_model_load (const char *path, GError **error);

/**
 * fbnet_model_load_bytes:
 * @bytes: a model file's contents; a reference is kept
 * @name: what to call it in error messages
 *
 * Returns: (transfer full): as fbnet_model_load(). Since 0.1
 */
FBNET_API FbnetModel *fbnet_model_load_bytes (GBytes *bytes, const char *name, GError **error);

FBNET_API FbnetModel *fbnet_model_ref (FbnetModel *model);
FBNET_API void fbnet_model_unref (FbnetModel *model); /* NULL is allowed */

/**
 * fbnet_model_get_name:
 * Returns: (transfer none): e.g. "faster_rcnn_fbnetv3a_C4". Since 0.1
 */
FBNET_API const char *fbnet_model_get_name (const FbnetModel *model);

/**
 * fbnet_model_get_sha256:
 *
 * Of the file as it was read when it was loaded; reckoned anew each time.
 *
 * Returns: (transfer full): 64 hexadecimal digits, lower case. Since 0.1
 */
FBNET_API char *fbnet_model_get_sha256 (const FbnetModel *model);
FBNET_API FbnetTask fbnet_model_get_task (const FbnetModel *model);

/**
 * fbnet_model_get_description:
 * Returns: (transfer none): the JSON text embedded in the file. Since 0.1
 */
FBNET_API const char *fbnet_model_get_description (const FbnetModel *model);
FBNET_API guint fbnet_model_get_n_classes (const FbnetModel *model);

/**
 * fbnet_model_get_label:
 * @class_id: 0 … n_classes - 1
 * Returns: (transfer none) (nullable): the label, or NULL if the file names none. Since 0.1
 */
FBNET_API const char *fbnet_model_get_label (const FbnetModel *model, guint class_id);
FBNET_API gboolean fbnet_model_has_masks (const FbnetModel *model);

/**
 * fbnet_model_get_n_keypoints:
 * Returns: keypoints per object; 0 without a keypoint head. Since 0.1
 */
FBNET_API guint fbnet_model_get_n_keypoints (const FbnetModel *model);

/**
 * fbnet_model_is_quantized:
 * Returns: whether it has int8 weights to run in int8. Since 0.1
 */
FBNET_API gboolean fbnet_model_is_quantized (const FbnetModel *model);

/**
 * FbnetNormalization:
 * @FBNET_NORMALIZATION_AUTO: as the model was trained
 * @FBNET_NORMALIZATION_GN: group normalization: mean and variance of each image, per group of
 *   channels
 * @FBNET_NORMALIZATION_SYNC_BN: batch normalization whose statistics are pooled over all pixels of
 *   all images: an image weighs as many pixels as it has
 * @FBNET_NORMALIZATION_NAIVE_SYNC_BN: the same, but every contribution counts alike, whatever its
 *   size: the mean of means and the mean of mean-squares
 *
 * docs/normalization.md. Since 0.1
 */
typedef enum {
  FBNET_NORMALIZATION_AUTO,
  FBNET_NORMALIZATION_GN,
  FBNET_NORMALIZATION_SYNC_BN,
  FBNET_NORMALIZATION_NAIVE_SYNC_BN,
} FbnetNormalization;

/**
 * fbnet_model_get_normalization:
 * Returns: how the model was trained, plain batch normalization being FBNET_NORMALIZATION_SYNC_BN;
 *   FBNET_NORMALIZATION_AUTO if none of its norms takes statistics (frozen ones, and none at all).
 *   Since 0.1
 */
FBNET_API FbnetNormalization fbnet_model_get_normalization (const FbnetModel *model);

/**
 * fbnet_model_get_n_parameters:
 * Returns: learnable numbers (no batch statistics). Since 0.1
 */
FBNET_API guint64 fbnet_model_get_n_parameters (const FbnetModel *model);
FBNET_API guint fbnet_model_get_n_tensors (const FbnetModel *model);

/**
 * fbnet_model_get_tensor:
 * @index: 0 … n_tensors - 1, in the file's order
 * @view: (out): valid as long as the model. Since 0.1
 */
FBNET_API void fbnet_model_get_tensor (const FbnetModel *model, guint index, FbnetTensorView *view);

/**
 * fbnet_model_write:
 * @path: (type filename): the file to write, where its links lead; replaced only when all of it was written
 * @description: JSON text, see models/FORMAT.md
 * @tensors: (array length=n_tensors): the tensors; they stand in the file by descending element size, else in this order
 *
 * The writer of the model format. It does not check that the description and the tensors fit each
 * other: fbnet_model_load() does.
 *
 * Returns: FALSE with @error set, and no file left behind, on failure. Since 0.1
 */
FBNET_API gboolean fbnet_model_write (const char *path, const char *description,
    const FbnetTensorView *tensors, guint n_tensors, GError **error);

/* --- Images ----------------------------------------------------------------------------------- */

/**
 * FbnetPixelFormat:
 * Memory layouts, named by byte order as GStreamer names them. Since 0.1
 */
typedef enum {
  FBNET_PIXEL_RGB,
  FBNET_PIXEL_BGR,
  FBNET_PIXEL_RGBX, /* the fourth byte, padding or alpha, is not looked at */
  FBNET_PIXEL_BGRX,
  FBNET_PIXEL_XRGB,
  FBNET_PIXEL_XBGR,
  FBNET_PIXEL_GRAY8,
  FBNET_PIXEL_NV12, /* Y, then interleaved UV at half size */
  FBNET_PIXEL_NV21, /* Y, then interleaved VU at half size */
  FBNET_PIXEL_I420, /* Y, U, V; YV12 is this with planes 1 and 2 exchanged */
  FBNET_PIXEL_YUY2, /* groups of four bytes for two pixels, named by their order: Y U Y V */
  FBNET_PIXEL_UYVY,
  FBNET_PIXEL_YVYU,
  FBNET_PIXEL_NV16,      /* Y, then interleaved UV at half width */
  FBNET_PIXEL_Y42B,      /* Y, U, V; U and V at half width */
  FBNET_PIXEL_Y444,      /* Y, U, V, all of full size */
  FBNET_PIXEL_I420_10LE, /* as I420; 10 bits in the low part of little-endian words of 16 */
  FBNET_PIXEL_I422_10LE, /* as Y42B, likewise */
  FBNET_PIXEL_Y444_10LE, /* as Y444, likewise */
  FBNET_PIXEL_P010_10LE, /* as NV12; 10 bits in the high part of little-endian words of 16 */
  FBNET_PIXEL_GRAY16_LE, /* little-endian words of 16 bits */
  FBNET_PIXEL_RGB16, /* little-endian words: R in the 5 high bits, G in 6, B in the 5 low ones */
  FBNET_PIXEL_BGR16, /* the same with B in the high bits */
} FbnetPixelFormat;

typedef enum {
  FBNET_MATRIX_BT601,
  FBNET_MATRIX_BT709,
  FBNET_MATRIX_BT2020,
  FBNET_MATRIX_SMPTE240M,
  FBNET_MATRIX_FCC,
} FbnetColorMatrix;

typedef enum {
  FBNET_RANGE_LIMITED, /* luma 16…235, chroma 16…240; times 4 of 10 bits, times 256 of 16 */
  FBNET_RANGE_FULL,    /* 0…255, 0…1023, 0…65535 */
} FbnetColorRange;

/**
 * FbnetImage:
 * @width, @height: pixels, at least 1 each
 * @planes: first byte of each plane
 * @strides: bytes from a row to the next, per plane; may be negative
 * @matrix, @range: how Y'CbCr (and grey: @range) become R'G'B'; not looked at for RGB formats
 *
 * A view of a picture that the caller owns. Odd widths and heights of the subsampled formats have
 * their chroma rounded up, so a row of YUY2, UYVY and YVYU is whole groups of four bytes. Words need
 * not be aligned. More than 8 bits are rounded to 8. Chroma is taken to lie where GStreamer assumes it when it is told nothing: between columns and rows up to a height of
 * 576, on the even columns and between rows above. Since 0.1
 */
typedef struct {
  FbnetPixelFormat format;
  guint width, height;
  const guint8 *planes[4];
  gssize strides[4];
  FbnetColorMatrix matrix;
  FbnetColorRange range;
} FbnetImage;

/* --- Detections ------------------------------------------------------------------------------- */

/**
 * FbnetMask:
 * @x, @y, @width, @height: the rectangle of the frame that the mask covers, in pixels
 * @data: (nullable): @width × @height bytes without padding, 255 inside the object and 0 outside;
 *   NULL if the detection has no mask; valid until the detections are next written or freed
 *
 * The rectangle is the box rounded outwards and one pixel more on each side, clipped to the frame
 * (detectron2, paste_masks_in_image); outside it nothing is set. Since 0.1
 */
typedef struct {
  gint x, y, width, height;
  const guint8 *data;
} FbnetMask;

/**
 * FbnetKeypoint:
 * @x, @y: pixels of the frame; (0, 0) is the outer corner of the first pixel; may lie outside it
 * @score: how peaked the heat map is there: 0 or more, seldom above 1
 * Since 0.1
 */
typedef struct {
  float x, y;
  float score;
} FbnetKeypoint;

/**
 * FbnetDetection:
 * @x0, @y0, @x1, @y1: the box in pixels of the frame, clipped to it; (0, 0) is the outer corner of
 *   the first pixel
 * @score: probability, 0…1
 * @class_id: 0 … n_classes - 1
 * @keypoints: (nullable) (array length=n_keypoints): fbnet_model_get_n_keypoints() of them; NULL if the
 *   detection has none; valid until the detections are next written or freed
 * @n_keypoints: how many; 0 if it has none
 * Since 0.1
 */
typedef struct {
  float x0, y0, x1, y1;
  float score;
  guint class_id;
  FbnetMask mask;
  const FbnetKeypoint *keypoints;
  guint n_keypoints;
} FbnetDetection;

/**
 * fbnet_detection_copy:
 *
 * A detection of one's own, with its mask and keypoints, that outlives the detections it came from.
 *
 * Returns: (transfer full) (nullable): for fbnet_detection_free(); NULL without memory. Any thread. Since 0.1
 */
FBNET_API FbnetDetection *fbnet_detection_copy (const FbnetDetection *detection);
FBNET_API void fbnet_detection_free (FbnetDetection *detection); /* NULL is allowed; copies only */

/**
 * fbnet_detection_list_keypoints:
 * @n: (out): of numbers
 *
 * For languages that cannot read @keypoints: plain numbers.
 *
 * Returns: (transfer full) (nullable) (array length=n): x, y and score of each, one after the other, for g_free(); NULL
 *   without memory. Any thread. Since 0.1
 */
FBNET_API float *fbnet_detection_list_keypoints (const FbnetDetection *detection, guint *n);

/**
 * fbnet_mask_get_bytes:
 * Returns: (transfer full) (nullable): a copy of the data, width × height bytes; NULL without a mask, or without
 *   memory. Any thread. Since 0.1
 */
FBNET_API GBytes *fbnet_mask_get_bytes (const FbnetMask *mask);

/**
 * FbnetDetections:
 * @items: (array length=n): by descending score
 * @n: number of @items; 0 after a failure
 *
 * Filled by fbnet_detector_run(); reuse it from frame to frame. Only these two members are public.
 * Since 0.1
 */
typedef struct {
  const FbnetDetection *items;
  guint n;
} FbnetDetections;

FBNET_API FbnetDetections *fbnet_detections_new (void);

/**
 * fbnet_detections_copy:
 * Returns: (transfer full) (nullable): with masks and keypoints of its own; NULL without memory. Since 0.1
 */
FBNET_API FbnetDetections *fbnet_detections_copy (const FbnetDetections *detections);

/**
 * fbnet_detections_list:
 * @n: (out): how many
 *
 * For languages that cannot read @items: a copy of each, as fbnet_detection_copy() makes them.
 *
 * Returns: (transfer full) (nullable) (array length=n): the copies, in an array for g_free(); NULL without memory.
 *   Since 0.1
 */
FBNET_API FbnetDetection **fbnet_detections_list (const FbnetDetections *detections, guint *n);
FBNET_API void fbnet_detections_free (FbnetDetections *detections); /* NULL is allowed */

/**
 * fbnet_palette_color:
 * @index: any number: a class, an object, a track
 *
 * What the element and fbnet-detect draw it with: first seven colours that are told apart with every
 * kind of colour blindness (Okabe and Ito, "Color Universal Design", 2008), then hues a golden ratio
 * apart. For any thread.
 *
 * Returns: 0xAARRGGBB in sRGB, with AA = 0xff. Since 0.1
 */
FBNET_API guint32 fbnet_palette_color (guint index);

/* --- Detectors -------------------------------------------------------------------------------- */

/**
 * FbnetDetector:
 *
 * One stream's worker: scratch memory and threads over a shared model. Since 0.1
 */
typedef struct _FbnetDetector FbnetDetector;

/**
 * FbnetPrecision:
 * @FBNET_PRECISION_AUTO: as the file has its weights: int8 for a quantised model, else float32
 * @FBNET_PRECISION_FLOAT32: everything on floats; the weights of a quantised model are multiplied by
 *   their scales first
 * @FBNET_PRECISION_INT8: the layers that the file has quantised run on bytes, the others on floats
 * @FBNET_PRECISION_BFLOAT16: as float32, but the 1×1 convolutions of the network's blocks from 32 inputs on, and
 *   the depthwise ones between two of them, take weights and activations in bfloat16 and sum in float32: about twice as fast
 *   where the processor has instructions for it (x86-64: AVX-512 BF16), else an error
 * Since 0.1
 */
typedef enum {
  FBNET_PRECISION_AUTO,
  FBNET_PRECISION_FLOAT32,
  FBNET_PRECISION_INT8,
  FBNET_PRECISION_BFLOAT16,
} FbnetPrecision;

/**
 * FbnetInt8Bias:
 * @FBNET_INT8_BIAS_AUTO: as the file says
 * @FBNET_INT8_BIAS_WIDE: every bias counts in full
 * @FBNET_INT8_BIAS_EXACT: a bias that does not fit 32 bits saturates: the bits of PyTorch's QNNPACK
 * Since 0.1
 */
typedef enum {
  FBNET_INT8_BIAS_AUTO,
  FBNET_INT8_BIAS_WIDE,
  FBNET_INT8_BIAS_EXACT,
} FbnetInt8Bias;

/**
 * FbnetDetectorOptions:
 * @n_threads: threads that work on one frame, the caller's among them, 0…256; 0: one per processor
 *   that this process may run on
 * @kernels: (nullable): name of the kernel set, "c", "openblas", "sse41", "avx2", "avxvnni", "avx512", "amx",
 *   "neon", "neondot", "neoni8mm"; NULL: the environment variable FBNET_KERNELS, else the best that this
 *   processor runs
 * @precision: of the arithmetic; FBNET_PRECISION_INT8 is an error for a model that is not quantised,
 *   FBNET_PRECISION_BFLOAT16 with a kernel set that has no products for it: only "avx512" and "amx" have, on
 *   processors with BF16, and "c", which is slow
 * @int8_bias: how int8 layers treat biases beyond 32 bits
 * @normalization: how statistics of several frames are pooled where they are taken from the stream.
 *   Must be what the model was trained with; of the two kinds of batch normalization either
 * @memory_limit: most memory of a frame's tensors, in MiB, 0…1048576; 0: 2048. A model and parameters
 *   that need more are an error (FBNET_ERROR_MEMORY) before any of it is taken
 * @multiply_add_limit: most multiply-adds of a frame's convolutions, in thousand millions, 0…1000000000;
 *   0: 1000. A model and parameters that could need more, by the frame's size and the most boxes, are an
 *   error (FBNET_ERROR_WORK) before anything is taken or done
 *
 * What is fixed for a detector's life. Zero-initialise it: zero means "you choose". Since 0.1
 */
typedef struct {
  guint n_threads;
  const char *kernels;
  FbnetPrecision precision;
  FbnetInt8Bias int8_bias;
  FbnetNormalization normalization;
  guint memory_limit;
  guint multiply_add_limit;
} FbnetDetectorOptions;

/**
 * FbnetNormStatistics:
 * @FBNET_NORM_STATISTICS_STORED: batch norms use the mean and variance stored in the model; they
 *   are folded into the convolutions
 * @FBNET_NORM_STATISTICS_STREAM: they follow the frames: night, fog, another sensor
 *
 * Other norms are the same either way: group norm always takes the frame's own numbers, a frozen
 * norm none. Since 0.1
 */
typedef enum {
  FBNET_NORM_STATISTICS_STORED,
  FBNET_NORM_STATISTICS_STREAM,
} FbnetNormStatistics;

/**
 * FbnetParams:
 * @score_threshold: a detection's probability must be greater, 0…1
 * @iou_threshold: final per-class NMS drops boxes that overlap more, 0…1
 * @rpn_iou_threshold: the same among proposals, 0…1
 * @mask_threshold: a pixel belongs to the object when its probability is at least this, 0…1
 * @pre_nms_count: proposals kept per level before NMS; 1…100000
 * @post_nms_count: proposals kept after NMS over all levels; 1…100000
 * @min_proposal_size: a proposal's sides must be greater, network pixels; 0…10000
 * @max_detections: detections per frame, best first; 1…100000
 * @min_size: length of the network input's shorter side, pixels; 1…8192
 * @max_size: bound of the longer side (wins over @min_size); 1…8192
 * @box_pooler_resolution, @mask_pooler_resolution: side of ROIAlign's output, 1…56
 * @masks: compute masks; must be FALSE if the model has no mask head
 * @keypoints: compute keypoints; must be FALSE if the model has no keypoint head
 * @class_agnostic_nms: final NMS over all classes together
 * @class_thresholds: (nullable): n_classes numbers that stand in for @score_threshold class by
 *   class; one of 1 or more switches its class off. Copied by fbnet_detector_set_params()
 * @min_object_width, @min_object_height, @max_object_width, @max_object_height: bounds, inclusive,
 *   of a detection's box in frame pixels, 0…G_MAXINT; 0: none
 * @norm_statistics: where batch norms have mean and variance from. FBNET_NORM_STATISTICS_STREAM
 *   begins with the stored ones, is slower, since nothing is folded and a head takes all its
 *   regions at once, and is an error for a model that was exported with its statistics folded away,
 *   as quantised ones are. Going back to FBNET_NORM_STATISTICS_STORED forgets the stream
 * @norm_momentum: how much a frame counts: running = (1 - momentum) running + momentum frame, layer
 *   by layer, before the layer normalises with running; 0…1. 0 keeps what was learnt, 1 takes each
 *   frame's own
 * @iou_lower, @iou_upper: bounds for fbnet_match_detections(), 0…1, the lower not above the upper;
 *   finding detections does not look at them
 *
 * What may change between two frames. Start from fbnet_model_get_params(): every number is meant
 * literally. fbnet_params_table() has names, ranges and more of all of them. Since 0.1
 */
typedef struct {
  float score_threshold;
  float iou_threshold;
  float rpn_iou_threshold;
  float mask_threshold;
  guint pre_nms_count;
  guint post_nms_count;
  float min_proposal_size;
  guint max_detections;
  guint min_size, max_size;
  guint box_pooler_resolution;
  guint mask_pooler_resolution;
  gboolean masks;
  gboolean keypoints;
  gboolean class_agnostic_nms;
  const float *class_thresholds;
  guint min_object_width, min_object_height;
  guint max_object_width, max_object_height;
  FbnetNormStatistics norm_statistics;
  float norm_momentum;
  float iou_lower, iou_upper;
} FbnetParams;

/**
 * fbnet_model_get_params:
 * @params: (out caller-allocates): the values the model was exported with. Since 0.1
 */
FBNET_API void fbnet_model_get_params (const FbnetModel *model, FbnetParams *params);

/**
 * fbnet_params_check:
 * @model: the model that they are meant for
 *
 * What fbnet_detector_set_params() checks, without a detector. Any thread.
 *
 * Returns: FALSE with @error naming the parameter, its range and its value. Since 0.1
 */
FBNET_API gboolean fbnet_params_check (const FbnetModel *model, const FbnetParams *params,
    GError **error);

/* --- Parameters as a table -------------------------------------------------------------------- */

/**
 * FbnetParamType:
 *
 * What a parameter's member of its struct is. Since 0.1
 */
typedef enum {
  FBNET_PARAM_FLOAT,   /* float */
  FBNET_PARAM_COUNT,   /* guint */
  FBNET_PARAM_FLAG,    /* gboolean */
  FBNET_PARAM_CHOICE,  /* an enumeration that counts from 0: the index into the choices */
  FBNET_PARAM_NAME,    /* const char *, or NULL; no number */
  FBNET_PARAM_CLASSES, /* const float *, a number per class, or NULL; no number */
} FbnetParamType;

/**
 * FbnetParamChange:
 * @FBNET_CHANGE_NOTHING: nothing more
 * @FBNET_CHANGE_PLAN: buffers of other sizes, in the next frame
 * @FBNET_CHANGE_NETWORK: other weights, packed with the first use, and other buffers
 * @FBNET_CHANGE_DETECTOR: another detector: it is fixed for a detector's life
 *
 * What a change makes necessary; each includes the ones before. Since 0.1
 */
typedef enum {
  FBNET_CHANGE_NOTHING,
  FBNET_CHANGE_PLAN,
  FBNET_CHANGE_NETWORK,
  FBNET_CHANGE_DETECTOR,
} FbnetParamChange;

/**
 * FbnetParamScope:
 *
 * The models for which a parameter means something. Since 0.1
 */
typedef enum {
  FBNET_SCOPE_ALL,
  FBNET_SCOPE_DETECTION,  /* detectors */
  FBNET_SCOPE_MASKS,      /* detectors with a mask head */
  FBNET_SCOPE_KEYPOINTS,  /* detectors with a keypoint head */
  FBNET_SCOPE_BATCH_NORM, /* detectors with batch normalization */
} FbnetParamScope;

/**
 * FbnetChoice:
 *
 * A value of an enumeration. Since 0.1
 */
typedef struct {
  const char *name;  /* "naive-sync-bn" */
  const char *blurb; /* a phrase */
} FbnetChoice;

/**
 * FbnetParamInfo:
 * @name: "score-threshold": the member's name with hyphens; "threads" for n_threads
 * @blurb: a phrase
 * @unit: (nullable): "pixels"; NULL where there is none
 * @zero: (nullable): what 0, or NULL, stands for: "one per processor"; NULL where it stands for itself
 * @type: what lies at @offset
 * @offset: of the member in #FbnetParams, #FbnetDetectorOptions, #FbnetZoomOptions or #FbnetTrackerOptions
 * @min, @max: the range, inclusive; of the numbers, for %FBNET_PARAM_CLASSES; of the index, for
 *   %FBNET_PARAM_CHOICE; @max is INFINITY where there is no upper bound
 * @usual: the default, of models that do not say; of faster_rcnn_fbnetv3a_C4, D2Go's smallest, where
 *   every model says. 0 where the value is no number
 * @of_model: models may differ in it: its default is the model's, see fbnet_model_get_params()
 * @choices: (nullable): @max + 1 of them, for %FBNET_PARAM_CHOICE
 * @change: what another value makes necessary
 * @scope: the models for which it means something
 *
 * A row of the table: all that an element, a command line or a page needs to know of a parameter, and
 * what fbnet_detector_set_params() checks. Since 0.1
 */
typedef struct {
  const char *name;
  const char *blurb;
  const char *unit;
  const char *zero;
  FbnetParamType type;
  gsize offset;
  double min, max, usual;
  gboolean of_model;
  const FbnetChoice *choices;
  FbnetParamChange change;
  FbnetParamScope scope;
} FbnetParamInfo;

/**
 * fbnet_params_table:
 * @n: (out): the number of rows
 *
 * Returns: (transfer none) (array length=n): a row for each member of #FbnetParams. Any thread. Since 0.1
 */
FBNET_API const FbnetParamInfo *fbnet_params_table (guint *n);

/**
 * fbnet_detector_options_table:
 * @n: (out): the number of rows
 *
 * Returns: (transfer none) (array length=n): a row for each member of #FbnetDetectorOptions. Any thread. Since 0.1
 */
FBNET_API const FbnetParamInfo *fbnet_detector_options_table (guint *n);

/**
 * fbnet_params_find:
 * Returns: (transfer none) (nullable): the row of that name in fbnet_params_table(); NULL if there is
 *   none. Any thread. Since 0.1
 */
FBNET_API const FbnetParamInfo *fbnet_params_find (const char *name);

/**
 * fbnet_param_get: (skip)
 * @info: a row whose value is a number
 * @values: the struct that the row is of
 *
 * Returns: the member as a number, exactly; a flag is 0 or 1. Any thread. Since 0.1
 */
FBNET_API double fbnet_param_get (const FbnetParamInfo *info, gconstpointer values);

/**
 * fbnet_param_set: (skip)
 * @info: a row whose value is a number
 * @values: the struct that the row is of
 * @value: what the member can hold: for a count a whole number from 0 to G_MAXUINT. That it is in range
 *   is for fbnet_param_check() to say, or for fbnet_detector_set_params()
 *
 * Any thread. Since 0.1
 */
FBNET_API void fbnet_param_set (const FbnetParamInfo *info, gpointer values, double value);

/**
 * fbnet_param_describe:
 * Returns: (transfer full): the blurb with the unit and what 0 stands for: "Least width of a detection, in
 *   pixels of the frame (0 = any)"; g_free() it. Any thread. Since 0.1
 */
FBNET_API char *fbnet_param_describe (const FbnetParamInfo *info);

/**
 * fbnet_param_describe_range:
 * Returns: (transfer full): "0 … 1", "stored or stream"; g_free() it. Any thread. Since 0.1
 */
FBNET_API char *fbnet_param_describe_range (const FbnetParamInfo *info);

/**
 * fbnet_param_check:
 * @info: a row; of %FBNET_PARAM_CLASSES, it is one class's number that is checked
 * @value: any number
 *
 * Returns: FALSE with @error naming the parameter, what is expected and @value, if it is out of range,
 *   or broken where only whole numbers are. Any thread. Since 0.1
 */
FBNET_API gboolean fbnet_param_check (const FbnetParamInfo *info, double value, GError **error);

/**
 * fbnet_param_missing:
 * Returns: (transfer none) (nullable): what a model must be for the parameter to mean something, "a model
 *   with a mask head"; NULL if @model is that. Any thread. Since 0.1
 */
FBNET_API const char *fbnet_param_missing (const FbnetParamInfo *info, const FbnetModel *model);

/* --- Running a detector ----------------------------------------------------------------------- */

/**
 * FbnetStage:
 * @FBNET_STAGE_PREPARE: building buffers for a new frame size or new parameters; 0 once warm
 * @FBNET_STAGE_PREPROCESS: the frame resized, its colours converted, normalised
 * @FBNET_STAGE_TRUNK: the backbone, and its pyramid of features; a classifier's last layer too
 * @FBNET_STAGE_RPN: the region proposal network's scores and offsets
 * @FBNET_STAGE_PROPOSALS: of those, boxes, and the best of them
 * @FBNET_STAGE_BOX_POOLER: ROIAlign over the proposals
 * @FBNET_STAGE_BOX_HEAD: their classes and offsets
 * @FBNET_STAGE_DETECTIONS: of those, detections: thresholds and suppression
 * @FBNET_STAGE_MASK_POOLER: ROIAlign over the detections
 * @FBNET_STAGE_MASK_HEAD: probabilities of masks
 * @FBNET_STAGE_MASK_PASTE: masks in the frame's pixels
 * @FBNET_STAGE_KEYPOINT_POOLER: ROIAlign over the detections
 * @FBNET_STAGE_KEYPOINT_HEAD: heat maps
 * @FBNET_STAGE_KEYPOINT_DECODE: keypoints in the frame's pixels
 * @FBNET_N_STAGES: how many there are
 *
 * What happens to a frame, in order. A classifier has the first three. Since 0.1
 */
typedef enum {
  FBNET_STAGE_PREPARE,
  FBNET_STAGE_PREPROCESS,
  FBNET_STAGE_TRUNK,
  FBNET_STAGE_RPN,
  FBNET_STAGE_PROPOSALS,
  FBNET_STAGE_BOX_POOLER,
  FBNET_STAGE_BOX_HEAD,
  FBNET_STAGE_DETECTIONS,
  FBNET_STAGE_MASK_POOLER,
  FBNET_STAGE_MASK_HEAD,
  FBNET_STAGE_MASK_PASTE,
  FBNET_STAGE_KEYPOINT_POOLER,
  FBNET_STAGE_KEYPOINT_HEAD,
  FBNET_STAGE_KEYPOINT_DECODE,
  FBNET_N_STAGES,
} FbnetStage;

/**
 * fbnet_stage_get_name:
 * @stage: one of the stages, not %FBNET_N_STAGES
 * Returns: (transfer none): its name: "box-pooler". Any thread. Since 0.1
 */
FBNET_API const char *fbnet_stage_get_name (FbnetStage stage);

/**
 * FbnetTimings:
 * @ms: (array fixed-size=14): milliseconds of wall time that the last frame spent in each #FbnetStage; 0 where it had
 *   nothing to do
 * @total: all of it, milliseconds
 * Since 0.1
 */
typedef struct {
  double ms[FBNET_N_STAGES];
  double total;
} FbnetTimings;

/**
 * fbnet_detector_new:
 * @model: a detection model; a reference is kept
 * @options: (nullable): NULL: all defaults
 *
 * Starts the threads and packs the weights for this processor (once per model and kernel set: later
 * detectors of the same model share them).
 *
 * Returns: (transfer full): or NULL with @error set. Since 0.1
 */
FBNET_API FbnetDetector *fbnet_detector_new (FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error);
FBNET_API void fbnet_detector_free (FbnetDetector *detector); /* NULL is allowed */

/**
 * fbnet_detector_get_precision:
 * Returns: FBNET_PRECISION_FLOAT32, _INT8 or _BFLOAT16. Since 0.1
 */
FBNET_API FbnetPrecision fbnet_detector_get_precision (const FbnetDetector *detector);

/**
 * fbnet_detector_get_int8_bias:
 * Returns: FBNET_INT8_BIAS_WIDE or _EXACT; FBNET_INT8_BIAS_AUTO when it runs on no bytes. Since 0.1
 */
FBNET_API FbnetInt8Bias fbnet_detector_get_int8_bias (const FbnetDetector *detector);

/**
 * fbnet_detector_get_kernels:
 * Returns: (transfer none): the kernel set in use. Since 0.1
 */
FBNET_API const char *fbnet_detector_get_kernels (const FbnetDetector *detector);
FBNET_API guint fbnet_detector_get_n_threads (const FbnetDetector *detector);

/**
 * fbnet_detector_set_params:
 *
 * Holds from the next frame on.
 *
 * Returns: FALSE with @error naming the parameter, its range and its value, if one is out of range;
 *   then nothing has changed. Since 0.1
 */
FBNET_API gboolean fbnet_detector_set_params (FbnetDetector *detector, const FbnetParams *params,
    GError **error);

/**
 * fbnet_detector_get_params:
 * @params: (out caller-allocates): class_thresholds points to the detector's copy. Since 0.1
 */
FBNET_API void fbnet_detector_get_params (const FbnetDetector *detector, FbnetParams *params);

/**
 * fbnet_detector_reset_norm_statistics:
 *
 * Forgets the stream: the next frame finds the stored statistics, as the first one did. Nothing
 * happens with FBNET_NORM_STATISTICS_STORED. Since 0.1
 */
FBNET_API void fbnet_detector_reset_norm_statistics (FbnetDetector *detector);

/**
 * fbnet_detector_run:
 * @image: the frame, read only
 * @detections: filled, by descending score; empty on failure
 *
 * Resizes (shorter side to min_size, longer at most max_size), normalises, and detects. The result
 * is the same to the bit for any number of threads. Once a frame size has been seen, nothing is
 * allocated.
 *
 * Returns: FALSE with @error set: memory, a frame larger than 32767 pixels a side, or
 *   fbnet_detector_cancel() was called. Since 0.1
 */
FBNET_API gboolean fbnet_detector_run (FbnetDetector *detector, const FbnetImage *image,
    FbnetDetections *detections, GError **error);

/**
 * fbnet_detector_run_pixels:
 * @format: one of one plane: RGB and its kin, grey, YUY2 and its kin
 * @width, @height: pixels
 * @pixels: (array length=n_bytes): the rows of the frame, without padding
 * @n_bytes: all of them and no more
 * @detections: as for fbnet_detector_run()
 *
 * fbnet_detector_run() for pictures that come as an array of bytes, numpy's among them.
 *
 * Returns: FALSE with @error set, as fbnet_detector_run(), and for a number of bytes that does not fit.
 *   Since 0.1
 */
FBNET_API gboolean fbnet_detector_run_pixels (FbnetDetector *detector, FbnetPixelFormat format,
    guint width, guint height, const guint8 *pixels, gsize n_bytes, FbnetDetections *detections,
    GError **error);

/**
 * FbnetRegion:
 * @x, @y: its corner, pixels of the frame
 * @width, @height: pixels, at least 1 each
 *
 * A part of a frame. Since 0.1
 */
typedef struct {
  guint x, y, width, height;
} FbnetRegion;

/**
 * FbnetInput:
 *
 * What a frame becomes before the network: resized, with the way back to the frame; whoever runs it normalises it.
 * It is made by one thread and run by the same or another one, so that the next frame can be made while
 * this one runs; for several regions of a frame only their own pixels are read. Since 0.1
 */
typedef struct _FbnetInput FbnetInput;

/**
 * fbnet_input_new: (skip)
 * @model: a detection model; a reference is kept
 * @options: (nullable): n_threads and kernels count; NULL: all defaults
 *
 * Returns: (transfer full): an empty input, or NULL with @error set. Since 0.1
 */
FBNET_API FbnetInput *fbnet_input_new (FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error);
FBNET_API void fbnet_input_free (FbnetInput *input); /* NULL is allowed */

/**
 * fbnet_input_fill:
 * @image: the frame, read only, and not needed afterwards
 * @region: (nullable): the part of it to see; NULL: all of it. Where the frame's format shares chroma
 *   between pixels it is widened to whole groups of them, to the left and upwards
 * @params: min_size and max_size count: what the region is resized to
 *
 * The same bits for any number of threads. Once the sizes have been seen, nothing is allocated.
 *
 * Returns: FALSE with @error set: memory, a frame larger than 32767 pixels a side, a region that is not
 *   within it; then the input is empty. Since 0.1
 */
FBNET_API gboolean fbnet_input_fill (FbnetInput *input, const FbnetImage *image,
    const FbnetRegion *region, const FbnetParams *params, GError **error);

/**
 * fbnet_input_get_region:
 * @region: (out): the part of the frame that it shows. Since 0.1
 */
FBNET_API void fbnet_input_get_region (const FbnetInput *input, FbnetRegion *region);

/**
 * fbnet_input_cut:
 * @whole: a filled one, of the same model
 * @region: a part of what it shows, pixels of the frame; it is widened to squares of 32 pixels of the network
 *
 * Fills @input with that part, in the same size and with the same pixels: nothing of the frame is needed.
 *
 * Returns: FALSE with @error set, as fbnet_input_fill(). Since 0.1
 */
FBNET_API gboolean fbnet_input_cut (FbnetInput *input, const FbnetInput *whole,
    const FbnetRegion *region, GError **error);

/**
 * fbnet_detector_run_input:
 * @input: a filled one, of the detector's model; it is only read, and may be run again
 * @detections: as for fbnet_detector_run(), in pixels of the whole frame; boxes and masks are clipped to
 *   the region
 *
 * fbnet_detector_run() without its first step.
 *
 * Returns: FALSE with @error set, as fbnet_detector_run(). Since 0.1
 */
FBNET_API gboolean fbnet_detector_run_input (FbnetDetector *detector, const FbnetInput *input,
    FbnetDetections *detections, GError **error);

/**
 * fbnet_detector_cancel:
 *
 * From any thread: ends the run that is going on before its next step, a fraction of a frame's time; if none
 * is, the next one, as it begins. That run fails with %FBNET_ERROR_CANCELLED, once; the detector can be run
 * again. Since 0.1
 */
FBNET_API void fbnet_detector_cancel (FbnetDetector *detector);

/**
 * fbnet_claim_processor:
 *
 * For a thread that others wait for, like one that hands frames on, before a few milliseconds' work: until
 * fbnet_release_processor() whatever the library does in other threads makes way, between two pieces of its work, on the
 * processor that the caller runs on now. Where there are more threads than processors a scheduler gives a thread's
 * processor to another one for a whole time slice. A thread has one claim at most; one that lasts for
 * more than 20 ms is not heeded. Nothing happens outside of Linux. Any thread. Since 0.1
 */
FBNET_API void fbnet_claim_processor (void);

/**
 * fbnet_release_processor:
 *
 * Ends the calling thread's claim, if it has one. Any thread. Since 0.1
 */
FBNET_API void fbnet_release_processor (void);

/**
 * fbnet_detector_get_timings:
 * @timings: (out caller-allocates): of the last run. Since 0.1
 */
FBNET_API void fbnet_detector_get_timings (const FbnetDetector *detector, FbnetTimings *timings);

/* --- Classifiers ------------------------------------------------------------------------------ */

/**
 * FbnetClassifier:
 *
 * As #FbnetDetector, for models of the task classification. Since 0.1
 */
typedef struct _FbnetClassifier FbnetClassifier;

/**
 * fbnet_classifier_new:
 * @model: a classification model; a reference is kept
 * @options: (nullable): NULL: all defaults
 *
 * Returns: (transfer full): or NULL with @error set. Since 0.1
 */
FBNET_API FbnetClassifier *fbnet_classifier_new (FbnetModel *model,
    const FbnetDetectorOptions *options, GError **error);
FBNET_API void fbnet_classifier_free (FbnetClassifier *classifier); /* NULL is allowed */

/**
 * fbnet_classifier_get_kernels:
 * Returns: (transfer none): the kernel set in use. Since 0.1
 */
FBNET_API const char *fbnet_classifier_get_kernels (const FbnetClassifier *classifier);
FBNET_API guint fbnet_classifier_get_n_threads (const FbnetClassifier *classifier);

/**
 * fbnet_classifier_run: (skip)
 * @image: the frame, read only
 * @probabilities: (out): n_classes numbers that add up to 1 (softmax); all 0 where logits overflow
 *
 * Resizes the shorter side, crops a square from the middle, normalises, and classifies
 * (mobile_cv model_zoo/models/preprocess.py). The same bits for any number of threads.
 *
 * Returns: FALSE with @error set, as fbnet_detector_run(), and for a frame so narrow that it would be
 *   longer than 32767 pixels once resized. Since 0.1
 */
FBNET_API gboolean fbnet_classifier_run (FbnetClassifier *classifier, const FbnetImage *image,
    float *probabilities, GError **error);

/**
 * fbnet_classifier_run_pixels:
 * @format, @width, @height, @pixels, @n_bytes: as for fbnet_detector_run_pixels()
 * @n_classes: (out): how many
 *
 * Returns: (transfer full) (array length=n_classes): the probabilities, for g_free(); NULL with @error set,
 *   as fbnet_classifier_run(). Since 0.1
 */
FBNET_API float *fbnet_classifier_run_pixels (FbnetClassifier *classifier, FbnetPixelFormat format,
    guint width, guint height, const guint8 *pixels, gsize n_bytes, guint *n_classes,
    GError **error);

/**
 * fbnet_classifier_get_timings:
 * @timings: (out caller-allocates): of the last run. Since 0.1
 */
FBNET_API void fbnet_classifier_get_timings (const FbnetClassifier *classifier,
    FbnetTimings *timings);

/* --- Matching --------------------------------------------------------------------------------- */

/**
 * FbnetMatchLabel:
 *
 * What a detection is, by its best IoU with the reference boxes. Since 0.1
 */
typedef enum {
  FBNET_MATCH_BACKGROUND, /* below the lower bound */
  FBNET_MATCH_OBJECT,     /* at or above the upper bound */
  FBNET_MATCH_IGNORED,    /* between them */
} FbnetMatchLabel;

/**
 * FBNET_ANY_CLASS:
 *
 * The class of a reference that detections of every class match. Since 0.1
 */
#define FBNET_ANY_CLASS G_MAXUINT

/**
 * FbnetReference:
 * @x0, @y0, @x1, @y1: the box, as in #FbnetDetection
 * @class_id: its class; only detections of the same class match it. Or FBNET_ANY_CLASS
 * @group: stands for many objects (COCO's crowds): a detection that lies in it, for at least the upper
 *   bound's share of its own area, is ignored unless it is an object; a group is never missed
 *
 * A box that is known to be right. Since 0.1
 */
typedef struct {
  float x0, y0, x1, y1;
  guint class_id;
  gboolean group;
} FbnetReference;

/**
 * FbnetMatch:
 * @label: object, background or ignored
 * @reference: index of the reference with the best IoU, the first of equals; -1: none overlaps
 * @iou: with it
 * @is_first: an object, and the first detection that is @reference; the later ones are duplicates
 * Since 0.1
 */
typedef struct {
  FbnetMatchLabel label;
  gint reference;
  float iou;
  gboolean is_first;
} FbnetMatch;

/**
 * FbnetMatchCounts:
 * @objects, @background, @ignored: detections by label
 * @true_positives: references, groups aside, that a detection is
 * @false_positives: background and duplicates
 * @misses: references, groups aside, that no detection is
 *
 * Precision is true positives over true and false positives, recall is true positives over true
 * positives and misses. Since 0.1
 */
typedef struct {
  guint64 objects, background, ignored;
  guint64 true_positives, false_positives, misses;
} FbnetMatchCounts;

/**
 * fbnet_match_detections: (skip)
 * @matches: (out): one per detection
 * @detections: best first, as in #FbnetDetections
 * @references: (nullable): the frame's reference boxes; NULL if there are none
 * @iou_lower, @iou_upper: the bounds, 0…1, the lower not above the upper
 * @counts: (inout): the frame's counts are added to it; zero-initialise it before the first
 *
 * Labels detections as training labels boxes (detectron2 modeling/matcher.py). Since 0.1
 */
FBNET_API void fbnet_match_detections (FbnetMatch *matches, const FbnetDetection *detections,
    guint n_detections, const FbnetReference *references, guint n_references, float iou_lower,
    float iou_upper, FbnetMatchCounts *counts);

/* --- Motion ----------------------------------------------------------------------------------- */

/**
 * FbnetMotion:
 *
 * What the network was shown last, to tell whether a frame shows anything new, and where. Belongs to one
 * thread at a time. Since 0.1
 */
typedef struct _FbnetMotion FbnetMotion;

/**
 * fbnet_motion_new: (skip)
 * Returns: (transfer full): nothing kept yet. Since 0.1
 */
FBNET_API FbnetMotion *fbnet_motion_new (void);
FBNET_API void fbnet_motion_free (FbnetMotion *motion); /* NULL is allowed */

/**
 * fbnet_motion_keep:
 * @input: a filled one: from now on others are compared with what it shows, of which a copy is kept
 *
 * Nothing is allocated once an input of this size was kept.
 *
 * Returns: FALSE with @error set: memory; then nothing is kept. Since 0.1
 */
FBNET_API gboolean fbnet_motion_keep (FbnetMotion *motion, const FbnetInput *input, GError **error);

/**
 * fbnet_motion_reset:
 *
 * Keeps nothing any more. Since 0.1
 */
FBNET_API void fbnet_motion_reset (FbnetMotion *motion);

/**
 * fbnet_motion_is_still:
 * @threshold: 0…255: levels of a component of a pixel of the network
 *
 * Returns: whether @input shows the same part of the frame, in the same size, as the one kept, and differs from it nowhere
 *   by more than @threshold; FALSE if none is kept. Since 0.1
 */
FBNET_API gboolean fbnet_motion_is_still (const FbnetMotion *motion, const FbnetInput *input,
    guint threshold);

/**
 * fbnet_motion_find: (skip)
 * @threshold: as above
 * @regions: (out): room for @most
 *
 * Squares of 16 pixels of the network in which something differs by more than @threshold, row by row, as parts of the
 * frame.
 *
 * Returns: how many, at most @most; 0 if none is kept that can be compared. Since 0.1
 */
FBNET_API guint fbnet_motion_find (const FbnetMotion *motion, const FbnetInput *input,
    guint threshold, FbnetRegion *regions, guint most);

/**
 * FbnetCamera:
 *
 * What the network was shown last, in small, to tell how the camera moved since. Belongs to one thread at a time.
 * docs/seeing.md. Since 0.1
 */
typedef struct _FbnetCamera FbnetCamera;

/**
 * fbnet_camera_new: (skip)
 * Returns: (transfer full): nothing seen yet; NULL with @error set: memory. Since 0.1
 */
FBNET_API FbnetCamera *fbnet_camera_new (GError **error);
FBNET_API void fbnet_camera_free (FbnetCamera *camera); /* NULL is allowed */

/**
 * fbnet_camera_follow:
 * @input: a filled one: the next that was looked at
 * @dx: (out): how far to the right everything in the picture moved since the input before, in pixels of the frame;
 *   up to 30 % of the picture
 * @dy: (out): how far down
 *
 * For fbnet_tracker_move_camera(). By the picture's structure: brightness does not matter, and an object that moves
 * is no camera that does. Nothing is allocated.
 *
 * Returns: whether that can be told; FALSE, and 0 and 0, for the first input, for one of another size or another part of
 *   the frame than the one before, a smaller side below 24 pixels, where there is nothing to hold on to, or where parts of the
 *   picture contradict one another. Since 0.1
 */
FBNET_API gboolean fbnet_camera_follow (FbnetCamera *camera, const FbnetInput *input, double *dx,
    double *dy);

/**
 * fbnet_camera_reset:
 *
 * Forgets what it saw. Since 0.1
 */
FBNET_API void fbnet_camera_reset (FbnetCamera *camera);

/* --- Second looks ----------------------------------------------------------------------------- */

/**
 * FbnetZoomPolicy:
 * @FBNET_ZOOM_AUTO: where small objects are expected that the first look did not see; then by the other policies,
 *   in this order, as long as there are looks left
 * @FBNET_ZOOM_UNCERTAIN: where small detections gather of which the first look was not sure
 * @FBNET_ZOOM_MOTION: where the picture changed since the last look
 * @FBNET_ZOOM_SWEEP: the parts of the frame in turn, those longest unseen first
 *
 * Which parts of a frame are worth a second look. Since 0.1
 */
typedef enum {
  FBNET_ZOOM_AUTO,
  FBNET_ZOOM_UNCERTAIN,
  FBNET_ZOOM_MOTION,
  FBNET_ZOOM_SWEEP,
} FbnetZoomPolicy;

/**
 * FbnetZoomOptions:
 * @regions: second looks at most, 0…16; each costs one more pass through the network
 * @policy: which parts
 * @factor: how much larger than in the first look they are seen, 1…8
 *
 * fbnet_zoom_options_table() has names, ranges and defaults. Since 0.1
 */
typedef struct {
  guint regions;
  FbnetZoomPolicy policy;
  float factor;
} FbnetZoomOptions;

/**
 * FBNET_ZOOM_MOST:
 *
 * The most second looks at a frame. Since 0.1
 */
#define FBNET_ZOOM_MOST 16

/**
 * fbnet_zoom_options_table:
 * @n: (out): the number of rows
 *
 * Returns: (transfer none) (array length=n): a row for each member of #FbnetZoomOptions. Any thread. Since 0.1
 */
FBNET_API const FbnetParamInfo *fbnet_zoom_options_table (guint *n);

/**
 * fbnet_zoom_options_init:
 * @options: (out caller-allocates): the defaults: no second looks. Since 0.1
 */
FBNET_API void fbnet_zoom_options_init (FbnetZoomOptions *options);

/**
 * FbnetZoomKnown:
 * @detections: (nullable): the first look's, with those of which it was not sure, 0.05 and above
 * @n_detections: how many
 * @expected: (nullable): objects of earlier looks, where they are expected to be: boxes, classes
 * @n_expected: how many
 * @moved: (nullable): parts of the frame that changed, see fbnet_motion_find()
 * @n_moved: how many
 *
 * What a policy goes by. Zero-initialise it: nothing is known. Since 0.1
 */
typedef struct {
  const FbnetDetection *detections;
  guint n_detections;
  const FbnetDetection *expected;
  guint n_expected;
  const FbnetRegion *moved;
  guint n_moved;
} FbnetZoomKnown;

/**
 * fbnet_zoom_choose: (skip)
 * @regions: (out): room for FBNET_ZOOM_MOST
 * @options: how many, by which policy, how large
 * @known: in pixels of the frame
 * @frame: the part of it that the regions are parts of
 * @turn: (inout): of %FBNET_ZOOM_SWEEP: how many regions were swept so far
 *
 * The policy, and nothing else: a function from what is known to regions of the frame.
 *
 * Returns: how many regions are worth a look. Any thread. Since 0.1
 */
FBNET_API guint fbnet_zoom_choose (FbnetRegion *regions, const FbnetZoomOptions *options,
    const FbnetZoomKnown *known, const FbnetRegion *frame, guint *turn);

/**
 * FbnetZoom:
 *
 * Looks twice: the memory of second looks, and a detector for them that shares the first one's
 * weights. Belongs to one thread at a time. docs/seeing.md. Since 0.1
 */
typedef struct _FbnetZoom FbnetZoom;

/**
 * fbnet_zoom_new: (skip)
 * @model: a detection model; a reference is kept
 * @options: (nullable): as the first look's detector has; NULL: all defaults
 *
 * Returns: (transfer full): or NULL with @error set. Since 0.1
 */
FBNET_API FbnetZoom *fbnet_zoom_new (FbnetModel *model, const FbnetDetectorOptions *options,
    GError **error);
FBNET_API void fbnet_zoom_free (FbnetZoom *zoom); /* NULL is allowed */

/**
 * fbnet_zoom_run:
 * @detector: of the first look, and with its parameters of all; of the same model
 * @image: the frame, read only
 * @options: may change from frame to frame
 *
 * A look at the frame and, from the frame's own pixels, at the parts that the policy chooses. Boxes, masks and
 * keypoints are in pixels of the frame. A box that is cut by an edge of a part which is no edge of the frame is
 * dropped, as is one that fills most of a part: the first look saw it better; the others are merged by class NMS.
 * With no regions it is fbnet_detector_run(), to the bit.
 *
 * Returns: (transfer none) (nullable): the detections, by descending score, valid until the next run or until
 *   @zoom is freed; NULL with @error set: as fbnet_detector_run(), or an option out of its range. Since 0.1
 */
FBNET_API const FbnetDetections *fbnet_zoom_run (FbnetZoom *zoom, FbnetDetector *detector,
    const FbnetImage *image, const FbnetZoomOptions *options, GError **error);

/**
 * fbnet_zoom_run_input:
 * @input: a filled one, of @image, or of the part of it that is to be seen; second looks are parts of that
 * @known: (nullable): expected and moved count
 *
 * fbnet_zoom_run() without its first step.
 *
 * Returns: (transfer none) (nullable): as fbnet_zoom_run(). Since 0.1
 */
FBNET_API const FbnetDetections *fbnet_zoom_run_input (FbnetZoom *zoom, FbnetDetector *detector,
    const FbnetInput *input, const FbnetImage *image, const FbnetZoomOptions *options,
    const FbnetZoomKnown *known, GError **error);

/**
 * fbnet_zoom_cancel:
 *
 * Fbnet_detector_cancel() for the second looks. Any thread. Since 0.1
 */
FBNET_API void fbnet_zoom_cancel (FbnetZoom *zoom);

/**
 * fbnet_zoom_get_timings:
 * @timings: (out caller-allocates): of all looks of the last run together. Since 0.1
 */
FBNET_API void fbnet_zoom_get_timings (const FbnetZoom *zoom, FbnetTimings *timings);

/**
 * fbnet_zoom_get_n_regions:
 * Returns: how many second looks the last run took. Since 0.1
 */
FBNET_API guint fbnet_zoom_get_n_regions (const FbnetZoom *zoom);

/**
 * fbnet_zoom_get_look:
 * @index: of a detection of the last run
 * Returns: which look found it: 0 the first, n the one at the nth region. Since 0.1
 */
FBNET_API guint fbnet_zoom_get_look (const FbnetZoom *zoom, guint index);

/* --- Tracking --------------------------------------------------------------------------------- */

/**
 * FbnetTrackScore:
 * @FBNET_TRACK_SCORE_DETECTION: the detection's own
 * @FBNET_TRACK_SCORE_MEDIAN: the median of the track's last nine: it does not jump
 * @FBNET_TRACK_SCORE_MAXIMUM: the greatest of the track's last nine
 *
 * Which score is told for a track. Since 0.1
 */
typedef enum {
  FBNET_TRACK_SCORE_DETECTION,
  FBNET_TRACK_SCORE_MEDIAN,
  FBNET_TRACK_SCORE_MAXIMUM,
} FbnetTrackScore;

/**
 * FbnetTrackerOptions:
 * @timeout: a track that is not seen is kept for so long, seconds, 0…3600
 * @min_hits: looks in which an object was found before its track is told, 1…100. In a tracker's first look
 *   everything is told at once
 * @score: which score is told
 * @high_score: detections of at least this score are matched first, 0…1
 * @low_score: detections below it are not looked at; those between go on with tracks and begin none, 0…1, not above
 *   the other two
 * @new_score: a detection of at least this score may begin a track, 0…1
 *
 * fbnet_tracker_options_table() has names, ranges and defaults. Since 0.1
 */
typedef struct {
  float timeout;
  guint min_hits;
  FbnetTrackScore score;
  float high_score, low_score, new_score;
} FbnetTrackerOptions;

/**
 * fbnet_tracker_options_table:
 * @n: (out): the number of rows
 *
 * Returns: (transfer none) (array length=n): a row for each member of #FbnetTrackerOptions. Any thread. Since 0.1
 */
FBNET_API const FbnetParamInfo *fbnet_tracker_options_table (guint *n);

/**
 * fbnet_tracker_options_init:
 * @options: (out caller-allocates): the defaults. Since 0.1
 */
FBNET_API void fbnet_tracker_options_init (FbnetTrackerOptions *options);

/**
 * FbnetTrack:
 * @id: from 1, never given twice in a tracker's life
 * @x0, @y0, @x1, @y1: the box, in pixels of the frame; a predicted one may lie outside it
 * @score: as the options say
 * @class_id: of its detections
 * @detection: index of the detection that it is in the look; -1: its box is predicted
 * @hits: looks in which it was found
 * @age: seconds since it was found first
 * @vx, @vy: how its centre moves, pixels per second
 * Since 0.1
 */
typedef struct {
  guint64 id;
  float x0, y0, x1, y1;
  float score;
  guint class_id;
  gint detection;
  guint hits;
  double age;
  float vx, vy;
} FbnetTrack;

/**
 * FbnetTracks:
 * @items: (array length=n): the oldest first
 * @n: how many
 * Since 0.1
 */
typedef struct {
  const FbnetTrack *items;
  guint n;
} FbnetTracks;

/**
 * fbnet_tracks_list:
 * @n: (out): how many
 *
 * For languages that cannot read @items: a copy of each, for fbnet_track_free().
 *
 * Returns: (transfer full) (nullable) (array length=n): the copies, in an array for g_free(); NULL without memory.
 *   Since 0.1
 */
FBNET_API FbnetTrack **fbnet_tracks_list (const FbnetTracks *tracks, guint *n);
FBNET_API void fbnet_track_free (FbnetTrack *track); /* NULL is allowed; copies only */

/**
 * FbnetTracker:
 *
 * Which detection is the object of an earlier one: ByteTrack's two passes over sure and unsure detections (Zhang
 * et al. 2022), with a Kalman filter in seconds, gates that grow with the time since a track was seen (buffered
 * IoU, Yang et al. 2023), after a gap a filter that has seen the straight way between (OC-SORT's re-update, Cao et
 * al. 2023), and the camera's own motion taken out of everything first: as fbnet_tracker_move_camera() says, else as far
 * as boxes that moved alike show it.
 * Detections of different classes are never one object. It knows numbers only, no frames, and belongs to one
 * thread at a time. docs/seeing.md. Since 0.1
 */
typedef struct _FbnetTracker FbnetTracker;

/**
 * fbnet_tracker_new:
 * @options: (nullable): NULL: all defaults
 *
 * Returns: (transfer full): or NULL with @error set: an option out of its range. Since 0.1
 */
FBNET_API FbnetTracker *fbnet_tracker_new (const FbnetTrackerOptions *options, GError **error);
FBNET_API void fbnet_tracker_free (FbnetTracker *tracker); /* NULL is allowed */

/**
 * fbnet_tracker_set_options:
 *
 * Holds from the next look on.
 *
 * Returns: FALSE with @error set, and nothing changed: an option out of its range. Since 0.1
 */
FBNET_API gboolean fbnet_tracker_set_options (FbnetTracker *tracker,
    const FbnetTrackerOptions *options, GError **error);

/**
 * fbnet_tracker_update:
 * @detections: (nullable) (array length=n): what was found in a look, in any order, masks and keypoints not looked at; one whose
 *   box is empty, or a million pixels away, or whose score is none of 0…1 is passed over. NULL if nothing was
 * @n: how many
 * @time: when, seconds on any clock; NAN if it is not known: then as long after the last look as that was after
 *   the one before. A time before the last look's counts as the same time
 *
 * Once per look, in order. Nothing is allocated once as many objects have been seen.
 *
 * Returns: (transfer none): the tracks found in this look, in as many as the options ask for; valid until the tracker
 *   is called again. NULL with @error set: %FBNET_ERROR_MEMORY; the tracker has then forgotten its tracks, or is as it
 *   was, and the next look is followed. Since 0.1
 */
FBNET_API const FbnetTracks *fbnet_tracker_update (FbnetTracker *tracker,
    const FbnetDetection *detections, guint n, double time, GError **error);

/**
 * fbnet_tracker_move_camera:
 * @dx: pixels to the right
 * @dy: pixels down; where one is beyond ±1000000, or NaN, nothing happens
 *
 * So far the camera's own motion moved everything in the picture since the last look: from fbnet_camera_follow(), or
 * from whoever knows it otherwise. Holds for the next look, in place of what its boxes say; several calls add up.
 *
 * Since 0.1
 */
FBNET_API void fbnet_tracker_move_camera (FbnetTracker *tracker, double dx, double dy);

/**
 * fbnet_tracker_predict:
 * @time: on the clock of the looks; before the last one it counts as that
 *
 * Where the tracks told in the last look are at another time: for frames that are not looked at. The tracker
 * stays as it is.
 *
 * Returns: (transfer none): with detection -1; valid until the tracker is called again. Since 0.1
 */
FBNET_API const FbnetTracks *fbnet_tracker_predict (FbnetTracker *tracker, double time);

/**
 * fbnet_tracker_reset:
 *
 * Forgets all tracks, as after a seek; ids go on. Since 0.1
 */
FBNET_API void fbnet_tracker_reset (FbnetTracker *tracker);

/* --- Types ------------------------------------------------------------------------------------ */

/* Boxed types: for properties, signals, and other languages. A copy of a model, a detector, a classifier or a
 * tracker is another reference to the same one; what frees it then drops a reference. */
#define FBNET_TYPE_MODEL      (fbnet_model_get_type ())
#define FBNET_TYPE_DETECTOR   (fbnet_detector_get_type ())
#define FBNET_TYPE_CLASSIFIER (fbnet_classifier_get_type ())
#define FBNET_TYPE_DETECTION  (fbnet_detection_get_type ())
#define FBNET_TYPE_DETECTIONS (fbnet_detections_get_type ())
#define FBNET_TYPE_TRACK      (fbnet_track_get_type ())
#define FBNET_TYPE_TRACKS     (fbnet_tracks_get_type ())
#define FBNET_TYPE_TRACKER    (fbnet_tracker_get_type ())

FBNET_API GType fbnet_model_get_type (void);
FBNET_API GType fbnet_detector_get_type (void);
FBNET_API GType fbnet_classifier_get_type (void);
FBNET_API GType fbnet_detection_get_type (void);
FBNET_API GType fbnet_detections_get_type (void);
FBNET_API GType fbnet_track_get_type (void);
FBNET_API GType fbnet_tracks_get_type (void);
FBNET_API GType fbnet_tracker_get_type (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetModel, fbnet_model_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetDetector, fbnet_detector_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetClassifier, fbnet_classifier_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetDetection, fbnet_detection_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetDetections, fbnet_detections_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetInput, fbnet_input_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetTracker, fbnet_tracker_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetMotion, fbnet_motion_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetCamera, fbnet_camera_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FbnetZoom, fbnet_zoom_free)

G_END_DECLS

#endif
