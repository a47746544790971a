"""Subscriptions with callbacks, and streams to read."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypeVar

from ._connection import log
from ._mailbox import Mailbox
from ._message import Message
from ._settings import BusSettings

if TYPE_CHECKING:
    from ._local import Local

T = TypeVar("T")

_BATCH = 256  # messages that are handed out before others have their turn


class SubscriptionStats(NamedTuple):
    """Messages that were for a subscription: offered = delivered + the sum of dropped + waiting."""

    offered: int
    delivered: int
    waiting: int
    capacity: int
    high_water: int
    callback_errors: int
    dropped: dict[str, int]


class Subscription:
    """Messages of one type, in a bounded mailbox. Made by Runtime.subscribe and the like."""

    def __init__(self, local: Local, type_id: int, name: str | None, how: BusSettings) -> None:
        self.number = local.next_number()
        self.type_id = type_id
        self.name = name or f"subscription-{self.number}"
        self.mailbox = Mailbox(how.mailbox_capacity, how.policy, how.block_timeout, self._filled)
        self.closed = False
        self.callback_errors = 0
        self._local = local
        self._arrival: asyncio.Future[None] | None = None  # somebody waits for a message
        self._was_slow = False
        local.add(self)

    @property
    def id(self) -> int:
        """Unique in the runtime."""
        return self.number

    @property
    def stats(self) -> SubscriptionStats:
        """Counters."""
        box = self.mailbox
        return SubscriptionStats(
            box.offered,
            box.delivered,
            len(box.waiting),
            box.capacity,
            box.high_water,
            self.callback_errors,
            dict(box.dropped),
        )

    def mailbox_of(self, type_id: int) -> Mailbox:
        """Where messages of its type wait."""
        return self.mailbox

    def put(self, message: Message) -> asyncio.Future[bool] | None:
        """As Mailbox.put; the first loss is logged."""
        before = self.mailbox.drops
        try:
            return self.mailbox.put(message)
        finally:
            if self.mailbox.drops != before and not self._was_slow:
                self._was_slow = True
                log.warning("subscription '%s' is too slow and loses messages", self.name)

    def _filled(self) -> None:
        self._was_slow = False
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def arrival(self) -> bool:
        """Waits until a message is there; False at the end of the subscription."""
        while not self.mailbox.waiting and not self.closed:
            if self._arrival is not None and not self._arrival.done():
                raise RuntimeError("another task reads this stream")
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        return bool(self.mailbox.waiting)

    @property
    def is_idle(self) -> bool:
        """Everything that came was dealt with."""
        return self.mailbox.is_empty

    def close(self) -> None:
        """Ends it: no callback is begun any more, and what waits is dropped. Closing twice is no error."""
        if self.closed:
            return
        self.closed = True
        self._local.remove(self)
        self.mailbox.end("unsubscribed")
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()


class CallbackSubscription(Subscription):
    """Runs a callback, plain or a coroutine function, for each message or batch, never two at once."""

    def __init__(
        self,
        local: Local,
        type_id: int,
        name: str | None,
        how: BusSettings,
        take: Callable[[list[Message]], Any],
    ) -> None:
        super().__init__(local, type_id, name, how)
        self._take = take
        self._busy = False
        self.batch = 1
        self.task = asyncio.get_running_loop().create_task(self._run(), name=self.name)

    async def _run(self) -> None:
        since_others = 0
        while await self.arrival():
            self._busy = True
            messages = [self.mailbox.take() for _ in range(min(self.batch, len(self.mailbox.waiting)))]
            since_others += len(messages)
            try:
                outcome = self._take(messages)
                if inspect.isawaitable(outcome):
                    del messages  # only the callback holds them: a request that it drops is unanswered
                    await outcome
            except Exception:
                self.callback_errors += 1
                log.exception("a callback of subscription '%s' raised", self.name)
            finally:
                self._busy = False
            messages = outcome = None  # type: ignore[assignment]
            if since_others >= _BATCH:
                since_others = 0
                await asyncio.sleep(0)

    @property
    def is_idle(self) -> bool:
        return not self._busy and self.mailbox.is_empty

    async def aclose(self) -> None:
        """Ends it, and waits for a callback that runs, unless it is the caller."""
        self.close()
        if self.task is not asyncio.current_task():
            await asyncio.wait([self.task])


class Stream(Generic[T]):
    """The messages of one type, for `async for`. Made by Runtime.stream.

    A slow reader meets the policy of the subscription, as a slow callback does.
    """

    def __init__(self, subscription: Subscription, read: Callable[[Message], T]) -> None:
        self.subscription = subscription
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while await self.subscription.arrival():
            try:
                return self._read(self.subscription.mailbox.take())
            except ValueError:
                self._complain()
        raise StopAsyncIteration

    async def batches(self, limit: int = _BATCH) -> AsyncIterator[list[T]]:
        """An asynchronous iterator over lists of the messages that wait, at most limit in one."""
        box = self.subscription.mailbox
        while await self.subscription.arrival():
            batch = []
            for _ in range(min(limit, len(box.waiting))):
                try:
                    batch.append(self._read(box.take()))
                except ValueError:
                    self._complain()
            if batch:
                yield batch

    def _complain(self) -> None:
        self.subscription.callback_errors += 1
        log.exception("a message of subscription '%s' is not valid", self.subscription.name)

    async def aclose(self) -> None:
        """Ends the subscription; what was not read is dropped."""
        self.subscription.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *why: object) -> None:
        self.subscription.close()
