"""asyncio: streams of messages and awaitable requests. The event loop watches the queue's file descriptor."""

from __future__ import annotations

import asyncio
import collections
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _native

if TYPE_CHECKING:
    from . import Runtime

T = TypeVar("T")

_BATCH = 256  # messages that are read at once


class _Watch:
    """Calls ready from an event loop while a queue may hold something."""

    def __init__(self, queue: _native.Queue, loop: asyncio.AbstractEventLoop, ready: Callable[[], None]) -> None:
        self._loop = loop
        self._ready = ready
        # A duplicate: the runtime closes its own when it ends, and the loop must not watch a number that is used anew.
        self._descriptor = os.dup(queue.fileno())
        self._active = False

    def start(self) -> None:
        if not self._active and self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._ready)
            self._active = True

    def stop(self) -> None:
        if self._active and not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)
        self._active = False

    def poke(self) -> None:
        """From any thread: the queue has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ready)

    def close(self) -> None:
        self.stop()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Stream(Generic[T]):
    """The messages of one type, for `async for`. Made by Runtime.stream; belongs to the loop that ran then.

    A slow reader meets the policy of the subscription, as a slow callback does.
    """

    def __init__(
        self,
        runtime: Runtime,
        what: Any,
        policy: str | None,
        capacity: int,
        name: str | None,
        history: int,
        envelope: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue = _native.Queue(runtime)
        self._watch = _Watch(self._queue, self._loop, self._wake)
        self._waiter: asyncio.Future[None] | None = None
        self._ready: collections.deque[T] = collections.deque()
        try:
            self.subscription = runtime._subscribe(
                what,
                None,
                queue_id=self._queue.id,
                policy=policy,
                capacity=capacity,
                name=name,
                history=history,
                envelope=envelope,
            )
        except BaseException:
            self._close()
            raise

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._ready:
            if not await self._fill():
                raise StopAsyncIteration
        return self._ready.popleft()

    async def batches(self, limit: int = _BATCH) -> AsyncIterator[list[T]]:
        """An asynchronous iterator over lists of the messages that wait, at most limit in one."""
        while self._ready or await self._fill(limit):
            if self._ready:
                yield [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    async def _fill(self, limit: int = _BATCH) -> bool:
        """Waits until something may be ready; False at the end."""
        self._ready.extend(self._queue.receive(limit))
        if self._ready:
            return True
        if self._queue.ended:
            self._close()
            return False
        if self._waiter is not None:
            raise RuntimeError("another task reads this stream")
        self._waiter = self._loop.create_future()
        self._watch.start()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return True

    def _wake(self) -> None:
        if self._waiter is None:
            self._watch.stop()  # nobody reads now: an unread queue costs nothing
        elif not self._waiter.done():
            # Read here, so that the descriptor is quiet before the loop looks at it again.
            self._ready.extend(self._queue.receive(_BATCH))
            if self._ready or self._queue.ended:
                self._waiter.set_result(None)

    async def aclose(self) -> None:
        """Ends the subscription; what was not read is dropped."""
        self._close()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(self, *why: object) -> None:
        self._close()

    def _ended_elsewhere(self) -> None:
        self._watch.poke()

    def _close(self) -> None:
        self._watch.close()
        self._queue.close()
        if self._waiter is not None and not self._waiter.done() and not self._loop.is_closed():
            self._waiter.set_result(None)

    def __del__(self) -> None:
        if hasattr(self, "_watch"):
            self._close()


class _Replies:
    """The requests of one runtime that one event loop waits for."""

    def __init__(self, runtime: Runtime, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue = _native.Queue(runtime)
        self._watch = _Watch(self._queue, loop, self._read)
        self._waiting: dict[int, asyncio.Future[tuple[int, Any]]] = {}

    async def request(self, message: Any, reply_cls: Any, timeout: float | None) -> Any:
        number = self._queue.request(message, timeout)
        future = self._waiting[number] = self._loop.create_future()
        self._watch.start()
        try:
            status, reply = await future
        finally:
            if self._waiting.pop(number, None) is not None:
                self._queue.cancel(number)
        if reply is None:
            raise _native.error(status)
        return _native.take_reply(reply, reply_cls)

    def _read(self) -> None:
        for number, status, reply in self._queue.receive_replies():
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                future.set_result((status, reply))
        if self._queue.ended:
            self._end()
        elif not self._waiting:
            self._watch.stop()

    def _end(self) -> None:
        self._watch.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(_native.ClosedError("runtime closed"))
        self._waiting.clear()

    def ended_elsewhere(self) -> None:
        self._watch.poke()

    def __del__(self) -> None:
        if hasattr(self, "_watch"):
            self._watch.close()
            self._queue.close()
