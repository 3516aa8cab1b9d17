/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is looked for in scenes.
 */
#include "scenekind.h"

const char *
scene_class_name (guint class_id)
{
  g_return_val_if_fail (class_id < N_SCENE_CLASSES, NULL);
  return class_id < N_SYMBOLS ? symbol_name ((Symbol) class_id)
                              : code_name ((CodeKind) (class_id - N_SYMBOLS));
}
