/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures as JPEG files, with libjpeg's default settings: colours at half the resolution, as
 * cameras store them.
 */
#include "jpegfile.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "support/files.h"

typedef struct {
  struct jpeg_error_mgr base; /* first: libjpeg hands it back */
  jmp_buf jump;
  const char *path;
  GError **error;
} ErrorManager;

static G_GNUC_NORETURN void
fail (j_common_ptr info)
{
  ErrorManager *manager = (ErrorManager *) info->err;
  char reason[JMSG_LENGTH_MAX];
  info->err->format_message (info, reason);
  g_set_error (manager->error, FBNET_ERROR, FBNET_ERROR_MEMORY, "%s: cannot be packed: %s",
      manager->path, reason);
  longjmp (manager->jump, 1);
}

/* Nothing about a picture of our own is worth a warning. */
static void
ignore (j_common_ptr info, int level)
{
}

static void
compress (struct jpeg_compress_struct *info, const Picture *picture, guint quality,
    unsigned char **data, unsigned long *size)
{
  jpeg_create_compress (info);
  jpeg_mem_dest (info, data, size);
  info->image_width = picture->width;
  info->image_height = picture->height;
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults (info);
  jpeg_set_quality (info, (int) quality, TRUE);
  jpeg_start_compress (info, TRUE);
  while (info->next_scanline < info->image_height) {
    JSAMPROW row = picture->pixels + (gsize) 3 * picture->width * info->next_scanline;
    jpeg_write_scanlines (info, &row, 1);
  }
  jpeg_finish_compress (info);
}

gboolean
jpeg_write (const Picture *picture, guint quality, const char *path, GError **error)
{
  struct jpeg_compress_struct info;
  ErrorManager manager = { .path = path, .error = error };
  unsigned char *volatile data = NULL;
  volatile unsigned long size = 0;
  volatile gboolean written = FALSE;
  info.err = jpeg_std_error (&manager.base);
  manager.base.error_exit = fail;
  manager.base.emit_message = ignore;
  if (setjmp (manager.jump) == 0) {
    compress (&info, picture, quality, (unsigned char **) &data, (unsigned long *) &size);
    written = file_write (path, data, size, error);
  }
  jpeg_destroy_compress (&info);
  free (data);
  return written;
}
