#!/bin/sh
# Makes the Debian packages, asks lintian, unpacks them into an empty root, and uses them there as strangers would: C and
# C++ programs are built and run, the program and the Python packages too. Installs nothing on this machine.
# Usage: debian_packages.sh CMAKE CPACK BUILD_DIRECTORY CC CXX
set -eu
cmake=$1 cpack=$2 build=$3 cc=$4 cxx=$5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

say() { printf '== %s\n' "$*"; }
fail() { printf 'debian packages: %s\n' "$*" >&2; exit 1; }

say "cpack"
"$cpack" -G DEB --config "$build/CPackConfig.cmake" -B "$work/packages" >"$work/cpack.log" 2>&1 ||
  { cat "$work/cpack.log" >&2; fail "cpack"; }
for name in libmycelium-ffi1 libmycelium-dev mycelium-tools python3-mycelium; do
  [ -e "$work/packages/${name}"_*.deb ] || fail "there is no package $name"
done

say "lintian"
lintian --allow-root --fail-on error "$work"/packages/*.deb || fail "lintian found errors"

say "their dependencies"
# All that they depend on is in Debian; a simulation needs no right to install.
apt-get --simulate install "$work"/packages/*.deb >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; fail "apt-get"; }
dpkg-deb --field "$work"/packages/libmycelium-ffi1_*.deb Depends | grep -q libcaf-core ||
  fail "the library's package does not depend on CAF's"
dpkg-deb --info "$work"/packages/libmycelium-ffi1_*.deb shlibs | grep -q '^libmycelium_ffi 1 libmycelium-ffi1 ' ||
  fail "no shlibs: packages of programs would not depend on the library's"

say "unpacked"
mkdir "$root"
for package in "$work"/packages/*.deb; do
  dpkg-deb --contents "$package" | awk '$1 !~ /^d/ { print $6 }' >>"$work/files"
  dpkg-deb --extract "$package" "$root"
done
twice=$(sort "$work/files" | uniq -d)
[ -z "$twice" ] || fail "in two packages: $twice"
if grep -rlF "$build" "$root"; then
  fail "a packaged file names the folder that it was built in"
fi
readelf -d "$root"/usr/lib/libmycelium_ffi.so.1 "$root"/usr/bin/mycelium \
  "$root"/usr/lib/python3/dist-packages/*/*.so >"$work/dynamic"
if grep -E 'R(UN)?PATH' "$work/dynamic"; then
  fail "a packaged file has a search path"
fi

prefix=$root/usr
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib" PATH="$prefix/bin:$PATH"
strict="-Wall -Wextra -Wpedantic -Werror"

say "mycelium-tools"
mycelium doctor | tail -n 1
for verb in $(mycelium --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
  gzip -dc "$prefix/share/man/man1/mycelium.1.gz" | grep -qx "\.B $verb" || fail "the man page knows no $verb"
done

for file in bash-completion/completions/mycelium fish/vendor_completions.d/mycelium.fish zsh/vendor-completions/_mycelium; do
  grep -q completion "$prefix/share/$file" || fail "there are no completions in share/$file"
done

say "libmycelium-dev, C"
# shellcheck disable=SC2046,SC2086 # flags are words
"$cc" -std=c11 $strict "$here/consumer.c" -o "$work/consumer" $(pkg-config --cflags --libs mycelium)
"$work/consumer"
ldd "$work/consumer" | grep -q "$prefix/lib/libmycelium_ffi.so.1" || fail "the program uses another library"

say "libmycelium-dev, C++"
cp -r "$here/typed" "$work/"
"$cmake" -S "$work/typed" -B "$work/typed/build" -D CMAKE_PREFIX_PATH="$prefix" -D CMAKE_CXX_COMPILER="$cxx" \
  -D CMAKE_CXX_FLAGS="$strict" >"$work/configure.log" || { cat "$work/configure.log" >&2; fail "find_package(mycelium)"; }
"$cmake" --build "$work/typed/build" >"$work/build.log" || { cat "$work/build.log" >&2; fail "the C++ program"; }
"$work/typed/build/typed"

say "python3-mycelium"
PYTHONPATH="$prefix/lib/python3/dist-packages" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - "$prefix" <<'PYTHON'
import sys
import mycelium_native
import mycelium_protocol
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest

assert mycelium_native.__file__.startswith(sys.argv[1]), mycelium_native.__file__
assert mycelium_native.library_path().startswith(sys.argv[1]), mycelium_native.library_path()
assert mycelium_protocol.codec() == "native"
heard = []
with mycelium_native.Runtime(mycelium_protocol.SCHEMA_DIGEST) as bus:
    bus.subscribe(TextMessage, heard.append)
    bus.serve(WordCountRequest, lambda request: WordCountReply(words=len(request.text.split())))
    bus.publish(TextMessage(content="hello"))
    words = bus.request(WordCountRequest(text="two words"), WordCountReply).words
assert [message.content for message in heard] == ["hello"] and words == 2
print(f"mycelium_native {mycelium_native.__version__}: it works")

import asyncio
import mycelium_client

async def over_a_socket():
    async with mycelium_client.Runtime() as here, mycelium_client.Runtime() as there:
        heard = []
        here.subscribe(TextMessage, heard.append)
        await there.bridge_dial(await here.bridge_listen("tcp:127.0.0.1:0"), timeout=30)
        await there.wait_for_subscribers(TextMessage, timeout=30)
        await there.publish(TextMessage(content="hello"))
        await there.flush(30)
        await here.flush(30)
    return [message.content for message in heard]

assert mycelium_client.__file__.startswith(sys.argv[1]), mycelium_client.__file__
assert asyncio.run(over_a_socket()) == ["hello"]
print("mycelium_client: it works")

import backfire_kernel
import director_ai

for package in (backfire_kernel, director_ai):
    assert package.__file__.startswith(sys.argv[1]), package.__file__
agent = director_ai.CoherenceAgent(lambda prompt: "The sky is blue.")
assert agent._rust_available and agent.process("Is the sky blue?").output == "The sky is blue."
print(f"backfire_kernel {backfire_kernel.__version__}: it works")
PYTHON
say "all packages work"
