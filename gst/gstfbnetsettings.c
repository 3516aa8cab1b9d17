/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties as a table: a row for each parameter and option of the engine, by the engine's own table, and
 * a row for each thing that is the element's.
 */
#include "gstfbnetsettings.h"

#include <string.h>

#include "gstfbnetattach.h"
#include "gstfbnetmeta.h"

typedef enum {
  KIND_BOOLEAN,
  KIND_UINT,
  KIND_UINT64,
  KIND_FRACTION,
  KIND_NUMBERS,
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

#define READY   GST_PARAM_MUTABLE_READY
#define PLAYING GST_PARAM_MUTABLE_PLAYING
#define CONTROL (GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE)

typedef struct {
  const char *name;
  const char *blurb;
  Kind kind;
  GParamFlags flags;
  double minimum, maximum, initial;
  gsize value; /* offset in GstFbnetSettings */
  GType (*get_type) (void);
  GType type;                 /* of enumerations and flags */
  const FbnetParamInfo *info; /* NULL: the element's own */
  gsize owner;                /* offset of the struct that `info` is of */
  Meaning meaning;
} Property;

#define VALUE(member) G_STRUCT_OFFSET (GstFbnetSettings, member)
#define DRAWN(member) G_STRUCT_OFFSET (GstFbnetSettings, style.member)

/* --- The element's own ------------------------------------------------------------------------- */

static GType
get_scheduling_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_SCHEDULING_AUTO, "latest for live sources, else sync", "auto" },
    { GST_FBNET_SCHEDULING_SYNC, "Every frame is inferred, in order; the stream waits", "sync" },
    { GST_FBNET_SCHEDULING_LATEST, "The newest frame is inferred beside the stream", "latest" },
    { 0, NULL, NULL },
  };

  return g_enum_register_static ("GstFbnetScheduling", values);
}

static GType
get_on_skip_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_ON_SKIP_AUTO, "repeat with scheduling=latest, else none", "auto" },
    { GST_FBNET_ON_SKIP_NONE, "Nothing is attached", "none" },
    { GST_FBNET_ON_SKIP_REPEAT, "The last result, for up to repeat-timeout", "repeat" },
    { 0, NULL, NULL },
  };

  return g_enum_register_static ("GstFbnetOnSkip", values);
}

static GType
get_inference_region_type (void)
{
  static const GEnumValue values[] = {
    { GST_FBNET_REGION_FULL_FRAME, "The whole frame", "full-frame" },
    { GST_FBNET_REGION_ROI_LIST, "The regions that came with the buffer, one by one", "roi-list" },
    { 0, NULL, NULL },
  };

  return g_enum_register_static ("GstFbnetInferenceRegion", values);
}

static const Property own_properties[] = {
  { "model-file",
      "Model file to detect with (unset = the bundled model); a new one is loaded in the "
      "background while playing",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (model_file) },
  { "model-sha256",
      "SHA-256 that the model file must have, in hexadecimal digits (unset = any); before another "
      "model-file set this first",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (model_sha256) },
  { "label-file", "Text file with one label per class and line, instead of the model's labels",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (label_file) },
  { "scheduling", "When inference runs in relation to the stream", KIND_ENUM, READY, 0, 0,
      GST_FBNET_SCHEDULING_AUTO, VALUE (scheduling), get_scheduling_type },
  { "enable", "Detect; otherwise frames pass untouched", KIND_BOOLEAN, CONTROL, 0, 1, TRUE,
      VALUE (rules.enable) },
  { "inference-interval", "Look at every Nth frame", KIND_UINT, PLAYING, 1, G_MAXINT, 1,
      VALUE (rules.interval) },
  { "max-inference-rate", "Look at no more than so many frames a second (0/1 = no limit)",
      KIND_FRACTION, PLAYING, 0, G_MAXINT, 0, VALUE (rules.rate_numerator) },
  { "qos", "Do not look at frames that would be shown too late; they pass", KIND_BOOLEAN, PLAYING,
      0, 1, TRUE, VALUE (rules.qos) },
  { "on-skip", "What frames carry that were not looked at", KIND_ENUM, PLAYING, 0, 0,
      GST_FBNET_ON_SKIP_AUTO, VALUE (on_skip), get_on_skip_type },
  { "repeat-timeout", "For how long a result is repeated, in ns", KIND_UINT64, PLAYING, 0, 0,
      500 * GST_MSECOND, VALUE (repeat_timeout) },
  { "inference-region", "What is looked at: the frame, or the regions that came with it", KIND_ENUM,
      PLAYING, 0, 0, GST_FBNET_REGION_FULL_FRAME, VALUE (inference_region),
      get_inference_region_type },
  { "roi", "Part of the frame to look at, in pixels: x, y, width, height (unset = the whole frame)",
      KIND_NUMBERS, PLAYING, 0, G_MAXINT, 0, VALUE (roi) },
  { "object-class",
      "Label of the regions to look into with inference-region=roi-list (unset = all)", KIND_STRING,
      PLAYING, 0, 0, 0, VALUE (object_class) },
  { "post-messages", "Tell results as element messages on the bus", KIND_ENUM, PLAYING, 0, 0,
      GST_FBNET_POST_NONE, VALUE (post_messages), gst_fbnet_post_messages_get_type },
  { "meta-types", "Kinds of metadata to attach", KIND_FLAGS, READY, 0, 0, GST_FBNET_META_ALL,
      VALUE (meta_types), gst_fbnet_meta_types_get_type },
  { "class-thresholds",
      "score-threshold class by class: fields are labels (spaces as _) or numbers of classes",
      KIND_STRUCTURE, PLAYING, 0, 0, 0, VALUE (class_thresholds) },
  { "include-classes", "Labels or numbers of the classes to detect, separated by ; (unset = all)",
      KIND_STRING, PLAYING, 0, 0, 0, VALUE (include_classes) },
  { "exclude-classes", "Labels or numbers of classes not to detect, separated by ;", KIND_STRING,
      PLAYING, 0, 0, 0, VALUE (exclude_classes) },
  { "top-classes", "Classes that a classifier tells of a frame, the most probable so many",
      KIND_UINT, PLAYING, 1, 1000, 5, VALUE (top_classes) },
  { "evaluate", "Compare detections with the regions that are on the frames already", KIND_BOOLEAN,
      PLAYING, 0, 1, FALSE, VALUE (evaluate) },
  { "tracking", "Follow objects from frame to frame: each has an id", KIND_BOOLEAN, PLAYING, 0, 1,
      FALSE, VALUE (tracking) },
  { "still-threshold",
      "Do not look at frames that differ from the last one looked at nowhere by more than so many "
      "levels of a pixel of the network (0 = look at them)",
      KIND_UINT, CONTROL, 0, 255, 0, VALUE (still_threshold) },
  { "track-timeout", "For how long a track is kept that is not seen, in ns", KIND_UINT64, PLAYING,
      0, 3600 * GST_SECOND, GST_SECOND, VALUE (track_timeout) },

#ifdef HAVE_OVERLAY
  { "overlay", "Draw the detections into the frames", KIND_BOOLEAN, CONTROL, 0, 1, FALSE,
      VALUE (overlay) },
  { "overlay-mode", "Whether drawings go into the frames or beside them, for a sink to blend",
      KIND_ENUM, READY, 0, 0, GST_FBNET_OVERLAY_MODE_AUTO, VALUE (overlay_mode),
      gst_fbnet_overlay_mode_get_type },
  { "draw-boxes", "Draw boxes", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_boxes) },
  { "draw-labels", "Draw labels", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_labels) },
  { "draw-scores", "Draw probabilities", KIND_BOOLEAN, PLAYING, 0, 1, TRUE, DRAWN (draw_scores) },
  { "draw-masks", "Tint the objects' pixels", KIND_BOOLEAN, PLAYING, 0, 1, TRUE,
      DRAWN (draw_masks) },
  { "draw-keypoints", "Draw keypoints, and the skeleton between COCO's", KIND_BOOLEAN, PLAYING, 0,
      1, TRUE, DRAWN (draw_keypoints) },
  { "color-by", "What a colour stands for", KIND_ENUM, PLAYING, 0, 0, GST_FBNET_COLOR_BY_CLASS,
      DRAWN (color_by), gst_fbnet_color_by_get_type },
  { "outline-color", "Colour of boxes and masks, 0xAARRGGBB (0 = from the palette)", KIND_UINT,
      PLAYING, 0, G_MAXUINT32, 0, DRAWN (outline_color) },
  { "labels-color", "Colour of the text of labels, 0xAARRGGBB (0 = black or white, by the palette)",
      KIND_UINT, PLAYING, 0, G_MAXUINT32, 0, DRAWN (labels_color) },
  { "line-width", "Width of lines in a frame of 480 rows; others in proportion", KIND_UINT, PLAYING,
      1, 64, 2, DRAWN (line_width) },
  { "mask-alpha", "Opacity of masks", KIND_DOUBLE, CONTROL, 0, 1, 0.5, DRAWN (mask_alpha) },
#endif
};

/* Options of the tracker that are no properties: the element has times in ns, and takes the scores from its
 * thresholds. */
static const char *const not_properties[] = { "track-timeout", "track-high-score",
  "track-low-score", "track-new-score", NULL };

/* Parameters that begin with what suits a stream, whatever the model says. */
static const struct {
  const char *name;
  double maximum, initial;
} own_defaults[] = {
  { "score-threshold", 1, 0.5 }, /* models have one for evaluations, where doubtful objects count */
  { "mask-threshold", 1, 0.5 }, { "max-detections", 1000, 100 },
  { "zoom-policy", FBNET_ZOOM_SWEEP,
      FBNET_ZOOM_AUTO }, /* pictures have neither tracks nor motion */
};

/* --- The engine's ------------------------------------------------------------------------------ */

static gboolean
is_option (const FbnetParamInfo *info)
{
  return info->change == FBNET_CHANGE_DETECTOR;
}

/* "norm-statistics" → "GstFbnetNormStatistics" */
static char *
make_type_name (const char *name)
{
  g_auto (GStrv) words = g_strsplit (name, "-", -1);
  GString *type = g_string_new ("GstFbnet");

  for (char **word = words; *word != NULL; word++) {
    g_string_append_c (type, g_ascii_toupper (**word));
    g_string_append (type, *word + 1);
  }
  return g_string_free (type, FALSE);
}

/* The values live as long as the type: for good. */
static GType
register_choices (const FbnetParamInfo *info)
{
  const guint n = (guint) info->max + 1;
  g_autofree char *name = make_type_name (info->name);
  GEnumValue *values = g_new0 (GEnumValue, n + 1);

  for (guint i = 0; i < n; i++)
    values[i] = (GEnumValue){ (gint) i, info->choices[i].blurb, info->choices[i].name };
  return g_enum_register_static (name, values);
}

static const char *
make_blurb (const FbnetParamInfo *info, Meaning meaning)
{
  static const char *const endings[] = { [LITERAL] = "",
    [ZERO_IS_MODEL] = " (0 = the model's)",
    [UNSET_IS_MODEL] = " (default: the model's)" };
  g_autofree char *text = fbnet_param_describe (info);
  g_autofree char *blurb = g_strconcat (text, endings[meaning], NULL);

  return g_intern_string (blurb);
}

static Kind
kind_of (FbnetParamType type)
{
  switch (type) {
    case FBNET_PARAM_FLOAT:
      return KIND_FLOAT;
    case FBNET_PARAM_COUNT:
      return KIND_UINT;
    case FBNET_PARAM_FLAG:
      return KIND_BOOLEAN;
    case FBNET_PARAM_CHOICE:
      return KIND_ENUM;
    case FBNET_PARAM_NAME:
      return KIND_STRING;
    case FBNET_PARAM_CLASSES:
      break; /* the element has its own way of writing them */
  }
  g_assert_not_reached ();
}

static GParamFlags
flags_of (const FbnetParamInfo *info)
{
  if (is_option (info))
    return READY;
  return info->type == FBNET_PARAM_FLOAT || strcmp (info->name, "zoom-regions") == 0 ? CONTROL
                                                                                     : PLAYING;
}

/* A count that cannot be 0 has 0 for the model's own. */
static Meaning
meaning_of (const FbnetParamInfo *info)
{
  if (!info->of_model)
    return LITERAL;
  return info->type == FBNET_PARAM_COUNT && info->min >= 1 ? ZERO_IS_MODEL : UNSET_IS_MODEL;
}

static void
begin_with_own (Property *p)
{
  for (guint i = 0; i < G_N_ELEMENTS (own_defaults); i++) {
    if (strcmp (p->name, own_defaults[i].name) != 0)
      continue;
    p->meaning = LITERAL;
    p->maximum = own_defaults[i].maximum;
    p->initial = own_defaults[i].initial;
  }
}

static Property
make_property (const FbnetParamInfo *info, gsize owner)
{
  Property p = { .name = info->name,
    .kind = kind_of (info->type),
    .flags = flags_of (info),
    .minimum = info->min,
    .maximum = info->max,
    .initial = info->usual,
    .value = owner + info->offset,
    .info = info,
    .owner = owner,
    .meaning = meaning_of (info) };

  begin_with_own (&p);
  if (p.meaning == ZERO_IS_MODEL)
    p.minimum = p.initial = 0;
  if (info->choices != NULL)
    p.type = register_choices (info);
  p.blurb = make_blurb (info, p.meaning);
  return p;
}

/* --- All of them ------------------------------------------------------------------------------- */

static void
append_rows (GArray *properties, const FbnetParamInfo *table, guint n, gsize owner)
{
  for (guint i = 0; i < n; i++) {
    if (table[i].type == FBNET_PARAM_CLASSES || g_strv_contains (not_properties, table[i].name))
      continue;
    const Property p = make_property (&table[i], owner);
    g_array_append_val (properties, p);
  }
}

static GArray *
make_properties (void)
{
  GArray *properties = g_array_new (FALSE, FALSE, sizeof (Property));
  guint n;

  for (guint i = 0; i < G_N_ELEMENTS (own_properties); i++) {
    Property p = own_properties[i];
    if (p.get_type != NULL)
      p.type = p.get_type ();
    g_array_append_val (properties, p);
  }
  const FbnetParamInfo *options = fbnet_detector_options_table (&n);
  append_rows (properties, options, n, VALUE (options));
  const FbnetParamInfo *params = fbnet_params_table (&n);
  append_rows (properties, params, n, VALUE (params));
  const FbnetParamInfo *tracker = fbnet_tracker_options_table (&n);
  append_rows (properties, tracker, n, VALUE (tracker));
  const FbnetParamInfo *zoom = fbnet_zoom_options_table (&n);
  append_rows (properties, zoom, n, VALUE (zoom));
  g_assert (properties->len < GST_FBNET_MAX_PROPERTIES);
  return properties;
}

/* Made once, for good. */
static const Property *
list_properties (guint *n)
{
  static GArray *properties = NULL;

  if (g_once_init_enter (&properties))
    g_once_init_leave (&properties, make_properties ());
  *n = properties->len;
  return (const Property *) (gconstpointer) properties->data;
}

static const Property *
find_property (guint id)
{
  guint n;
  const Property *properties = list_properties (&n);

  return id >= 1 && id <= n ? &properties[id - 1] : NULL;
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
    case KIND_UINT64:
      return g_param_spec_uint64 (p->name, p->name, p->blurb, 0,
          p->maximum > 0 ? (guint64) p->maximum : G_MAXUINT64, (guint64) p->initial, flags);
    case KIND_FRACTION:
      return gst_param_spec_fraction (p->name, p->name, p->blurb, 0, 1, G_MAXINT, 1, 0, 1, flags);
    case KIND_NUMBERS:
      return gst_param_spec_array (p->name, p->name, p->blurb,
          g_param_spec_int ("number", "number", "One of them", 0, G_MAXINT, 0, flags), flags);
    case KIND_FLOAT:
      return g_param_spec_float (p->name, p->name, p->blurb, p->minimum, p->maximum, p->initial,
          flags);
    case KIND_DOUBLE:
      return g_param_spec_double (p->name, p->name, p->blurb, p->minimum, p->maximum, p->initial,
          flags);
    case KIND_STRING:
      return g_param_spec_string (p->name, p->name, p->blurb, NULL, flags);
    case KIND_ENUM:
      return g_param_spec_enum (p->name, p->name, p->blurb, p->type, (gint) p->initial, flags);
    case KIND_FLAGS:
      return g_param_spec_flags (p->name, p->name, p->blurb, p->type, (guint) p->initial, flags);
    case KIND_STRUCTURE:
      return g_param_spec_boxed (p->name, p->name, p->blurb, GST_TYPE_STRUCTURE, flags);
  }
  g_assert_not_reached ();
}

guint
gst_fbnet_settings_install (GObjectClass *object_class)
{
  guint n;
  const Property *properties = list_properties (&n);

  for (guint i = 0; i < n; i++) {
    g_object_class_install_property (object_class, i + 1, make_spec (&properties[i]));
    if (properties[i].type != 0)
      gst_type_mark_as_plugin_api (properties[i].type, 0);
  }
  return n + 1;
}

/* --- Values ------------------------------------------------------------------------------------ */

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
    case KIND_UINT64:
      *(guint64 *) at = (guint64) p->initial;
      break;
    case KIND_FRACTION:
      ((gint *) at)[0] = 0;
      ((gint *) at)[1] = 1;
      break;
    case KIND_NUMBERS:
      *(GstFbnetNumbers *) at = (GstFbnetNumbers){ 0 };
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
  guint n;
  const Property *properties = list_properties (&n);

  *settings = (GstFbnetSettings){ 0 };
  for (guint i = 0; i < n; i++)
    set_initial (G_STRUCT_MEMBER_P (settings, properties[i].value), &properties[i]);
}

void
gst_fbnet_settings_clear (GstFbnetSettings *settings)
{
  guint n;
  const Property *properties = list_properties (&n);

  for (guint i = 0; i < n; i++) {
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
  guint n;
  const Property *properties = list_properties (&n);

  gst_fbnet_settings_clear (to);
  *to = *from;
  for (guint i = 0; i < n; i++) {
    const gpointer at = G_STRUCT_MEMBER_P (to, properties[i].value);
    if (properties[i].kind == KIND_STRING)
      *(char **) at = g_strdup (*(char **) at);
    else if (properties[i].kind == KIND_STRUCTURE && *(GstStructure **) at != NULL)
      *(GstStructure **) at = gst_structure_copy (*(GstStructure **) at);
  }
}

/* An empty string is no name: gst-launch cannot write NULL. */
static void
set_string (char **at, const GValue *value)
{
  const char *text = g_value_get_string (value);

  g_free (*at);
  *at = text != NULL && *text != '\0' ? g_strdup (text) : NULL;
}

static void
set_structure (GstStructure **at, const GValue *value)
{
  g_clear_pointer (at, gst_structure_free);
  *at = g_value_dup_boxed (value);
}

/* More than four are told by their number. */
static void
set_numbers (GstFbnetNumbers *at, const GValue *value)
{
  at->n = gst_value_array_get_size (value);
  for (guint i = 0; i < MIN (at->n, G_N_ELEMENTS (at->numbers)); i++)
    at->numbers[i] = (guint) g_value_get_int (gst_value_array_get_value (value, i));
}

static void
get_numbers (const GstFbnetNumbers *at, GValue *value)
{
  for (guint i = 0; i < MIN (at->n, G_N_ELEMENTS (at->numbers)); i++) {
    GValue number = G_VALUE_INIT;
    g_value_init (&number, G_TYPE_INT);
    g_value_set_int (&number, (gint) at->numbers[i]);
    gst_value_array_append_and_take_value (value, &number);
  }
}

gboolean
gst_fbnet_settings_set (GstFbnetSettings *settings, guint id, const GValue *value)
{
  const Property *p = find_property (id);

  if (p == NULL)
    return FALSE;
  const gpointer at = G_STRUCT_MEMBER_P (settings, p->value);
  settings->was_set[id] = TRUE;
  switch (p->kind) {
    case KIND_BOOLEAN:
      *(gboolean *) at = g_value_get_boolean (value);
      break;
    case KIND_UINT:
      *(guint *) at = g_value_get_uint (value);
      break;
    case KIND_UINT64:
      *(guint64 *) at = g_value_get_uint64 (value);
      break;
    case KIND_FRACTION:
      ((gint *) at)[0] = gst_value_get_fraction_numerator (value);
      ((gint *) at)[1] = gst_value_get_fraction_denominator (value);
      break;
    case KIND_NUMBERS:
      set_numbers (at, value);
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

gboolean
gst_fbnet_settings_get (const GstFbnetSettings *settings, guint id, const FbnetParams *model,
    GValue *value)
{
  const Property *p = find_property (id);

  if (p == NULL)
    return FALSE;
  gconstpointer at = G_STRUCT_MEMBER_P (settings, p->value);
  if (model != NULL && p->meaning == UNSET_IS_MODEL && !settings->was_set[id])
    at = G_STRUCT_MEMBER_P (model, p->info->offset);
  switch (p->kind) {
    case KIND_BOOLEAN:
      g_value_set_boolean (value, *(const gboolean *) at);
      break;
    case KIND_UINT:
      g_value_set_uint (value, *(const guint *) at);
      break;
    case KIND_UINT64:
      g_value_set_uint64 (value, *(const guint64 *) at);
      break;
    case KIND_FRACTION:
      gst_value_set_fraction (value, ((const gint *) at)[0], ((const gint *) at)[1]);
      break;
    case KIND_NUMBERS:
      get_numbers (at, value);
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

void
gst_fbnet_settings_set_files (GstFbnetSettings *settings, const char *model_file,
    const char *model_sha256, const char *label_file)
{
  g_free (settings->model_file);
  g_free (settings->model_sha256);
  g_free (settings->label_file);
  settings->model_file = g_strdup (model_file);
  settings->model_sha256 = g_strdup (model_sha256);
  settings->label_file = g_strdup (label_file);
}

gboolean
gst_fbnet_settings_needs_start (guint id)
{
  const Property *p = find_property (id);

  return p != NULL && p->flags == READY;
}

gboolean
gst_fbnet_settings_names_file (guint id)
{
  const Property *p = find_property (id);

  return p != NULL
      && (p->value == VALUE (model_file) || p->value == VALUE (model_sha256)
          || p->value == VALUE (label_file));
}

/* --- From values to parameters ----------------------------------------------------------------- */

/* (nullable): what a model must be for the property to mean anything; NULL if this one is that. */
static const char *
missing_part (const Property *p, const FbnetModel *model)
{
  const gboolean classifies = fbnet_model_get_task (model) == FBNET_TASK_CLASSIFICATION;

  if (p->info != NULL)
    return fbnet_param_missing (p->info, model);
  if (p->value == VALUE (top_classes))
    return classifies ? NULL : "a classification model";
  const gboolean detects = p->value == VALUE (evaluate) || p->value == VALUE (inference_region)
      || p->value == VALUE (object_class) || p->value == VALUE (tracking)
      || p->value == VALUE (still_threshold);
  return classifies && detects ? "a detection model" : NULL;
}

/* FALSE, 0 and "stored" ask for nothing that would be missed. */
static gboolean
asks (const GstFbnetSettings *settings, const Property *p)
{
  if (p->kind == KIND_BOOLEAN || p->kind == KIND_UINT || p->kind == KIND_ENUM)
    return G_STRUCT_MEMBER (guint, settings, p->value) != 0;
  return TRUE;
}

static gboolean
speaks_for_model (const GstFbnetSettings *settings, const Property *p, gboolean was_set)
{
  if (p->meaning == UNSET_IS_MODEL)
    return !was_set;
  return p->meaning == ZERO_IS_MODEL && G_STRUCT_MEMBER (guint, settings, p->value) == 0;
}

static gboolean
is_meant (const GstFbnetSettings *settings, const Property *p, guint id)
{
  return p->info != NULL && p->owner == VALUE (params)
      && !speaks_for_model (settings, p, settings->was_set[id]);
}

/* A classifier's parameters are but thresholds, which need nothing of each other. */
static gboolean
check_value (const FbnetParamInfo *info, const FbnetModel *model, const FbnetParams *params,
    GError **error)
{
  if (fbnet_model_get_task (model) == FBNET_TASK_CLASSIFICATION)
    return fbnet_param_check (info, fbnet_param_get (info, params), error);
  return fbnet_params_check (model, params, error);
}

/* One value beside those that hold already. */
static gboolean
try_value (const GstFbnetSettings *settings, const Property *p, const FbnetModel *model,
    FbnetParams *params, GError **error)
{
  FbnetParams tried = *params;

  fbnet_param_set (p->info, &tried, fbnet_param_get (p->info, &settings->params));
  if (!check_value (p->info, model, &tried, error))
    return FALSE;
  *params = tried;
  return TRUE;
}

static void
complain (GPtrArray *wrong, const char *name, const GError *error)
{
  g_autofree char *start = g_strconcat (name, ": ", NULL);

  g_ptr_array_add (wrong,
      g_str_has_prefix (error->message, start) ? g_strdup (error->message)
                                               : g_strconcat (start, error->message, NULL));
}

/* Values that go together may not do so one after the other: those that fail are tried again as long as
 * others are accepted. */
static void
take_values (const GstFbnetSettings *settings, GArray *wanted, const FbnetModel *model,
    FbnetParams *params, GPtrArray *wrong)
{
  guint before;

  do {
    before = wanted->len;
    for (guint i = 0; i < wanted->len;) {
      if (try_value (settings, g_array_index (wanted, const Property *, i), model, params, NULL))
        g_array_remove_index (wanted, i);
      else
        i++;
    }
  } while (wanted->len > 0 && wanted->len < before);
  for (guint i = 0; i < wanted->len; i++) {
    const Property *p = g_array_index (wanted, const Property *, i);
    g_autoptr (GError) error = NULL;
    try_value (settings, p, model, params, &error);
    complain (wrong, p->name, error);
  }
}

static void
check_roi (const GstFbnetSettings *settings, GPtrArray *wrong)
{
  const GstFbnetNumbers *roi = &settings->roi;

  if (roi->n != 0 && (roi->n != 4 || roi->numbers[2] == 0 || roi->numbers[3] == 0))
    g_ptr_array_add (wrong,
        g_strdup_printf (
            "roi: expected x, y, width, height, the last two at least 1, found %u numbers%s",
            roi->n, roi->n == 4 ? ", a side of 0" : ""));
}

/* Regions that came with the buffer are enlarged as it is. */
static void
check_zoom (const GstFbnetSettings *settings, GPtrArray *moot)
{
  if (settings->zoom.regions > 0 && settings->inference_region == GST_FBNET_REGION_ROI_LIST)
    g_ptr_array_add (moot,
        g_strdup ("zoom-regions: expected inference-region=full-frame, found roi-list"));
}

void
gst_fbnet_settings_apply (const GstFbnetSettings *settings, const FbnetModel *model,
    const char *path, FbnetParams *params, GPtrArray *moot, GPtrArray *wrong)
{
  guint n;
  const Property *properties = list_properties (&n);
  g_autoptr (GArray) wanted = g_array_new (FALSE, FALSE, sizeof (const Property *));

  for (guint i = 0; i < n; i++) {
    const Property *p = &properties[i];
    const gboolean was_set = settings->was_set[i + 1];
    const char *missing = missing_part (p, model);
    if (missing == NULL && is_meant (settings, p, i + 1))
      g_array_append_val (wanted, p);
    if (missing != NULL && was_set && asks (settings, p))
      g_ptr_array_add (moot, g_strdup_printf ("%s: expected %s, found %s", p->name, missing, path));
  }
  take_values (settings, wanted, model, params, wrong);
  check_roi (settings, wrong);
  check_zoom (settings, moot);
}
