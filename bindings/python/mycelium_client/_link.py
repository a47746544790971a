"""A link with another node that has been greeted: messages with credit, requests and their answers.

What it hears it tells its owner, the bridge.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ._connection import log
from ._frames import (
    CONTROL,
    MAX_HOPS,
    REPLY,
    REQUEST,
    Frame,
    control_frame,
    data_frame,
    data_frame_length,
    padded,
)
from ._greeting import Greeting, GreetingOwner
from ._message import Ask, Message
from ._settings import Settings
from ._wire import Control, Credit, Hello, Lost, NodeState, Proof, Ready, Receipt, Refusal

if TYPE_CHECKING:
    from ._neighbour import Neighbour

NO_REPLY = -15
TOO_LARGE = -8
_MOST_AT_ONCE = 256 << 10
_MOST_UNACKNOWLEDGED = 128 << 10
_ACKNOWLEDGE_AFTER = 0.005


class Owner(GreetingOwner, Protocol):
    """What a link asks of the bridge, and tells it."""

    leaving: bool  # the node is about to go

    def link_is_up(self, link: Link) -> None: ...
    def link_is_closed(self, link: Link, why: str) -> None: ...
    def heard_state(self, link: Link, state: NodeState) -> None: ...
    def heard_gap(self, link: Link, missing: int) -> None: ...
    def heard_lost(self, link: Link, type_id: int, count: int) -> None: ...
    def leads_to(self, neighbour: int, origin: int, type_id: int) -> bool: ...
    def goes_on(self, link: Link, frame: Frame) -> bool: ...
    def deliver(self, link: Link, frame: Frame) -> Sequence[asyncio.Future[bool]]: ...
    def ask(self, link: Link, frame: Frame) -> Sequence[asyncio.Future[bool]]: ...
    def reply(self, link: Link, ask: Ask, frame: Frame) -> None: ...


class Link(Greeting):
    def __init__(self, owner: Owner, how: Settings, dialed: bool, where: str) -> None:
        super().__init__(owner, how, dialed, where)
        self.owner: Owner = owner
        self.on_up: list[Callable[[], None]] = []  # called once, when it is up
        self.repeated = 0
        self.received = 0
        self._differing: frozenset[int] = frozenset()  # types that the two sides know by different schemas
        self._again: collections.deque[bytes] = collections.deque()
        self._pumps = False  # soon
        self._inbox: collections.deque[Frame] = collections.deque()  # messages that wait until the one before has room
        self._inbox_bytes = 0
        self._waits_for_room: asyncio.Task[None] | None = None
        self._is_deaf = False  # to messages, at the end
        self._dealt_with = 0  # bytes
        self._acknowledged = 0
        self._acknowledges: asyncio.TimerHandle | None = None
        self._asked: dict[int, Message] = {}  # requests that it is to answer
        self._answering: dict[int, Ask] = {}  # by its correlation

    def as_link(self) -> Link:
        return self

    # ---- frames in ----

    def on_frame(self, frame: Frame) -> None:
        if frame.flags & CONTROL:
            self._on_control(frame)
        elif not self.is_up:
            raise ValueError("a message before the greeting was over")
        elif frame.flags & REPLY:
            self._on_reply(frame)
        elif self._waits_for_room:
            self._inbox.append(frame)
            self._inbox_bytes += frame.size
            if self._inbox_bytes > self.how.window + self.how.max_frame and self.is_reading:
                self.pause_reading()  # more than it may send
        else:
            self._deal_with(frame)

    def _on_control(self, frame: Frame) -> None:
        kind = Control(frame.type_id)
        if kind > Control.REFUSAL and not self.is_up:
            raise ValueError(f"a {kind.name} before the greeting was over")
        if kind is Control.HELLO:
            self.on_hello(Hello.from_bytes(frame.payload))
        elif kind is Control.PROOF:
            self.on_proof(Proof.from_bytes(frame.payload))
        elif kind is Control.READY:
            self.on_ready(Ready.from_bytes(frame.payload))
        elif kind is Control.REFUSAL:
            self.heard_refusal(Refusal.from_bytes(frame.payload))
        elif kind is Control.NODE_STATE:
            self.owner.heard_state(self, NodeState.from_bytes(frame.payload))
        elif kind is Control.CREDIT:
            self._on_credit(Credit.from_bytes(frame.payload))
        elif kind is Control.RECEIPT:
            self._on_receipt(Receipt.from_bytes(frame.payload))
        elif kind is Control.LOST:
            lost = Lost.from_bytes(frame.payload)
            self.owner.heard_lost(self, lost.type_id, lost.count)
        elif kind is Control.FORGET:
            if ask := self._answering.pop(frame.correlation, None):
                ask.settle()

    def on_greeted(self, peer: Neighbour, ready: Ready) -> None:
        ours = self.owner.digests
        self._differing = frozenset(
            each.type_id for each in ready.types if each.type_id in ours and bytes(each.digest) != ours[each.type_id]
        )
        if ready.stream != peer.heard_stream:
            peer.heard_stream = ready.stream
            peer.heard = 0
        for sent in peer.resume(ready.heard_stream, ready.heard):
            self._again.append(sent.frame)
            self._expect_reply(sent.message)
        self.went_up()
        self.owner.link_is_up(self)
        for tell in self.on_up:
            tell()
        self.pump_soon()

    # ---- messages out ----

    def on_writable(self) -> None:
        self.pump_soon()

    def pump_soon(self) -> None:
        if not self._pumps and self.is_up:
            self._pumps = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        """Sends what waits, as far as credit and the socket go; others have their turn in between."""
        self._pumps = False
        peer = self.peer
        if not self.is_up or peer is None:
            return
        size = 0
        while self.may_write and size < _MOST_AT_ONCE:
            if self._again:
                self.send(self._again[0])
                size += len(self._again.popleft())
                continue
            if peer.bytes_on_their_way >= self.hello.window:
                return  # a Credit goes on
            message = peer.take()
            if message is None:
                return
            size += self._send_message(peer, message)
        if self.may_write:
            self.pump_soon()

    def _send_message(self, peer: Neighbour, message: Message) -> int:
        if not self._is_for_peer(peer, message):
            peer.pass_over()
            return 0
        if data_frame_length(len(message.payload), message.key, message.trace) > self.hello.max_frame:
            log.warning("%s: a message of type %d and %d bytes is longer than the other side takes", self.where,
                        message.type_id, len(message.payload))  # fmt: skip
            peer.too_large(message)
            return 0
        frame = data_frame(
            message.type_id,
            message.payload,
            flags=REQUEST if message.ask else 0,
            sequence=peer.next_sequence(),
            correlation=message.ask.id if message.ask else message.correlation_id,
            priority=message.priority,
            hops=message.hops,
            origin=message.origin,
            publisher_id=message.publisher_id,
            publisher_sequence=message.sequence,
            timestamp_ns=message.timestamp_ns,
            key=message.key,
            trace=message.trace,
        )
        peer.send(frame, message)
        self._expect_reply(message)
        self.send(frame)
        return len(frame)

    def _is_for_peer(self, peer: Neighbour, message: Message) -> bool:
        if message.came_by == peer.node or message.hops >= MAX_HOPS or message.type_id in self._differing:
            return False
        if message.ask is not None and message.ask.settled:
            return False  # nobody waits any more
        return message.key is not None or self.owner.leads_to(peer.node, message.origin, message.type_id)

    def _expect_reply(self, message: Message) -> None:
        ask = message.ask
        if ask is None or ask.settled:
            return
        self._asked[ask.id] = message
        ask.on_settled(lambda number=ask.id: self._forget(number))  # type: ignore[misc]

    def _forget(self, number: int) -> None:
        if self._asked.pop(number, None) is not None and self.is_up:
            self.send(control_frame(Control.FORGET, correlation=number))

    def _on_credit(self, credit: Credit) -> None:
        peer = self.peer
        if peer is None or credit.sequence > peer.last_sequence:
            raise ValueError("a Credit for what was not sent")
        peer.acknowledge(credit.sequence)
        self.pump_soon()

    def _on_receipt(self, receipt: Receipt) -> None:
        """We ask for none; what it is about is acknowledged, too."""
        if list(receipt.open) != sorted(receipt.open):
            raise ValueError("a Receipt lists what is open in its order")
        self._on_credit(Credit(receipt.sequence))

    def on_quiet(self) -> None:
        if self.peer is not None:
            for type_id, count in self.peer.news_of_drops():
                self.send_table(Lost(type_id, count))

    # ---- messages in ----

    def _deal_with(self, frame: Frame) -> None:
        if self._is_deaf or (self.owner.leaving and self.owner.goes_on(self, frame)):
            # Others get it no more. Who sent it must not be told that it was dealt with, nor that what came after it
            # was, since that is said of both at once.
            self._is_deaf = True
            if frame.flags & REQUEST:
                self.answer(frame.correlation, NO_REPLY)
            return
        waits = [each for each in self._take_in(frame) if not each.done()]
        if waits:
            self._waits_for_room = self._loop.create_task(self._go_on_with_room(frame, waits))
        else:
            self._was_dealt_with(frame)

    async def _go_on_with_room(self, frame: Frame, waits: Sequence[asyncio.Future[bool]]) -> None:
        await asyncio.wait(waits)
        self._waits_for_room = None
        if not self.is_up:
            return  # what has come since will be sent again
        self._was_dealt_with(frame)
        while self._inbox and not self._waits_for_room:
            following = self._inbox.popleft()
            self._inbox_bytes -= following.size
            self._deal_with(following)
        if not self.is_reading and self._inbox_bytes <= self.how.window:
            self.resume_reading()

    def _take_in(self, frame: Frame) -> Sequence[asyncio.Future[bool]]:
        peer = self.peer
        assert peer is not None
        if frame.sequence <= peer.heard:
            self.repeated += 1
            return ()
        if frame.sequence != peer.heard + 1:
            self.owner.heard_gap(self, frame.sequence - peer.heard - 1)
        peer.heard = frame.sequence
        self.received += 1
        is_foreign = frame.type_id in self._differing or frame.hops >= MAX_HOPS or frame.origin == self.owner.node
        if frame.flags & REQUEST:
            if is_foreign:
                self.answer(frame.correlation, NO_REPLY)
                return ()
            return self.owner.ask(self, frame)
        return () if is_foreign else self.owner.deliver(self, frame)

    def _was_dealt_with(self, frame: Frame) -> None:
        self._dealt_with += frame.size
        if self._dealt_with - self._acknowledged >= min(self.how.window // 4, _MOST_UNACKNOWLEDGED):
            self.acknowledge()
        elif self._acknowledges is None:
            self._acknowledges = self._loop.call_later(_ACKNOWLEDGE_AFTER, self.acknowledge)

    def acknowledge(self) -> None:
        """Tells up to where messages were dealt with, if that is news."""
        if self._acknowledges is not None:
            self._acknowledges.cancel()
            self._acknowledges = None
        # A message that still waits for room is not dealt with; its number will be told when it is.
        if self.is_up and self.peer is not None and self._dealt_with != self._acknowledged:
            self._acknowledged = self._dealt_with
            self.send_table(Credit(self.peer.heard - (1 if self._waits_for_room else 0)))

    # ---- requests that came by this link ----

    def answers(self, correlation: int, ask: Ask) -> None:
        self._answering[correlation] = ask

    def answer(self, correlation: int, outcome: int, reply: Message | None = None) -> None:
        """Sends the outcome of a request: success with a reply, or a status without one."""
        self._answering.pop(correlation, None)
        if not self.is_up:
            return
        self.acknowledge()  # so that the other side lets go of the request
        if (
            reply is not None
            and padded(data_frame_length(len(reply.payload), None, reply.trace)) > self.hello.max_frame
        ):
            outcome, reply = TOO_LARGE, None
        if reply is None:
            return self.send(data_frame(1, b"", flags=REPLY, correlation=correlation, outcome=outcome))
        self.send(
            data_frame(
                reply.type_id,
                reply.payload,
                flags=REPLY,
                correlation=correlation,
                origin=reply.origin,
                publisher_id=reply.publisher_id,
                publisher_sequence=reply.sequence,
                timestamp_ns=reply.timestamp_ns,
                hops=reply.hops,
                priority=reply.priority,
                trace=reply.trace,
            )
        )

    def _on_reply(self, frame: Frame) -> None:
        message = self._asked.pop(frame.correlation, None)
        if message is None or message.ask is None:
            return  # nobody waits for it
        # Of another schema, of no valid payload, or a failure there: then somebody else may still answer.
        if frame.outcome == 0 and frame.type_id not in self._differing:
            self.owner.reply(self, message.ask, frame)

    # ---- the end ----

    def on_end(self, why: str) -> None:
        if self._acknowledges is not None:
            self._acknowledges.cancel()
        self._inbox.clear()
        answering, self._answering = self._answering, {}
        for ask in answering.values():
            ask.settle()  # nobody waits for it any more
        self._asked.clear()  # whoever asked hears that nobody answers
        self.owner.link_is_closed(self, why)
