"""The decoder in Python: checks what the verifier of FlatBuffers checks, and that text is UTF-8, while it reads."""

from __future__ import annotations

import functools
import operator
import struct
from enum import IntFlag
from typing import Any

from . import _layout

_SCALARS = {f: struct.Struct("<" + f) for f in "?bBhHiIqQfd"}
_USHORT = _SCALARS["H"].unpack_from
_UINT = _SCALARS["I"].unpack_from
_INT = _SCALARS["i"].unpack_from


def decode(cls: type, data: Any) -> Any:
    """A message of class cls from a contiguous buffer."""
    if not isinstance(getattr(cls, "LAYOUT", None), _layout.Table):
        raise TypeError(f"cannot decode {getattr(cls, '__name__', cls)}: it has no LAYOUT of a table")
    view = memoryview(data)
    if not view.c_contiguous:
        raise ValueError("the buffer is not contiguous")
    reader = _Reader(view.cast("B") if view.nbytes else memoryview(b""))
    if reader.size < 8:
        raise malformed("the buffer is too short")
    return reader.table(cls, reader.follow(0), 1)


def malformed(why: str) -> ValueError:
    return ValueError(f"malformed message: {why}")


class _Reader:
    __slots__ = ("view", "size", "tables", "text")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.size = len(view)
        self.tables = 0
        self.text = _layout.MAX_TEXT_GROWTH * self.size

    def check(self, position: int, count: int, alignment: int = 1) -> None:
        if position & (alignment - 1) or count >= self.size or not 0 <= position <= self.size - count:
            raise malformed(f"{count} bytes at {position} are misaligned or outside of the buffer")

    def uint(self, position: int) -> int:
        self.check(position, 4, 4)
        return int(_UINT(self.view, position)[0])

    def follow(self, position: int) -> int:
        """The target of the offset at position."""
        offset = self.uint(position)
        if not 0 < offset < 2**31:
            raise malformed(f"the offset at {position} is {offset}")
        self.check(position + offset, 1)
        return position + offset

    def table(self, cls: Any, position: int, depth: int) -> Any:
        self.check(position, 4, 4)
        vtable = position - _INT(self.view, position)[0]
        self.tables += 1
        if depth > _layout.MAX_DEPTH or self.tables > _layout.MAX_TABLES:
            raise malformed("tables are nested deeper than 64, or there are more than 1000000")
        self.check(vtable, 2, 2)
        size = _USHORT(self.view, vtable)[0]
        self.check(vtable, size, 2)
        if size & 1:
            raise malformed("the size of a vtable is odd")
        message = cls.__new__(cls)
        for field in cls.LAYOUT.fields:
            setattr(message, field.name, self.field(field, position, vtable, size, depth))
        return message

    def slot(self, number: int, position: int, vtable: int, size: int) -> int:
        """Where field number of a table lies; 0 if it is absent."""
        place = 2 * number + 4
        offset = _USHORT(self.view, vtable + place)[0] if place < size else 0
        return position + offset if offset else 0

    def field(self, field: Any, position: int, vtable: int, size: int, depth: int) -> Any:
        place = self.slot(field.id, position, vtable, size)
        kind = field.kind
        if kind == "scalar":
            if not place:
                return field.default
            return self.scalar(field.format, field.of, place)
        if kind == "union":
            return self.union(field, place, self.slot(field.id - 1, position, vtable, size), depth)
        if not place:
            if field.required:
                raise malformed(f"the required field {field.name} is absent")
            return _absent(field)
        if kind == "struct":
            self.check(place, field.of.LAYOUT.size, field.of.LAYOUT.align)
            return read_struct(field.of, self.view, place)
        target = self.follow(place)
        if kind == "string":
            return self.string(target)
        if kind == "table":
            return self.table(field.of, target, depth + 1)
        return self.vector(field, target, depth)

    def scalar(self, format: str, enum: Any, place: int) -> Any:
        codec = _SCALARS[format]
        self.check(place, codec.size, codec.size)
        return as_enum(enum, codec.unpack_from(self.view, place)[0])

    def union(self, field: Any, place: int, type_place: int, depth: int) -> Any:
        number = 0
        if type_place:
            number = self.scalar("B", None, type_place)
        if not place:
            if field.required:
                raise malformed(f"the required field {field.name} is absent")
            return None
        target = self.follow(place)
        variant = next((variant for variant in field.of if variant.value == number), None)
        if variant is None:
            return None  # NONE, or a member that a newer schema has added
        return self.table(variant.of, target, depth + 1)

    def elements(self, position: int, size: int) -> int:
        """The length of the vector at position, all of whose elements lie inside the buffer."""
        count = self.uint(position)
        self.check(position, 4 + count * size)
        return count

    def string(self, position: int) -> str:
        count = self.elements(position, 1)
        end = position + 4 + count
        self.check(end, 1)
        if self.view[end]:
            raise malformed("a string does not end with a zero byte")
        self.text -= count
        if self.text < 0:
            raise malformed("its shared strings would fill more than 64 times its size")
        return str(self.view[position + 4 : end], "utf-8")

    def vector(self, field: Any, position: int, depth: int) -> Any:
        kind = field.kind
        if kind == "scalars":
            size = _SCALARS[field.format].size
            count = self.elements(position, size)
            return self.view[position + 4 : position + 4 + count * size].cast(field.format)
        if kind == "structs":
            size = field.of.LAYOUT.size
            count = self.elements(position, size)
            first = position + 4
            return [read_struct(field.of, self.view, first + i * size) for i in range(count)]
        count = self.elements(position, 4)
        places = range(position + 4, position + 4 + 4 * count, 4)
        if kind == "strings":
            return [self.string(place + _UINT(self.view, place)[0]) for place in places]
        return [self.table(field.of, place + _UINT(self.view, place)[0], depth + 1) for place in places]


def _absent(field: Any) -> Any:
    kind = field.kind
    if kind == "string":
        return ""
    if kind == "scalars":
        return memoryview(b"").cast(field.format)
    return [] if kind in ("structs", "strings", "tables") else None


def as_enum(enum: Any, value: Any) -> Any:
    """The member of an enum; the plain number if it has none, as a newer schema may have added one."""
    if enum is None or (issubclass(enum, IntFlag) and value & ~_known_bits(enum)):
        return value
    try:
        return enum(value)
    except ValueError:
        return value


@functools.cache
def _known_bits(enum: Any) -> int:
    return functools.reduce(operator.or_, (int(member) for member in enum.__members__.values()), 0)


def read_struct(cls: Any, view: memoryview, position: int) -> Any:
    value = cls.__new__(cls)
    for member in cls.LAYOUT.members:
        setattr(value, member.name, _read_member(member, view, position + member.offset))
    return value


def _read_member(member: Any, view: memoryview, place: int) -> Any:
    if not member.count:
        if not member.format:
            return read_struct(member.of, view, place)
        return as_enum(member.of, _SCALARS[member.format].unpack_from(view, place)[0])
    if member.format == "B" and member.of is None:
        return bytes(view[place : place + member.count])
    if member.format:
        values = struct.unpack_from(f"<{member.count}{member.format}", view, place)
        return tuple(as_enum(member.of, value) for value in values)
    size = member.of.LAYOUT.size
    return tuple(read_struct(member.of, view, place + i * size) for i in range(member.count))
