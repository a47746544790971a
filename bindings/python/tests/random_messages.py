"""Random values for any generated class, from its LAYOUT."""

from __future__ import annotations

import array
import random
import struct
from typing import Any

_WHOLE = {"b": (-128, 127), "B": (0, 255), "h": (-(2**15), 2**15 - 1), "H": (0, 2**16 - 1)}
_WHOLE.update({"i": (-(2**31), 2**31 - 1), "I": (0, 2**32 - 1), "q": (-(2**63), 2**63 - 1), "Q": (0, 2**64 - 1)})
_TEXTS = ["", "a", "text", "naïve 漢字 🍄", "x" * 300, "nul \0 inside"]


def random_scalar(rng: random.Random, format: str, enum: Any = None) -> Any:
    if format == "?":
        return rng.random() < 0.5
    if format in "fd":
        value = rng.choice([0.0, -0.0, 1.5, -1e30, float("inf"), float("nan"), rng.uniform(-1e6, 1e6)])
        return struct.unpack("<f", struct.pack("<f", value))[0] if format == "f" else value
    low, high = _WHOLE[format]
    if enum is not None and rng.random() < 0.8:
        return rng.choice(list(enum))
    return rng.choice([0, 1, low, high, rng.randint(low, high)])


def random_struct(rng: random.Random, cls: Any) -> Any:
    values = {}
    for member in cls.LAYOUT.members:
        if member.format:
            make = lambda m=member: random_scalar(rng, m.format, m.of)  # noqa: E731
        else:
            make = lambda m=member: random_struct(rng, m.of)  # noqa: E731
        values[member.name] = tuple(make() for _ in range(member.length)) if member.length else make()
        if member.length and member.format == "B" and rng.random() < 0.5:
            values[member.name] = bytes(values[member.name])
    return cls(**values)


def _vector(rng: random.Random, field: Any) -> Any:
    items = [random_scalar(rng, field.format, field.of) for _ in range(rng.choice([0, 1, 2, 3, 17]))]
    form = rng.randrange(4)
    if form == 0 or field.format == "?":
        return items
    if form == 1:
        return tuple(items)
    packed = array.array(field.format, [float(i) if field.format in "fd" else int(i) for i in items])
    return packed if form == 2 else memoryview(packed.tobytes()).cast(field.format) if items else []


def random_message(rng: random.Random, cls: Any, depth: int = 0) -> Any:
    values: dict[str, Any] = {}
    for field in cls.LAYOUT.fields:
        if rng.random() < 0.3 and not field.required:
            continue
        kind = field.kind
        few = range(rng.randrange(3 if depth < 3 else 1))
        if kind == "scalar":
            values[field.name] = random_scalar(rng, field.format, field.of)
        elif kind == "string":
            values[field.name] = rng.choice(_TEXTS)
        elif kind == "struct":
            values[field.name] = random_struct(rng, field.of)
        elif kind == "scalars":
            values[field.name] = _vector(rng, field)
        elif kind == "strings":
            values[field.name] = [rng.choice(_TEXTS) for _ in range(rng.randrange(4))]
        elif kind == "structs":
            values[field.name] = [random_struct(rng, field.of) for _ in range(rng.randrange(4))]
        elif kind == "tables":
            values[field.name] = [random_message(rng, field.of, depth + 1) for _ in few]
        elif depth < 3:
            of = field.of if kind == "table" else rng.choice(field.of).of
            values[field.name] = random_message(rng, of, depth + 1)
    return cls(**values)
