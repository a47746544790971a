#!/bin/sh
# Compiles a schema to OCaml once under each name. Usage: compile.sh FILE.fbs NAME...
set -eu
schema=$1
shift
program=${MYCELIUM:-$(pkg-config --variable=prefix mycelium)/bin/mycelium}
folder=${MYCELIUM_SCHEMAS:-$(pkg-config --variable=schemadir mycelium)}
case $schema in /* | ./*) ;; *) schema=$folder/$schema ;; esac
for name; do
  "$program" schema compile --ocaml . --name "$name" "$schema"
done
