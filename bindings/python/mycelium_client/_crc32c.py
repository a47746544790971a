"""CRC-32C (RFC 3720, appendix B.4), which every frame carries: in plain Python, or by google_crc32c or crc32c where one
of them is installed.

Short inputs go eight bytes a step through eight tables (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for
High-Performance CRC Generation", 2008). Long ones are cut into lanes of 64 bytes that are run beside each other: one
step takes a byte of every lane, the four bytes of all states lie in four large integers, and bytes.translate looks all
of them up at once. At the end the lanes are joined: to append 64 zeros to an input is a linear map of its state.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable

_POLYNOMIAL = 0x82F63B78  # reflected
_LANE = 64
_LONG = 1024  # from here on lanes are faster


def _first_table() -> list[int]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (_POLYNOMIAL if row & 1 else 0)
        rows.append(row)
    return rows


def _next_table(before: list[int]) -> list[int]:
    """The rows of a byte that has one more byte behind it."""
    return [row >> 8 ^ _T0[row & 255] for row in before]


_T0 = _first_table()
_T1 = _next_table(_T0)
_T2 = _next_table(_T1)
_T3 = _next_table(_T2)
_T4 = _next_table(_T3)
_T5 = _next_table(_T4)
_T6 = _next_table(_T5)
_T7 = _next_table(_T6)
_PLANES = [bytes(row >> shift & 255 for row in _T0) for shift in (0, 8, 16, 24)]


def _lane_tables() -> list[list[int]]:
    """What 64 zeros make of each of the four bytes of a state."""
    tables = []
    for shift in (0, 8, 16, 24):
        rows = [row << shift for row in range(256)]
        for _ in range(_LANE):
            rows = [row >> 8 ^ _T0[row & 255] for row in rows]
        tables.append(rows)
    return tables


_Z0, _Z1, _Z2, _Z3 = _lane_tables()


def _short(data: bytes, state: int) -> int:
    whole = len(data) & ~7
    t0, t1, t2, t3, t4, t5, t6, t7 = _T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7
    for a, b, c, d, e, f, g, h in struct.iter_unpack("8B", data[:whole]):
        state = (
            t7[a ^ state & 255] ^ t6[b ^ state >> 8 & 255] ^ t5[c ^ state >> 16 & 255] ^ t4[d ^ state >> 24]
            ^ t3[e] ^ t2[f] ^ t1[g] ^ t0[h]
        )  # fmt: skip
    for byte in data[whole:]:
        state = t0[(state ^ byte) & 255] ^ state >> 8
    return state


def _long(data: bytes, state: int) -> int:
    lanes = len(data) // _LANE
    whole = data[: lanes * _LANE]
    # The state that comes in belongs to the first lane: as if the input's first four bytes were others.
    first = int.from_bytes(whole[:4], "little") ^ state
    whole = first.to_bytes(4, "little") + whole[4:]
    p0 = p1 = p2 = p3 = 0
    for place in range(_LANE):
        index = (int.from_bytes(whole[place::_LANE], "little") ^ p0).to_bytes(lanes, "little")
        p0, p1, p2, p3 = (
            p1 ^ int.from_bytes(index.translate(_PLANES[0]), "little"),
            p2 ^ int.from_bytes(index.translate(_PLANES[1]), "little"),
            p3 ^ int.from_bytes(index.translate(_PLANES[2]), "little"),
            int.from_bytes(index.translate(_PLANES[3]), "little"),
        )
    planes = (each.to_bytes(lanes, "little") for each in (p0, p1, p2, p3))
    state = 0
    for a, b, c, d in zip(*planes, strict=True):
        state = (
            _Z0[state & 255] ^ _Z1[state >> 8 & 255] ^ _Z2[state >> 16 & 255] ^ _Z3[state >> 24]
            ^ (a | b << 8 | c << 16 | d << 24)
        )  # fmt: skip
    return _short(data[lanes * _LANE :], state)


def in_python(data: bytes, crc: int = 0) -> int:
    """The checksum of data, which follows what had the checksum crc."""
    state = crc ^ 0xFFFFFFFF
    return (_short(data, state) if len(data) < _LONG else _long(data, state)) ^ 0xFFFFFFFF


def _installed() -> Callable[[bytes, int], int] | None:
    """An implementation in native code, if there is one and it computes what it should."""
    for module, name in (("google_crc32c", "extend"), ("crc32c", "crc32c")):
        try:
            function = getattr(importlib.import_module(module), name)
            if module == "google_crc32c":
                function = _turned(function)
            if function(b"456789", function(b"123", 0)) == 0xE3069283:
                return function  # type: ignore[no-any-return]
        except Exception:  # whatever is wrong with it, ours does
            continue
    return None


def _turned(extend: Callable[[int, bytes], int]) -> Callable[[bytes, int], int]:
    def turned(data: bytes, crc: int = 0) -> int:
        return extend(crc, data)

    return turned


crc32c: Callable[..., int] = _installed() or in_python
