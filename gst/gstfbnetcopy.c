/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rows of planes, the long ones written past the caches.
 *
 * A 4K frame is larger than most caches: written through them, every line is read from memory first, only to be
 * overwritten, and takes the place of lines that were of use. Past them a copy takes three quarters of the time, for which
 * the stream waits (docs/performance.md).
 */
#include "gstfbnetcopy.h"

#include <string.h>

#ifdef __SSE2__
#  include <emmintrin.h>
#endif

#include "gstfbnetimage.h"

/* Bytes of a plane from which on they are written past the caches; what is smaller is read again soon. */
#define LARGE (1 << 20)

#define LINE 64 /* of a cache */

#ifdef __SSE2__

/* Whole lines of `to`; what is left of them at both ends goes the usual way. */
static void
copy_past_caches (guint8 *to, const guint8 *from, gsize n)
{
  const gsize head = MIN (n, -(gsize) to % LINE);
  gsize i = head;

  memcpy (to, from, head);
  for (; i + LINE <= n; i += LINE) {
    const __m128i a = _mm_loadu_si128 ((const __m128i *) (from + i));
    const __m128i b = _mm_loadu_si128 ((const __m128i *) (from + i + 16));
    const __m128i c = _mm_loadu_si128 ((const __m128i *) (from + i + 32));
    const __m128i d = _mm_loadu_si128 ((const __m128i *) (from + i + 48));
    _mm_stream_si128 ((__m128i *) (to + i), a);
    _mm_stream_si128 ((__m128i *) (to + i + 16), b);
    _mm_stream_si128 ((__m128i *) (to + i + 32), c);
    _mm_stream_si128 ((__m128i *) (to + i + 48), d);
  }
  memcpy (to + i, from + i, n - i);
}

/* Such stores are ordered by nothing else. */
static void
end_copy (void)
{
  _mm_sfence ();
}

#else

static void
copy_past_caches (guint8 *to, const guint8 *from, gsize n)
{
  memcpy (to, from, n);
}

static void
end_copy (void)
{
}

#endif

static void
copy_rows (guint8 *to, gint to_stride, const guint8 *from, gint from_stride, gsize row,
    gsize n_rows)
{
  const gboolean large = row * n_rows >= LARGE;

  if ((gsize) to_stride == row && from_stride == to_stride) {
    row *= n_rows;
    n_rows = 1;
  }
  for (gsize y = 0; y < n_rows; y++) {
    guint8 *out = to + (gssize) y * to_stride;
    const guint8 *in = from + (gssize) y * from_stride;
    if (large)
      copy_past_caches (out, in, row);
    else
      memcpy (out, in, row);
  }
}

void
gst_fbnet_copy_frame (GstVideoFrame *to, const GstVideoFrame *from)
{
  for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES (from); plane++) {
    gsize row, n_rows;
    gst_fbnet_image_plane_size (from, plane, &row, &n_rows);
    copy_rows (GST_VIDEO_FRAME_PLANE_DATA (to, plane), GST_VIDEO_FRAME_PLANE_STRIDE (to, plane),
        GST_VIDEO_FRAME_PLANE_DATA (from, plane), GST_VIDEO_FRAME_PLANE_STRIDE (from, plane), row,
        n_rows);
  }
  end_copy ();
}
