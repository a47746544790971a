"""What a message is offered to: the subscriptions of this process, and the neighbours that want its type."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ._errors import MailboxFullError
from ._mailbox import Mailbox
from ._message import Message

if TYPE_CHECKING:
    from ._neighbour import Neighbour
    from ._subscription import Subscription

_MASK = 2**64 - 1


class Room(NamedTuple):
    """What a publisher waits for: done when its message has found room in the mailbox."""

    future: asyncio.Future[bool]
    mailbox: Mailbox


class Local:
    """The subscriptions by type, and the types that are known by their schema. Belongs to one event loop."""

    def __init__(self, classes: Iterable[Any]) -> None:
        self.classes: dict[int, Any] = {each.TYPE_ID: each for each in classes}
        self.subscriptions: dict[int, list[Subscription]] = {}
        self.on_wants: Callable[[], None] = lambda: None  # called when other types are wanted than before
        self.others: Callable[[Message], list[Neighbour]] = lambda _: []
        self.offered = 0
        self._numbers = itertools.count(1)

    @property
    def digests(self) -> dict[int, bytes]:
        return {type_id: each.TYPE_DIGEST for type_id, each in self.classes.items()}

    def next_number(self) -> int:
        """An id for a subscription, a neighbour or a request, unique in this runtime."""
        return next(self._numbers)

    def wants(self) -> frozenset[int]:
        return frozenset(self.subscriptions)

    def add(self, subscription: Subscription) -> None:
        self.subscriptions.setdefault(subscription.type_id, []).append(subscription)
        self.on_wants()

    def remove(self, subscription: Subscription) -> None:
        left = [each for each in self.subscriptions.get(subscription.type_id, []) if each is not subscription]
        if left:
            self.subscriptions[subscription.type_id] = left
        else:
            self.subscriptions.pop(subscription.type_id, None)
        self.on_wants()

    def all(self) -> list[Subscription]:
        return [each for some in self.subscriptions.values() for each in some]

    def offer(self, message: Message) -> list[asyncio.Future[bool]]:
        """To everybody; gives what there is to wait for. A mailbox that refuses it has counted that."""
        return [room.future for room in self.publish(message)[0]]

    def publish(self, message: Message) -> tuple[list[Room], MailboxFullError | None]:
        """To everybody, or with a key to one; what there is to wait for, and the first refusal."""
        targets: list[Subscription | Neighbour] = [*self.subscriptions.get(message.type_id, ()), *self.others(message)]
        if message.key is not None and len(targets) > 1:
            targets = [max(targets, key=lambda target: _weight(message.key or 0, target.number))]
        rooms = []
        refusal = None
        for target in targets:
            try:
                future = target.put(message)
            except MailboxFullError as why:
                refusal = refusal or why
                continue
            if future is not None:
                rooms.append(Room(future, target.mailbox_of(message.type_id)))
        return rooms, refusal


def _weight(key: int, number: int) -> int:
    """Rendezvous hashing (Thaler and Ravishankar, 1998) with the finalizer of SplitMix64: the same key reaches the same
    target while the targets stay the same."""
    mixed = (key + 0x9E3779B97F4A7C15 * (number + 1)) & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return mixed ^ mixed >> 31
