"""What every generated class can do: bytes, equality, repr. Chooses the codec."""

from __future__ import annotations

import importlib
import os
from typing import Any, ClassVar, TypeVar

from . import _layout

T = TypeVar("T", bound="Table")


class Record:
    """What tables and structs share: a repr by value, also where a field is a view of received memory."""

    __slots__ = ()
    LAYOUT: ClassVar[Any]

    def __repr__(self) -> str:
        fields = self.LAYOUT.fields if isinstance(self.LAYOUT, _layout.Table) else self.LAYOUT.members
        shown = ", ".join(f"{field.name}={_show(getattr(self, field.name))}" for field in fields)
        return f"{type(self).__qualname__}({shown})"


class Struct(Record):
    """A struct: a value inside a table."""

    __slots__ = ()


class Table(Record):
    """A table: encodes to the canonical bytes of its value and decodes from any buffer that holds a valid one.

    Two tables are equal if they are of one class and encode to the same bytes.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def to_bytes(self) -> bytes:
        """This value as a FlatBuffer. ValueError or TypeError if a field holds what its type does not allow."""
        data: bytes = encode(self)
        return data

    @classmethod
    def from_bytes(cls: type[T], data: Any) -> T:
        """Reads a value from a buffer, checking every byte that it relies on. ValueError if it is malformed.

        Vectors of scalars become memoryviews of data, without a copy; they keep data alive.
        """
        value: T = decode(cls, data)
        return value

    encode = to_bytes
    decode = from_bytes

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(encode(self) == encode(other))

    def __reduce__(self) -> Any:
        return decode, (type(self), encode(self))


class Message(Table):
    """A table that has a type_id: what is published and received."""

    __slots__ = ()
    TYPE_ID: ClassVar[int]
    TOPIC: ClassVar[str]
    TYPE_DIGEST: ClassVar[bytes]


def _show(value: Any) -> str:
    if not isinstance(value, memoryview):
        return repr(value)
    if value.format == "B":
        return repr(bytes(value)) if value.nbytes <= 64 else f"<{value.nbytes} bytes>"
    return repr(value.tolist()) if len(value) <= 16 else f"<{len(value)} elements of format {value.format}>"


def codec() -> str:
    """Which codec this package uses: "native" or "python"."""
    return _codec


def _native() -> Any:
    if os.environ.get("MYCELIUM_PURE_PYTHON", "") not in ("", "0"):
        return None
    try:
        module = importlib.import_module("mycelium_native")
    except ImportError:
        return None
    return module if getattr(module, "LAYOUT_VERSION", 0) == _layout.VERSION else None


_module = _native()
if _module is not None:
    encode = _module.encode
    decode = _module.decode
    _codec = "native"
else:
    from ._decode import decode
    from ._encode import encode

    _codec = "python"
