/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer target: any bytes as a picture file, and as one of labels; a picture that is read is written as PNG
 * and read again.
 */
#include <string.h>

#include "fuzz.h"
#include "fuzzfile.h"
#include "support/codecs.h"
#include "support/labels.h"

/* Compressing takes longer than anything that is looked for. */
#define MAX_WRITTEN 65536

static void
check (const Picture *picture)
{
  const gsize n = (gsize) 3 * picture->width * picture->height;
  Orientation orientation;

  g_assert (picture->width >= 1 && picture->height >= 1);
  if (n > MAX_WRITTEN)
    return;
  g_autoptr (GByteArray) png = png_encode (picture, "fuzz", NULL);
  g_assert_nonnull (png);
  g_autoptr (Picture) again = png_decode (png->data, png->len, &orientation, "fuzz", NULL);
  g_assert (again != NULL && memcmp (again->pixels, picture->pixels, n) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  char path[32];
  const int fd = fuzz_file (data, size, path);
  g_autoptr (GError) error = NULL;
  g_autoptr (Picture) picture = picture_read (path, &error);
  g_auto (GStrv) labels = labels_read (path, NULL);

  close (fd);
  g_assert ((picture == NULL) == (error != NULL));
  for (guint i = 0; labels != NULL && labels[i] != NULL; i++)
    g_assert (labels[i][0] != '\0' && g_utf8_validate (labels[i], -1, NULL));
  if (picture != NULL)
    check (picture);
  return 0;
}
