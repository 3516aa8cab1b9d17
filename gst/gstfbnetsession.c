/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening the network, exchanging it, following the properties.
 */
#include "gstfbnetsession.h"

#include "gstfbnetattach.h"
#include "gstfbnetclasses.h"
#include "gstfbnetloader.h"

struct _GstFbnetSession {
  GstElement *element;
  GstFbnetUpdatedFunc updated;
  GstFbnetLoader *loader;

  GMutex lock; /* protects these, and now.network for other threads than the streaming thread */
  GstFbnetSettings settings;
  guint revision; /* of `settings` */

  /* As they were at the start: what takes effect with a start is read from here until the next one. */
  GstFbnetSettings started;

  /* Of the streaming thread. */
  GstFbnetNow now;
  guint applied;         /* the revision of now.settings */
  GPtrArray *complaints; /* about the settings, already posted; NULL unless started */
};

/* --- Settings ---------------------------------------------------------------------------------- */

/* Posts the complaints that were not posted when the settings were last looked at. Takes them. */
static void
post_complaints (GstFbnetSession *session, GPtrArray *complaints)
{
  for (guint i = 0; i < complaints->len; i++) {
    const char *text = g_ptr_array_index (complaints, i);
    if (!g_ptr_array_find_with_equal_func (session->complaints, text, g_str_equal, NULL))
      gst_fbnet_post_settings (session->element, GST_MESSAGE_WARNING, text);
  }
  g_ptr_array_unref (session->complaints);
  session->complaints = complaints;
}

/* Makes the frames to come follow the settings. What they cannot follow is `wrong`, or of no use to the
 * model: `moot` (gst_fbnet_settings_apply()). */
static void
resolve_settings (GstFbnetSession *session, GPtrArray *wrong, GPtrArray *moot)
{
  GstFbnetNow *now = &session->now;
  GstFbnetNetwork *network = now->network;

  g_mutex_lock (&session->lock);
  gst_fbnet_settings_copy (&now->settings, &session->settings);
  session->applied = session->revision;
  g_mutex_unlock (&session->lock);

  now->params = network->defaults;
  now->revision++;
  gst_fbnet_settings_apply (&now->settings, network->model, network->path, &now->params, moot,
      wrong);
  gst_fbnet_classes_apply (&now->settings, network, &now->params, wrong);
}

/* While a network is loading nothing is told: the settings may be meant for that one. */
static void
follow_settings (GstFbnetSession *session)
{
  GPtrArray *complaints = g_ptr_array_new_with_free_func (g_free);

  resolve_settings (session, complaints, complaints);
  if (gst_fbnet_loader_is_busy (session->loader))
    g_ptr_array_unref (complaints);
  else
    post_complaints (session, complaints);
}

static gboolean
settings_changed (GstFbnetSession *session)
{
  g_mutex_lock (&session->lock);
  const gboolean changed = session->applied != session->revision;
  g_mutex_unlock (&session->lock);
  return changed;
}

static gboolean
check_settings_at_start (GstFbnetSession *session)
{
  g_autoptr (GPtrArray) wrong = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *moot = g_ptr_array_new_with_free_func (g_free);

  resolve_settings (session, wrong, moot);
  post_complaints (session, moot);
  if (wrong->len > 0)
    gst_fbnet_post_settings (session->element, GST_MESSAGE_ERROR, g_ptr_array_index (wrong, 0));
  return wrong->len == 0;
}

/* --- Network ----------------------------------------------------------------------------------- */

/* The files that the properties name now. NULL with `error`, also when no model is set. */
static GstFbnetNetwork *
open_network (gpointer data, GError **error)
{
  GstFbnetSession *session = data;
  GstFbnetSettings settings = { 0 };

  g_mutex_lock (&session->lock);
  gst_fbnet_settings_copy (&settings, &session->settings);
  g_mutex_unlock (&session->lock);

  GstFbnetNetwork *network = gst_fbnet_network_open (settings.model_file, settings.model_sha256,
      settings.label_file, &session->started.options, error);
  gst_fbnet_settings_clear (&settings);
  return network;
}

/* The properties tell of the files in use again, unless others are wanted by now. */
static void
restore_files (GstFbnetSession *session)
{
  g_mutex_lock (&session->lock);
  const GstFbnetNetwork *network = session->now.network;
  const gboolean restore = network != NULL && !gst_fbnet_loader_is_wanted (session->loader);
  if (restore)
    gst_fbnet_settings_set_files (&session->settings, network->model_file, network->model_sha256,
        network->label_file);
  g_mutex_unlock (&session->lock);
  if (restore) {
    g_object_notify (G_OBJECT (session->element), "model-file");
    g_object_notify (G_OBJECT (session->element), "model-sha256");
    g_object_notify (G_OBJECT (session->element), "label-file");
  }
}

/* In the loader's thread. */
static void
network_opened (gpointer data, const GError *error)
{
  GstFbnetSession *session = data;

  g_mutex_lock (&session->lock);
  session->revision++; /* what was kept back while loading is told now */
  g_mutex_unlock (&session->lock);
  if (error == NULL)
    return;
  restore_files (session);
  gst_fbnet_post_engine_error (session->element, GST_MESSAGE_WARNING, error);
  session->updated (session->element, FALSE, error->message);
}

static void
set_network (GstFbnetSession *session, GstFbnetNetwork *network)
{
  g_mutex_lock (&session->lock);
  GstFbnetNetwork *old = session->now.network;
  session->now.network = network;
  session->revision++;
  g_mutex_unlock (&session->lock);
  gst_fbnet_network_unref (old);
}

/* The new network, if one has been loaded, takes the old one's place. */
static void
take_ready (GstFbnetSession *session)
{
  GstFbnetNetwork *ready = gst_fbnet_loader_take (session->loader);

  if (ready == NULL)
    return;
  set_network (session, ready);
  session->updated (session->element, TRUE, ready->path);
}

/* --- A session --------------------------------------------------------------------------------- */

GstFbnetSession *
gst_fbnet_session_new (GstElement *element, GstFbnetUpdatedFunc updated)
{
  GstFbnetSession *session = g_new0 (GstFbnetSession, 1);

  session->element = element;
  session->updated = updated;
  session->loader = gst_fbnet_loader_new (open_network, network_opened, session);
  g_mutex_init (&session->lock);
  gst_fbnet_settings_init (&session->settings);
  return session;
}

void
gst_fbnet_session_free (GstFbnetSession *session)
{
  if (session == NULL)
    return;
  gst_fbnet_loader_free (session->loader);
  gst_fbnet_settings_clear (&session->settings);
  gst_fbnet_settings_clear (&session->started);
  g_mutex_clear (&session->lock);
  g_free (session);
}

gboolean
gst_fbnet_session_start (GstFbnetSession *session)
{
  g_autoptr (GError) error = NULL;

  session->complaints = g_ptr_array_new_with_free_func (g_free);
  g_mutex_lock (&session->lock);
  gst_fbnet_settings_copy (&session->started, &session->settings);
  g_mutex_unlock (&session->lock);
  gst_fbnet_loader_start (session->loader);
  GstFbnetNetwork *network = open_network (session, &error);
  if (network == NULL) {
    gst_fbnet_post_engine_error (session->element, GST_MESSAGE_ERROR, error);
    return FALSE;
  }
  set_network (session, network);
  return check_settings_at_start (session);
}

void
gst_fbnet_session_stop (GstFbnetSession *session)
{
  gst_fbnet_loader_stop (session->loader);
  set_network (session, NULL);
  gst_fbnet_settings_clear (&session->now.settings);
  g_clear_pointer (&session->complaints, g_ptr_array_unref);
}

const GstFbnetNow *
gst_fbnet_session_get_now (GstFbnetSession *session)
{
  return &session->now;
}

void
gst_fbnet_session_follow (GstFbnetSession *session)
{
  take_ready (session);
  if (settings_changed (session))
    follow_settings (session);
}

/* --- Properties -------------------------------------------------------------------------------- */

static void
complain_needs_start (GstFbnetSession *session, const char *name)
{
  g_autofree char *text = g_strdup_printf ("%s: expected to be set in NULL or READY, found the "
                                           "element running: it takes effect with the "
                                           "next start",
      name);

  gst_fbnet_post_settings (session->element, GST_MESSAGE_WARNING, text);
}

/* With the lock held. */
static gboolean
offers_attaching (const GstFbnetSession *session)
{
  const GstFbnetSettings *settings = &session->settings;

  return settings->overlay && settings->overlay_mode != GST_FBNET_OVERLAY_MODE_BLEND;
}

gboolean
gst_fbnet_session_set (GstFbnetSession *session, GParamSpec *spec, guint id, const GValue *value,
    gboolean *offers)
{
  g_mutex_lock (&session->lock);
  const gboolean offered = offers_attaching (session);
  const gboolean known = gst_fbnet_settings_set (&session->settings, id, value);
  *offers = offers_attaching (session) != offered;
  if (known)
    session->revision++;
  if (known && gst_fbnet_settings_names_file (id))
    gst_fbnet_loader_request (session->loader);
  g_mutex_unlock (&session->lock);

  if (gst_fbnet_settings_needs_start (id) && gst_fbnet_loader_is_started (session->loader))
    complain_needs_start (session, spec->name);
  return known;
}

gboolean
gst_fbnet_session_get (GstFbnetSession *session, guint id, GValue *value)
{
  g_mutex_lock (&session->lock);
  const GstFbnetNetwork *network = session->now.network;
  const gboolean known = gst_fbnet_settings_get (&session->settings, id,
      network != NULL ? &network->defaults : NULL, value);
  g_mutex_unlock (&session->lock);
  return known;
}

gboolean
gst_fbnet_session_offers_attaching (GstFbnetSession *session)
{
  g_mutex_lock (&session->lock);
  const gboolean offers = offers_attaching (session);
  g_mutex_unlock (&session->lock);
  return offers;
}

GstFbnetNetwork *
gst_fbnet_session_ref_network (GstFbnetSession *session)
{
  g_mutex_lock (&session->lock);
  GstFbnetNetwork *network = session->now.network;
  if (network != NULL)
    gst_fbnet_network_ref (network);
  g_mutex_unlock (&session->lock);
  return network;
}
