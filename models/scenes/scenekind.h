/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What scenes are made of, and what is looked for in them.
 */
#ifndef FBNET_SCENES_SCENEKIND_H
#define FBNET_SCENES_SCENEKIND_H

#include "codes.h"
#include "photographs.h"
#include "symbols.h"

/* What is looked for: the symbols, then the codes. */
#define N_SCENE_CLASSES (N_SYMBOLS + N_CODES)

/* "arrow", … "pdf417" */
const char *scene_class_name (guint class_id);

/* What scenes are made of. */
typedef struct {
  gboolean symbols, codes;        /* at least one of them */
  double nothing;                 /* share of the scenes of codes that show none, 0 … 1 */
  const Photographs *photographs; /* behind two of three scenes; NULL: none */
} SceneKind;

#endif
