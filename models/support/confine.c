/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Landlock, asked for by its system calls as the C library has none, and seccomp; see confine.h.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/replace.h"

#ifdef HAVE_SECCOMP
#  include <seccomp.h>
#endif

/* Of the third version, which the headers of Debian 12 do not know. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#  define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READING                                                                                    \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING                                                                                    \
  (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE  \
      | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG   \
      | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO                                \
      | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

#define TO_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What a file, which is no folder, can be allowed. */
#define OF_FILES                                                                                   \
  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE       \
      | LANDLOCK_ACCESS_FS_TRUNCATE)

/* What holds for this process. */
static Confined held;

/* Folders in folders in which links are looked for. */
#define MAX_DEPTH 12

Confines
confines_new (void)
{
  return (Confines){
    .inputs = g_ptr_array_new (),
    .folders = g_ptr_array_new_with_free_func (g_free),
    .outputs = g_array_new (FALSE, FALSE, sizeof (Output)),
  };
}

void
confines_clear (Confines *confines)
{
  g_ptr_array_unref (confines->inputs);
  g_ptr_array_unref (confines->folders);
  g_array_unref (confines->outputs);
}

void
confines_add_input (Confines *confines, const char *path)
{
  if (path != NULL)
    g_ptr_array_add (confines->inputs, (gpointer) path);
}

void
confines_add_inputs (Confines *confines, char *const *paths)
{
  for (; paths != NULL && *paths != NULL; paths++)
    confines_add_input (confines, *paths);
}

void
confines_add_beside (Confines *confines, const char *path)
{
  if (path != NULL && g_file_test (path, G_FILE_TEST_IS_REGULAR))
    g_ptr_array_add (confines->folders, g_path_get_dirname (path));
}

gboolean
output_is_standard (const char *path)
{
  return g_str_equal (path, "-");
}

void
confines_add_output (Confines *confines, OutputKind kind, const char *option, const char *path)
{
  const Output output = { kind, option, path };

  if (path != NULL)
    g_array_append_val (confines->outputs, output);
}

/* --- Files ------------------------------------------------------------------------------------ */

typedef struct {
  int fd;
  guint64 handled;
} Ruleset;

/* What is not there is told of by whoever opens it. */
static void
allow (const Ruleset *rules, const char *path, guint64 access)
{
  const int fd = open (path, O_PATH | O_CLOEXEC);
  struct stat about;

  if (fd < 0)
    return;
  if (fstat (fd, &about) == 0) {
    const guint64 possible = S_ISDIR (about.st_mode) ? access : access & OF_FILES;
    const struct landlock_path_beneath_attr rule = { possible & rules->handled, fd };
    if (rule.allowed_access != 0)
      syscall (SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  close (fd);
}

/* FALSE: it was looked into before. */
static gboolean
is_new_folder (GHashTable *seen, const char *path)
{
  struct stat about;

  return stat (path, &about) == 0 && S_ISDIR (about.st_mode)
      && g_hash_table_add (seen,
          g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) about.st_dev,
              (guint64) about.st_ino));
}

/* What somebody has linked into a folder that he names is meant, too: data sets are often folders of links. Of a
 * folder that is a link itself only the links in it and in the folders right below count, so that one to / takes no
 * time. */
static void
allow_links (const Ruleset *rules, const char *folder, guint depth, GHashTable *seen)
{
  g_autoptr (GDir) dir = is_new_folder (seen, folder) ? g_dir_open (folder, 0, NULL) : NULL;

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir)) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    const gboolean link = g_file_test (path, G_FILE_TEST_IS_SYMLINK);
    if (link)
      allow (rules, path, TO_READ);
    if (depth < MAX_DEPTH)
      allow_links (rules, path, link ? MAX (depth + 1, MAX_DEPTH - 1) : depth + 1, seen);
  }
}

/* What fontconfig looks through of the user's own. */
static void
allow_fonts (const Ruleset *rules, GHashTable *seen)
{
  const char *const bases[] = { g_get_user_data_dir (), g_get_user_config_dir (),
    g_get_user_cache_dir (), g_get_home_dir (), g_get_home_dir () };
  static const char *const names[] = { "fonts", "fontconfig", "fontconfig", ".fonts",
    ".fonts.conf" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (bases[i], names[i], NULL);
    allow (rules, path, TO_READ);
    allow_links (rules, path, 0, seen);
  }
}

static void
allow_inputs (const Ruleset *rules, const Confines *confines)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  static const char *const system[] = { "/usr", "/lib", "/lib64", "/etc", "/var/cache/fontconfig",
    "/sys/devices/system/cpu", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/dev/null",
    "/dev/zero", "/dev/urandom" };

  for (guint i = 0; i < G_N_ELEMENTS (system); i++)
    allow (rules, system[i], TO_READ);
  allow_fonts (rules, seen);
  for (guint i = 0; i < confines->folders->len; i++)
    allow (rules, confines->folders->pdata[i], TO_READ);
  for (guint i = 0; i < confines->inputs->len; i++) {
    allow (rules, confines->inputs->pdata[i], TO_READ);
    allow_links (rules, confines->inputs->pdata[i], 0, seen);
  }
}

/* The folder itself, or the nearest that is there: files are written beside their place and then renamed, and
 * folders are made on the way to them. */
static char *
existing_folder (const char *path)
{
  char *folder = g_strdup (path);

  while (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
    char *above = g_path_get_dirname (folder);
    g_free (folder);
    folder = above;
  }
  return folder;
}

static void
allow_outputs (const Ruleset *rules, const Confines *confines)
{
  const guint64 access = WRITING | LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_READ_FILE
      | LANDLOCK_ACCESS_FS_READ_DIR;

  for (guint i = 0; i < confines->outputs->len; i++) {
    const char *path = g_array_index (confines->outputs, Output, i).path;
    if (output_is_standard (path))
      continue;
    g_autofree char *target = replace_target (path, NULL);
    g_autofree char *folder = existing_folder (path);
    g_autofree char *behind = existing_folder (target != NULL ? target : path);
    allow (rules, folder, access);
    allow (rules, behind, access);
  }
}

static gboolean
confine_files (const Confines *confines)
{
  const long version =
      syscall (SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

  if (version < 1)
    return FALSE;
  const struct landlock_ruleset_attr about = { WRITING | (confines->reads_all ? 0 : READING)
    | (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0) };
  const Ruleset rules = { (int) syscall (SYS_landlock_create_ruleset, &about, sizeof about, 0),
    about.handled_access_fs };
  if (rules.fd < 0)
    return FALSE;
  allow_inputs (&rules, confines);
  allow_outputs (&rules, confines);
  const gboolean done = syscall (SYS_landlock_restrict_self, rules.fd, 0) == 0;
  close (rules.fd);
  return done;
}

/* --- The system ------------------------------------------------------------------------------- */

#ifdef HAVE_SECCOMP

/* Threads are made; processes are not. What cannot be looked into is said not to exist, and the C library
 * takes the older call. */
static gboolean
forbid_processes (scmp_filter_ctx filter)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (clone), 1,
             SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0))
      == 0
      && seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0) == 0;
}

static gboolean
confine_system (void)
{
  static const int forbidden[] = { SCMP_SYS (socket), SCMP_SYS (socketpair), SCMP_SYS (connect),
    SCMP_SYS (bind), SCMP_SYS (listen), SCMP_SYS (accept), SCMP_SYS (accept4), SCMP_SYS (sendto),
    SCMP_SYS (sendmsg), SCMP_SYS (sendmmsg), SCMP_SYS (execve), SCMP_SYS (execveat),
    SCMP_SYS (fork), SCMP_SYS (vfork), SCMP_SYS (ptrace), SCMP_SYS (process_vm_readv),
    SCMP_SYS (process_vm_writev), SCMP_SYS (pidfd_open), SCMP_SYS (pidfd_getfd), SCMP_SYS (kill),
    SCMP_SYS (mount), SCMP_SYS (umount2), SCMP_SYS (pivot_root), SCMP_SYS (chroot),
    SCMP_SYS (unshare), SCMP_SYS (setns), SCMP_SYS (bpf), SCMP_SYS (perf_event_open),
    SCMP_SYS (userfaultfd), SCMP_SYS (io_uring_setup), SCMP_SYS (keyctl), SCMP_SYS (add_key),
    SCMP_SYS (request_key), SCMP_SYS (init_module), SCMP_SYS (finit_module), SCMP_SYS (kexec_load),
    SCMP_SYS (open_by_handle_at), SCMP_SYS (name_to_handle_at) };
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  gboolean good = filter != NULL && forbid_processes (filter);

  for (guint i = 0; good && i < G_N_ELEMENTS (forbidden); i++)
    good = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), forbidden[i], 0) == 0;
  good = good && seccomp_load (filter) == 0;
  if (filter != NULL)
    seccomp_release (filter);
  return good;
}

#else

static gboolean
confine_system (void)
{
  return FALSE;
}

#endif

Confined
confine_process (const Confines *confines)
{
  Confined confined = 0;

  if (confines->keeps_all || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return 0;
  if (confine_files (confines))
    confined |= CONFINED_FILES;
  if (confine_system ())
    confined |= CONFINED_SYSTEM;
  return held = confined;
}

/* access() asks for the rights of the user, which Landlock is not about. */
const char *
confine_explain (const char *path, int right, int cause)
{
  if (!(held & CONFINED_FILES) || cause != EACCES || access (path, right) != 0)
    return "";
  return " to this program, which keeps to the files and folders of its command line unless it is "
         "given "
         "--unconfined";
}
