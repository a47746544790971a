"""The decoder in Python. It refuses what the library refuses (schema/flat_reader.hpp)."""

from __future__ import annotations

import functools
import operator
import struct
from enum import IntFlag
from typing import Any, NamedTuple

from . import _layout

_SCALARS = {f: struct.Struct("<" + f) for f in "?bBhHiIqQfd"}
_USHORT = _SCALARS["H"].unpack_from
_PAIR = struct.Struct("<HH").unpack_from
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
        raise malformed("the buffer is shorter than any table")
    if reader.size > _layout.MAX_SIZE:
        raise malformed("the buffer is over 2 GiB")
    return reader.table(cls, reader.follow(0), 1)


def malformed(why: str) -> ValueError:
    return ValueError(f"malformed message: {why}")


class _Table(NamedTuple):
    position: int
    size: int
    vtable: int
    slots: int  # bytes of the vtable


class _Reader:
    __slots__ = ("view", "size", "steps", "reach")

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.size = len(view)
        self.steps = _layout.max_steps(self.size)
        self.reach = _layout.max_reach(self.size)

    def check(self, position: int, count: int, alignment: int, what: str) -> None:
        if position % alignment or not 0 <= position <= self.size - count:
            raise malformed(f"{what} is misaligned or outside of the buffer (byte {position})")

    def spend(self, steps: int, reach: int) -> None:
        self.steps -= steps
        self.reach -= reach
        if self.steps < 0 or self.reach < 0:
            raise malformed("parts are shared too many times over")

    def follow(self, position: int) -> int:
        """The target of the offset at position."""
        self.check(position, 4, 4, "an offset")
        distance = _UINT(self.view, position)[0]
        if not 0 < distance <= _layout.MAX_SIZE or position + distance >= self.size:
            raise malformed(f"an offset leads out of the buffer (byte {position})")
        return int(position + distance)

    def table(self, cls: Any, position: int, depth: int) -> Any:
        self.check(position, 4, 4, "a table")
        vtable = position - _INT(self.view, position)[0]
        self.check(vtable, 4, 2, "a vtable")
        slots, size = _PAIR(self.view, vtable)
        if slots < 4 or slots % 2:
            raise malformed(f"a vtable has an impossible size (byte {vtable})")
        self.check(vtable, slots, 2, "a vtable")
        if size < 4:
            raise malformed(f"a table has an impossible size (byte {position})")
        self.check(position, size, 4, "a table")
        if depth > _layout.MAX_DEPTH:
            raise malformed("tables are nested deeper than 64")
        self.spend(1, size)
        message = cls.__new__(cls)
        table = _Table(position, size, vtable, slots)
        for field in cls.LAYOUT.fields:
            setattr(message, field.name, self.field(field, table, depth))
        return message

    def place(self, table: _Table, number: int, size: int, alignment: int) -> int:
        """Where the value of a slot of a table lies; 0 if it is absent."""
        slot = 2 * number + 4
        distance = _USHORT(self.view, table.vtable + slot)[0] if slot + 2 <= table.slots else 0
        if distance == 0:
            return 0
        if distance < 4 or distance + size > table.size or (table.position + distance) % alignment:
            raise malformed(f"a field is misaligned or outside of its table (byte {table.position})")
        return int(table.position + distance)

    def field(self, field: Any, table: _Table, depth: int) -> Any:
        kind = field.kind
        if kind == "scalar":
            codec = _SCALARS[field.format]
            place = self.place(table, field.id, codec.size, codec.size)
            return as_enum(field.of, codec.unpack_from(self.view, place)[0]) if place else field.default
        if kind == "struct":
            layout = field.of.LAYOUT
            place = self.place(table, field.id, layout.size, layout.align)
            return read_struct(field.of, self.view, place) if place else _absent(field)
        if kind == "union":
            return self.union(field, table, depth)
        place = self.place(table, field.id, 4, 4)
        if not place:
            return _absent(field)
        target = self.follow(place)
        if kind == "string":
            return self.string(target)
        if kind == "table":
            return self.table(field.of, target, depth + 1)
        return self.vector(field, target, depth)

    def union(self, field: Any, table: _Table, depth: int) -> Any:
        type_place = self.place(table, field.id - 1, 1, 1)
        place = self.place(table, field.id, 4, 4)
        number = self.view[type_place] if type_place else 0
        if not place:
            if number:
                raise malformed(f"the union {field.name} has a type without a value")
            return _absent(field)
        target = self.follow(place)
        if not number:
            raise malformed(f"the union {field.name} has a value without a type")
        for variant in field.of:
            if variant.value == number:
                return self.table(variant.of, target, depth + 1)
        return None  # a member that a newer schema has added

    def elements(self, position: int, size: int, alignment: int) -> int:
        """The length of the vector at position, all of whose elements lie inside the buffer."""
        self.check(position, 4, 4, "a vector")
        count = int(_UINT(self.view, position)[0])
        self.check(position + 4, count * size, alignment if count else 1, "a vector or string")
        self.spend(0, 4 + count * size)
        return count

    def string(self, position: int) -> str:
        count = self.elements(position, 1, 1)
        end = position + 4 + count
        self.check(end, 1, 1, "the end of a string")
        if self.view[end]:
            raise malformed("a string does not end with a zero byte")
        try:
            return str(self.view[position + 4 : end], "utf-8")
        except UnicodeDecodeError:
            raise malformed("a string is not UTF-8") from None

    def vector(self, field: Any, position: int, depth: int) -> Any:
        kind = field.kind
        first = position + 4
        if kind == "scalars":
            size = _SCALARS[field.format].size
            count = self.elements(position, size, size)
            return self.view[first : first + count * size].cast(field.format)
        if kind == "structs":
            size = field.of.LAYOUT.size
            count = self.elements(position, size, field.of.LAYOUT.align)
            return [read_struct(field.of, self.view, first + i * size) for i in range(count)]
        count = self.elements(position, 4, 4)
        self.spend(count, 0)
        places = range(first, first + 4 * count, 4)
        if kind == "strings":
            return [self.string(self.follow(place)) for place in places]
        return [self.table(field.of, self.follow(place), depth + 1) for place in places]


def _absent(field: Any) -> Any:
    kind = field.kind
    if field.required:
        raise malformed(f"the required field {field.name} is absent")
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
    if not member.length:
        if not member.format:
            return read_struct(member.of, view, place)
        return as_enum(member.of, _SCALARS[member.format].unpack_from(view, place)[0])
    if member.format == "B" and member.of is None:
        return bytes(view[place : place + member.length])
    if member.format:
        values = struct.unpack_from(f"<{member.length}{member.format}", view, place)
        return tuple(as_enum(member.of, value) for value in values)
    size = member.of.LAYOUT.size
    return tuple(read_struct(member.of, view, place + i * size) for i in range(member.length))
