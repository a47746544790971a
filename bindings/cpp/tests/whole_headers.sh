#!/bin/sh
# Fails if a header needs another one before it, or warns.
# Usage: whole_headers.sh CXX OPTION... -- HEADER...
set -eu
compiler=$1
shift
options=
while [ "$1" != -- ]; do
  options="$options $1"
  shift
done
shift
[ $# -gt 5 ] || { echo "found only $# headers" >&2; exit 1; }
for header; do
  # shellcheck disable=SC2086 # options are words
  printf '#include <mycelium/%s>\n' "$(basename "$header")" |
    "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror $options -x c++ -
done
