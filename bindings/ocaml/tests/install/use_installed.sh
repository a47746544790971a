#!/bin/sh
# Installs Mycelium into an empty prefix, builds the OCaml packages against it as opam would (from a copy of their
# folder), installs them there, and builds and runs a stranger's dune project, and programs built without dune.
# Usage: use_installed.sh CMAKE BUILD_FOLDER OCAML_FOLDER
set -eu
cmake=$1 build=$2 ocaml=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

say() { printf '== %s\n' "$*"; }
fail() { printf 'use_installed.sh: %s\n' "$*" >&2; exit 1; }

# Nothing from the build or source tree below but what is copied here.
unset MYCELIUM MYCELIUM_SCHEMAS MYCELIUM_NAMES || true
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" DUNE_CACHE=disabled

say "Mycelium"
"$cmake" --install "$build" --prefix "$prefix" >"$work/install.log" ||
  { cat "$work/install.log" >&2; fail "cmake --install"; }
export PATH="$prefix/bin:$PATH"

say "the packages, as opam builds them"
mkdir "$work/packages"
(cd "$ocaml" && tar -c --exclude=_build --exclude=tests .) | tar -x -C "$work/packages"
cd "$work/packages"
for package in mycelium_native mycelium_native_lwt mycelium_client; do
  # Where opam installs a package before it builds the next, this finds the one before.
  OCAMLPATH="$prefix/lib" dune build -p $package --display quiet @install
  # What opam does with a package: its description has no error, and its files go where its .install file says.
  opam lint $package.opam >"$work/$package.log" 2>&1 || { cat "$work/$package.log" >&2; fail "opam lint $package"; }
  opam-installer --install --prefix "$prefix" --libdir "$prefix/lib" --stubsdir "$prefix/lib/stublibs" \
    _build/default/$package.install >"$work/$package.log" 2>&1 ||
    { cat "$work/$package.log" >&2; fail "opam-installer $package"; }
done
[ -f "$prefix/lib/mycelium_native/META" ] || fail "there is no META of mycelium_native"
cd "$work"
rm -rf "$work/packages"

export OCAMLPATH="$prefix/lib"
say "a dune project"
cp -r "$here/stranger" "$work/stranger"
cd "$work/stranger"
dune build --root . --display quiet ./main.exe ./main_lwt.exe
[ "$(./_build/default/main.exe)" = "3 words from OCaml" ] || fail "the dune project's program says something else"
[ "$(./_build/default/main_lwt.exe)" = "hello, Lwt" ] || fail "the Lwt program says something else"

say "without dune, native and bytecode"
mkdir "$work/plain"
cd "$work/plain"
cp "$work/stranger/main.ml" .
mycelium schema compile --ocaml . --name my_messages "$(pkg-config --variable=schemadir mycelium)/mycelium.fbs"
ocamlfind ocamlopt -thread -package mycelium_native -linkpkg my_messages.mli my_messages.ml main.ml -o native
[ "$(./native)" = "3 words from OCaml" ] || fail "the native program says something else"
export CAML_LD_LIBRARY_PATH="$prefix/lib/stublibs" # an opam switch has it in its ld.conf
ocamlfind ocamlc -thread -package mycelium_native -linkpkg my_messages.mli my_messages.ml main.ml -o bytecode
[ "$(ocamlrun ./bytecode)" = "3 words from OCaml" ] || fail "the bytecode program says something else"

say "the client, with no native library"
cp "$here/stranger/main_client.ml" .
ocamlfind ocamlopt -thread -package mycelium_client -linkpkg my_messages.mli my_messages.ml main_client.ml -o client
[ "$(./client "$work/bus")" = "3 words from another node" ] || fail "the client's program says something else"
if ldd ./client | grep mycelium; then fail "the client's program needs a native library"; fi
say "all of them ran"
