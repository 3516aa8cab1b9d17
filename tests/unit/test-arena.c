/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that is laid out twice: parts do not overlap, passing ones share room, sizes beyond memory are
 * refused.
 */
#include "base/arena.h"

#include <string.h>

#include "fbnet/fbnet.h"

typedef struct {
  guint8 *kept[3], *passing[4];
} Layout;

static void
lay_out (Arena *arena, Layout *layout)
{
  layout->kept[0] = arena_keep (arena, 1);
  const gsize mark = arena_mark (arena);
  layout->passing[0] = arena_pass (arena, 100);
  layout->passing[1] = arena_pass (arena, 300);
  layout->kept[1] = arena_keep (arena, 65);
  arena_release (arena, mark);
  layout->passing[2] = arena_pass (arena, 1000);
  arena_release (arena, mark);
  layout->kept[2] = arena_keep (arena, 0);
}

static gboolean
is_apart (const guint8 *a, gsize n, const guint8 *b, gsize m)
{
  return a + n <= b || b + m <= a;
}

/* Aligned parts, apart from each other unless a mark was released between them, within the block. */
static void
test_layout (void)
{
  Arena arena = { 0 };
  Layout l;

  for (guint i = 0; i < 2; i++) {
    arena_begin (&arena);
    lay_out (&arena, &l);
    g_assert_true (arena_settle (&arena, NULL));
    lay_out (&arena, &l);
    g_assert_cmpuint (arena.size, ==, 64 + 128 + 1024);
    g_assert_true (l.kept[0] == arena.block);
    g_assert_cmpuint ((guintptr) l.kept[1] % 64, ==, 0);
    g_assert_true (is_apart (l.kept[0], 1, l.kept[1], 65));
    g_assert_true (is_apart (l.kept[1], 65, l.passing[0], 100));
    g_assert_true (is_apart (l.passing[0], 100, l.passing[1], 300));
    g_assert_true (l.passing[2] == l.passing[0]);
    g_assert_true (l.passing[2] + 1000 <= (guint8 *) arena.block + arena.size);
    memset (arena.block, 1, arena.size);
  }
  arena_clear (&arena);
  arena_clear (&arena);
}

/* A smaller layout keeps the block, a larger one has a new one. */
static void
test_grow (void)
{
  Arena arena = { 0 };
  const gsize sizes[] = { 1000, 10, 4000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    arena_begin (&arena);
    arena_keep (&arena, sizes[i]);
    g_assert_true (arena_settle (&arena, NULL));
    memset (arena_keep (&arena, sizes[i]), 1, sizes[i]);
    g_assert_cmpuint (arena.size, >=, sizes[i]);
  }
  g_assert_cmpuint (arena.size, <, 4200);
  arena_clear (&arena);
}

/* More than memory, at once or together, is an error, and the arena can be used again. */
static void
test_too_large (void)
{
  const gsize eighth = (gsize) MIN ((guint64) 1 << 41, G_MAXSIZE / 32); /* of the most */
  const gsize sizes[][2] = { { G_MAXSIZE, 1 }, { 8 * eighth + 64, 1 }, { 1, G_MAXSIZE - 64 },
    { 4 * eighth, 6 * eighth } };
  Arena arena = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GError) error = NULL;
    arena_begin (&arena);
    arena_keep (&arena, sizes[i][0]);
    arena_pass (&arena, sizes[i][1]);
    arena_keep (&arena, sizes[i][1]);
    g_assert_false (arena_settle (&arena, &error));
    g_assert_error (error, FBNET_ERROR, FBNET_ERROR_MEMORY);
  }
  arena_begin (&arena);
  arena_keep (&arena, 5);
  g_assert_true (arena_settle (&arena, NULL));
  arena_clear (&arena);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arena/layout", test_layout);
  g_test_add_func ("/arena/grow", test_grow);
  g_test_add_func ("/arena/too-large", test_too_large);
  return g_test_run ();
}
