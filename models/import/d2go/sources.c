/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kinds of file that models come in: a row each.
 */
#include "sources.h"

#include "config.h"
#include "torchscript.h"

/* --- Checkpoints ------------------------------------------------------------------------------ */

/* A config that is only a name says what network it is, not what it was taught; a file says both. */
static gboolean
is_name (const char *config)
{
  g_auto (GStrv) names = import_zoo_names ();

  return g_strv_contains ((const char *const *) names, config);
}

static Imported *
fit_checkpoint (Weights *weights, const cJSON *description, const char *config,
    gboolean own_classes, const char *name, GError **error)
{
  if (config == NULL)
    return checkpoint_recognise (weights, name, error);
  if (description == NULL)
    return checkpoint_fit_classifier (weights, config, name, error);
  return checkpoint_fit (weights, description, own_classes, config, name, error);
}

/* Whatever archive_open() opened: a pickle, in a zip archive or by itself. */
static gboolean
is_pickle (const Archive *archive)
{
  return TRUE;
}

static Imported *
read_checkpoint (Archive *archive, const cJSON *description, const char *config,
    const ImportOptions *options, GError **error)
{
  if (options->precision == IMPORT_INT8) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected an int8 export, found a checkpoint, whose weights are floats",
        archive_name (archive));
    return NULL;
  }
  g_autofree char *source = NULL;
  Weights *weights = checkpoint_read (archive, options->ema, &source, error);
  if (weights == NULL)
    return NULL;
  const gboolean own_classes = options->config != NULL && is_name (options->config);
  Imported *imported =
      fit_checkpoint (weights, description, config, own_classes, archive_name (archive), error);
  if (imported != NULL)
    imported->source = g_steal_pointer (&source);
  return imported;
}

/* --- Exports ---------------------------------------------------------------------------------- */

static Imported *
read_export (Archive *archive, const cJSON *description, const char *config,
    const ImportOptions *options, GError **error)
{
  if (options->ema == EMA_YES) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: an int8 export has no averaged weights", archive_name (archive));
    return NULL;
  }
  if (config != NULL && description == NULL) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_UNSUPPORTED,
        "%s: expected a checkpoint of the classifier %s, found a TorchScript export: only "
        "detectors are read from those",
        archive_name (archive), config);
    return NULL;
  }
  return torchscript_import (archive, description, config, options->precision != IMPORT_FLOAT32,
      error);
}

/* --- All of them ------------------------------------------------------------------------------ */

static const struct {
  gboolean (*recognise) (const Archive *archive);
  Imported *(*read) (Archive *archive, const cJSON *description, const char *config,
      const ImportOptions *options, GError **error);
} kinds[] = {
  { torchscript_is, read_export },
  { is_pickle, read_checkpoint },
};

Imported *
source_read (Archive *archive, const cJSON *description, const char *config,
    const ImportOptions *options, GError **error)
{
  guint i = 0;

  while (!kinds[i].recognise (archive))
    i++;
  return kinds[i].read (archive, description, config, options, error);
}
