#!/bin/sh
# Installs a build into an empty prefix, then builds and runs strangers' programs from the installed tree only: C11 with
# pkg-config, shared and static, and C++20 with find_package, without and with generated messages.
# Usage: build_consumers.sh CMAKE BUILD_DIRECTORY CC CXX
set -eu
cmake=$1 build=$2 cc=$3 cxx=$4
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

say() { printf '== %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

say "install"
"$cmake" --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log" >&2; fail "cmake --install"; }
for file in include/mycelium.h include/backfire.h include/backfire_physics.h include/mycelium_oversight.h include/mycelium/mycelium.hpp lib/libmycelium_ffi.so lib/libmycelium_ffi.so.1 lib/libmycelium_ffi.a bin/mycelium \
  share/bash-completion/completions/mycelium share/fish/vendor_completions.d/mycelium.fish share/zsh/site-functions/_mycelium \
  lib/pkgconfig/mycelium.pc lib/cmake/mycelium; do
  [ -e "$prefix/$file" ] || fail "$file is missing; there are: $(cd "$prefix" && find . -type f | sort | tr '\n' ' ')"
done
if grep -rnE 'include *[<"](caf|asio|flatbuffers|cuda)' "$prefix/include"; then
  fail "an installed header shows what the library is made of"
fi
"$prefix/bin/mycelium" --version

# Nothing from the build or source tree below: sources are copied, the environment is ours.
cp -r "$here/consumer.c" "$here/cpp" "$here/typed" "$work/"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
strict="-Wall -Wextra -Wpedantic -Werror"

say "C11, pkg-config, shared"
[ "$(pkg-config --modversion mycelium)" = 1.0.0 ] || fail "pkg-config says version $(pkg-config --modversion mycelium)"
# shellcheck disable=SC2046,SC2086 # flags are words
"$cc" -std=c11 $strict "$work/consumer.c" -o "$work/shared" $(pkg-config --cflags --libs mycelium)
LD_LIBRARY_PATH="$prefix/lib" "$work/shared"
LD_LIBRARY_PATH="$prefix/lib" ldd "$work/shared" | grep -q "$prefix/lib/libmycelium_ffi.so.1" ||
  fail "the program does not use the installed libmycelium_ffi.so.1"

build_with_cmake() {
  say "C++20, find_package: $1"
  "$cmake" -S "$work/$1" -B "$work/$1/build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_CXX_COMPILER="$cxx" \
    -D CMAKE_CXX_FLAGS="$strict" >"$work/configure.log" || { cat "$work/configure.log" >&2; fail "find_package(mycelium)"; }
  "$cmake" --build "$work/$1/build" >"$work/build.log" || { cat "$work/build.log" >&2; fail "the consumer $1"; }
  "$work/$1/build/$2"
}
build_with_cmake cpp consumer
build_with_cmake typed typed

say "C11, pkg-config, static"
rm "$prefix"/lib/libmycelium_ffi.so* # so that the linker has no choice
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $strict "$work/consumer.c" -o "$work/static" $(pkg-config --cflags --libs --static mycelium)
"$work/static"
if ldd "$work/static" | grep mycelium; then
  fail "the static program still wants a shared mycelium"
fi
say "all consumers ran"
