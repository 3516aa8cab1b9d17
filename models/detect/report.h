/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One picture's detections as one line of JSON; docs/tools.md describes its fields.
 */
#ifndef FBNET_DETECT_REPORT_H
#define FBNET_DETECT_REPORT_H

#include "support/classes.h"
#include "fbnet/fbnet.h"
#include "support/picture.h"

typedef struct {
  const char *file;
  const Picture *picture;
  const char *model, *kernels;
  FbnetPrecision precision;
  FbnetInt8Bias int8_bias; /* FBNET_INT8_BIAS_AUTO where nothing is int8 */
  const ClassTable *classes;
  const FbnetDetections *detections;
  const FbnetZoom *zoom;       /* which look found what; NULL: left out */
  const FbnetTracks *tracks;   /* NULL: left out */
  const FbnetTimings *timings; /* NULL: left out */
} Report;

/* Without the newline; g_free() it. */
char *report_to_json (const Report *report);

#endif
