/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A golden picture, and the element with real weights to see it.
 */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "fixture.h"
#include "stream.h"

typedef struct {
  Fixture *fixture;
  Picture *picture; /* dog 0.99, bicycle 0.96, truck 0.57, car 0.44, person 0.37 */
  Stream *stream;
} Scene;

/* The stream gets caps of the picture's size in `format`. FALSE without golden data, with the running
 * test marked as skipped. */
gboolean scene_open (Scene *scene, const char *format, const char *settings);
void scene_close (Scene *scene);

/* (transfer full): the picture as a frame of the stream's format. */
GstBuffer *scene_frame (const Scene *scene);

/* (transfer full): what is seen on the picture now. */
GArray *scene_look (const Scene *scene);

#endif
