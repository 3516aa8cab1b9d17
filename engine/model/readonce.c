/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading a file that may be anything, and may change while it is read.
 */
#include "readonce.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "fbnet/fbnet.h"

/* The largest model of the family has 20 MB of floats. */
#define MAX_BYTES ((gsize) 1 << 30)

static void
set_cause (const char *path, GError **error)
{
  const int cause = errno;
  const gboolean absent = cause == ENOENT || cause == ENOTDIR;

  g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO,
      "%s: expected a model file, found %s", path, absent ? "no such file" : g_strerror (cause));
}

static const char *
kind_of (mode_t mode)
{
  if (S_ISDIR (mode))
    return "a folder";
  return S_ISFIFO (mode) ? "a pipe" : S_ISSOCK (mode) ? "a socket" : "a device";
}

static gboolean
check_file (int fd, const char *path, gsize *size, GError **error)
{
  struct stat about;

  if (fstat (fd, &about) != 0) {
    set_cause (path, error);
    return FALSE;
  }
  if (!S_ISREG (about.st_mode)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: expected a model file, found %s", path,
        kind_of (about.st_mode));
    return FALSE;
  }
  if ((guint64) about.st_size > MAX_BYTES) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected a model file of at most %" G_GSIZE_FORMAT " bytes, found %" G_GUINT64_FORMAT,
        path, MAX_BYTES, (guint64) about.st_size);
    return FALSE;
  }
  *size = (gsize) about.st_size;
  return TRUE;
}

/* One byte more than the file is said to have would be a change, as would one less. */
static gboolean
read_all (int fd, const char *path, guint8 *bytes, gsize size, GError **error)
{
  gsize done = 0;
  gssize n;

  do {
    n = read (fd, bytes + done, size + 1 - done);
    if (n > 0)
      done += (gsize) n;
  } while (n > 0 || (n < 0 && errno == EINTR));
  if (n < 0) {
    set_cause (path, error);
    return FALSE;
  }
  if (done == size)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
      "%s: expected %" G_GSIZE_FORMAT " bytes, as the file had when it was opened, found %s", path,
      size, done < size ? "fewer" : "more");
  return FALSE;
}

static GBytes *
read_open (int fd, const char *path, GError **error)
{
  gsize size;

  if (!check_file (fd, path, &size, error))
    return NULL;
  guint8 *bytes = memory_take_aligned (size + 1, error);
  if (bytes == NULL) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  if (!read_all (fd, path, bytes, size, error)) {
    free (bytes);
    return NULL;
  }
  return g_bytes_new_with_free_func (bytes, size, free, bytes);
}

/* A pipe that nobody writes to would hold an opening up for ever. */
GBytes *
read_once (const char *path, GError **error)
{
  const int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

  if (fd < 0) {
    set_cause (path, error);
    return NULL;
  }
  GBytes *bytes = read_open (fd, path, error);
  close (fd);
  return bytes;
}
