/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures in other sizes; see scaled.h.
 */
#include "scaled.h"

#include "picture/image.h"

Picture *
picture_scaled (const Picture *picture, guint width, guint height, GError **error)
{
  g_autoptr (Picture) scaled = picture_new (width, height, "scaled picture", error);
  ImageResizer *resizer = image_resizer_new (NULL);
  const FbnetImage image = picture_image (picture);
  const gboolean ready = scaled != NULL
      && image_resizer_prepare (resizer, image.height, image.width, height, width, 1, error);

  if (ready)
    image_resize (resizer, scaled->pixels, &image, FALSE, NULL);
  image_resizer_free (resizer);
  return ready ? g_steal_pointer (&scaled) : NULL;
}
