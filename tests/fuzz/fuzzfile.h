/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An input as a file, for readers that take a path.
 */
#ifndef TESTS_FUZZFILE_H
#define TESTS_FUZZFILE_H

#include <glib.h>
#include <sys/mman.h>
#include <unistd.h>

/* It has a name below /proc as long as the descriptor is open. */
static inline int
fuzz_file (const void *data, size_t size, char path[32])
{
  const int fd = memfd_create ("fuzz", MFD_CLOEXEC);

  if (fd < 0 || write (fd, data, size) != (ssize_t) size)
    g_error ("expected a file in memory");
  g_snprintf (path, 32, "/proc/self/fd/%d", fd);
  return fd;
}

#endif
