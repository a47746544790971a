#!/bin/sh
# The shared library exports exactly the functions that the header declares, and nothing else; every one of them is called
# by the C test.
# Usage: compare.sh HEADER LIBRARY NM C_TEST
set -eu
header=$1 library=$2 nm=$3 c_test=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Declarations may span lines: comments and line ends go first.
tr '\n' ' ' <"$header" | sed 's@/\*@\n/*@g; s@\*/@*/\n@g' | sed 's@^/\*.*\*/$@@' | tr '\n' ' ' |
  grep -oE 'MYCELIUM_API [^;]*;' | grep -oE 'mycelium_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$work/declared"
"$nm" --dynamic --defined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -v '^MYCELIUM_' | sort -u >"$work/exported"
grep -oE 'mycelium_[a-z0-9_]+\(' "$c_test" | tr -d '(' | sort -u >"$work/called"

count=$(wc -l <"$work/declared")
[ "$count" -ge 40 ] || { echo "found only $count declarations in $header" >&2; exit 1; }
status=0
if ! diff -u "$work/declared" "$work/exported" >"$work/difference"; then
  echo "declared in the header (-) against exported by the library (+):" >&2
  cat "$work/difference" >&2
  status=1
fi
uncalled=$(comm -23 "$work/declared" "$work/called" | tr '\n' ' ')
if [ -n "$uncalled" ]; then
  echo "never called by $c_test: $uncalled" >&2
  status=1
fi
[ "$status" -ne 0 ] || echo "$count functions declared, exported and called"
exit "$status"
