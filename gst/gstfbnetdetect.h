/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element fbnetdetect.
 */
#ifndef GST_FBNET_DETECT_H
#define GST_FBNET_DETECT_H

#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_FBNET_DETECT (gst_fbnet_detect_get_type ())
G_DECLARE_FINAL_TYPE (GstFbnetDetect, gst_fbnet_detect, GST, FBNET_DETECT, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (fbnetdetect)

G_END_DECLS

#endif
