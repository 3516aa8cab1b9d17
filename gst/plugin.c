/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The plugin "fbnet".
 */
#include "gstfbnetdetect.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (fbnetdetect, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, fbnet,
    "Object detection with D2Go's FBNetV3 networks", plugin_init, PACKAGE_VERSION, "LGPL", "fbnet",
    "fbnet")
