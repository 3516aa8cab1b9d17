/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The list of a model's layers: built once from its description, and the only place that knows which
 * heads and lone layers there are. Whoever needs all of them, to check, pack, plan, quantise, train,
 * import or count, walks this list.
 */
#ifndef FBNET_LAYERS_H
#define FBNET_LAYERS_H

#include "arch.h"
#include "description.h"

/* A trunk's stages and a pyramid's layers, at most 64 and 16, and the heads'. */
#define MAX_LAYER_ENTRIES 100

/* What an entry is in the network; `index` tells those of one role apart. */
typedef enum {
  ROLE_TRUNK,       /* a stage */
  ROLE_FPN_LATERAL, /* of a pyramid's stage: 1×1 */
  ROLE_FPN_OUTPUT,  /* of a pyramid's stage: 3×3 */
  ROLE_RPN,
  ROLE_RPN_LOGITS,
  ROLE_RPN_DELTAS,
  ROLE_BOX,
  ROLE_CLS_SCORE, /* linear layers are 1×1 convolutions */
  ROLE_BBOX_PRED,
  ROLE_MASK,
  ROLE_MASK_LOGITS,
  ROLE_KEYPOINTS,
  ROLE_KEYPOINT_BLOCK,  /* of the predictor KEYPOINTS_IRF, or */
  ROLE_KEYPOINT_LOGITS, /* the other predictors' convolution */
  ROLE_CLASS_LOGITS,    /* a classifier's last layer */
} Role;

/* What an entry reads. Features, and what is made of them, are floats; an entry that goes on from
 * another one takes its output as it comes, bytes too. */
typedef enum {
  READS_PICTURE,
  READS_ENTRY,        /* `from`, as it comes */
  READS_MEAN,         /* of `from`, over its pixels */
  READS_FEATURE,      /* `from`, as floats */
  READS_RPN_FEATURES, /* description.rpn_features, one after the other */
  READS_ROIS,         /* description.roi_features, pooled as `rois` says */
} Reads;

/* The squares that a head reads. */
typedef struct {
  guint n;                    /* of a frame, at most; 0: the head does not run */
  guint side, sampling_ratio; /* of the pooler */
} RoiSpec;
typedef RoiSpec (*RoiSpecFunc) (const Description *description, const FbnetParams *params);

/* What becomes of an entry's numbers, where that decides how they may be computed. */
typedef enum {
  USE_PLAIN,
  USE_PREDICTOR, /* results are made of them: logits and deltas */
  USE_PER_CLASS, /* a channel per class, of which only the predicted one is computed, in floats */
  USE_HEATMAPS,  /* a head's last layer outside a block, in floats */
} Use;

/* The blocks of a stage, or a layer outside of blocks. */
typedef struct {
  Role role;
  guint index;
  Stage *stage;      /* or NULL */
  ConvLayer *conv;   /* or NULL */
  gboolean upsample; /* what `conv` reads is doubled first, pixel by pixel */
  Reads reads;
  guint from;       /* an entry before this one */
  RoiSpecFunc rois; /* of READS_ROIS */
  Use use;
  const char
      *input; /* what quantisation calls the floats that `conv` reads; NULL: by its own name */
} LayerEntry;

/* Network pixels per pixel of a feature, and its channels. */
typedef struct {
  guint stride, channels;
} Feature;

typedef struct {
  guint n;
  LayerEntry *entries; /* in the order in which they run */
  guint n_features;    /* of a detector */
  Feature features[MAX_LEVELS];
  GSList *parts; /* own the stages */
} Layers;

/* NULL with error, which names the field of the description. The description is not needed any longer. */
Layers *layers_new (const Description *description, GError **error);
void layers_free (Layers *layers); /* NULL is allowed */

/* NULL when the model has no such entry. */
const LayerEntry *layers_find (const Layers *layers, Role role, guint index);
const Stage *layers_stage (const Layers *layers, Role role, guint index);
const ConvLayer *layers_conv (const Layers *layers, Role role);

/* How many entries have the role. */
guint layers_count (const Layers *layers, Role role);

/* Calls `func` for every convolution of the entry, of the list. */
void layers_entry_foreach (const LayerEntry *entry, ConvLayerFunc func, gpointer data);
void layers_foreach (const Layers *layers, ConvLayerFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Layers, layers_free)

#endif
