/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * XML as a tree, for files that annotation tools write: elements, attributes, text. No document types, no
 * entities but XML's own, nothing from elsewhere (GLib's GMarkup).
 */
#ifndef FBNET_DATASET_XMLTREE_H
#define FBNET_DATASET_XMLTREE_H

#include <glib.h>

typedef struct XmlElement XmlElement;

struct XmlElement {
  char *name;
  char *text; /* all that stands in it, without space around it */
  GHashTable *attributes;
  GPtrArray *children; /* XmlElement */
};

/* The root. NULL with error when the text is no XML, or nested deeper than any such file. */
XmlElement *xml_read (const char *path, GError **error);
void xml_free (XmlElement *root); /* NULL is allowed */

/* The first child of that name; NULL: there is none, or `element` is NULL. */
const XmlElement *xml_child (const XmlElement *element, const char *name);

/* The text of that child, or the attribute; NULL: there is none. */
const char *xml_child_text (const XmlElement *element, const char *name);
const char *xml_attribute (const XmlElement *element, const char *name);

/* The same as a number, in any locale; NAN: it is none. */
double xml_child_number (const XmlElement *element, const char *name);
double xml_attribute_number (const XmlElement *element, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (XmlElement, xml_free)

#endif
