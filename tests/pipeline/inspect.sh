#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What gst-inspect-1.0 says of the element, without what depends on the GStreamer that reads it, on what was built,
# and on the machine: inspect.txt, to be seen when it changes.
#
#   GST_PLUGIN_PATH=build/gst tests/pipeline/inspect.sh > tests/pipeline/inspect.txt
set -eu

echo '# SPDX-License-Identifier: LGPL-2.1-or-later'
# The base classes' own properties; meta-types has what GstAnalytics the build found; stats have values.
gst-inspect-1.0 --no-colors fbnetdetect | awk '
  /^[A-Z]/ { section = $0; begun = 0 }
  section !~ /^(Factory Details|Pad Templates|Element Properties|Element Signals):/ { next }
  section ~ /^Element Properties:/ && /^  [a-z]/ { name = $1; sub(/:$/, "", name); lines = 0 }
  section ~ /^Element Properties:/ && name ~ /^(name|parent|meta-types)$/ { next }
  section ~ /^Element Properties:/ && name == "stats" && ++lines > 2 { next }
  /^[ \t]*$/ { next }
  {
    gsub(/[ \t]+/, " ")
    gsub(/ \*/, "*")
    sub(/ \(GstValueList\)$/, "") # since GStreamer 1.28
    gsub(/const gchar\*/, "gchararray")
    sub(/ $/, "")
    if (!begun++) print ""
    print
  }'
