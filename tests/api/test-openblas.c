/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OpenBLAS comes into a process only with the kernels that use it, starts no threads there, and ends under a
 * limit of address space.
 */
#include <glib.h>
#include <string.h>
#include <sys/resource.h>

#include "fbnet/fbnet.h"

static guint
count_threads (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (tasks) != NULL)
    n++;
  return n;
}

static gboolean
is_mapped (void)
{
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return strstr (maps, "libopenblas") != NULL;
}

static void
make_detector (const char *kernels)
{
  const FbnetDetectorOptions options = { .n_threads = 1, .kernels = kernels };
  g_autofree char *path =
      g_build_filename (g_getenv ("FBNET_TEST_DATA"), "tiny-bn.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (FbnetModel) model = fbnet_model_load (path, &error);
  g_assert_no_error (error);
  g_autoptr (FbnetDetector) detector = fbnet_detector_new (model, &options, &error);
  g_assert_no_error (error);
}

static void
test_on_demand (void)
{
  make_detector ("c");
  g_assert_false (is_mapped ());
  const guint before = count_threads ();
  make_detector ("openblas");
  g_assert_true (is_mapped ());
  g_assert_cmpuint (count_threads (), ==, before);
}

/* In a process of its own: the limit stays. OpenBLAS wants a buffer per thread that it makes, and tries until
 * it has it. */
static void
test_little_memory (void)
{
  const struct rlimit limit = { 400u << 20, 400u << 20 };

  if (g_test_subprocess ()) {
    g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
    make_detector ("openblas");
    return;
  }
  g_test_trap_subprocess (NULL, 60 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/openblas/on-demand", test_on_demand);
  g_test_add_func ("/openblas/little-memory", test_little_memory);
  return g_test_run ();
}
