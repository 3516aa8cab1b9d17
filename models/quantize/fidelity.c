/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Both models side by side, part by part.
 */
#include "fidelity.h"

#include <math.h>

#include "model/model.h"
#include "network/piece.h"
#include "watched.h"

/* Of a tensor every so many numbers are compared (a prime: no channel is left out), and so many at
 * most. */
#define SAMPLE_STEP 31
#define MAX_SAMPLES (64u << 10)

/* Regions that go through a head together. */
#define BATCH 64

typedef struct {
  GArray *samples; /* floats of the picture at hand */
  gsize n_given;   /* numbers of the float model, and of the int8 model */
  gsize n_taken;
  double signal, noise; /* of the picture */
  double all_signal, all_noise, worst;
  guint n_pictures;
} Channel;

struct Fidelity {
  Watched model; /* with floats */
  FbnetModel *int8;
  Workspace workspace;  /* of the int8 model */
  GHashTable *channels; /* name → Channel */
};

/* --- Numbers of both -------------------------------------------------------------------------- */

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  g_array_unref (channel->samples);
  g_free (channel);
}

static void
observe_float (const char *name, const Tensor *tensor, gpointer data)
{
  Fidelity *self = data;
  Channel *channel = g_hash_table_lookup (self->channels, name);
  const gsize n = tensor->n * tensor->h * tensor->w * tensor->c;

  if (channel == NULL) {
    channel = g_new0 (Channel, 1);
    channel->samples = g_array_new (FALSE, FALSE, sizeof (float));
    channel->worst = INFINITY;
    g_hash_table_insert (self->channels, g_strdup (name), channel);
  }
  for (gsize i = (SAMPLE_STEP - channel->n_given % SAMPLE_STEP) % SAMPLE_STEP;
       i < n && channel->samples->len < MAX_SAMPLES; i += SAMPLE_STEP)
    g_array_append_val (channel->samples, tensor->data[i]);
  channel->n_given += n;
}

static void
observe_int8 (const char *name, const Tensor *tensor, gpointer data)
{
  Fidelity *self = data;
  Channel *channel = g_hash_table_lookup (self->channels, name);
  const gsize n = tensor->n * tensor->h * tensor->w * tensor->c;

  if (channel == NULL)
    return;
  for (gsize i = (SAMPLE_STEP - channel->n_taken % SAMPLE_STEP) % SAMPLE_STEP; i < n;
       i += SAMPLE_STEP) {
    const gsize at = (channel->n_taken + i) / SAMPLE_STEP;
    if (at >= channel->samples->len)
      break;
    const double wanted = g_array_index (channel->samples, float, at);
    const double found = tensor->bytes != NULL
        ? (double) (tensor->bytes[i] - tensor->quant.zero) * tensor->quant.scale
        : tensor->data[i];
    channel->signal += wanted * wanted;
    channel->noise += (found - wanted) * (found - wanted);
  }
  channel->n_taken += n;
}

static double
decibels (double signal, double noise)
{
  return 10 * log10 (signal / noise);
}

/* The picture is done. */
static void
close_picture (Fidelity *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->channels);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Channel *channel = value;
    if (channel->n_taken > 0)
      channel->n_pictures++;
    if (channel->n_taken > 0 && channel->signal > 0)
      channel->worst = MIN (channel->worst, decibels (channel->signal, channel->noise));
    channel->all_signal += channel->signal;
    channel->all_noise += channel->noise;
    channel->signal = channel->noise = 0;
    channel->n_given = channel->n_taken = 0;
    g_array_set_size (channel->samples, 0);
  }
}

/* --- The int8 model's parts ------------------------------------------------------------------- */

static gboolean run_entry (Fidelity *self, guint index, const Tensor *in, GError **error);

/* Whoever reads the entry's map, or its mean, as `reads` says. */
static gboolean
run_readers (Fidelity *self, guint from, Reads reads, const Tensor *in, GError **error)
{
  const Layers *layers = self->workspace.network->layers;
  const char *told = NULL;
  gboolean good = TRUE;

  for (guint i = from + 1; good && i < layers->n; i++) {
    const LayerEntry *entry = &layers->entries[i];
    if (entry->reads != reads || entry->from != from)
      continue;
    if (entry->input != NULL && g_strcmp0 (entry->input, told) != 0)
      piece_observe (&self->workspace, entry->input, ".input", in);
    told = entry->input;
    good = run_entry (self, i, in, error);
  }
  return good;
}

static gboolean
is_mean_read (const Layers *layers, guint from)
{
  guint i = from + 1;

  while (
      i < layers->n && (layers->entries[i].reads != READS_MEAN || layers->entries[i].from != from))
    i++;
  return i < layers->n;
}

static gboolean
run_readers_of_mean (Fidelity *self, guint from, const Tensor *map, GError **error)
{
  Tensor mean;

  if (!is_mean_read (self->workspace.network->layers, from))
    return TRUE;
  const gboolean good = piece_run_average (&self->workspace, map, &mean, error)
      && run_readers (self, from, READS_MEAN, &mean, error);

  piece_clear (&mean);
  return good;
}

/* A head's blocks or a lone layer, of which only the observer sees the output, and all that goes on from
 * there. What is computed in floats anyway is the same in both models. */
static gboolean
run_entry (Fidelity *self, guint index, const Tensor *in, GError **error)
{
  const Network *network = self->workspace.network;
  const LayerEntry *entry = &network->layers->entries[index];
  const PackedEntry *packed = &network->entries[index];
  Tensor out = { NULL };
  gboolean good = TRUE;

  if (entry->stage != NULL)
    good = piece_run_stage (&self->workspace, &packed->stage, in, FALSE, &out, error)
        && run_readers (self, index, READS_ENTRY, &out, error)
        && run_readers_of_mean (self, index, &out, error);
  else if (entry->use == USE_PREDICTOR)
    good = piece_run_conv (&self->workspace, &packed->conv, in, &out, error);
  piece_clear (&out);
  return good;
}

/* `last` is the caller's to clear. */
static gboolean
run_trunk (Fidelity *self, const Tensor *input, gboolean as_floats, Tensor *last, GError **error)
{
  const Network *network = self->workspace.network;
  const guint n = layers_count (network->layers, ROLE_TRUNK);
  Tensor in = *input;
  gboolean good = TRUE;

  *last = (Tensor){ 0 };
  for (guint s = 0; good && s < n; s++) {
    good = piece_run_stage (&self->workspace, network_stage (network, ROLE_TRUNK, s), &in,
        as_floats && s + 1 == n, last, error);
    if (s > 0)
      piece_clear (&in);
    in = *last;
  }
  return good;
}

static gboolean
run_pyramid (Fidelity *self, const Pass *pass, GError **error)
{
  const Description *d = self->int8->description;
  Tensor levels[MAX_LEVELS];
  guint n;

  return !d->has_fpn
      || piece_run_fpn (&self->workspace, d->fpn_first_stage, pass->stages, levels, &n, error);
}

static gboolean
run_rpn (Fidelity *self, const Pass *pass, guint index, GError **error)
{
  const Description *d = self->int8->description;
  gboolean good = TRUE;

  for (guint level = 0; good && level < pass->n_levels; level++)
    good = run_entry (self, index, &pass->features[d->rpn_features[level]], error);
  return good;
}

static gboolean
run_roi_head (Fidelity *self, const Tensor *rois, guint index, GError **error)
{
  gboolean good = TRUE;

  for (gsize first = 0; good && first < rois->n; first += BATCH) {
    Tensor in = *rois;
    in.n = MIN (BATCH, rois->n - first);
    in.data = tensor_pixel (rois, first, 0, 0);
    good = run_entry (self, index, &in, error);
  }
  return good;
}

static guint
index_of (const Layers *layers, Role role)
{
  return (guint) (layers_find (layers, role, 0) - layers->entries);
}

static gboolean
run_heads (Fidelity *self, const Pass *pass, GError **error)
{
  const Layers *layers = self->int8->layers;
  gboolean good = run_rpn (self, pass, index_of (layers, ROLE_RPN), error);

  for (guint i = 0; good && i < N_HEADS; i++) {
    const RoiHead *head = &pass->heads[i];
    if (head->entry != NULL)
      good = run_roi_head (self, &head->rois, index_of (layers, head->entry->role), error);
  }
  return good;
}

static gboolean
run_detector (Fidelity *self, GError **error)
{
  const Pass *pass = detector_get_pass (self->model.detector);
  Tensor last;
  const gboolean good = run_trunk (self, &pass->input, FALSE, &last, error);

  piece_clear (&last);
  return good && run_pyramid (self, pass, error) && run_heads (self, pass, error);
}

static gboolean
run_classifier (Fidelity *self, GError **error)
{
  const guint n = layers_count (self->int8->layers, ROLE_TRUNK);
  Tensor last;
  const gboolean good =
      run_trunk (self, &classifier_get_pass (self->model.classifier)->input, TRUE, &last, error)
      && run_readers_of_mean (self, n - 1, &last, error);

  piece_clear (&last);
  return good;
}

/* --- Life ------------------------------------------------------------------------------------- */

Fidelity *
fidelity_new (FbnetModel *model, FbnetModel *int8, GError **error)
{
  const FbnetDetectorOptions options = { .precision = FBNET_PRECISION_INT8 };
  Fidelity *self = g_new0 (Fidelity, 1);

  self->channels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, channel_free);
  self->int8 = fbnet_model_ref (int8);
  self->workspace.observe = observe_int8;
  self->workspace.observer_data = self;
  if (!watched_open (&self->model, model, NULL, 0, observe_float, self, error)
      || !workspace_open (&self->workspace, int8, &options, error))
    g_clear_pointer (&self, fidelity_free);
  return self;
}

void
fidelity_free (Fidelity *self)
{
  if (self == NULL)
    return;
  watched_close (&self->model);
  workspace_close (&self->workspace);
  fbnet_model_unref (self->int8);
  g_hash_table_unref (self->channels);
  g_free (self);
}

gboolean
fidelity_add_image (Fidelity *self, const FbnetImage *image, GError **error)
{
  const gboolean done = watched_run (&self->model, image, error)
      && (self->model.detector != NULL ? run_detector (self, error) : run_classifier (self, error));

  close_picture (self);
  return done;
}

gboolean
fidelity_get (const Fidelity *self, const char *name, double *mean, double *worst)
{
  const Channel *channel = g_hash_table_lookup (self->channels, name);

  if (channel == NULL || channel->n_pictures == 0)
    return FALSE;
  *mean = decibels (channel->all_signal, channel->all_noise);
  *worst = channel->worst;
  return TRUE;
}
