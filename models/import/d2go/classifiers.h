/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * mobile_cv's classifiers (its fbnet_v2 model zoo) by name, as descriptions of models/FORMAT.md. The
 * table of names is models/zoo/classifiers.json, the block lists are models/zoo/classifiers/.
 */
#ifndef FBNET_IMPORT_D2GO_CLASSIFIERS_H
#define FBNET_IMPORT_D2GO_CLASSIFIERS_H

#include <cjson/cJSON.h>
#include <glib.h>

/* Classes of ImageNet, which the zoo's weights are for. */
#define IMAGENET_CLASSES 1000

/* What mobile_cv's builder does where a block list is silent. Until February 2021 it gave every
 * convolution of an inverted residual block a bias and did not round widths; files of that time are
 * still in the zoo under names that the registry keeps. */
typedef enum {
  CLASSIFIER_DEFAULTS_NOW,
  CLASSIFIER_DEFAULTS_EARLY,
} ClassifierDefaults;

/* Sorted, without the other names that some have; free with g_strfreev (). */
char **import_classifier_names (void);

/* Whether there is a classifier of this name or other name. */
gboolean import_is_classifier (const char *name);

/* The description, without labels and provenance. Free with cJSON_Delete (); NULL with error when
 * there is no such classifier. */
cJSON *import_describe_classifier (const char *name, ClassifierDefaults defaults, guint n_classes,
    GError **error);

#endif
