"""What goes out of a runtime: messages, requests, and replies."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Iterable
from typing import Any

from ._errors import ClosedError, MailboxFullError, MyceliumError, TimedOutError, TooLargeError
from ._local import Local, Room
from ._message import Ask, Message, trace_bytes, unanswered
from ._settings import BusSettings
from ._subscription import CallbackSubscription


def type_id_of(what: Any) -> int:
    """Of a generated class, or a number."""
    type_id = what if isinstance(what, int) else getattr(what, "TYPE_ID", None)
    if type_id is None:
        raise ValueError("message missing TYPE_ID")
    if not 0 < type_id < 1 << 16:
        raise ValueError(f"{type_id} is no type id: they are from 1 to 65535")
    return int(type_id)


class Publisher:
    """The half of a runtime that sends."""

    def __init__(self, how: BusSettings, local: Local) -> None:
        self._how = how
        self._local = local
        self._node = 0  # set by who makes the links
        self._state = "open"
        self._id = 1 + secrets.randbelow(1 << 52)  # all tasks of a runtime are one publisher
        self._sequences = itertools.count(1)
        self._published = self._refused = 0
        self._waiting_for_replies: set[asyncio.Future[Message | None]] = set()

    def _check_open(self) -> None:
        if self._state != "open":
            raise ClosedError("runtime closed")

    # ---- publishing ----

    async def publish(
        self,
        message: Any,
        *,
        correlation_id: int = 0,
        priority: int = 0,
        key: int | None = None,
        trace: str | None = None,
    ) -> None:
        """Sends a message to everybody who subscribes to its type, here and at other nodes; with a key, to one of them.

        It waits for room where a mailbox is full and its policy says so, at most block_timeout: then TimedOutError, and
        the message is dropped and counted for who had no room. MailboxFullError, ClosedError, TooLargeError. trace: a
        W3C traceparent. ValueError or TypeError for a message that cannot be encoded.
        """
        await self.publish_bytes(
            message.TYPE_ID, message.to_bytes(), correlation_id=correlation_id, priority=priority, key=key, trace=trace
        )

    async def publish_bytes(
        self,
        what: Any,
        data: Any,
        *,
        correlation_id: int = 0,
        priority: int = 0,
        key: int | None = None,
        trace: str | None = None,
    ) -> None:
        """The same with a payload as it is, of a class or type id."""
        self._check_open()
        await self._offer(self._message(what, data, correlation_id, priority, key, trace))

    async def publish_many(self, messages: Iterable[Any]) -> int:
        """Each of an iterable, in order; how many. An exception has the number that went out before it in
        `published`."""
        count = 0
        try:
            for message in messages:
                await self.publish(message)
                count += 1
        except Exception as why:
            why.published = count  # type: ignore[attr-defined]
            raise
        return count

    def _message(
        self,
        what: Any,
        data: Any,
        correlation_id: int = 0,
        priority: int = 0,
        key: int | None = None,
        trace: str | None = None,
        ask: Ask | None = None,
    ) -> Message:
        type_id = type_id_of(what)
        payload = bytes(data)
        if self._how.strict and type_id not in self._local.classes:
            raise MyceliumError(f"type {type_id} has no schema here, and the runtime is strict")
        if len(payload) > self._how.max_payload:
            raise TooLargeError(f"a payload of {len(payload)} bytes is over max_payload, {self._how.max_payload}")
        for value, bits in ((correlation_id, 64), (priority, 8), (key or 0, 64)):
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{value} does not fit into {bits} bits")
        return Message(
            type_id,
            payload,
            sequence=next(self._sequences),
            publisher_id=self._id,
            timestamp_ns=time.time_ns(),
            correlation_id=ask.id if ask else correlation_id,
            priority=priority,
            key=key,
            trace=trace_bytes(trace),
            origin=self._node,
            ask=ask,
        )

    async def _offer(self, message: Message) -> None:
        rooms, refusal = self._local.publish(message)
        self._published += 1
        if rooms:
            await self._wait_for_room(message.type_id, rooms)
        if refusal is not None:
            self._refused += 1
            raise refusal

    async def _wait_for_room(self, type_id: int, rooms: list[Room]) -> None:
        own = {
            each.mailbox
            for each in self._local.subscriptions.get(type_id, ())
            if isinstance(each, CallbackSubscription) and each.task is asyncio.current_task()
        }
        left = [room for room in rooms if room.mailbox not in own]
        began = time.monotonic()
        late = 0
        try:
            for patience in sorted({room.mailbox.block_timeout for room in left}):
                waited = time.monotonic() - began
                done, _ = await asyncio.wait([room.future for room in left], timeout=max(patience - waited, 0))
                left = [room for room in left if room.future not in done]
                for room in [each for each in left if each.mailbox.block_timeout <= patience]:
                    left.remove(room)
                    late += 1
        finally:
            for room in rooms:
                if not room.future.done():
                    room.mailbox.give_up(room.future)
        if late:
            self._refused += 1
            raise TimedOutError(f"no room for a message of type {type_id} in time: {late} of its takers did not get it")
        if any(room.mailbox in own for room in rooms):
            self._refused += 1
            raise MailboxFullError("the mailbox of the callback that publishes is full: it would wait for itself")

    # ---- requests ----

    async def request(self, message: Any, reply_cls: Any = None, timeout: float | None = 5.0) -> Any:
        """Asks everybody who serves the type of a message, and gives the first reply: a reply_cls, or a Message if that
        is None or a type id. NoReplyError if nobody answers, TimedOutError, and those of publish()."""
        return await self.request_bytes(message.TYPE_ID, message.to_bytes(), reply_cls, timeout)

    async def request_bytes(self, what: Any, data: Any, reply_cls: Any = None, timeout: float | None = 5.0) -> Any:
        """The same with a payload as it is."""
        self._check_open()
        waiter: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()

        def outcome(reply: Message | None) -> None:
            if not waiter.done():
                waiter.set_result(reply)

        ask = Ask(self._local.next_number(), outcome)
        self._waiting_for_replies.add(waiter)
        try:
            async with asyncio.timeout(timeout):
                # No name for the message here: who could answer it holds it, and the last one that lets go of it ends
                # the wait.
                await self._offer(self._message(what, data, ask=ask))
                reply = await waiter
        except TimedOutError:
            raise
        except TimeoutError:
            raise TimedOutError(f"no reply to a request of type {type_id_of(what)} within {timeout:g} s") from None
        finally:
            self._waiting_for_replies.discard(waiter)
            ask.settle()
        if reply is None:
            raise unanswered(type_id_of(what))
        if reply_cls is None:
            return reply
        if reply.type_id != type_id_of(reply_cls):
            raise MyceliumError(f"the reply has type {reply.type_id}, not {type_id_of(reply_cls)}")
        return reply if isinstance(reply_cls, int) else reply.decode(reply_cls)

    request_async = request

    def reply(self, request: Message, message: Any) -> None:
        """Answers a request, once. MyceliumError if it is none, was answered before, or nobody waits for it any
        more."""
        self.reply_bytes(request, message.TYPE_ID, message.to_bytes())

    def reply_bytes(self, request: Message, what: Any, data: Any) -> None:
        """The same with a payload as it is."""
        if self._state == "closed":
            raise ClosedError("runtime closed")
        if request.ask is None:
            raise MyceliumError("the message is no request")
        if not request.ask.reply(self._message(what, data)):
            raise MyceliumError("the request was answered already, or nobody waits for it any more")
