/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole files.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/replace.h"
#include "confine.h"
#include "fbnet/fbnet.h"

/* Annotations of large data sets have a gigabyte. */
#define MAX_BYTES ((gsize) MIN ((guint64) 4 << 30, G_MAXSIZE / 4))

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* --- Reading ---------------------------------------------------------------------------------- */

static void
set_read_error (GError **error, const char *path)
{
  const int cause = errno;
  const gboolean absent = cause == ENOENT || cause == ENOTDIR;

  g_set_error (error, FBNET_ERROR, absent ? FBNET_ERROR_NOT_FOUND : FBNET_ERROR_IO, "%s: %s%s",
      path, absent ? "no such file" : g_strerror (cause), confine_explain (path, R_OK, cause));
}

static void
set_size_error (GError **error, const char *path)
{
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
      "%s: expected a file of at most %" G_GSIZE_FORMAT " bytes, found more", path, MAX_BYTES);
}

/* Of a pipe 0: how much comes nobody knows. */
static gboolean
check_kind (int fd, const char *path, gsize *size, GError **error)
{
  struct stat about;

  if (fstat (fd, &about) != 0) {
    set_read_error (error, path);
    return FALSE;
  }
  *size = S_ISREG (about.st_mode) ? (gsize) about.st_size : 0;
  if (S_ISREG (about.st_mode) && (guint64) about.st_size > MAX_BYTES) {
    set_size_error (error, path);
    return FALSE;
  }
  if (S_ISREG (about.st_mode) || (S_ISFIFO (about.st_mode) && fcntl (fd, F_SETFL, 0) == 0))
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: expected a file, found %s", path,
      S_ISDIR (about.st_mode) ? "a folder" : "a device");
  return FALSE;
}

/* Up to its end, with a zero behind it. `room`: what is probably enough. */
static char *
read_all (int fd, const char *path, gsize room, gsize *size, GError **error)
{
  char *data = g_try_malloc (room);
  gssize n = 1;

  for (*size = 0; data != NULL && *size < MAX_BYTES; *size += (gsize) MAX (n, 0)) {
    if (*size + 1 == room) {
      char *grown = g_try_realloc (data, room *= 2);
      if (grown == NULL)
        g_free (data);
      data = grown;
    }
    n = data != NULL ? read (fd, data + *size, room - 1 - *size) : 0;
    if (n == 0 || (n < 0 && errno != EINTR))
      break;
  }
  if (data != NULL && n == 0) {
    data[*size] = '\0';
    return data;
  }
  if (data == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY,
        "%s: expected %" G_GSIZE_FORMAT " bytes of memory, found less", path, room);
  else if (n < 0)
    set_read_error (error, path);
  else
    set_size_error (error, path);
  g_free (data);
  return NULL;
}

static gboolean
is_pipe (int fd)
{
  struct stat about;

  return fstat (fd, &about) == 0 && S_ISFIFO (about.st_mode);
}

/* A pipe that nobody writes to would hold an opening up for ever; without a byte it is no file that is empty. */
char *
file_read (const char *path, gsize *size, GError **error)
{
  const int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  gsize expected, found;
  char *data = NULL;

  if (fd < 0) {
    set_read_error (error, path);
    return NULL;
  }
  if (check_kind (fd, path, &expected, error))
    data = read_all (fd, path, MAX (expected + 2, 4096), &found, error);
  if (data != NULL && found == 0 && is_pipe (fd)) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
        "%s: expected a file, found a pipe that nobody writes to", path);
    g_clear_pointer (&data, g_free);
  }
  close (fd);
  if (data != NULL && size != NULL)
    *size = found;
  return data;
}

/* Tools on Windows begin with a byte order mark. */
char *
file_read_text (const char *path, GError **error)
{
  gsize size;
  g_autofree char *text = file_read (path, &size, error);
  const gsize length = text != NULL ? strlen (text) : 0;

  if (text != NULL && length < size)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT,
        "%s: expected text, found a zero at byte %" G_GSIZE_FORMAT, path, length + 1);
  if (text == NULL || length < size)
    return NULL;
  if (g_str_has_prefix (text, BYTE_ORDER_MARK))
    memmove (text, text + strlen (BYTE_ORDER_MARK), length + 1 - strlen (BYTE_ORDER_MARK));
  return g_steal_pointer (&text);
}

GBytes *
file_bytes (const char *path, GError **error)
{
  gsize size;
  char *data = file_read (path, &size, error);

  return data != NULL ? g_bytes_new_take (data, size) : NULL;
}

/* --- Writing ---------------------------------------------------------------------------------- */

gboolean
file_is_same (const char *path, const char *other)
{
  GStatBuf a, b;

  return g_stat (path, &a) == 0 && g_stat (other, &b) == 0 && a.st_dev == b.st_dev
      && a.st_ino == b.st_ino;
}

/* What is there and no folder: the path, or what it is said to lie in. NULL: nothing. */
static char *
find_obstacle (const char *path)
{
  char *at = g_strdup (path);

  while (!g_file_test (at, G_FILE_TEST_EXISTS) && strcmp (at, ".") != 0 && strcmp (at, "/") != 0) {
    char *above = g_path_get_dirname (at);
    g_free (at);
    at = above;
  }
  if (g_file_test (at, G_FILE_TEST_EXISTS) && !g_file_test (at, G_FILE_TEST_IS_DIR))
    return at;
  g_free (at);
  return NULL;
}

/* `target`: behind the links of `path`. */
static void
set_write_error (GError **error, const char *path, const char *target, int cause)
{
  g_autofree char *folder = g_path_get_dirname (target);
  g_autofree char *obstacle = cause == ENOTDIR ? find_obstacle (folder) : NULL;

  if (obstacle != NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
        "%s: cannot be written: expected a folder %s, found a file", path, obstacle);
  else if (cause == ENOENT && !g_file_test (folder, G_FILE_TEST_IS_DIR))
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
        "%s: cannot be written: expected a folder %s, found none", path, folder);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: %s%s", path,
        g_strerror (cause), confine_explain (folder, W_OK, cause));
}

gboolean
file_write (const char *path, const void *data, gsize size, GError **error)
{
  return replace_file (path, data, size, error);
}

char *
file_new_beside (const char *path, GError **error)
{
  g_autofree char *name = g_strconcat (path, ".XXXXXX", NULL);
  const int file = g_mkstemp (name);

  if (file < 0) {
    set_write_error (error, path, path, errno);
    return NULL;
  }
  g_close (file, NULL);
  return g_steal_pointer (&name);
}

/* To another file system, which renaming does not lead to. */
static gboolean
copy_over (const char *from, const char *to, GError **error)
{
  gsize size;
  g_autofree char *data = file_read (from, &size, error);

  if (data == NULL || !file_write (to, data, size, error))
    return FALSE;
  g_unlink (from);
  return TRUE;
}

/* All of it is on the disk before it takes the place of a file that was. */
static gboolean
flush (const char *path)
{
  const int fd = open (path, O_RDONLY | O_CLOEXEC);
  const gboolean flushed = fd >= 0 && fsync (fd) == 0;

  if (fd >= 0)
    close (fd);
  return flushed;
}

gboolean
file_move (const char *from, const char *to, GError **error)
{
  g_autofree char *target = replace_target (to, error);

  if (target == NULL)
    return FALSE;
  const gboolean safe = !g_file_test (target, G_FILE_TEST_EXISTS) || flush (from);
  if (safe && g_rename (from, target) == 0)
    return TRUE;
  if (safe && errno == EXDEV)
    return copy_over (from, to, error);
  set_write_error (error, to, target, errno);
  return FALSE;
}

/* Files are replaced by new ones: what counts is whether one can be made beside it. */
gboolean
file_check_writable (const char *path, GError **error)
{
  g_autofree char *target = replace_target (path, error);

  if (target == NULL)
    return FALSE;
  g_autofree char *beside = g_strconcat (target, ".part", NULL);
  const int file = g_open (beside, O_CREAT | O_WRONLY, 0666);
  const int reason = errno;

  if (file >= 0) {
    g_close (file, NULL);
    g_unlink (beside);
  }
  if (file >= 0 && !g_file_test (target, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (file >= 0)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot be written: it is a folder", path);
  else
    set_write_error (error, path, target, reason);
  return FALSE;
}

gboolean
file_remove (const char *path, GError **error)
{
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot remove this file: %s", path,
      g_strerror (errno));
  return FALSE;
}

gboolean
file_make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0777) == 0)
    return TRUE;
  const int cause = errno;
  g_autofree char *obstacle = find_obstacle (path);
  if (obstacle == NULL)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: cannot make this folder: %s", path,
        g_strerror (cause));
  else if (strcmp (obstacle, path) == 0)
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO, "%s: expected a folder, found a file", path);
  else
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_IO,
        "%s: cannot make this folder: expected a folder %s, found a file", path, obstacle);
  return FALSE;
}
