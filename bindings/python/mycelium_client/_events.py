"""What happens to links, for who wants to know: Runtime(on_event=...)."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the link with a neighbour. node is its id, name what it calls itself."""

    node: int
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Linked(Event):
    """A link is up. where: its address."""

    where: str


@dataclasses.dataclass(frozen=True, slots=True)
class Unlinked(Event):
    """A link has ended. What was not acknowledged waits for the next one, unless the neighbour has left: then it is
    forgotten at once."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Forgotten(Event):
    """The neighbour has left, or did not come back in time. lost: messages that were on their way to it."""

    lost: int


@dataclasses.dataclass(frozen=True, slots=True)
class Gap(Event):
    """The neighbour has numbered so many messages that never came."""

    missing: int


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped(Event):
    """The neighbour dropped so many messages of a type (0: of all that we want) for us: we take them too slowly."""

    type_id: int
    count: int
