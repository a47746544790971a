#!/bin/sh
# The unit of the system service as it is installed: systemd knows every word of it, its program is the one beside it,
# and it is kept in as tightly as promised.
# Usage: service_unit.sh CMAKE BUILD_DIRECTORY
set -eu
cmake=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'service unit: %s\n' "$*" >&2; exit 1; }
command -v systemd-analyze >/dev/null || fail "there is no systemd-analyze; run tools/setup"

"$cmake" --install "$build" --component tools --prefix "$work/prefix" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "cmake --install"; }
unit=$work/prefix/lib/systemd/system/mycelium-bridge@.service
grep -q "^ExecStart=$work/prefix/bin/mycelium bridge " "$unit" || fail "it starts another program: $(grep ExecStart "$unit")"
grep -q '^u mycelium ' "$work/prefix/lib/sysusers.d/mycelium.conf" || fail "nobody makes its user"

# A template is checked by one of its instances. What systemd only warns of is wrong, too.
cp "$unit" "$work/mycelium-bridge@hub.service"
systemd-analyze verify --man=no "$work/mycelium-bridge@hub.service" >"$work/words" 2>&1 || { cat "$work/words" >&2; fail "verify"; }
[ ! -s "$work/words" ] || { cat "$work/words" >&2; fail "systemd does not know all of it"; }
# Of 10, times ten: 1.4 is what systemd says of it.
systemd-analyze security --offline=true --threshold=20 "$work/mycelium-bridge@hub.service" >"$work/words" 2>&1 ||
  { grep '✗' "$work/words" >&2; fail "it may do more than it needs"; }
printf 'the unit is good: %s\n' "$(tail -n 1 "$work/words")"
