/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this processor, and its operating system, can run.
 */
#include "cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#  include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#  include <sys/syscall.h>
#  include <unistd.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#  include <sys/auxv.h>
#endif

#if defined(__x86_64__) || defined(__i386__)

/* Bits of XCR0: which registers the operating system saves when it switches threads. Without them
 * the instructions fault, whatever cpuid says. */
enum {
  XCR0_SSE = 1 << 1,
  XCR0_AVX = 1 << 2,
  XCR0_OPMASK = 1 << 5,
  XCR0_ZMM_LOW = 1 << 6,
  XCR0_ZMM_HIGH = 1 << 7,
  XCR0_TILE_CONFIG = 1 << 17,
  XCR0_TILE_DATA = 1 << 18,
};

/* Of leaf 7, sub-leaf 1; not every compiler's header names them. */
#  define BIT_AVX_VNNI    (1u << 4)
#  define BIT_AVX512_BF16 (1u << 5)

/* Of leaf 7, likewise. */
#  define BITS_AMX (1u << 22 | 1u << 24 | 1u << 25)

#  define XCR0_FOR_AVX2   (XCR0_SSE | XCR0_AVX)
#  define XCR0_FOR_AVX512 (XCR0_FOR_AVX2 | XCR0_OPMASK | XCR0_ZMM_LOW | XCR0_ZMM_HIGH)
#  define XCR0_FOR_TILES  (XCR0_TILE_CONFIG | XCR0_TILE_DATA)

/* As bytes, so that the file needs no -mxsave. */
static guint32
read_xcr0 (void)
{
  guint32 low, high;

  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static gboolean
has_all (guint32 value, guint32 bits)
{
  return (value & bits) == bits;
}

/* Tiles are large: the system saves them for a process that has asked, once, for all its threads. */
static gboolean
may_use_tiles (void)
{
#  if defined(__x86_64__) && defined(__linux__)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

  return syscall (SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#  else
  return FALSE;
#  endif
}

/* What works on registers that the system must save too; `c1`: of leaf 1. */
static guint
detect_avx (guint32 c1)
{
  const guint32 avx512_bits =
      bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  guint32 a, b, c, d;
  guint32 a7, b7, c7, d7;
  guint flags = 0;

  if (!has_all (c1, bit_OSXSAVE) || !__get_cpuid_count (7, 0, &a7, &b7, &c7, &d7))
    return 0;

  const guint32 xcr0 = read_xcr0 ();
  if (has_all (c1, bit_AVX | bit_FMA) && has_all (b7, bit_AVX2) && has_all (xcr0, XCR0_FOR_AVX2))
    flags |= CPU_AVX2;
  if (!__get_cpuid_count (7, 1, &a, &b, &c, &d))
    a = 0;
  if ((flags & CPU_AVX2) && has_all (a, BIT_AVX_VNNI))
    flags |= CPU_AVX_VNNI;
  if ((flags & CPU_AVX2) && has_all (b7, avx512_bits) && has_all (xcr0, XCR0_FOR_AVX512))
    flags |= CPU_AVX512;
  if ((flags & CPU_AVX512) && has_all (c7, bit_AVX512VNNI))
    flags |= CPU_AVX512_VNNI;
  if ((flags & CPU_AVX512) && has_all (c7, bit_AVX512VBMI))
    flags |= CPU_AVX512_VBMI;
  if ((flags & CPU_AVX512) && has_all (a, BIT_AVX512_BF16))
    flags |= CPU_AVX512_BF16;
  if (has_all (flags, CPU_AVX512_VNNI | CPU_AVX512_BF16) && has_all (d7, BITS_AMX)
      && has_all (xcr0, XCR0_FOR_TILES) && may_use_tiles ())
    flags |= CPU_AMX;
  return flags;
}

static guint
detect (void)
{
  guint32 a, b, c, d;

  if (!__get_cpuid (1, &a, &b, &c, &d))
    return 0;
  return (has_all (c, bit_SSSE3 | bit_SSE4_1) ? CPU_SSE41 : 0) | detect_avx (c);
}

#elif defined(__aarch64__)

/* What the kernel calls HWCAP_ASIMDDP and HWCAP2_I8MM; not every system's header names them. */
enum {
  HWCAP_DOT = 1 << 20,
  HWCAP2_INT8MM = 1 << 13,
};

static guint
detect (void)
{
  guint flags = CPU_NEON;

#  ifdef __linux__
  if (getauxval (AT_HWCAP) & HWCAP_DOT)
    flags |= CPU_NEON_DOT;
  if (getauxval (AT_HWCAP2) & HWCAP2_INT8MM)
    flags |= CPU_NEON_I8MM;
#  endif
  return flags;
}

#else

static guint
detect (void)
{
  return 0;
}

#endif

guint
cpu_flags (void)
{
  static gsize remembered = 0; /* flags + 1: g_once_init_enter() takes zero for "not yet" */

  if (g_once_init_enter (&remembered))
    g_once_init_leave (&remembered, (gsize) detect () + 1);
  return (guint) (remembered - 1);
}
