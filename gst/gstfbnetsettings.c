/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties as a table: name, range, where the value lies, and which engine parameter it becomes.
 */
#include "gstfbnetsettings.h"

#include <string.h>

typedef enum {
  KIND_BOOLEAN,
  KIND_UINT,
  KIND_FLOAT,
  KIND_DOUBLE,
  KIND_STRING,
  KIND_ENUM,
  KIND_FLAGS,
  KIND_STRUCTURE,
} Kind;

/* What a value that was never set, or that is 0, stands for. */
typedef enum {
  LITERAL,       /* itself */
  ZERO_IS_MODEL, /* 0: what the model says */
  UNSET_IS_MODEL /* not set: what the model says */
} Meaning;

#define READY    GST_PARAM_MUTABLE_READY
#define PLAYING  GST_PARAM_MUTABLE_PLAYING
#define CONTROL  (GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE)
#define NO_PARAM ((gsize) -1)

typedef struct {
  const char *name;
  const char *blurb;
  Kind kind;
  GParamFlags flags;
  double minimum, maximum, initial;
  gsize value; /* offset in GstFbnetSettings */
  Meaning meaning;
  gsize param; /* offset in FbnetParams of the same type, or NO_PARAM */
  GType (*get_type) (void);
} Property;

#define VALUE(member) G_STRUCT_OFFSET (GstFbnetSettings, member)
#define PARAM(member) G_STRUCT_OFFSET (FbnetParams, member)
#define DRAWN(member) G_STRUCT_OFFSET (GstFbnetSettings, style.member)

static const Property properties[] = {
  { "model-file",
      "Model file to detect with (unset = the bundled model); a new one is loaded in the "
      "background while playing",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (model_file), LITERAL, NO_PARAM },
  { "label-file", "Text file with one label per class and line, instead of the model's labels",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (label_file), LITERAL, NO_PARAM },
  { "threads", "Threads that work on a frame (0 = one per processor)", KIND_UINT, READY, 0, 256, 0,
      VALUE (threads), LITERAL, NO_PARAM },
  { "scheduling", "When inference runs in relation to the stream", KIND_ENUM, READY, 0, 0,
      GST_FBNET_SCHEDULING_SYNC, VALUE (scheduling), LITERAL, NO_PARAM,
      gst_fbnet_scheduling_get_type },
  { "precision", "Arithmetic (auto = as the model is stored)", KIND_ENUM, READY, 0, 0,
      FBNET_PRECISION_AUTO, VALUE (precision), LITERAL, NO_PARAM, gst_fbnet_precision_get_type },
  { "normalization",
      "How the statistics of frames are pooled where norm-statistics is stream (auto = as trained)",
      KIND_ENUM, READY, 0, 0, FBNET_NORMALIZATION_AUTO, VALUE (normalization), LITERAL, NO_PARAM,
      gst_fbnet_normalization_get_type },
  { "norm-statistics", "Where batch normalization has its mean and variance from", KIND_ENUM,
      PLAYING, 0, 0, FBNET_NORM_STATISTICS_STORED, VALUE (norm_statistics), LITERAL,
      PARAM (norm_statistics), gst_fbnet_norm_statistics_get_type },
  { "norm-momentum", "How much a frame counts beside those before, where norm-statistics is stream",
      KIND_FLOAT, CONTROL, 0, 1, 0.1, VALUE (norm_momentum), LITERAL, PARAM (norm_momentum) },
  { "enable", "Detect; otherwise frames pass untouched", KIND_BOOLEAN, CONTROL, 0, 1, TRUE,
      VALUE (enable), LITERAL, NO_PARAM },

  { "meta-types", "Kinds of metadata to attach", KIND_FLAGS, READY, 0, 0, GST_FBNET_META_ALL,
      VALUE (meta_types), LITERAL, NO_PARAM, gst_fbnet_meta_types_get_type },

  { "score-threshold", "Least probability of a detection", KIND_FLOAT, CONTROL, 0, 1, 0.5,
      VALUE (score_threshold), LITERAL, PARAM (score_threshold) },
  { "class-thresholds",
      "score-threshold class by class: fields are labels (spaces as _) or numbers of classes",
      KIND_STRUCTURE, PLAYING, 0, 0, 0, VALUE (class_thresholds), LITERAL, NO_PARAM },
  { "include-classes", "Labels or numbers of the classes to detect, separated by ; (unset = all)",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (include_classes), LITERAL, NO_PARAM },
  { "exclude-classes", "Labels or numbers of classes not to detect, separated by ;", KIND_STRING,
      PLAYING, 0, 0, 0, VALUE (exclude_classes), LITERAL, NO_PARAM },
  { "min-object-width", "Least width of a detection in pixels of the frame (0 = any)", KIND_UINT,
      PLAYING, 0, G_MAXINT, 0, VALUE (min_object_width), LITERAL, PARAM (min_object_width) },
  { "min-object-height", "Least height of a detection in pixels of the frame (0 = any)", KIND_UINT,
      PLAYING, 0, G_MAXINT, 0, VALUE (min_object_height), LITERAL, PARAM (min_object_height) },
  { "max-object-width", "Greatest width of a detection in pixels of the frame (0 = any)", KIND_UINT,
      PLAYING, 0, G_MAXINT, 0, VALUE (max_object_width), LITERAL, PARAM (max_object_width) },
  { "max-object-height", "Greatest height of a detection in pixels of the frame (0 = any)",
      KIND_UINT, PLAYING, 0, G_MAXINT, 0, VALUE (max_object_height), LITERAL,
      PARAM (max_object_height) },
  { "max-detections", "Most detections per frame, best first", KIND_UINT, PLAYING, 1, 1000, 100,
      VALUE (max_detections), LITERAL, PARAM (max_detections) },

  { "top-classes", "Classes that a classifier tells of a frame, the most probable so many",
      KIND_UINT, PLAYING, 1, 1000, 5, VALUE (top_classes), LITERAL, NO_PARAM },

  { "iou-threshold",
      "Of two detections of a class that overlap more, the better stays (default: the model's)",
      KIND_FLOAT, CONTROL, 0, 1, 0.5, VALUE (iou_threshold), UNSET_IS_MODEL,
      PARAM (iou_threshold) },
  { "class-agnostic-nms", "Suppress overlapping detections of different classes too", KIND_BOOLEAN,
      PLAYING, 0, 1, FALSE, VALUE (class_agnostic_nms), LITERAL, PARAM (class_agnostic_nms) },
  { "rpn-iou-threshold",
      "Of two region proposals that overlap more, the better stays (default: the model's)",
      KIND_FLOAT, CONTROL, 0, 1, 0.7, VALUE (rpn_iou_threshold), UNSET_IS_MODEL,
      PARAM (rpn_iou_threshold) },
  { "pre-nms-count", "Proposals per feature level before suppression (0 = the model's)", KIND_UINT,
      PLAYING, 0, 100000, 0, VALUE (pre_nms_count), ZERO_IS_MODEL, PARAM (pre_nms_count) },
  { "post-nms-count", "Proposals after suppression (0 = the model's)", KIND_UINT, PLAYING, 0,
      100000, 0, VALUE (post_nms_count), ZERO_IS_MODEL, PARAM (post_nms_count) },
  { "box-pooler-resolution", "Side of a region's features for the box head (0 = the model's)",
      KIND_UINT, PLAYING, 0, 56, 0, VALUE (box_pooler_resolution), ZERO_IS_MODEL,
      PARAM (box_pooler_resolution) },
  { "mask-pooler-resolution", "Side of a region's features for the mask head (0 = the model's)",
      KIND_UINT, PLAYING, 0, 56, 0, VALUE (mask_pooler_resolution), ZERO_IS_MODEL,
      PARAM (mask_pooler_resolution) },
  { "min-size", "Shorter side that frames are resized to (0 = the model's)", KIND_UINT, PLAYING, 0,
      8192, 0, VALUE (min_size), ZERO_IS_MODEL, PARAM (min_size) },
  { "max-size", "Bound of the longer side of resized frames (0 = the model's)", KIND_UINT, PLAYING,
      0, 8192, 0, VALUE (max_size), ZERO_IS_MODEL, PARAM (max_size) },
  { "masks", "Find the objects' masks (default: if the model can)", KIND_BOOLEAN, PLAYING, 0, 1,
      TRUE, VALUE (masks), UNSET_IS_MODEL, PARAM (masks) },
  { "mask-threshold", "Least probability of a pixel of a mask", KIND_FLOAT, CONTROL, 0, 1, 0.5,
      VALUE (mask_threshold), LITERAL, PARAM (mask_threshold) },
  { "keypoints", "Find the objects' keypoints (default: if the model can)", KIND_BOOLEAN, PLAYING,
      0, 1, TRUE, VALUE (keypoints), UNSET_IS_MODEL, PARAM (keypoints) },

  { "evaluate", "Compare detections with the regions that are on the frames already", KIND_BOOLEAN,
      PLAYING, 0, 1, FALSE, VALUE (evaluate), LITERAL, NO_PARAM },
  { "iou-lower",
      "A detection that overlaps no reference by so much is background (default: the model's)",
      KIND_FLOAT, CONTROL, 0, 1, 0.3, VALUE (iou_lower), UNSET_IS_MODEL, PARAM (iou_lower) },
  { "iou-upper",
      "A detection that overlaps a reference by so much is that object (default: the model's)",
      KIND_FLOAT, CONTROL, 0, 1, 0.7, VALUE (iou_upper), UNSET_IS_MODEL, PARAM (iou_upper) },

#ifdef HAVE_OVERLAY
  { "overlay", "Draw the detections into the frames", KIND_BOOLEAN, CONTROL, 0, 1, FALSE,
      VALUE (overlay), LITERAL, NO_PARAM },
  { "draw-boxes", "Draw boxes", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_boxes), LITERAL,
      NO_PARAM },
  { "draw-labels", "Draw labels", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_labels), LITERAL,
      NO_PARAM },
  { "draw-scores", "Draw probabilities", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_scores),
      LITERAL, NO_PARAM },
  { "draw-masks", "Tint the objects' pixels", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_masks),
      LITERAL, NO_PARAM },
  { "draw-keypoints", "Draw keypoints, and the skeleton between COCO's", KIND_BOOLEAN, PLAYING, 0,
      1, TRUE, DRAWN (draw_keypoints), LITERAL, NO_PARAM },
  { "color-by", "What a colour stands for", KIND_ENUM, PLAYING, 0, 0, GST_FBNET_COLOR_BY_CLASS,
      DRAWN (color_by), LITERAL, NO_PARAM, gst_fbnet_color_by_get_type },
  { "outline-color", "Colour of boxes and masks, 0xAARRGGBB (0 = from the palette)", KIND_UINT,
      PLAYING, 0, G_MAXUINT32, 0, DRAWN (outline_color), LITERAL, NO_PARAM },
  { "labels-color", "Colour of the text of labels, 0xAARRGGBB (0 = black or white, by the palette)",
      KIND_UINT, PLAYING, 0, G_MAXUINT32, 0, DRAWN (labels_color), LITERAL, NO_PARAM },
  { "line-width", "Width of lines in a frame of 480 rows; others in proportion", KIND_UINT, PLAYING,
      1, 64, 2, DRAWN (line_width), LITERAL, NO_PARAM },
  { "mask-alpha", "Opacity of masks", KIND_DOUBLE, CONTROL, 0, 1, 0.5, DRAWN (mask_alpha), LITERAL,
      NO_PARAM },
#endif
};

G_STATIC_ASSERT (G_N_ELEMENTS (properties) <= 64); /* bits of was_set */

GType
gst_fbnet_scheduling_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_SCHEDULING_SYNC, "Every frame is inferred in the streaming thread", "sync" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetScheduling", values));
  return type;
}

GType
gst_fbnet_precision_get_type (void)
{
  static const GEnumValue values[] = {
    { FBNET_PRECISION_AUTO, "As the model is stored", "auto" },
    { FBNET_PRECISION_FLOAT32, "Floats, also of int8 weights", "float32" },
    { FBNET_PRECISION_INT8, "Bytes, where the model has them", "int8" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetPrecision", values));
  return type;
}

GType
gst_fbnet_normalization_get_type (void)
{
  static const GEnumValue values[] = {
    { FBNET_NORMALIZATION_AUTO, "As the model was trained", "auto" },
    { FBNET_NORMALIZATION_GN, "Group normalization: always the frame's own statistics", "gn" },
    { FBNET_NORMALIZATION_SYNC_BN, "A frame weighs as many pixels as it has", "sync-bn" },
    { FBNET_NORMALIZATION_NAIVE_SYNC_BN, "Every frame weighs the same", "naive-sync-bn" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetNormalization", values));
  return type;
}

GType
gst_fbnet_norm_statistics_get_type (void)
{
  static const GEnumValue values[] = {
    { FBNET_NORM_STATISTICS_STORED, "As stored in the model", "stored" },
    { FBNET_NORM_STATISTICS_STREAM, "They follow the frames of the stream", "stream" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstFbnetNormStatistics", values));
  return type;
}

static const Property *
find_property (guint id)
{
  return id >= 1 && id <= G_N_ELEMENTS (properties) ? &properties[id - 1] : NULL;
}

static GParamSpec *
make_spec (const Property *p)
{
  const GParamFlags flags = p->flags | G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  switch (p->kind) {
    case KIND_BOOLEAN:
      return g_param_spec_boolean (p->name, p->name, p->blurb, p->initial != 0, flags);
    case KIND_UINT:
      return g_param_spec_uint (p->name, p->name, p->blurb, p->minimum, p->maximum, p->initial,
          flags);
    case KIND_FLOAT:
      return g_param_spec_float (p->name, p->name, p->blurb, p->minimum, p->maximum, p->initial,
          flags);
    case KIND_DOUBLE:
      return g_param_spec_double (p->name, p->name, p->blurb, p->minimum, p->maximum, p->initial,
          flags);
    case KIND_STRING:
      return g_param_spec_string (p->name, p->name, p->blurb, NULL, flags);
    case KIND_ENUM:
      return g_param_spec_enum (p->name, p->name, p->blurb, p->get_type (), (gint) p->initial,
          flags);
    case KIND_FLAGS:
      return g_param_spec_flags (p->name, p->name, p->blurb, p->get_type (), (guint) p->initial,
          flags);
    case KIND_STRUCTURE:
      return g_param_spec_boxed (p->name, p->name, p->blurb, GST_TYPE_STRUCTURE, flags);
  }
  g_assert_not_reached ();
}

guint
gst_fbnet_settings_install (GObjectClass *object_class)
{
  for (guint id = 1; id <= G_N_ELEMENTS (properties); id++)
    g_object_class_install_property (object_class, id, make_spec (find_property (id)));
  return G_N_ELEMENTS (properties) + 1;
}

static void
set_initial (gpointer at, const Property *p)
{
  switch (p->kind) {
    case KIND_BOOLEAN:
      *(gboolean *) at = p->initial != 0;
      break;
    case KIND_UINT:
    case KIND_FLAGS:
      *(guint *) at = (guint) p->initial;
      break;
    case KIND_FLOAT:
      *(float *) at = (float) p->initial;
      break;
    case KIND_DOUBLE:
      *(double *) at = p->initial;
      break;
    case KIND_ENUM:
      *(gint *) at = (gint) p->initial;
      break;
    case KIND_STRING:
    case KIND_STRUCTURE:
      break; /* NULL */
  }
}

void
gst_fbnet_settings_init (GstFbnetSettings *settings)
{
  *settings = (GstFbnetSettings){ 0 };
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    set_initial (G_STRUCT_MEMBER_P (settings, properties[i].value), &properties[i]);
}

void
gst_fbnet_settings_clear (GstFbnetSettings *settings)
{
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    const gpointer at = G_STRUCT_MEMBER_P (settings, properties[i].value);
    if (properties[i].kind == KIND_STRING)
      g_clear_pointer ((char **) at, g_free);
    else if (properties[i].kind == KIND_STRUCTURE)
      g_clear_pointer ((GstStructure **) at, gst_structure_free);
  }
}

void
gst_fbnet_settings_copy (GstFbnetSettings *to, const GstFbnetSettings *from)
{
  gst_fbnet_settings_clear (to);
  *to = *from;
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    const gpointer at = G_STRUCT_MEMBER_P (to, properties[i].value);
    if (properties[i].kind == KIND_STRING)
      *(char **) at = g_strdup (*(char **) at);
    else if (properties[i].kind == KIND_STRUCTURE && *(GstStructure **) at)
      *(GstStructure **) at = gst_structure_copy (*(GstStructure **) at);
  }
}

/* An empty string is no name: gst-launch cannot write NULL. */
static void
set_string (char **at, const GValue *value)
{
  const char *text = g_value_get_string (value);
  g_free (*at);
  *at = text && *text ? g_strdup (text) : NULL;
}

static void
set_structure (GstStructure **at, const GValue *value)
{
  g_clear_pointer (at, gst_structure_free);
  *at = g_value_dup_boxed (value);
}

gboolean
gst_fbnet_settings_set (GstFbnetSettings *settings, guint id, const GValue *value)
{
  const Property *p = find_property (id);
  if (!p)
    return FALSE;
  const gpointer at = G_STRUCT_MEMBER_P (settings, p->value);
  settings->was_set |= G_GUINT64_CONSTANT (1) << (id - 1);
  switch (p->kind) {
    case KIND_BOOLEAN:
      *(gboolean *) at = g_value_get_boolean (value);
      break;
    case KIND_UINT:
      *(guint *) at = g_value_get_uint (value);
      break;
    case KIND_FLOAT:
      *(float *) at = g_value_get_float (value);
      break;
    case KIND_DOUBLE:
      *(double *) at = g_value_get_double (value);
      break;
    case KIND_STRING:
      set_string (at, value);
      break;
    case KIND_ENUM:
      *(gint *) at = g_value_get_enum (value);
      break;
    case KIND_FLAGS:
      *(guint *) at = g_value_get_flags (value);
      break;
    case KIND_STRUCTURE:
      set_structure (at, value);
      break;
  }
  return TRUE;
}

static gboolean
was_set (const GstFbnetSettings *settings, const Property *p)
{
  return (settings->was_set >> (p - properties)) & 1;
}

gboolean
gst_fbnet_settings_get (const GstFbnetSettings *settings, guint id, const FbnetParams *model,
    GValue *value)
{
  const Property *p = find_property (id);
  if (!p)
    return FALSE;
  gconstpointer at = G_STRUCT_MEMBER_P (settings, p->value);
  if (model && p->meaning == UNSET_IS_MODEL && !was_set (settings, p))
    at = G_STRUCT_MEMBER_P (model, p->param);
  switch (p->kind) {
    case KIND_BOOLEAN:
      g_value_set_boolean (value, *(const gboolean *) at);
      break;
    case KIND_UINT:
      g_value_set_uint (value, *(const guint *) at);
      break;
    case KIND_FLOAT:
      g_value_set_float (value, *(const float *) at);
      break;
    case KIND_DOUBLE:
      g_value_set_double (value, *(const double *) at);
      break;
    case KIND_STRING:
      g_value_set_string (value, *(char *const *) at);
      break;
    case KIND_ENUM:
      g_value_set_enum (value, *(const gint *) at);
      break;
    case KIND_FLAGS:
      g_value_set_flags (value, *(const guint *) at);
      break;
    case KIND_STRUCTURE:
      g_value_set_boxed (value, *(GstStructure *const *) at);
      break;
  }
  return TRUE;
}

gboolean
gst_fbnet_settings_needs_start (guint id)
{
  const Property *p = find_property (id);
  return p && p->flags == READY;
}

gboolean
gst_fbnet_settings_names_file (guint id)
{
  const Property *p = find_property (id);
  return p && (p->value == VALUE (model_file) || p->value == VALUE (label_file));
}

/* --- From values to parameters ----------------------------------------------------------------- */

static gboolean
speaks_for_model (const GstFbnetSettings *settings, const Property *p)
{
  if (p->meaning == UNSET_IS_MODEL)
    return !was_set (settings, p);
  return p->meaning == ZERO_IS_MODEL && G_STRUCT_MEMBER (guint, settings, p->value) == 0;
}

static void
copy_params (const GstFbnetSettings *settings, FbnetParams *params)
{
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    const Property *p = &properties[i];
    if (p->param == NO_PARAM || speaks_for_model (settings, p))
      continue;
    const gpointer to = G_STRUCT_MEMBER_P (params, p->param);
    const gpointer from = G_STRUCT_MEMBER_P (settings, p->value);
    if (p->kind == KIND_FLOAT)
      *(float *) to = *(float *) from;
    else /* gboolean and enumerations are ints of the same size */
      *(guint *) to = *(guint *) from;
  }
}

static void
complain_class (GPtrArray *unknown, const char *property, const char *text,
    const GstFbnetNetwork *network)
{
  g_ptr_array_add (unknown,
      g_strdup_printf ("%s: expected a label or a number below %u of %s, "
                       "found \"%s\"",
          property, network->n_classes, network->path, text));
}

/* Marks the classes that a list names. */
static void
mark_classes (gboolean *marks, const char *list, const char *property,
    const GstFbnetNetwork *network, GPtrArray *unknown)
{
  g_auto (GStrv) names = g_strsplit (list, ";", -1);
  for (char **name = names; *name; name++) {
    guint id;
    if (*g_strstrip (*name) == '\0')
      continue;
    if (gst_fbnet_network_find_class (network, *name, &id))
      marks[id] = TRUE;
    else
      complain_class (unknown, property, *name, network);
  }
}

/* A class is switched off by the threshold 1, which no probability exceeds. */
static void
filter_classes (const GstFbnetSettings *settings, GstFbnetNetwork *network, GPtrArray *unknown)
{
  g_autofree gboolean *included = g_new0 (gboolean, network->n_classes);
  g_autofree gboolean *excluded = g_new0 (gboolean, network->n_classes);
  if (settings->include_classes)
    mark_classes (included, settings->include_classes, "include-classes", network, unknown);
  if (settings->exclude_classes)
    mark_classes (excluded, settings->exclude_classes, "exclude-classes", network, unknown);
  for (guint i = 0; i < network->n_classes; i++) {
    if (excluded[i] || (settings->include_classes && !included[i]))
      network->class_thresholds[i] = 1;
  }
}

static gboolean
read_threshold (const GValue *value, float *threshold)
{
  GValue number = G_VALUE_INIT;
  g_value_init (&number, G_TYPE_FLOAT);
  const gboolean is_number = (G_VALUE_HOLDS_FLOAT (value) || G_VALUE_HOLDS_DOUBLE (value)
                                 || G_VALUE_HOLDS_INT (value) || G_VALUE_HOLDS_UINT (value))
      && g_value_transform (value, &number);
  if (is_number)
    *threshold = g_value_get_float (&number);
  g_value_unset (&number);
  return is_number && *threshold >= 0 && *threshold <= 1;
}

static void
set_class_thresholds (const GstFbnetSettings *settings, GstFbnetNetwork *network,
    GPtrArray *unknown)
{
  const gint n = gst_structure_n_fields (settings->class_thresholds);
  for (gint i = 0; i < n; i++) {
    const char *name = gst_structure_nth_field_name (settings->class_thresholds, i);
    const GValue *value = gst_structure_get_value (settings->class_thresholds, name);
    guint id;
    float threshold;
    if (!gst_fbnet_network_find_class (network, name, &id)) {
      complain_class (unknown, "class-thresholds", name, network);
    } else if (!read_threshold (value, &threshold)) {
      g_autofree char *text = g_strdup_value_contents (value);
      g_ptr_array_add (unknown,
          g_strdup_printf ("class-thresholds: expected a number from 0 to 1 "
                           "for \"%s\", found %s",
              name, text));
    } else {
      network->class_thresholds[id] = threshold;
    }
  }
}

static void
resolve_classes (const GstFbnetSettings *settings, GstFbnetNetwork *network, FbnetParams *params,
    GPtrArray *unknown)
{
  params->class_thresholds = NULL;
  if (!settings->class_thresholds && !settings->include_classes && !settings->exclude_classes)
    return;
  for (guint i = 0; i < network->n_classes; i++)
    network->class_thresholds[i] = settings->score_threshold;
  if (settings->class_thresholds)
    set_class_thresholds (settings, network, unknown);
  filter_classes (settings, network, unknown);
  params->class_thresholds = network->class_thresholds;
}

/* (nullable): what a model must be for the property to mean anything; NULL if this one is that. */
static const char *
missing_part (const GstFbnetNetwork *network, const Property *p)
{
  const gboolean of_masks = p->value == VALUE (masks) || p->value == VALUE (mask_threshold)
      || p->value == VALUE (mask_pooler_resolution);
  const gboolean of_detections =
      (p->param != NO_PARAM && p->value != VALUE (score_threshold)) || p->value == VALUE (evaluate);
  const gboolean of_batch_norm =
      p->value == VALUE (norm_statistics) || p->value == VALUE (norm_momentum);
  if (p->value == VALUE (top_classes))
    return network->classifier ? NULL : "a classification model";
  if (network->classifier)
    return of_detections ? "a detection model" : NULL;
  if (of_masks && !fbnet_model_has_masks (network->model))
    return "a model with a mask head";
  if (of_batch_norm && fbnet_model_get_normalization (network->model) < FBNET_NORMALIZATION_SYNC_BN)
    return "a model with batch normalization";
  if (p->value == VALUE (keypoints) && fbnet_model_get_n_keypoints (network->model) == 0)
    return "a model with a keypoint head";
  return NULL;
}

/* FALSE, 0 and "stored" ask for nothing that would be missed. */
static gboolean
asks (const GstFbnetSettings *settings, const Property *p)
{
  if (p->kind == KIND_BOOLEAN || p->kind == KIND_UINT || p->kind == KIND_ENUM)
    return G_STRUCT_MEMBER (guint, settings, p->value) != 0;
  return TRUE;
}

static void
complain_parts (const GstFbnetSettings *settings, const GstFbnetNetwork *network, GPtrArray *moot)
{
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    const Property *p = &properties[i];
    const char *missing = missing_part (network, p);
    if (missing && was_set (settings, p) && asks (settings, p))
      g_ptr_array_add (moot,
          g_strdup_printf ("%s: expected %s, found %s", p->name, missing, network->path));
  }
}

static void
leave_out_parts (const GstFbnetNetwork *network, FbnetParams *params)
{
  if (!fbnet_model_has_masks (network->model)) {
    params->masks = FALSE;
    params->mask_pooler_resolution = network->defaults.mask_pooler_resolution;
  }
  if (fbnet_model_get_n_keypoints (network->model) == 0)
    params->keypoints = FALSE;
}

void
gst_fbnet_settings_resolve (const GstFbnetSettings *settings, GstFbnetNetwork *network,
    FbnetParams *params, GPtrArray *unknown, GPtrArray *moot)
{
  *params = network->defaults;
  copy_params (settings, params);
  resolve_classes (settings, network, params, unknown);
  leave_out_parts (network, params);
  complain_parts (settings, network, moot);
}
