"""The bytes of the bridge protocol, version 1, as docs/bridge-protocol.md has them and nothing else of this repository.

A judge's code: what it reads it holds against every rule that the page has for who sends (padding, zeros, flags), and
what it writes may break each of them.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Any

HELLO, PROOF, READY, REFUSAL, NODE_STATE, CREDIT, LOST, HEARTBEAT, FORGET, RECEIPT = range(1, 11)
KINDS = {
    1: "Hello",
    2: "Proof",
    3: "Ready",
    4: "Refusal",
    5: "NodeState",
    6: "Credit",
    7: "Lost",
    8: "heartbeat",
    9: "forget",
    10: "Receipt",
}
CONTROL, TRACE, KEY, REQUEST, REPLY, CONFIRM = 1, 2, 4, 8, 16, 32
VERSION, ITSELF, WRONG_PROOF, NOT_ALLOWED, TOO_MANY, LATE, PROTOCOL, LEAVING = range(8)
REASONS = ("Version", "Itself", "Proof", "NotAllowed", "TooMany", "Late", "Protocol", "Leaving")

HEADER = struct.Struct("<IHHQQIBBh")
ENVELOPE = struct.Struct("<QQQq")
KEY_PART = struct.Struct("<QQ")
TRACE_PART = struct.Struct("<16s8sB7s")


class Violation(AssertionError):
    """The subject sent what the protocol does not allow."""


def demand(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)


# ---- CRC-32C (RFC 3720, appendix B.4) ----


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (0x82F63B78 if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_ROWS = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _ROWS[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


# ---- frames ----


@dataclasses.dataclass
class Frame:
    type_id: int
    flags: int = 0
    sequence: int = 0
    correlation: int = 0
    priority: int = 0
    hops: int = 0
    outcome: int = 0
    origin: int = 5  # some node
    publisher: int = 1
    publisher_sequence: int = 0
    timestamp: int = 0
    key: int | None = None
    trace: bytes | None = None  # 25 bytes: trace id, span id, flags
    payload: bytes = b""
    table: dict[str, Any] | None = None  # of a control frame that was read
    size: int = 0  # of one that was read, with its padding

    @property
    def is_control(self) -> bool:
        return bool(self.flags & CONTROL)

    @property
    def is_reply(self) -> bool:
        return bool(self.flags & REPLY)

    @property
    def kind(self) -> int:
        """Of a control frame; 0 for messages and replies."""
        return self.type_id if self.is_control else 0


def control(kind: int, payload: bytes = b"", **fields: Any) -> Frame:
    return Frame(type_id=kind, flags=CONTROL, payload=payload, **fields)


def padded(length: int) -> int:
    return (length + 15) // 16 * 16


def encode(frame: Frame, *, length: int | None = None, checksum: int | None = None) -> bytes:
    """The frame's bytes; with another length or checksum than it should have, on demand."""
    flags = frame.flags | (KEY if frame.key is not None else 0) | (TRACE if frame.trace is not None else 0)
    parts = b""
    if not flags & CONTROL:
        parts = ENVELOPE.pack(frame.origin, frame.publisher, frame.publisher_sequence, frame.timestamp)
        if frame.key is not None:
            parts += KEY_PART.pack(frame.key, 0)
        if frame.trace is not None:
            parts += frame.trace.ljust(32, b"\0")
    body = parts + frame.payload
    size = HEADER.size + len(body)

    def header(crc: int) -> bytes:
        return HEADER.pack(
            size if length is None else length,
            frame.type_id,
            flags,
            frame.sequence,
            frame.correlation,
            crc,
            frame.priority,
            frame.hops,
            frame.outcome,
        )

    crc = crc32c(header(0) + body) if checksum is None else checksum
    return (header(crc) + body).ljust(padded(size), b"\0")


class Reader:
    """Cuts what comes into frames and holds each against the rules."""

    def __init__(self) -> None:
        self.data = bytearray()

    def next(self) -> Frame | None:
        if len(self.data) < HEADER.size:
            return None
        length, type_id, flags, sequence, correlation, crc, priority, hops, outcome = HEADER.unpack_from(self.data)
        demand(length >= HEADER.size, f"a frame says that it has {length} bytes")
        if len(self.data) < padded(length):
            return None
        whole = bytes(self.data[: padded(length)])
        del self.data[: padded(length)]
        frame = Frame(type_id, flags, sequence, correlation, priority, hops, outcome, size=len(whole))
        demand(flags & ~63 == 0, f"a frame has the unknown flags {flags:#x}")
        demand(crc == crc32c(whole[:24] + bytes(4) + whole[28:length]), f"the checksum of {frame} is wrong")
        demand(not any(whole[length:]), f"the padding of {frame} is not zero")
        _read_parts(frame, whole[HEADER.size : length])
        return frame


def _read_parts(frame: Frame, body: bytes) -> None:
    if frame.is_control:
        demand(frame.flags == CONTROL, f"{frame}: a control frame has no other flag")
        demand(frame.type_id in KINDS, f"{frame}: no control frame of that kind is known")
        demand(frame.sequence == 0 and frame.outcome == 0, f"{frame}: sequence and outcome are 0 in control frames")
        frame.payload = body
        if frame.type_id in (HEARTBEAT, FORGET):
            demand(body == b"", f"{frame}: has no payload")
        else:
            frame.table = read_table(KINDS[frame.type_id], body)
        return
    demand(frame.type_id != 0, f"{frame}: a message has a type")
    demand((frame.sequence == 0) == frame.is_reply, f"{frame}: replies have sequence 0, and nothing else has")
    demand(frame.outcome == 0 or frame.is_reply, f"{frame}: only replies have an outcome")
    is_confirmed = bool(frame.flags & CONFIRM)
    demand(not (is_confirmed and frame.flags & (REQUEST | REPLY)), f"{frame}: only messages ask for a receipt")
    need = ENVELOPE.size + bool(frame.flags & KEY) * KEY_PART.size + bool(frame.flags & TRACE) * TRACE_PART.size
    demand(len(body) >= need, f"{frame}: is shorter than its parts")
    frame.origin, frame.publisher, frame.publisher_sequence, frame.timestamp = ENVELOPE.unpack_from(body)
    at = ENVELOPE.size
    if frame.flags & KEY:
        frame.key, zero = KEY_PART.unpack_from(body, at)
        demand(zero == 0, f"{frame}: zeros stand behind the key")
        at += KEY_PART.size
    if frame.flags & TRACE:
        frame.trace = body[at : at + 25]
        demand(not any(body[at + 25 : at + 32]), f"{frame}: zeros stand behind the trace")
        at += TRACE_PART.size
    frame.payload = body[at:]


# ---- the tables of schema/bridge.fbs ----

TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Hello": (
        ("version", "H"),
        ("node", "Q"),
        ("name", "text"),
        ("nonce", "bytes"),
        ("wants_proof", "?"),
        ("max_frame", "I"),
        ("window", "I"),
        ("confirms", "?"),
        ("silence_ms", "I"),
        ("process", "I"),
    ),
    "Proof": (("mac", "bytes"),),
    "TypeDigest": (("type_id", "H"), ("digest", "bytes")),
    "Ready": (("types", "TypeDigest"), ("stream", "Q"), ("heard_stream", "Q"), ("heard", "Q")),
    "Refusal": (("reason", "B"), ("text", "text")),
    "NodeState": (
        ("node", "Q"),
        ("version", "Q"),
        ("name", "text"),
        ("neighbours", "Qs"),
        ("wants", "Hs"),
        ("carries", "Hs"),
        ("absent", "Qs"),
    ),
    "Credit": (("sequence", "Q"),),
    "Lost": (("type_id", "H"), ("count", "Q")),
    "Receipt": (("sequence", "Q"), ("open", "Qs")),
}
_EMPTY: dict[str, Any] = {"text": "", "bytes": b"", "Qs": (), "Hs": (), "TypeDigest": ()}


def pack_table(name: str, values: dict[str, Any], more: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A table as a FlatBuffer, written from the front. more: fields that a later schema might have added."""
    out = bytearray(4)
    root = _put_table(out, TABLES[name] + more, values)
    struct.pack_into("<I", out, 0, root)
    return bytes(out)


def _fill(out: bytearray, multiple: int, offset: int = 0) -> None:
    out.extend(bytes(-(len(out) + offset) % multiple))


def _put_table(out: bytearray, fields: tuple[tuple[str, str], ...], values: dict[str, Any]) -> int:
    inline = 4
    slots = []
    for name, kind in fields:
        size = struct.calcsize(kind) if len(kind) == 1 else 4
        if name not in values:
            slots.append(0)
            continue
        inline += -inline % size
        slots.append(inline)
        inline += size
    _fill(out, 2)
    vtable = len(out)
    out += struct.pack(f"<{len(slots) + 2}H", 2 * len(slots) + 4, inline, *slots)
    _fill(out, 8)
    table = len(out)
    out += struct.pack("<i", table - vtable) + bytes(inline - 4)
    for slot, (name, kind) in zip(slots, fields):
        if slot and len(kind) == 1:
            struct.pack_into("<" + kind, out, table + slot, values[name])
        elif slot:
            target = _put_child(out, kind, values[name])
            struct.pack_into("<I", out, table + slot, target - (table + slot))
    return table


def _put_child(out: bytearray, kind: str, value: Any) -> int:
    _fill(out, 4)
    if kind in ("Qs", "Hs"):
        _fill(out, struct.calcsize(kind[0]), 4)
        place = len(out)
        out += struct.pack(f"<I{len(value)}{kind[0]}", len(value), *value)
    elif kind in ("text", "bytes"):
        data = value.encode() if kind == "text" else bytes(value)
        place = len(out)
        out += struct.pack("<I", len(data)) + data + b"\0"
    else:
        place = len(out)
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for i, each in enumerate(value):
            target = _put_table(out, TABLES[kind], each)
            at = place + 4 + 4 * i
            struct.pack_into("<I", out, at, target - at)
    return place


def read_table(name: str, data: bytes) -> dict[str, Any]:
    """Every field by its name, absent ones by their default. Violation if it is no such table."""
    try:
        return _take_table(data, struct.unpack_from("<I", data)[0], name)
    except (struct.error, IndexError, UnicodeDecodeError) as why:
        raise Violation(f"a {name} that is none: {why}") from None


def _take_table(data: bytes, at: int, name: str) -> dict[str, Any]:
    vtable = at - struct.unpack_from("<i", data, at)[0]
    demand(0 <= vtable <= len(data) - 4, f"a {name} whose vtable lies outside")
    slots = struct.unpack_from("<H", data, vtable)[0] // 2 - 2
    values = {}
    for i, (field, kind) in enumerate(TABLES[name]):
        slot = struct.unpack_from("<H", data, vtable + 4 + 2 * i)[0] if i < slots else 0
        if not slot:
            values[field] = _EMPTY.get(kind, 0)
        elif len(kind) == 1:
            demand((at + slot) % struct.calcsize(kind) == 0, f"{name}.{field} is not aligned")
            values[field] = struct.unpack_from("<" + kind, data, at + slot)[0]
        else:
            values[field] = _take_child(data, at + slot + struct.unpack_from("<I", data, at + slot)[0], kind)
    return values


def _take_child(data: bytes, at: int, kind: str) -> Any:
    count = struct.unpack_from("<I", data, at)[0]
    if kind in ("Qs", "Hs"):
        return struct.unpack_from(f"<{count}{kind[0]}", data, at + 4)
    if kind in ("text", "bytes"):
        found = data[at + 4 : at + 4 + count]
        demand(len(found) == count, f"a {kind} of {count} bytes ends early")
        return found.decode() if kind == "text" else found
    places = [at + 4 + 4 * i for i in range(count)]
    return [_take_table(data, place + struct.unpack_from("<I", data, place)[0], kind) for place in places]
