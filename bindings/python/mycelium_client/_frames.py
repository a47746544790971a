"""The frames of a link, byte by byte: docs/bridge-protocol.md. Foreign bytes are checked before they are believed."""

from __future__ import annotations

import dataclasses
import struct

from ._crc32c import crc32c
from ._wire import Control, Table

CONTROL, TRACE, KEY, REQUEST, REPLY = 1, 2, 4, 8, 16
_KNOWN = 31
_LAST_CONTROL = 10
MAX_HOPS = 16

_HEADER = struct.Struct("<IHHQQIBBh")
_ENVELOPE = struct.Struct("<QQQq")
_KEY = struct.Struct("<Q8x")
_TRACE = struct.Struct("<25s7x")
_CRC = struct.Struct("<I")
_CRC_AT = 24
_ZEROS = bytes(16)
_NO_CRC = bytes(4)
HEADER_SIZE = _HEADER.size


class FrameError(ValueError):
    """What came is no frame, and nothing after it can be read."""


@dataclasses.dataclass(slots=True)
class Frame:
    """One frame that was read. trace: trace id, span id and flags in 25 bytes."""

    type_id: int
    flags: int
    sequence: int
    correlation: int
    priority: int
    hops: int
    outcome: int
    size: int  # with the padding
    origin: int = 0
    publisher_id: int = 0
    publisher_sequence: int = 0
    timestamp_ns: int = 0
    key: int | None = None
    trace: bytes | None = None
    payload: bytes = b""


def padded(size: int) -> int:
    return (size + 15) & ~15


def _sealed(header: tuple[int, ...], body: bytes) -> bytes:
    """The frame of a header, whose checksum is 0 so far, and what follows it."""
    head = bytearray(_HEADER.pack(*header))
    _CRC.pack_into(head, _CRC_AT, crc32c(bytes(head) + body))
    head += body
    head += _ZEROS[: -len(head) % 16]
    return bytes(head)


def data_frame(
    type_id: int,
    payload: bytes,
    *,
    flags: int = 0,
    sequence: int = 0,
    correlation: int = 0,
    priority: int = 0,
    hops: int = 0,
    outcome: int = 0,
    origin: int = 0,
    publisher_id: int = 0,
    publisher_sequence: int = 0,
    timestamp_ns: int = 0,
    key: int | None = None,
    trace: bytes | None = None,
) -> bytes:
    """The bytes of a message, a request or a reply."""
    body = _ENVELOPE.pack(origin, publisher_id, publisher_sequence, timestamp_ns)
    if key is not None:
        flags |= KEY
        body += _KEY.pack(key)
    if trace is not None:
        flags |= TRACE
        body += _TRACE.pack(trace)
    body += payload
    header = (HEADER_SIZE + len(body), type_id, flags, sequence, correlation, 0, priority, hops, outcome)
    return _sealed(header, body)


def data_frame_length(payload: int, key: int | None, trace: bytes | None) -> int:
    """How long such a frame is, without the padding."""
    return HEADER_SIZE + _parts((KEY if key is not None else 0) | (TRACE if trace is not None else 0)) + payload


def control_frame(kind: Control, payload: bytes = b"", correlation: int = 0) -> bytes:
    return _sealed((HEADER_SIZE + len(payload), kind, CONTROL, 0, correlation, 0, 0, 0, 0), payload)


def table_frame(table: Table) -> bytes:
    """A table as the control frame that it is the payload of."""
    return control_frame(table.KIND, table.to_bytes())


def _parts(flags: int) -> int:
    if flags & CONTROL:
        return 0
    return _ENVELOPE.size + (_KEY.size if flags & KEY else 0) + (_TRACE.size if flags & TRACE else 0)


class FrameReader:
    """Cuts a stream of bytes into frames. Memory grows with what has come, not with what a length promises."""

    def __init__(self, max_frame: int) -> None:
        self.max_frame = max_frame  # a longer frame is refused
        self._data = bytearray()
        self._begin = 0

    def feed(self, data: bytes) -> None:
        if self._begin:
            del self._data[: self._begin]
            self._begin = 0
        self._data += data

    def next(self) -> Frame | None:
        """The next whole frame; None if more bytes are needed. FrameError."""
        begin = self._begin
        if len(self._data) - begin < HEADER_SIZE:
            return None
        header = _HEADER.unpack_from(self._data, begin)
        length, type_id, flags, sequence, correlation, crc, priority, hops, outcome = header
        self._check(length, type_id, flags, sequence)  # before the rest has come
        size = padded(length)
        if len(self._data) - begin < size:
            return None
        whole = bytes(self._data[begin : begin + length])
        self._begin = begin + size
        if crc32c(whole[:_CRC_AT] + _NO_CRC + whole[_CRC_AT + 4 :]) != crc:
            raise FrameError("a frame's checksum is wrong")
        frame = Frame(type_id, flags, sequence, correlation, priority, hops, outcome, size)
        at = HEADER_SIZE
        if not flags & CONTROL:
            frame.origin, frame.publisher_id, frame.publisher_sequence, frame.timestamp_ns = _ENVELOPE.unpack_from(
                whole, at
            )
            if not frame.origin and not flags & REPLY:
                raise FrameError("a message without an origin")
            at += _ENVELOPE.size
            if flags & KEY:
                (frame.key,) = _KEY.unpack_from(whole, at)
                at += _KEY.size
            if flags & TRACE:
                (frame.trace,) = _TRACE.unpack_from(whole, at)
                at += _TRACE.size
        frame.payload = whole[at:]
        return frame

    def _check(self, length: int, type_id: int, flags: int, sequence: int) -> None:
        if length > self.max_frame:
            raise FrameError(f"a frame of {length} bytes is over the limit of {self.max_frame}")
        if flags & ~_KNOWN:
            raise FrameError("a frame has unknown flags")
        if length < HEADER_SIZE + _parts(flags):
            raise FrameError("a frame is shorter than its parts")
        if flags & CONTROL:
            if flags != CONTROL or not 0 < type_id <= _LAST_CONTROL or sequence:
                raise FrameError("a control frame of no known kind")
        elif not type_id:
            raise FrameError("a message without a type")
        elif not flags & REPLY and not sequence:
            raise FrameError("a message without a sequence")
