"""Messages that wait for one taker: bounded, with a policy and a counter for each that is lost."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable

from ._errors import MailboxFullError
from ._message import Message

POLICIES = ("block", "drop_oldest", "drop_newest", "fail")


class Mailbox:
    """First in, first out. Belongs to one event loop.

    filled() is called when a message has come into an empty mailbox. Where a publisher waits for room, its message
    keeps its place: what is published after it stands behind it.
    """

    __slots__ = (
        "capacity",
        "policy",
        "block_timeout",
        "waiting",
        "offered",
        "delivered",
        "dropped",
        "high_water",
        "gone",
        "_filled",
        "_waiters",
    )

    def __init__(self, capacity: int, policy: str, block_timeout: float, filled: Callable[[], None]) -> None:
        self.capacity = capacity
        self.policy = policy
        self.block_timeout = block_timeout  # how long a publisher waits for room, seconds
        self.waiting: collections.deque[Message] = collections.deque()
        self.offered = 0
        self.delivered = 0
        self.high_water = 0
        self.gone = 0  # that wait no more
        self.dropped: collections.Counter[str] = collections.Counter()  # by reason
        self._filled = filled
        self._waiters: collections.deque[tuple[asyncio.Future[bool], Message]] = collections.deque()

    def put(self, message: Message) -> asyncio.Future[bool] | None:
        """None if that is done; with the policy block, what to wait for. MailboxFullError with the policy fail."""
        self.offered += 1
        if len(self.waiting) < self.capacity and not self._waiters:
            self._append(message)
        elif self.policy == "block":
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append((waiter, message))
            return waiter
        elif self.policy == "drop_oldest":
            self.waiting.popleft()
            self.gone += 1
            self.dropped["oldest"] += 1
            self._append(message)
        elif self.policy == "drop_newest":
            self.dropped["newest"] += 1
        else:
            self.dropped["full"] += 1
            raise MailboxFullError(f"{self.capacity} messages wait already; take them faster or raise the capacity")
        return None

    def _append(self, message: Message) -> None:
        self.waiting.append(message)
        if len(self.waiting) > self.high_water:
            self.high_water = len(self.waiting)
        if len(self.waiting) == 1:
            self._filled()

    def give_up(self, waiter: asyncio.Future[bool]) -> None:
        """A publisher waits no longer for room: its message counts as dropped."""
        for place, (each, _) in enumerate(self._waiters):
            if each is waiter:
                del self._waiters[place]
                self.gone += 1
                self.dropped["timeout"] += 1
                return

    def take(self) -> Message:
        """The oldest. There has to be one."""
        message = self.waiting.popleft()
        self.gone += 1
        self.delivered += 1
        if self._waiters:
            waiter, next_message = self._waiters.popleft()
            self._append(next_message)
            if not waiter.done():
                waiter.set_result(True)
        return message

    def end(self, reason: str) -> None:
        """Drops everything; nobody waits for room any more."""
        self.gone = self.last
        self.dropped[reason] += len(self.waiting) + len(self._waiters)
        self.waiting.clear()
        for waiter, _ in self._waiters:
            if not waiter.done():
                waiter.set_result(False)
        self._waiters.clear()

    @property
    def is_empty(self) -> bool:
        return not self.waiting and not self._waiters

    @property
    def last(self) -> int:
        """What `gone` will be when all that waits now waits no more."""
        return self.gone + len(self.waiting) + len(self._waiters)

    @property
    def drops(self) -> int:
        return self.dropped.total()
