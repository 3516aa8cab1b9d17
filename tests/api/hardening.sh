#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs and libraries, as they were linked: relocations are read-only once it has started, no stack can be run, code
# may lie anywhere, the stack is guarded and copies are checked. Exit status 77 without readelf.
set -eu

command -v readelf >/dev/null || exit 77
bad=0

# want FILE WHAT OPTION PATTERN
want() {
  if ! readelf -W "$3" "$1" 2>/dev/null | grep -Eq "$4"; then
    echo "$1: expected $2, found none" >&2
    bad=1
  fi
}

for file; do
  want "$file" "a position of its own" -h 'Type: +DYN'
  want "$file" "read-only relocations" -l GNU_RELRO
  want "$file" "all symbols bound at once" -d 'BIND_NOW|FLAGS_1.*NOW'
  want "$file" "a stack that is not run" -l 'GNU_STACK.* RW +0x'
  want "$file" "a guarded stack" --dyn-syms __stack_chk_fail
  case $file in
    *.so*) want "$file" "checked copies" --dyn-syms '__(mem|str|snprintf|vsnprintf)[a-z]*_chk' ;;
  esac
done
exit $bad
