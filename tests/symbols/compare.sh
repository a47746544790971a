#!/bin/sh
# The shared library exports exactly the functions that the headers declare, and nothing else; every one of them is called
# by its header's C test.
# Usage: compare.sh LIBRARY NM HEADER C_TEST [HEADER C_TEST]...
set -eu
library=$1 nm=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
: >"$work/all"
while [ $# -ge 2 ]; do
  header=$1 c_test=$2
  shift 2
  # Declarations may span lines: comments and line ends go first.
  tr '\n' ' ' <"$header" | sed 's@/\*@\n/*@g; s@\*/@*/\n@g' | sed 's@^/\*.*\*/$@@' | tr '\n' ' ' |
    grep -oE '(MYCELIUM|BACKFIRE)_API [^;]*;' | grep -oE '(mycelium|backfire)_[a-z0-9_]+\(' | tr -d '(' |
    sort -u >"$work/declared"
  grep -oE '(mycelium|backfire)_[a-z0-9_]+\(' "$c_test" | tr -d '(' | sort -u >"$work/called"
  count=$(wc -l <"$work/declared")
  [ "$count" -ge 5 ] || { echo "found only $count declarations in $header" >&2; exit 1; }
  uncalled=$(comm -23 "$work/declared" "$work/called" | tr '\n' ' ')
  if [ -n "$uncalled" ]; then
    echo "never called by $c_test: $uncalled" >&2
    status=1
  fi
  cat "$work/declared" >>"$work/all"
done

sort -u -o "$work/all" "$work/all"
"$nm" --dynamic --defined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -v '^MYCELIUM_' |
  sort -u >"$work/exported"
if ! diff -u "$work/all" "$work/exported" >"$work/difference"; then
  echo "declared in the headers (-) against exported by the library (+):" >&2
  cat "$work/difference" >&2
  status=1
fi
[ "$status" -ne 0 ] || echo "$(wc -l <"$work/all") functions declared, exported and called"
exit "$status"
