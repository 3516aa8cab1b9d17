#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sees that clang-format would change no file. The status is 77 where there is none of the version that decides.
set -eu

cd "$(dirname "$0")/.."
# Other versions lay out otherwise.
for program in clang-format-14 clang-format; do
  if "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
    git ls-files '*.c' '*.h' | xargs "$program" --dry-run -Werror
    echo 'Nothing would be laid out otherwise.'
    exit
  fi
done
echo 'Skipped: no clang-format of version 14, which Debian 12 has.'
exit 77
