#!/bin/sh
# Writes the blocks of OCaml of a page to program_1.ml, program_2.ml ... Usage: extract.sh PAGE
set -eu
awk '
  /^```/ && inside { inside = 0; close(file); next }
  /^```ocaml$/ { inside = 1; file = "program_" ++count ".ml"; printf "" > file; next }
  inside { print > file }
' "$1"
