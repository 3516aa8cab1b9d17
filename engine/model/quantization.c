/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The description's object `quantization`; see quantization.h.
 */
#include "quantization.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- Reading ---------------------------------------------------------------------------------- */

static void
read_activation (Quantization *quantization, JsonReader *activations, const cJSON *item)
{
  static const char *const keys[] = { "scale", "zero_point", NULL };
  const char *name = item->string;

  if (!cJSON_IsObject (item) || strlen (name) > JSON_MAX_KEY) {
    json_fail (activations, name, "an object, with a name of at most 1000 bytes");
    return;
  }
  g_autofree char *path = g_strdup_printf ("quantization.activations.%s", name);
  JsonReader activation = { item, path, activations->error, FALSE };
  json_only_keys (&activation, keys);
  const Quant quant = { (float) json_number (&activation, "scale", QUANT_MIN_SCALE, QUANT_MAX_SCALE,
                            NULL),
    (gint32) json_uint (&activation, "zero_point", 0, 255, NULL) };
  activations->failed |= activation.failed;
  quantization->activations[quantization->n_activations++] = (NamedQuant){ g_strdup (name), quant };
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (((const NamedQuant *) a)->name, ((const NamedQuant *) b)->name);
}

static void
read_activations (Quantization *quantization, JsonReader *reader)
{
  JsonReader activations = json_open (reader, "activations", "quantization.activations", FALSE);
  const cJSON *item;

  if (activations.object != NULL && !activations.failed) {
    quantization->activations =
        memory_new (NamedQuant, (gsize) cJSON_GetArraySize (activations.object), reader->error);
    activations.failed = quantization->activations == NULL;
  }
  for (item = activations.object != NULL ? activations.object->child : NULL;
       item != NULL && !activations.failed; item = item->next)
    read_activation (quantization, &activations, item);
  if (quantization->n_activations > 1)
    qsort (quantization->activations, quantization->n_activations, sizeof (NamedQuant),
        compare_names);
  reader->failed |= activations.failed;
}

Quantization *
quantization_read (JsonReader *top)
{
  static const char *const keys[] = { "scheme", "bias", "activations", NULL };
  JsonReader reader = json_open (top, "quantization", "quantization", TRUE);

  if (reader.object == NULL)
    return NULL;
  Quantization *quantization = g_new0 (Quantization, 1);
  json_only_keys (&reader, keys);
  if (g_strcmp0 (json_string (&reader, "scheme", FALSE), "int8") != 0)
    json_fail (&reader, "scheme", "\"int8\"");
  const char *bias = json_string (&reader, "bias", TRUE);
  quantization->exact_bias = g_strcmp0 (bias, "exact") == 0;
  if (bias != NULL && !quantization->exact_bias && g_strcmp0 (bias, "wide") != 0)
    json_fail (&reader, "bias", "\"wide\" or \"exact\"");
  read_activations (quantization, &reader);
  top->failed |= reader.failed;
  if (reader.failed)
    g_clear_pointer (&quantization, quantization_free);
  return quantization;
}

void
quantization_free (Quantization *quantization)
{
  if (quantization == NULL)
    return;
  for (guint i = 0; i < quantization->n_activations; i++)
    g_free (quantization->activations[i].name);
  g_free (quantization->activations);
  g_free (quantization);
}

gint
quantization_find (const Quantization *quantization, const char *name)
{
  const NamedQuant sought = { .name = (char *) name };
  const NamedQuant *found = bsearch (&sought, quantization->activations,
      quantization->n_activations, sizeof sought, compare_names);

  return found != NULL ? (gint) (found - quantization->activations) : -1;
}
