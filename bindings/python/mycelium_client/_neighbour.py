"""What is known of a neighbour, over all links to it: what waits for it, what is on its way, and what was heard from
it.

Outlives a link that is cut, so that the next link to the same node goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import functools
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._mailbox import Mailbox
from ._message import Message
from ._settings import Settings

if TYPE_CHECKING:
    from ._link import Link


@dataclasses.dataclass(frozen=True, slots=True)
class OnItsWay:
    """A message that was sent and not acknowledged. frame: as it was sent, and would be again."""

    sequence: int
    frame: bytes
    message: Message


class Neighbour:
    def __init__(self, node: int, name: str, number: int, how: Settings, wake: Callable[[Neighbour], None]) -> None:
        self.node = node
        self.name = name
        self.number = number  # in this process, beside the ids of subscriptions
        self.link: Link | None = None  # that is up
        self.patience: asyncio.TimerHandle | None = None  # while it is absent: its link was cut, and it may come back
        self.absent_since = 0.0  # by the loop's clock
        self.stream = secrets.randbits(63) + 1  # of what we send
        self.heard_stream = 0  # of what it sends
        self.heard = 0  # the last sequence of it that we dealt with
        self.lanes: dict[int, Mailbox] = {}  # by type
        self.bytes_on_their_way = 0
        self.sent = 0  # messages, each once
        self.sent_again = 0
        self.acknowledged = 0
        self.lost = 0
        self.passed_over = 0
        self._how = how
        self._wake = wake
        self._ready: collections.deque[int] = collections.deque()  # types of which messages wait; they take turns
        self._on_their_way: collections.deque[OnItsWay] = collections.deque()
        self._sequence = 0
        self._settled = 0  # the last sequence of the stream that was acknowledged
        self._dropped_before = 0  # in lanes that are no more
        self._told: collections.Counter[int] = collections.Counter()  # drops by type that it has been told
        self._too_large: collections.Counter[int] = collections.Counter()

    # ---- links come and go ----

    @property
    def is_absent(self) -> bool:
        return self.patience is not None

    def wait_for(self, seconds: float, ends: Callable[[Neighbour], object]) -> None:
        """It is absent; ends(self) is called when it does not come back in time."""
        loop = asyncio.get_running_loop()
        if not self.is_absent:
            self.absent_since = loop.time()
        self.wait_no_longer()
        self.patience = loop.call_later(seconds, ends, self)

    def wait_no_longer(self) -> None:
        if self.patience is not None:
            self.patience.cancel()
            self.patience = None

    # ---- waiting ----

    def want(self, types: set[int]) -> None:
        """The types that it is to be sent from now on. What waits of others is for somebody who wants it no more."""
        for type_id in [each for each in self.lanes if each not in types]:
            lane = self.lanes.pop(type_id)
            lane.end("unsubscribed")
            self._dropped_before += lane.drops
            self._told.pop(type_id, None)
            if type_id in self._ready:
                self._ready.remove(type_id)
        for type_id in types:
            if type_id not in self.lanes:
                filled = functools.partial(self._fill, type_id)
                self.lanes[type_id] = Mailbox(self._how.capacity, self._how.policy, self._how.block_timeout, filled)

    def _fill(self, type_id: int) -> None:
        if type_id not in self._ready:
            self._ready.append(type_id)
            self._wake(self)

    def put(self, message: Message) -> asyncio.Future[bool] | None:
        return self.lanes[message.type_id].put(message)

    def take(self) -> Message | None:
        """The next message that waits. Followed by send(), pass_over() or too_large()."""
        if not self._ready:
            return None
        type_id = self._ready.popleft()
        lane = self.lanes[type_id]
        message = lane.take()
        if lane.waiting and type_id not in self._ready:
            self._ready.append(type_id)
        return message

    def pass_over(self) -> None:
        self.passed_over += 1

    def too_large(self, message: Message) -> None:
        self._too_large[message.type_id] += 1

    # ---- sending and acknowledging ----

    def next_sequence(self) -> int:
        return self._sequence + 1

    def send(self, frame: bytes, message: Message) -> None:
        """A frame goes out with the next sequence."""
        self._sequence += 1
        self.sent += 1
        self.bytes_on_their_way += len(frame)
        self._on_their_way.append(OnItsWay(self._sequence, frame, message))

    @property
    def last_sequence(self) -> int:
        return self._sequence

    @property
    def on_their_way(self) -> int:
        """Messages that are not acknowledged."""
        return len(self._on_their_way)

    def mailbox_of(self, type_id: int) -> Mailbox:
        return self.lanes[type_id]

    def acknowledge(self, sequence: int) -> None:
        while self._on_their_way and self._on_their_way[0].sequence <= sequence:
            self.bytes_on_their_way -= len(self._on_their_way.popleft().frame)
            self.acknowledged += 1
        self._settled = max(self._settled, sequence)

    def resume(self, stream: int, heard: int) -> list[OnItsWay]:
        """A new link to the same node, which has heard so much of a stream: what is to be sent again."""
        if stream == self.stream:
            self.acknowledge(min(heard, self._sequence))
        elif self._settled:
            # It knows nothing of this stream that it has acknowledged: it has forgotten us.
            self.lost += len(self._on_their_way)
            self._on_their_way.clear()
            self.bytes_on_their_way = self._sequence = self._settled = 0
        self.sent_again += len(self._on_their_way)
        return list(self._on_their_way)

    # ---- counting ----

    @property
    def is_empty(self) -> bool:
        """Nothing waits, and everything that was sent is acknowledged."""
        return not self._on_their_way and all(lane.is_empty for lane in self.lanes.values())

    @property
    def dropped(self) -> int:
        return self._dropped_before + self._too_large.total() + sum(lane.drops for lane in self.lanes.values())

    def news_of_drops(self) -> list[tuple[int, int]]:
        """(type, count) of what was dropped since this was asked the last time."""
        news = []
        for type_id in self.lanes.keys() | self._too_large.keys():
            lane = self.lanes.get(type_id)
            now = (lane.drops if lane else 0) + self._too_large[type_id]
            if now > self._told[type_id]:
                news.append((type_id, now - self._told[type_id]))
            self._told[type_id] = now
        return news

    def give_up(self) -> int:
        """It does not come back: what was on its way is lost, what waits is dropped. Gives how many were lost."""
        self.wait_no_longer()
        count = len(self._on_their_way)
        self.lost += count
        self._on_their_way.clear()
        self.bytes_on_their_way = 0
        self.want(set())
        return count
