#!/bin/sh
# Compiles schemas to modules that need no crate, and a program of these with nothing but the compiler; then runs it.
# Usage: compile_alone.sh MYCELIUM SOURCE FOLDER RUSTC
set -eu
mycelium=$1 source=$2 folder=$3 rustc=$4
mkdir -p "$folder"
for schema in schema/examples.fbs schema/golden.fbs tools/schema_compiler/names.fbs; do
  "$mycelium" schema compile --rust "$folder" --rust-alone "$source/$schema"
done
if grep -n 'unsafe [{f]\|::mycelium' "$folder"/*.rs; then
  echo "a module that needs no crate names one, or is unsafe" >&2
  exit 1
fi
cp "$source/bindings/rust/tests/alone.rs" "$folder/main.rs"
"$rustc" --edition 2021 -D warnings -A dead_code "$folder/main.rs" -o "$folder/alone"
"$folder/alone"
