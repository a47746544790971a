"""The payloads of control frames: schema/bridge.fbs, by hand, since its tables are no messages of the bus.

_layout, _encode and _decode, beside this file once it is built, are the modules that every generated package carries
(tools/schema_compiler/python): one codec for all of Python, which checks every byte that it relies on.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from . import _layout
from ._decode import decode
from ._encode import encode


class Control(enum.IntEnum):
    """What a control frame is for."""

    HELLO = 1
    PROOF = 2
    READY = 3
    REFUSAL = 4
    NODE_STATE = 5
    CREDIT = 6
    LOST = 7
    HEARTBEAT = 8
    FORGET = 9
    RECEIPT = 10


class Reason(enum.IntEnum):
    """Why a side ends a link."""

    VERSION = 0
    ITSELF = 1
    PROOF = 2
    NOT_ALLOWED = 3
    TOO_MANY = 4
    LATE = 5
    PROTOCOL = 6
    LEAVING = 7


class Table:
    """What the tables below can do."""

    __slots__ = ()
    LAYOUT: ClassVar[Any]
    KIND: ClassVar[Control]

    def to_bytes(self) -> bytes:
        data: bytes = encode(self)
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """ValueError if it is no such table."""
        value: Self = decode(cls, data)
        return value


@dataclasses.dataclass(slots=True)
class Hello(Table):
    KIND: ClassVar[Control] = Control.HELLO
    version: int = 0
    node: int = 0
    name: str = ""
    nonce: Sequence[int] = b""
    wants_proof: bool = False
    max_frame: int = 0
    window: int = 0
    confirms: bool = False
    silence_ms: int = 0
    process: int = 0


@dataclasses.dataclass(slots=True)
class Proof(Table):
    KIND: ClassVar[Control] = Control.PROOF
    mac: Sequence[int] = b""


@dataclasses.dataclass(slots=True)
class TypeDigest(Table):
    type_id: int = 0
    digest: Sequence[int] = b""


@dataclasses.dataclass(slots=True)
class Ready(Table):
    KIND: ClassVar[Control] = Control.READY
    types: Sequence[TypeDigest] = ()
    stream: int = 0
    heard_stream: int = 0
    heard: int = 0


@dataclasses.dataclass(slots=True)
class Refusal(Table):
    KIND: ClassVar[Control] = Control.REFUSAL
    reason: int = 0
    text: str = ""


@dataclasses.dataclass(slots=True)
class NodeState(Table):
    KIND: ClassVar[Control] = Control.NODE_STATE
    node: int = 0
    version: int = 0
    name: str = ""
    neighbours: Sequence[int] = ()
    wants: Sequence[int] = ()
    carries: Sequence[int] = ()
    absent: Sequence[int] = ()


@dataclasses.dataclass(slots=True)
class Credit(Table):
    KIND: ClassVar[Control] = Control.CREDIT
    sequence: int = 0


@dataclasses.dataclass(slots=True)
class Lost(Table):
    KIND: ClassVar[Control] = Control.LOST
    type_id: int = 0
    count: int = 0


@dataclasses.dataclass(slots=True)
class Receipt(Table):
    KIND: ClassVar[Control] = Control.RECEIPT
    sequence: int = 0
    open: Sequence[int] = ()


def _table(name: str, *fields: tuple[str, str]) -> _layout.Table:
    """A layout from (name, kind) in the order of the ids; a kind of one letter is a scalar's format."""
    made = []
    for number, (field, kind) in enumerate(fields):
        if kind in ("string", "tables"):
            made.append(_layout.Field(field, number, kind, of=TypeDigest if kind == "tables" else None))
        elif len(kind) == 2:  # a vector of scalars
            made.append(_layout.Field(field, number, "scalars", kind[0]))
        else:
            made.append(_layout.Field(field, number, "scalar", kind, default=False if kind == "?" else 0))
    return _layout.Table("mycelium.bridge.wire." + name, tuple(made))


Hello.LAYOUT = _table(
    "Hello",
    ("version", "H"),
    ("node", "Q"),
    ("name", "string"),
    ("nonce", "Bs"),
    ("wants_proof", "?"),
    ("max_frame", "I"),
    ("window", "I"),
    ("confirms", "?"),
    ("silence_ms", "I"),
    ("process", "I"),
)
Proof.LAYOUT = _table("Proof", ("mac", "Bs"))
TypeDigest.LAYOUT = _table("TypeDigest", ("type_id", "H"), ("digest", "Bs"))
Ready.LAYOUT = _table("Ready", ("types", "tables"), ("stream", "Q"), ("heard_stream", "Q"), ("heard", "Q"))
Refusal.LAYOUT = _table("Refusal", ("reason", "B"), ("text", "string"))
NodeState.LAYOUT = _table(
    "NodeState",
    ("node", "Q"),
    ("version", "Q"),
    ("name", "string"),
    ("neighbours", "Qs"),
    ("wants", "Hs"),
    ("carries", "Hs"),
    ("absent", "Qs"),
)
Credit.LAYOUT = _table("Credit", ("sequence", "Q"))
Lost.LAYOUT = _table("Lost", ("type_id", "H"), ("count", "Q"))
Receipt.LAYOUT = _table("Receipt", ("sequence", "Q"), ("open", "Qs"))
