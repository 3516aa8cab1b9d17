/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * XML as a tree.
 */
#include "xmltree.h"

#include <math.h>
#include <string.h>

#include "fbnet/fbnet.h"
#include "numbers.h"
#include "support/files.h"

#define MAX_DEPTH 32

typedef struct {
  XmlElement *root;
  GPtrArray *open;  /* XmlElement, from the root */
  GPtrArray *texts; /* GString, of each of them so far */
} Builder;

static void
free_text (gpointer text)
{
  g_string_free (text, TRUE);
}

void
xml_free (XmlElement *element)
{
  if (element == NULL)
    return;
  g_free (element->name);
  g_free (element->text);
  g_hash_table_unref (element->attributes);
  g_ptr_array_unref (element->children);
  g_free (element);
}

static void
free_child (gpointer element)
{
  xml_free (element);
}

static XmlElement *
element_new (const char *name, const char **keys, const char **values)
{
  XmlElement *element = g_new0 (XmlElement, 1);

  element->name = g_strdup (name);
  element->text = g_strdup ("");
  element->attributes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  element->children = g_ptr_array_new_with_free_func (free_child);
  for (guint i = 0; keys[i] != NULL; i++)
    g_hash_table_insert (element->attributes, g_strdup (keys[i]), g_strdup (values[i]));
  return element;
}

static void
start (GMarkupParseContext *context, const char *name, const char **keys, const char **values,
    gpointer data, GError **error)
{
  Builder *builder = data;

  if (builder->open->len == MAX_DEPTH) {
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT,
        "expected at most %d elements inside each other, found more", MAX_DEPTH);
    return;
  }
  XmlElement *element = element_new (name, keys, values);
  if (builder->open->len > 0) {
    const XmlElement *parent = builder->open->pdata[builder->open->len - 1];
    g_ptr_array_add (parent->children, element);
  } else {
    xml_free (builder->root);
    builder->root = element;
  }
  g_ptr_array_add (builder->open, element);
  g_ptr_array_add (builder->texts, g_string_new (NULL));
}

static void
end (GMarkupParseContext *context, const char *name, gpointer data, GError **error)
{
  Builder *builder = data;
  const guint last = builder->open->len - 1;
  XmlElement *element = builder->open->pdata[last];
  const GString *all = builder->texts->pdata[last];

  g_free (element->text);
  element->text = g_strstrip (g_strndup (all->str, all->len));
  g_ptr_array_set_size (builder->open, (gint) last);
  g_ptr_array_set_size (builder->texts, (gint) last);
}

static void
text (GMarkupParseContext *context, const char *found, gsize length, gpointer data, GError **error)
{
  const Builder *builder = data;

  if (builder->texts->len > 0)
    g_string_append_len (builder->texts->pdata[builder->texts->len - 1], found, (gssize) length);
}

static const GMarkupParser parser = { .start_element = start, .end_element = end, .text = text };

/* Tools on Windows begin with a byte order mark. */
static const char *
skip_mark (const char *bytes, gsize *size)
{
  if (*size < 3 || memcmp (bytes, "\xef\xbb\xbf", 3) != 0)
    return bytes;
  *size -= 3;
  return bytes + 3;
}

XmlElement *
xml_read (const char *path, GError **error)
{
  gsize size;
  g_autofree char *bytes = file_read (path, &size, error);
  g_autoptr (GError) cause = NULL;

  if (bytes == NULL)
    return NULL;
  Builder builder = { NULL, g_ptr_array_new (), g_ptr_array_new_with_free_func (free_text) };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser,
      G_MARKUP_TREAT_CDATA_AS_TEXT | G_MARKUP_PREFIX_ERROR_POSITION, &builder, NULL);
  const char *begin = skip_mark (bytes, &size);
  const gboolean parsed = g_markup_parse_context_parse (context, begin, (gssize) size, &cause)
      && g_markup_parse_context_end_parse (context, &cause);
  g_ptr_array_unref (builder.open);
  g_ptr_array_unref (builder.texts);
  if (parsed && builder.root != NULL)
    return builder.root;
  xml_free (builder.root);
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_FORMAT, "%s: expected XML, found: %s", path,
      cause != NULL ? cause->message : "nothing");
  return NULL;
}

const XmlElement *
xml_child (const XmlElement *element, const char *name)
{
  for (guint i = 0; element != NULL && i < element->children->len; i++) {
    const XmlElement *child = element->children->pdata[i];
    if (strcmp (child->name, name) == 0)
      return child;
  }
  return NULL;
}

const char *
xml_child_text (const XmlElement *element, const char *name)
{
  const XmlElement *child = xml_child (element, name);

  return child != NULL ? child->text : NULL;
}

const char *
xml_attribute (const XmlElement *element, const char *name)
{
  return element != NULL ? g_hash_table_lookup (element->attributes, name) : NULL;
}

double
xml_child_number (const XmlElement *element, const char *name)
{
  return number_read (xml_child_text (element, name));
}

double
xml_attribute_number (const XmlElement *element, const char *name)
{
  return number_read (xml_attribute (element, name));
}
