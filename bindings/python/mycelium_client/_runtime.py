"""The runtime: what a program sees of all this."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from ssl import TLSVersion, create_default_context
from types import ModuleType
from typing import Any, Self

from ._bridge import Bridge
from ._dialer import Dialer
from ._errors import ClosedError, InvalidPayloadError, MyceliumError, TimedOutError
from ._events import Event
from ._listener import Listener
from ._local import Local
from ._message import Envelope, Message
from ._publisher import Publisher, type_id_of
from ._settings import Address, BusSettings, Settings
from ._stats import BridgeStats, NeighbourStats, RuntimeStats, bridge_stats, neighbour_stats
from ._subscription import CallbackSubscription, Stream, Subscription


def _built_in() -> ModuleType | None:
    try:
        import mycelium_protocol
    except ImportError:
        return None
    return mycelium_protocol


class Runtime(Publisher):
    """One node of the bus, in this process. Made in a running event loop, to which it belongs; its methods are called
    from there.

    schema_digest     mycelium_protocol.SCHEMA_DIGEST; ValueError "schema digest mismatch" if the installed
                      mycelium_protocol, whose types are known by their schema, has another
    packages          more generated packages, or classes, whose types are known by their schema: they are compared with
                      the other side's, and what comes of them is verified before it is handed out
    on_event          called with Linked, Unlinked, Forgotten, Gap and Dropped as they happen
    name, mailbox_capacity, policy ("block", "drop_oldest", "drop_newest", "fail"), block_timeout and close_timeout
    (seconds), max_payload, strict
                      as in MyceliumRuntimeConfig of mycelium.h
    """

    def __init__(
        self,
        schema_digest: bytes | None = None,
        *,
        packages: Iterable[Any] = (),
        on_event: Callable[[Event], object] | None = None,
        **options: Any,
    ) -> None:
        asyncio.get_running_loop()  # RuntimeError if there is none
        how = BusSettings(**options)
        protocol = _built_in()
        known = [] if protocol is None else list(protocol.MESSAGES.values())
        if schema_digest is not None and (protocol is None or bytes(schema_digest) != protocol.SCHEMA_DIGEST):
            raise ValueError("schema digest mismatch")
        for each in packages:
            known += each.MESSAGES.values() if hasattr(each, "MESSAGES") else [each]
        super().__init__(how, Local(known))
        self._has_bridge = False
        links = Settings(name=how.name, block_timeout=how.block_timeout)
        self._bridge = Bridge(links, self._local, on_event)
        self._node = self._bridge.node
        self._end: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._state != "open"

    @property
    def node(self) -> int:
        """This node's id, drawn at random."""
        return self._bridge.node

    # ---- links ----

    def bridge_open(self, **options: Any) -> None:
        """Sets the options of all links: once, before the first is made.

        token             both sides of a link prove that they know it (it does not cross the wire); without one, TCP on
                          loopback addresses only, or with ssl
        capacity, policy  what happens when so many messages of one type wait for one neighbour; block_timeout: how long
                          "block" waits
        name, max_links, max_frame, window, hello_timeout, heartbeat, silence, linger
                          as in MyceliumBridgeConfig of mycelium_bridge.h; bytes and seconds
        first_retry, last_retry
                          the pauses between tries to dial, seconds; they double from the one to the other
        """
        self._check_open()
        if self._has_bridge:
            raise MyceliumError("the runtime has a bridge already")
        given = {"name": self._how.name, "block_timeout": self._how.block_timeout}
        self._bridge.configure(Settings(**{**given, **options}))
        self._has_bridge = True

    async def bridge_dial(
        self,
        address: str,
        *,
        ssl: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Links with whoever listens at "unix:PATH", "tcp:HOST:PORT" or "tls:HOST:PORT", now or later, and again after
        the link is cut. With ssl, or tls: (without ssl: by the authorities that the system trusts), the link is
        encrypted.

        Without a timeout it returns at once. With one (seconds) it waits for the first link: TimedOutError, or a
        RefusedError if a side refuses for a reason that does not pass by itself (the token, the version, a list).
        Either way it goes on dialing until the runtime is closed.
        """
        self._check_open()
        to = Address.parse(address)
        self._has_bridge = True
        if to.has_tls and ssl is None:
            ssl = create_default_context()
            ssl.minimum_version = TLSVersion.TLSv1_3
        if not to.is_loopback and not self._bridge.how.secret and ssl is None:
            raise ValueError(f"{to} is another machine: give both sides the same token, use TLS, or a Unix socket")
        dialer = Dialer(self._bridge, to, ssl, server_hostname)
        self._bridge.dialers.append(dialer)
        if timeout is not None:
            await dialer.wait(timeout)

    async def bridge_listen(self, address: str, *, ssl: ssl.SSLContext | None = None) -> str:
        """Listens there, and gives the address as it came to be: port 0 is the system's choice. A Unix socket has mode
        0600 and takes processes of this user and of root; the file of a process that died is replaced."""
        self._check_open()
        at = Address.parse(address)
        self._has_bridge = True
        if at.has_tls and ssl is None:
            raise ValueError(f"{at} needs a certificate: give ssl, an SSLContext that has one")
        if not at.is_loopback and not self._bridge.how.secret and ssl is None:
            raise ValueError(
                f"{at} can be reached from other machines: give both sides the same token, or listen at 127.0.0.1"
            )
        listener = Listener(self._bridge, at)
        await listener.open(ssl)
        self._bridge.listeners.append(listener)
        return str(listener.at)

    async def bridge_wait_for_links(self, count: int = 1, timeout: float | None = 5.0) -> None:
        """Until at least count neighbours are linked; TimedOutError."""

        def enough() -> bool:
            return sum(each.link is not None for each in self._bridge.neighbours.values()) >= count

        await self._until(enough, timeout, f"fewer than {count} other nodes were linked in time")

    async def wait_for_subscribers(self, what: Any, count: int = 1, timeout: float | None = 5.0) -> None:
        """Until at least count subscribers of a class or type id are known: those of this runtime, and each neighbour
        behind which somebody wants it. TimedOutError."""
        type_id = type_id_of(what)

        def enough() -> bool:
            neighbours = sum(type_id in each.lanes for each in self._bridge.neighbours.values())
            return len(self._local.subscriptions.get(type_id, ())) + neighbours >= count

        await self._until(enough, timeout, f"fewer than {count} subscribers of type {type_id} in time")

    async def _until(self, holds: Callable[[], bool], timeout: float | None, otherwise: str) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    self._check_open()
                    await self._bridge.changed.wait()
        except TimeoutError:
            raise TimedOutError(otherwise) from None

    # ---- subscribing ----

    def subscribe(
        self,
        what: Any,
        callback: Callable[..., Any],
        *,
        batch: bool = False,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        envelope: bool = False,
        block_timeout: float | None = None,
    ) -> CallbackSubscription:
        """Runs callback(message), a function or a coroutine function, for every message of a generated class, or of a
        type id (then with a Message). Never two of a subscription at once. What it raises is logged and counted.

        batch       callback gets a list of the messages that wait, instead of one
        policy, capacity, block_timeout
                    what happens when its mailbox is full, how many messages that is, how long "block" waits (seconds)
        envelope    callback(message, envelope); with batch a list of pairs
        """
        if not callable(callback):
            raise TypeError("callback must be callable")
        read = _reader(what, envelope)

        def take(messages: list[Message]) -> Any:
            if batch:
                return callback([read(each) for each in messages])
            return callback(*read(messages.pop())) if envelope else callback(read(messages.pop()))

        subscription = self._subscribe(what, take, policy, capacity, name, block_timeout)
        subscription.batch = 256 if batch else 1
        return subscription

    def serve(
        self,
        what: Any,
        handler: Callable[[Any], Any],
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
    ) -> CallbackSubscription:
        """Answers requests of a class, or of a type id (then handler gets a Message), with what handler(request)
        returns, or the coroutine that it returned.

        A handler that returns None, or raises, leaves the request unanswered. Messages that are no requests are
        ignored.
        """
        if not callable(handler):
            raise TypeError("callback must be callable")
        read = _reader(what, False)

        async def answer(request: Message, pending: Awaitable[Any]) -> None:
            self._answer(request, await pending)

        def take(messages: list[Message]) -> Any:
            request = messages.pop()
            if not request.is_request:
                return None
            reply = handler(read(request))
            if isinstance(reply, Awaitable):
                return answer(request, reply)
            return self._answer(request, reply)

        return self._subscribe(what, take, policy, capacity, name)

    def _answer(self, request: Message, reply: Any) -> None:
        if reply is not None:
            self.reply(request, reply)

    def _subscribe(
        self,
        what: Any,
        take: Callable[[list[Message]], Any],
        policy: str | None,
        capacity: int,
        name: str | None,
        block_timeout: float | None = None,
    ) -> CallbackSubscription:
        self._check_open()
        how = self._mailbox(policy, capacity, block_timeout)
        subscription = CallbackSubscription(self._local, type_id_of(what), name, how, take)
        self._bridge.note_change()
        return subscription

    def _mailbox(self, policy: str | None, capacity: int, block_timeout: float | None = None) -> BusSettings:
        """The runtime's settings with what a subscription wants otherwise."""
        return dataclasses.replace(
            self._how,
            policy=policy or self._how.policy,
            mailbox_capacity=capacity or self._how.mailbox_capacity,
            block_timeout=self._how.block_timeout if block_timeout is None else block_timeout,
        )

    def unsubscribe(self, subscription: Subscription) -> None:
        """subscription.close()."""
        subscription.close()

    def stream(
        self,
        what: Any,
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        envelope: bool = False,
    ) -> Stream[Any]:
        """An asynchronous iterator over the messages of a class or type id; with envelope over pairs. It subscribes at
        once. Close it with aclose() or async with."""
        self._check_open()
        subscription = Subscription(self._local, type_id_of(what), name, self._mailbox(policy, capacity))
        self._bridge.note_change()
        return Stream(subscription, _reader(what, envelope))

    # ---- schemas ----

    def type_digest(self, what: Any) -> bytes:
        """Of a type that is known by its schema. MyceliumError for others."""
        try:
            return self._local.digests[type_id_of(what)]
        except KeyError:
            raise MyceliumError(f"type {type_id_of(what)} has no schema here") from None

    def verify_payload(self, what: Any, data: Any) -> None:
        """InvalidPayloadError unless it is a valid payload of its type."""
        self.type_digest(what)
        try:
            self._local.classes[type_id_of(what)].from_bytes(bytes(data))
        except ValueError as why:
            raise InvalidPayloadError(str(why)) from None

    # ---- counters ----

    def stats(self) -> RuntimeStats:
        """Counters of this process."""
        mailboxes = [each.mailbox for each in self._local.all()]
        return RuntimeStats.of(self._published, self._refused, mailboxes, len(self._waiting_for_replies))

    def bridge_stats(self) -> BridgeStats:
        """Counters of all links."""
        return bridge_stats(self._bridge)

    def bridge_json(self) -> str:
        """The same, and each neighbour's, as a JSON object. Node ids are strings of 16 hexadecimal digits."""
        neighbours = [{**each._asdict(), "node": f"{each.node:016x}"} for each in self.neighbours()]
        sums = self.bridge_stats()._asdict()
        return json.dumps({**sums, "node": f"{self.node:016x}", "neighbours": neighbours})

    def neighbours(self) -> list[NeighbourStats]:
        """Each neighbour, linked or waited for."""
        return [neighbour_stats(each) for each in self._bridge.neighbours.values()]

    # ---- the end ----

    async def flush(self, timeout: float | None = 5.0) -> None:
        """Until everything that was accepted was dealt with: by the callbacks here, and acknowledged by the neighbours
        that are linked. TimedOutError. Streams count when they have been read."""
        await self._drain(timeout, "not everything was delivered and acknowledged in time")

    async def _drain(self, timeout: float | None, otherwise: str) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while not (self._bridge.has_sent_all and all(each.is_idle for each in self._local.all())):
            if end is not None and time.monotonic() > end:
                raise TimedOutError(otherwise)
            await asyncio.sleep(0.001)

    async def close(self, timeout: float | None = None) -> None:
        """Stops accepting, delivers what was accepted until timeout seconds have passed (None: close_timeout), tells
        the neighbours and ends every link. TimedOutError if not everything was delivered and acknowledged; it is closed
        all the same. Closing twice is no error."""
        if self._end is None:
            self._state = "closing"
            seconds = self._how.close_timeout if timeout is None else timeout
            self._end = asyncio.get_running_loop().create_task(self._close(seconds), name="close")
        await asyncio.shield(self._end)

    async def _close(self, timeout: float) -> None:
        self._bridge.stop_meeting()
        self._bridge.note_change()
        try:
            await self._drain(timeout, f"not everything was delivered and acknowledged within {timeout:g} s")
        finally:
            for waiter in self._waiting_for_replies:
                if not waiter.done():
                    waiter.set_exception(ClosedError("runtime closed"))
            await self._bridge.leave()
            self._state = "closed"
            for subscription in self._local.all():
                subscription.mailbox.end("closed")
                subscription.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *why: object) -> None:
        await self.close()


def _reader(what: Any, envelope: bool) -> Callable[[Message], Any]:
    """What a callback is given of a message."""

    def plain(message: Message) -> Any:
        return message if isinstance(what, int) else message.decode(what)

    def pair(message: Message) -> tuple[Any, Envelope]:
        return plain(message), message.envelope

    return pair if envelope else plain
