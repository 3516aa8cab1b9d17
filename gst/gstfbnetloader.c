/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A thread that opens networks, and a count of the requests for them.
 */
#include "gstfbnetloader.h"

/* What belongs together, a model and its labels, is set one property after the other: µs. */
#define GRACE 2000

struct _GstFbnetLoader {
  GstFbnetOpenFunc open;
  GstFbnetOpenedFunc opened;
  gpointer data;

  GMutex lock;       /* protects the rest */
  GThreadPool *pool; /* NULL unless started */
  guint wanted;      /* counts requests */
  guint served;      /* the newest request that was served, or failed */
  GstFbnetNetwork *ready;
};

GstFbnetLoader *
gst_fbnet_loader_new (GstFbnetOpenFunc open, GstFbnetOpenedFunc opened, gpointer data)
{
  GstFbnetLoader *loader = g_new0 (GstFbnetLoader, 1);

  loader->open = open;
  loader->opened = opened;
  loader->data = data;
  g_mutex_init (&loader->lock);
  return loader;
}

void
gst_fbnet_loader_free (GstFbnetLoader *loader)
{
  if (loader == NULL)
    return;
  g_mutex_clear (&loader->lock);
  g_free (loader);
}

static gboolean
is_newest (GstFbnetLoader *loader, guint request)
{
  g_mutex_lock (&loader->lock);
  const gboolean newest = loader->wanted == request;
  g_mutex_unlock (&loader->lock);
  return newest;
}

static void
serve (gpointer item, gpointer data)
{
  GstFbnetLoader *loader = data;
  const guint request = GPOINTER_TO_UINT (item);
  g_autoptr (GError) error = NULL;

  if (is_newest (loader, request))
    g_usleep (GRACE);
  if (!is_newest (loader, request))
    return;
  GstFbnetNetwork *network = loader->open (loader->data, &error);

  g_mutex_lock (&loader->lock);
  const gboolean newest = loader->wanted == request;
  if (newest) {
    GstFbnetNetwork *superseded = loader->ready;
    loader->ready = network;
    network = superseded;
    loader->served = request;
  }
  g_mutex_unlock (&loader->lock);

  gst_fbnet_network_unref (network);
  if (newest)
    loader->opened (loader->data, error);
}

void
gst_fbnet_loader_start (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  loader->pool = g_thread_pool_new (serve, loader, 1, FALSE, NULL);
  g_mutex_unlock (&loader->lock);
}

void
gst_fbnet_loader_stop (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  GThreadPool *pool = g_steal_pointer (&loader->pool);
  loader->wanted++; /* what is being opened, and what still waits, is not wanted any more */
  g_mutex_unlock (&loader->lock);
  if (pool != NULL)
    g_thread_pool_free (pool, TRUE, TRUE);

  g_mutex_lock (&loader->lock);
  GstFbnetNetwork *ready = g_steal_pointer (&loader->ready);
  loader->served = loader->wanted;
  g_mutex_unlock (&loader->lock);
  gst_fbnet_network_unref (ready);
}

gboolean
gst_fbnet_loader_is_started (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  const gboolean started = loader->pool != NULL;
  g_mutex_unlock (&loader->lock);
  return started;
}

void
gst_fbnet_loader_request (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  if (loader->pool != NULL) {
    loader->wanted++;
    g_thread_pool_push (loader->pool, GUINT_TO_POINTER (loader->wanted), NULL);
  }
  g_mutex_unlock (&loader->lock);
}

gboolean
gst_fbnet_loader_is_wanted (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  const gboolean wanted = loader->served != loader->wanted;
  g_mutex_unlock (&loader->lock);
  return wanted;
}

gboolean
gst_fbnet_loader_is_busy (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  const gboolean busy = loader->served != loader->wanted || loader->ready != NULL;
  g_mutex_unlock (&loader->lock);
  return busy;
}

GstFbnetNetwork *
gst_fbnet_loader_take (GstFbnetLoader *loader)
{
  g_mutex_lock (&loader->lock);
  GstFbnetNetwork *ready = g_steal_pointer (&loader->ready);
  g_mutex_unlock (&loader->lock);
  return ready;
}
