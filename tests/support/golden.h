/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Golden fixtures: folders below the golden data's fixtures/ with what D2Go's own code computed. What one
 * holds shows in its files, not in its name; tests run all of a kind, and compare what arrays there are:
 *
 *   a detector's    config.json with `cfg`, the resolved config; NAME.npy per stage of one picture
 *   a classifier's  config.json with `arch_raw`, its block lists; crop.npy, logits.npy
 *   an export's     result.json, in a folder of graph.json, the int8 export's operators
 *
 * Folders of nothing but folders or pictures are none. Whatever is damaged fails the running test.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <cjson/cJSON.h>

#include "npy.h"

typedef enum {
  FIXTURE_NONE,
  FIXTURE_DETECTOR,
  FIXTURE_CLASSIFIER,
  FIXTURE_INT8,
  FIXTURE_UNKNOWN, /* files that say nothing to us */
} FixtureKind;

#define FIXTURE_N_KINDS (FIXTURE_UNKNOWN + 1)

/* "detector", … */
const char *fixture_kind_name (FixtureKind kind);

/* Paths below fixtures/ of all folders of this kind, sorted. Free with g_strfreev(). */
char **fixture_names (FixtureKind kind);

/* Adds the case PREFIX/NAME for every folder of this kind that has all that `test` needs: arrays, or members
 * of the config, their names with spaces between them. `test` is called with NAME. Where there is no such
 * folder, the case PREFIX/none is skipped. */
void fixture_add_cases (const char *prefix, FixtureKind kind, const char *needs,
    GTestDataFunc test);

typedef struct {
  char *folder;
  cJSON *config; /* config.json or result.json */
} Fixture;

/* `name` is a path below fixtures/. NULL, with the running test marked as skipped, on a machine without
 * golden data. */
Fixture *fixture_open (const char *name);

/* With another JSON file of the folder as the config. */
Fixture *fixture_open_file (const char *name, const char *file);

void fixture_free (Fixture *fixture); /* NULL is allowed */

gboolean fixture_has (const Fixture *fixture, const char *array);

/* The array NAME.npy, or NULL when the fixture has not got it. */
Npy *fixture_array (const Fixture *fixture, const char *name);

/* A member of the config by dotted path, e.g. "cfg.TEST.DETECTIONS_PER_IMAGE". */
const cJSON *fixture_config (const Fixture *fixture, const char *path);

/* A file that the config names, relative to the fixture's folder. NULL when it names none. */
char *fixture_path (const Fixture *fixture, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

#endif
