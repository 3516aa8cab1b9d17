/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The formats of annotations that people have.
 */
#include "labelformat.h"

#include <stdio.h>
#include <string.h>

/* Of a file's beginning: enough for all of them, but for a JSON file whose first list is long. */
#define LOOKED_AT 65536

static const struct {
  const char *name, *title;
} formats[N_LABEL_FORMATS] = {
  [LABELS_UNKNOWN] = { "auto", "no format that is known" },
  [LABELS_COCO] = { "coco", "COCO JSON" },
  [LABELS_VOC] = { "voc", "Pascal VOC XML" },
  [LABELS_YOLO] = { "yolo", "YOLO text" },
  [LABELS_VIA] = { "via", "VIA JSON" },
  [LABELS_LABELME] = { "labelme", "labelme JSON" },
  [LABELS_CVAT] = { "cvat", "CVAT XML" },
  [LABELS_CSV] = { "csv", "CSV" },
};

const char *
label_format_name (LabelFormat format)
{
  return formats[format].name;
}

const char *
label_format_title (LabelFormat format)
{
  return formats[format].title;
}

LabelFormat
label_format_find (const char *name)
{
  for (guint i = 1; i < N_LABEL_FORMATS; i++) {
    if (strcmp (formats[i].name, name) == 0)
      return (LabelFormat) i;
  }
  return LABELS_UNKNOWN;
}

/* --- A file ----------------------------------------------------------------------------------- */

/* NULL: there is no such file. */
static char *
read_beginning (const char *path)
{
  FILE *file = g_file_test (path, G_FILE_TEST_IS_REGULAR) ? fopen (path, "rb") : NULL;

  if (file == NULL)
    return NULL;
  char *text = g_malloc0 (LOOKED_AT + 1);
  const gsize n = fread (text, 1, LOOKED_AT, file);
  fclose (file);
  if (memchr (text, '\0', n) == NULL)
    return text;
  g_free (text); /* not text */
  return NULL;
}

static gboolean
has_field (const char *text, const char *name)
{
  g_autofree char *pattern = g_strdup_printf ("\"%s\"\\s*:", name);

  return g_regex_match_simple (pattern, text, 0, 0);
}

static LabelFormat
guess_json (const char *text)
{
  if (has_field (text, "shapes") && has_field (text, "imagePath"))
    return LABELS_LABELME;
  if (has_field (text, "regions") || has_field (text, "_via_img_metadata"))
    return LABELS_VIA;
  return has_field (text, "images") || has_field (text, "categories")
          || has_field (text, "annotations")
      ? LABELS_COCO
      : LABELS_UNKNOWN;
}

static LabelFormat
guess_xml (const char *text)
{
  if (strstr (text, "<annotations") != NULL)
    return LABELS_CVAT;
  return strstr (text, "<annotation") != NULL ? LABELS_VOC : LABELS_UNKNOWN;
}

/* A class and four shares, or more for a polygon. */
#define NUMBER     "[-+]?[0-9]*\\.?[0-9]+([eE][-+]?[0-9]+)?"
#define YOLO_LINES "\\A(\\s*[0-9]+([ \\t]+" NUMBER "){4,}[ \\t]*(\\r?\\n|\\z))+"
#define YOLO_YAML  "(?m)^(names|nc)\\s*:"

static LabelFormat
guess_lines (const char *path, const char *text)
{
  if (g_regex_match_simple (YOLO_LINES, text, 0, 0))
    return LABELS_YOLO;
  if ((g_str_has_suffix (path, ".yaml") || g_str_has_suffix (path, ".yml"))
      && g_regex_match_simple (YOLO_YAML, text, 0, 0))
    return LABELS_YOLO;
  const char *end = strchr (text, '\n');
  g_autofree char *line = end != NULL ? g_strndup (text, (gsize) (end - text)) : g_strdup (text);
  g_auto (GStrv) cells = g_strsplit_set (line, ",;", -1);
  return g_strv_length (cells) >= 5 ? LABELS_CSV : LABELS_UNKNOWN;
}

static LabelFormat
guess_file (const char *path)
{
  g_autofree char *text = read_beginning (path);

  if (text == NULL)
    return LABELS_UNKNOWN;
  const char *first = g_str_has_prefix (text, "\xef\xbb\xbf") ? text + 3 : text;
  while (g_ascii_isspace (*first))
    first++;
  if (*first == '{' || *first == '[')
    return guess_json (first);
  if (*first == '<')
    return guess_xml (first);
  return guess_lines (path, text);
}

/* --- A folder --------------------------------------------------------------------------------- */

static gboolean
may_be_labels (const char *name)
{
  static const char *const endings[] = { ".json", ".xml", ".txt", ".csv", ".yaml", ".yml" };

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
    if (g_str_has_suffix (name, endings[i]))
      return TRUE;
  }
  return FALSE;
}

LabelFormat
label_format_guess (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  LabelFormat format = LABELS_UNKNOWN;

  if (dir == NULL)
    return guess_file (path);
  for (const char *name = g_dir_read_name (dir); name != NULL && format == LABELS_UNKNOWN;
       name = g_dir_read_name (dir)) {
    g_autofree char *file = g_build_filename (path, name, NULL);
    if (may_be_labels (name))
      format = guess_file (file);
  }
  return format;
}

char *
label_format_hint (const char *path)
{
  const LabelFormat format = label_format_guess (path);

  if (format == LABELS_UNKNOWN || format == LABELS_COCO)
    return g_strdup ("");
  return g_strdup_printf (
      "; it looks like %s, of which fbnet-dataset --annotations %s --images DIR "
      "--output DIR makes COCO's format",
      label_format_title (format), path);
}
