"""How messages lie in memory.

Each generated class carries a LAYOUT made of the tuples below. Two codecs read it and write the same bytes: the one in
mycelium_native, taken when that package is importable, and the one in _encode.py and _decode.py, which needs nothing
but the standard library.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

if sys.byteorder != "little":
    raise ImportError("messages decode to views of little-endian memory: this machine is big-endian")

VERSION = 1  # of these tuples: a mycelium_native that reads another version is not used
MAX_DEPTH = 64  # tables inside tables
MAX_SIZE = 2**31 - 1


def max_steps(size: int) -> int:
    """Tables and elements that a decoder visits in a message of size bytes.

    Parts may be shared; an honest message needs far less.
    """
    return 1024 + 4 * size


def max_reach(size: int) -> int:
    """Bytes that it sees, counting shared ones each time."""
    return (16 << 20) + 8 * size


class Field(NamedTuple):
    """One field of a table."""

    name: str
    id: int  # its place in the vtable; a union's type field has the id before
    kind: str  # scalar, string, struct, table, union, or a vector: scalars, strings, structs, tables
    format: str = ""  # of a scalar or of the elements of scalars, as in the struct module: one of ? b B h H i I q Q f d
    default: Any = None  # of a scalar; None for an optional one
    of: Any = None  # the class of a struct, table or enum; the tuple of Variants of a union
    required: bool = False


class Variant(NamedTuple):
    """One member of a union."""

    value: int  # of the union's type field
    of: type  # the class of a table


class Table(NamedTuple):
    name: str  # fully qualified
    fields: tuple[Field, ...]  # by id, without deprecated ones


class Member(NamedTuple):
    """One field of a struct."""

    name: str
    offset: int
    format: str = ""  # of a scalar; "" for a struct
    length: int = 0  # elements of a fixed-size array; 0 if it is none
    of: Any = None  # the class of a struct or enum


class Struct(NamedTuple):
    name: str
    size: int
    align: int
    members: tuple[Member, ...]
