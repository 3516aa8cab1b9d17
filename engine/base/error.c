/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fbnet/fbnet.h"

/* G_DEFINE_QUARK() keeps it in a variable that threads write at once. */
GQuark
fbnet_error_quark (void)
{
  return g_quark_from_static_string ("fbnet-error-quark");
}

const char *
fbnet_version (void)
{
  return FBNET_VERSION;
}
