/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The process's table of loaded models.
 */
#include "gstfbnetmodels.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fbnet-demo.h" /* made of models/demo/fbnet-demo.gresource.xml */

/* Of the model that the plugin carries. */
#define BUNDLED_PATH "/fbnet/demo/fbnet-demo.safetensors"

/* A file that changed is another file: elements that hold the old contents keep them. */
typedef struct {
  char *path;
  gint64 size;
  gint64 seconds, nanoseconds;
} FileKey;

typedef struct {
  FileKey key;
  guint holders;
  gboolean loading;
  FbnetModel *model; /* NULL while loading, and after a failure */
  GError *error;
} Entry;

static GMutex lock;
static GCond loaded;
static GList *entries; /* of Entry; protected by lock */

static gboolean
file_key_init (FileKey *key, const char *path)
{
  struct stat status;

  if (path == NULL) {
    key->path = g_strdup (GST_FBNET_BUNDLED_MODEL);
    return TRUE;
  }
  char *real = realpath (path, NULL);
  if (real == NULL)
    return FALSE;
  const gboolean found = stat (real, &status) == 0;
  if (found) {
    key->path = g_strdup (real);
    key->size = status.st_size;
    key->seconds = status.st_mtim.tv_sec;
    key->nanoseconds = status.st_mtim.tv_nsec;
  }
  free (real);
  return found;
}

static gboolean
file_key_equal (const FileKey *a, const FileKey *b)
{
  return a->size == b->size && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds
      && g_str_equal (a->path, b->path);
}

static Entry *
find_by_key (const FileKey *key)
{
  for (GList *l = entries; l; l = l->next) {
    Entry *entry = l->data;
    if (file_key_equal (&entry->key, key))
      return entry;
  }
  return NULL;
}

static Entry *
find_by_model (const FbnetModel *model)
{
  for (GList *l = entries; l; l = l->next) {
    Entry *entry = l->data;
    if (entry->model == model)
      return entry;
  }
  return NULL;
}

/* With the lock held. The model's memory is given back outside of it: the caller unrefs. */
static FbnetModel *
drop_holder (Entry *entry)
{
  if (--entry->holders > 0)
    return NULL;
  FbnetModel *model = entry->model;
  entries = g_list_remove (entries, entry);
  g_free (entry->key.path);
  g_clear_error (&entry->error);
  g_free (entry);
  return model;
}

static FbnetModel *
load_bundled (GError **error)
{
  g_autoptr (GBytes) bytes = g_resource_lookup_data (fbnet_demo_get_resource (), BUNDLED_PATH,
      G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  return bytes != NULL ? fbnet_model_load_bytes (bytes, GST_FBNET_BUNDLED_MODEL, error) : NULL;
}

/* Takes over `key`. With the lock held, which is let go while the file is read. */
static Entry *
load_entry (FileKey *key, const char *path)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->key = *key;
  entry->holders = 1;
  entry->loading = TRUE;
  entries = g_list_prepend (entries, entry);

  g_mutex_unlock (&lock);
  GError *error = NULL;
  FbnetModel *model = path != NULL ? fbnet_model_load (path, &error) : load_bundled (&error);
  g_mutex_lock (&lock);

  entry->model = model;
  entry->error = error;
  entry->loading = FALSE;
  g_cond_broadcast (&loaded);
  return entry;
}

FbnetModel *
gst_fbnet_models_acquire (const char *path, GError **error)
{
  FileKey key = { NULL };

  if (!file_key_init (&key, path)) /* the loader finds the words for why */
    return fbnet_model_load (path, error);

  g_mutex_lock (&lock);
  Entry *entry = find_by_key (&key);
  if (entry != NULL) {
    g_free (key.path);
    entry->holders++;
    while (entry->loading)
      g_cond_wait (&loaded, &lock);
  } else {
    entry = load_entry (&key, path);
  }

  FbnetModel *model = entry->model;
  if (model == NULL) {
    g_propagate_error (error, g_error_copy (entry->error));
    drop_holder (entry);
  }
  g_mutex_unlock (&lock);
  return model;
}

void
gst_fbnet_models_release (FbnetModel *model)
{
  if (model == NULL)
    return;
  g_mutex_lock (&lock);
  Entry *entry = find_by_model (model);
  FbnetModel *last = entry != NULL ? drop_holder (entry) : model;
  g_mutex_unlock (&lock);
  fbnet_model_unref (last);
}
