/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fbnet/fbnet.h"

G_DEFINE_QUARK (fbnet - error - quark, fbnet_error)

const char *
fbnet_version (void)
{
  return FBNET_VERSION;
}
