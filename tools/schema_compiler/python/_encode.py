"""The encoder in Python: the same bytes as mycelium_native and as flatc's object API in C++."""

from __future__ import annotations

import operator
import struct
from typing import Any

from . import _layout

_RANGES = {f: (-(2 ** (n - 1)), 2 ** (n - 1) - 1) for f, n in zip("bhiq", (8, 16, 32, 64), strict=True)}
_RANGES.update({f: (0, 2**n - 1) for f, n in zip("BHIQ", (8, 16, 32, 64), strict=True)})
_SCALARS = {f: struct.Struct("<" + f) for f in "?bBhHiIqQfd"}
_OFFSET = struct.Struct("<I")
_SOFFSET = struct.Struct("<i")


def encode(message: Any) -> bytes:
    """The canonical bytes of a message."""
    builder = _Builder()
    root = _put_table(builder, message, type(message), 1)
    builder.align(4, builder.min_align)
    builder.refer(root)
    return builder.result()


class _Builder:
    """Grows from the end of the buffer to its front; positions count from the end."""

    __slots__ = ("_buffer", "size", "min_align", "vtables")

    def __init__(self) -> None:
        self._buffer = bytearray(256)
        self.size = 0
        self.min_align = 1
        self.vtables: dict[bytes, int] = {}

    def push(self, data: Any) -> int:
        count = len(data)
        size = self.size + count
        if size > len(self._buffer):
            if size > _layout.MAX_SIZE:
                raise ValueError("the message is larger than 2 GiB")
            self._buffer = bytearray(max(2 * len(self._buffer), size) - len(self._buffer)) + self._buffer
        head = len(self._buffer) - size
        self._buffer[head : head + count] = data
        self.size = size
        return size

    def align(self, count: int, alignment: int) -> None:
        """Pads so that something aligned can stand in front of the next count bytes."""
        self.min_align = max(self.min_align, alignment)
        padding = -(self.size + count) % alignment
        if padding:
            self.push(bytes(padding))

    def refer(self, target: int) -> int:
        self.align(4, 4)
        return self.push(_OFFSET.pack(self.size - target + 4))

    def vector(self, data: Any, length: int, align: int) -> int:
        if len(data):
            self.align(len(data), 4)
            self.align(len(data), align)
        self.push(data)
        return self.uint(length)

    def uint(self, value: int) -> int:
        self.align(4, 4)
        return self.push(_OFFSET.pack(value))

    def offsets(self, targets: list[int]) -> int:
        if targets:
            self.align(4 * len(targets), 4)
        for target in reversed(targets):
            self.refer(target)
        return self.uint(len(targets))

    def string(self, data: bytes) -> int:
        self.align(len(data) + 1, 4)
        self.push(b"\0")
        self.push(data)
        return self.uint(len(data))

    def patch(self, position: int, data: bytes) -> None:
        head = len(self._buffer) - position
        self._buffer[head : head + len(data)] = data

    def result(self) -> bytes:
        return bytes(memoryview(self._buffer)[len(self._buffer) - self.size :])


def _put_table(builder: _Builder, message: Any, cls: type, depth: int) -> int:
    layout = getattr(cls, "LAYOUT", None)
    if not isinstance(layout, _layout.Table):
        raise TypeError(f"cannot encode {cls.__name__}: it has no LAYOUT of a table")
    if not isinstance(message, cls):
        raise TypeError(f"expected {cls.__name__}, not {type(message).__name__}")
    if depth > _layout.MAX_DEPTH:
        raise ValueError("tables are nested deeper than 64")
    inline: list[tuple[int, int, int, Any]] = []  # -size class, -id, alignment, bytes or position
    for field in layout.fields:
        value = getattr(message, field.name)
        try:
            _put_field(builder, field, value, inline, depth)
        except (TypeError, ValueError) as why:
            raise _located(why, cls, field.name) from None
    return _finish_table(builder, inline, cls)


def _located(why: Exception, cls: type, name: str) -> Exception:
    """The same error, saying in which field; only the innermost field is named."""
    if getattr(why, "located", False):
        return why
    error = (TypeError if isinstance(why, TypeError) else ValueError)(f"{cls.__name__}.{name}: {why}")
    error.located = True  # type: ignore[union-attr]
    return error


def _put_field(builder: _Builder, field: Any, value: Any, inline: list[Any], depth: int) -> None:
    kind = field.kind
    if kind == "scalar":
        if value is None and field.default is None:
            return
        packed = scalar(field.format, value)
        if field.default is None or not _same(field.format, packed, field.default):
            inline.append((-len(packed), -field.id, len(packed), packed))
        return
    if kind == "struct":
        if value is not None:
            inline.append((-4, -field.id, field.of.LAYOUT.align, struct_bytes(field.of, value)))
        elif field.required:
            raise ValueError("the field is required")
        return
    if kind == "union":
        variant = None if value is None else _variant(field, value)
        if variant is not None:
            inline.append((-1, 1 - field.id, 1, bytes((variant.value,))))
            inline.append((-4, -field.id, 0, _put_table(builder, value, variant.of, depth + 1)))
        elif field.required:
            raise ValueError("the field is required")
        return
    position = _put_child(builder, field, value, depth)
    if position:
        inline.append((-4, -field.id, 0, position))


def _put_child(builder: _Builder, field: Any, value: Any, depth: int) -> int:
    """Writes what a field points to; 0 if there is nothing."""
    kind = field.kind
    if kind == "string":
        text = _text(value)
        return builder.string(text) if text or field.required else 0
    if kind == "table":
        if value is not None:
            return _put_table(builder, value, field.of, depth + 1)
        if field.required:
            raise ValueError("the field is required")
        return 0
    if kind == "scalars":
        data, length = _scalars(field.format, value)
        return builder.vector(data, length, len(data) // length if length else 1) if length or field.required else 0
    items = _items(value)
    if not items and not field.required:
        return 0
    if kind == "structs":
        data = b"".join(struct_bytes(field.of, item) for item in items)
        return builder.vector(data, len(items), field.of.LAYOUT.align)
    if kind == "strings":
        return builder.offsets([builder.string(_text(item)) for item in items])
    return builder.offsets([_put_table(builder, item, field.of, depth + 1) for item in items])


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        raise TypeError("expected a sequence, not str")
    return [] if value is None else list(value)


def _finish_table(builder: _Builder, inline: list[Any], cls: type) -> int:
    start = builder.size
    places: dict[int, int] = {}
    for _, minus_id, alignment, data in sorted(inline, key=operator.itemgetter(0, 1)):
        if alignment:
            builder.align(0, alignment)
            places[-minus_id] = builder.push(data)
        else:
            places[-minus_id] = builder.refer(data)
    builder.align(4, 4)
    table = builder.push(b"\0\0\0\0")
    if table - start > 0xFFFF:
        raise ValueError(f"{cls.__name__} is too large for one table")
    slots = [0] * (max(places) + 1 if places else 0)
    for number, place in places.items():
        slots[number] = table - place
    vtable = struct.pack(f"<{len(slots) + 2}H", 2 * len(slots) + 4, table - start, *slots)
    known = builder.vtables.get(vtable)
    if known is None:
        known = builder.vtables[vtable] = builder.push(vtable)
    builder.patch(table, _SOFFSET.pack(known - table))
    return table


def scalar(format: str, value: Any) -> bytes:
    """The bytes of one scalar."""
    if format == "?":
        return b"\1" if value else b"\0"
    if format in "fd":
        if isinstance(value, (str, bytes, bytearray)):
            raise TypeError(f"must be real number, not {type(value).__name__}")
        try:
            return _SCALARS[format].pack(float(value))
        except OverflowError:
            raise ValueError(f"{value!r} does not fit into {8 * _SCALARS[format].size} bits") from None
    whole = operator.index(value)
    low, high = _RANGES[format]
    if not low <= whole <= high:
        raise ValueError(f"{whole} is not in {low}..{high}")
    return _SCALARS[format].pack(whole)


def _same(format: str, packed: bytes, default: Any) -> bool:
    (value,) = _SCALARS[format].unpack(packed)
    (other,) = _SCALARS[format].unpack(_SCALARS[format].pack(default))
    return bool(value == other or (value != value and other != other))


def _text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(f"expected str, not {type(value).__name__}")
    return value.encode()


def _scalars(format: str, value: Any) -> tuple[Any, int]:
    """The bytes and the length of a vector, from a buffer of these elements (copied at once) or from any iterable."""
    if value is None:
        return b"", 0
    try:
        view = memoryview(value)
    except TypeError:
        view = None
    if view is not None and _same_elements(view, format):
        data = view.tobytes()
        # Any byte but 0 is true, and written as 1.
        return bytes(map(bool, data)) if format == "?" else data, view.nbytes // view.itemsize
    data = b"".join([scalar(format, item) for item in value])
    return data, len(data) // _SCALARS[format].size


_KINDS = ("bhilqn", "BHILQNc", "fd", "?")


def _same_elements(view: memoryview, format: str) -> bool:
    given = view.format[1:] if view.format[0] in "@=<" else view.format
    kind = next(kind for kind in _KINDS if format in kind)
    return len(given) == 1 and given in kind and view.itemsize == _SCALARS[format].size


def _variant(field: Any, value: Any) -> Any:
    for exactly in (True, False):
        for variant in field.of:
            if type(value) is variant.of if exactly else isinstance(value, variant.of):
                return variant
    raise TypeError(f"{type(value).__name__} is no member of the union")


def struct_bytes(cls: type, value: Any) -> bytes:
    """The bytes of a struct, padding zeroed."""
    if not isinstance(value, cls):
        raise TypeError(f"expected {cls.__name__}, not {type(value).__name__}")
    layout = cls.LAYOUT  # type: ignore[attr-defined]
    data = bytearray(layout.size)
    for member in layout.members:
        item = getattr(value, member.name)
        try:
            packed = _member_bytes(member, item)
        except (TypeError, ValueError) as why:
            raise _located(why, cls, member.name) from None
        data[member.offset : member.offset + len(packed)] = packed
    return bytes(data)


def _member_bytes(member: Any, value: Any) -> bytes:
    if not member.length:
        return scalar(member.format, value) if member.format else struct_bytes(member.of, value)
    if member.format:
        data, length = _scalars(member.format, value)
    else:
        items = _items(value)
        data, length = b"".join([struct_bytes(member.of, item) for item in items]), len(items)
    if length != member.length:
        raise ValueError(f"needs {member.length} elements, not {length}")
    return bytes(data)
