"""The other side of a link, played by the suite."""

from __future__ import annotations

import dataclasses
import hmac
import itertools
import os
import socket
import time
from collections.abc import Callable
from typing import Any

import wire
from subject import PATIENCE_S, Failure
from wire import Frame, demand

LARGE = 1 << 20  # of windows and frames, where a case does not care
UNWANTED = 65000  # a type that no case subscribes to
_streams = itertools.count(1000)


def is_receipt(frame: Frame) -> bool:
    return frame.kind == wire.RECEIPT


class Peer:
    """One connection to the subject, with the greeting it needs and the helpers that cases are written with.

    dialed: this side has connected. Every frame that comes is held against the rules for who sends (wire.py), and
    against those of order: sequences without a gap, no more than the window.
    """

    def __init__(self, connection: socket.socket, dialed: bool, node: int, token: str | None = None) -> None:
        self.socket = connection
        self.dialed = dialed
        self.node = node
        self.token = token
        self.nonce = os.urandom(16)
        self.window = LARGE
        self.stream = next(_streams)
        self.hello: dict[str, Any] = {}  # the subject's
        self.ready: dict[str, Any] = {}
        self.refusal: dict[str, Any] | None = None
        self.heard = 0  # the last sequence of the subject
        self.sent = 0  # our last sequence
        self.state_version = 0
        self.own_hello: dict[str, Any] = {}
        self.more_hello: dict[str, Any] = {}  # of this side's; without it, one of a node that knows no receipts
        self.asked: set[int] = set()  # sequences that we want a receipt for
        self.delivered: set[int] = set()  # those of them that we were given one for
        self._unacknowledged: dict[int, int] = {}  # sequence -> bytes
        self._reader = wire.Reader()
        self._early: list[Frame] = []  # came while something else was awaited
        self._first = True

    # ---- bytes and frames ----

    def send_bytes(self, data: bytes) -> None:
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the end is seen by whoever reads
        except TimeoutError:
            raise Failure("it does not read") from None

    def send(self, *frames: Frame) -> None:
        self.send_bytes(b"".join(map(wire.encode, frames)))

    def send_table(self, kind: int, **values: Any) -> None:
        self.send(wire.control(kind, wire.pack_table(wire.KINDS[kind], values)))

    def read(self, patience: float = PATIENCE_S) -> Frame | None:
        """The next frame; None at the end of the stream. TimeoutError."""
        until = time.monotonic() + patience
        while (frame := self._reader.next()) is None:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                demand(
                    not self._reader.data or self.refusal is None,
                    "bytes come after the refusal, which is the last frame",
                )
                return None
            self._reader.data += data
        self._judge(frame)
        return frame

    def _judge(self, frame: Frame) -> None:
        demand(self.refusal is None, f"{frame} comes after the refusal, which is the last frame")
        if self._first:
            self._first = False
            demand(frame.kind == wire.HELLO, f"the first frame is {frame}, not a Hello")
            demand(frame.size <= 4096, f"its Hello has {frame.size} bytes")
        if frame.kind == wire.REFUSAL:
            self.refusal = frame.table
        if frame.kind == wire.RECEIPT:
            self._judge_receipt(frame)
        if frame.is_control or frame.is_reply:
            return
        demand(
            not frame.flags & wire.CONFIRM or bool(self.own_hello.get("confirms")),
            f"{frame} asks for a receipt, and this side gives none",
        )
        if self.own_hello:
            demand(frame.size <= wire.padded(self.own_hello["max_frame"]), f"{frame} is longer than this side takes")
        if self.heard:
            demand(frame.sequence == self.heard + 1, f"sequence {frame.sequence} follows {self.heard}")
        self.heard = frame.sequence
        on_their_way = sum(self._unacknowledged.values())
        demand(
            on_their_way < self.window,
            f"{on_their_way} bytes are unacknowledged, the window has {self.window}, and it goes on",
        )
        self._unacknowledged[frame.sequence] = frame.size

    def _judge_receipt(self, frame: Frame) -> None:
        assert frame.table is not None
        told, still = frame.table["sequence"], frame.table["open"]
        demand(bool(self.asked), f"{frame.table}: nobody has asked for a receipt")
        demand(told <= self.sent, f"{frame.table}: {self.sent} is the last that was sent")
        demand(list(still) == sorted(set(still)) and len(still) <= 100, f"{frame.table}: at most 100, ascending")
        demand(self.asked >= set(still), f"{frame.table}: has what asked for no receipt; {sorted(self.asked)} did")
        now = {each for each in self.asked if each <= told} - set(still)
        demand(not self.delivered & set(still), f"{frame.table}: {sorted(self.delivered)} had been delivered before")
        self.delivered |= now

    def take(self, what: str, fits: Callable[[Frame], bool], patience: float = PATIENCE_S) -> Frame:
        """The next frame that fits, whatever else comes before it; that stays for others to take."""
        for i, frame in enumerate(self._early):
            if fits(frame):
                return self._early.pop(i)
        until = time.monotonic() + patience
        while True:
            try:
                found = self.read(until - time.monotonic())
            except TimeoutError:
                came = [each for each in self._early if each.kind != wire.HEARTBEAT]
                raise Failure(f"no {what} within {patience:g} s; came: {came}") from None
            if found is None:
                raise Failure(f"the subject ended the link ({self.refusal}) while {what} was awaited")
            if fits(found):
                return found
            self._early.append(found)

    def take_control(self, kind: int, patience: float = PATIENCE_S) -> Frame:
        return self.take(wire.KINDS[kind], lambda frame: frame.kind == kind, patience)

    def take_table(self, kind: int) -> dict[str, Any]:
        table = self.take_control(kind).table
        assert table is not None
        return table

    def take_message(
        self,
        type_id: int | None = None,
        payload: bytes | None = None,
        acknowledge: bool = True,
        patience: float = PATIENCE_S,
    ) -> Frame:
        """The next message, or request, of all types; with type_id and payload it has to be this one."""
        frame = self.take("message", lambda frame: not frame.is_control and not frame.is_reply, patience)
        if type_id is not None and (frame.type_id, frame.payload) != (type_id, payload):
            raise Failure(f"{frame} instead of message {type_id} {payload!r}")
        if acknowledge:
            self.acknowledge(frame.sequence)
        return frame

    def take_message_alive(self) -> Frame:
        """As take_message, of a subject that ends a link on which nothing is heard."""
        until = time.monotonic() + PATIENCE_S
        while True:
            self.send(wire.control(wire.HEARTBEAT))
            try:
                return self.take_message(patience=0.1)
            except Failure:
                if self.refusal is not None or time.monotonic() > until:
                    raise

    def take_reply(self, correlation: int) -> Frame:
        return self.take("reply", lambda frame: frame.is_reply and frame.correlation == correlation)

    def take_credit(self, sequence: int) -> None:
        """Until everything up to sequence is acknowledged, and never more than was sent."""
        reached = -1
        while reached < sequence:
            reached = self.take_table(wire.CREDIT)["sequence"]
            demand(reached <= self.sent, f"it acknowledges {reached}; {self.sent} is the last that was sent")

    def take_receipt(self, sequence: int, still_open: tuple[int, ...] = ()) -> None:
        """Until a Receipt says just this: all up to sequence are delivered but those."""
        told = None
        while told != (sequence, still_open):
            table = self.take(f"Receipt of {sequence} with {still_open} open, after {told}", is_receipt).table
            assert table is not None
            told = (table["sequence"], table["open"])

    def receipt(self, sequence: int, *still_open: int) -> None:
        """All of the subject's messages up to sequence are delivered here but those."""
        self._is_acknowledged(sequence)
        self.send_table(wire.RECEIPT, sequence=sequence, open=still_open)

    def expect_end(self, reason: int | None = None, patience: float = PATIENCE_S) -> None:
        """The subject ends the link; with a reason it says so first, where it may still be heard."""
        try:
            while self.read(patience) is not None:
                pass
        except TimeoutError:
            raise Failure(f"it does not end the link within {patience:g} s") from None
        if reason is None:
            return
        if self.refusal is None:
            raise Failure(f"it ends the link without a Refusal: {wire.REASONS[reason]}")
        if self.refusal["reason"] != reason:
            raise Failure(f"it refuses because of {self.refusal}, not {wire.REASONS[reason]}")
        demand(bool(self.refusal["text"]), "the refusal has no text for people")

    def is_alive(self) -> None:
        """The link goes on, and everything that was sent before has been dealt with: a message is acknowledged."""
        self.publish(UNWANTED, b"")
        self.take_credit(self.sent)

    def close(self) -> None:
        self.socket.close()

    def leave(self) -> None:
        """Says that the node goes away, and waits until the subject has heard it."""
        self.send_table(wire.REFUSAL, reason=wire.LEAVING, text="the judge goes")
        self.expect_end()

    # ---- the greeting ----

    def say_hello(self, **other: Any) -> None:
        """other: fields that are not as they should be."""
        more = other.pop("more", ())
        hello: dict[str, Any] = {
            "version": 1,
            "node": self.node,
            "name": f"judge-{self.node:x}",
            "nonce": self.nonce,
            "wants_proof": self.token is not None,
            "max_frame": LARGE,
            "window": self.window,
        }
        self.own_hello = hello | self.more_hello | other
        self.node = self.own_hello["node"]
        self.window = self.own_hello["window"]
        self.send(wire.control(wire.HELLO, wire.pack_table("Hello", self.own_hello, more)))

    def hear_hello(self) -> None:
        self.hello = self.take_table(wire.HELLO)

    def mac(self, dialer: bool, token: str | None = None) -> bytes:
        """What the side proves with that has connected, or the other."""
        text = b"mycelium bridge 1 dialer" if dialer else b"mycelium bridge 1 listener"
        ours, theirs = self.own_hello, self.hello
        for hello in (ours, theirs) if self.dialed else (theirs, ours):
            text += hello["nonce"] + hello["node"].to_bytes(8, "little")
        return hmac.digest((token or self.token or "").encode(), text, "sha256")

    def prove(self) -> None:
        self.send_table(wire.PROOF, mac=self.mac(self.dialed))

    def say_ready(self, heard_stream: int = 0, heard: int = 0, **other: Any) -> None:
        self.send_table(
            wire.READY, **({"types": [], "stream": self.stream, "heard_stream": heard_stream, "heard": heard} | other)
        )

    def hear_ready(self) -> None:
        self.ready = self.take_table(wire.READY)

    def greet(self, **ready: Any) -> Peer:
        """The whole greeting, as it should be."""
        self.say_hello()
        self.hear_hello()
        if self.hello["wants_proof"]:
            self.prove()
        if self.token is not None:
            proof = self.take_table(wire.PROOF)
            demand(proof["mac"] == self.mac(not self.dialed), "its proof is wrong")
        self.say_ready(**ready)
        self.hear_ready()
        self.heard = ready.get("heard", 0)
        return self

    # ---- messages ----

    def acknowledge(self, sequence: int) -> None:
        self._is_acknowledged(sequence)
        self.send_table(wire.CREDIT, sequence=sequence)

    def _is_acknowledged(self, sequence: int) -> None:
        for each in [each for each in self._unacknowledged if each <= sequence]:
            del self._unacknowledged[each]

    def message(self, type_id: int, payload: bytes, **fields: Any) -> Frame:
        """The next message of this side's stream."""
        self.sent += 1
        plain = Frame(type_id, sequence=self.sent, origin=self.node, publisher_sequence=self.sent, payload=payload)
        made = dataclasses.replace(plain, **fields)
        if made.flags & wire.CONFIRM:
            self.asked.add(made.sequence)
        return made

    def publish(self, type_id: int, payload: bytes, **fields: Any) -> None:
        self.send(self.message(type_id, payload, **fields))

    def request(self, type_id: int, payload: bytes, correlation: int) -> None:
        self.publish(type_id, payload, correlation=correlation, flags=wire.REQUEST)

    def reply(self, to: Frame, payload: bytes, **fields: Any) -> None:
        plain = Frame(to.type_id, wire.REPLY, correlation=to.correlation, payload=payload, origin=self.node)
        self.send(dataclasses.replace(plain, **fields))

    def say_state(self, wants: tuple[int, ...] = (), neighbours: tuple[int, ...] | None = None, **other: Any) -> None:
        """This node's state, with the next version: linked with the subject, and wanting these types."""
        self.state_version += 1
        mine = {
            "node": self.node,
            "version": self.state_version,
            "name": "judge",
            "wants": wants,
            "neighbours": (self.hello["node"],) if neighbours is None else neighbours,
        }
        self.send_table(wire.NODE_STATE, **(mine | other))

    def take_state(self, what: str, fits: Callable[[dict[str, Any]], bool], node: int | None = None) -> dict[str, Any]:
        """A state of the subject (or of node) that fits."""
        node = self.hello["node"] if node is None else node

        def is_it(frame: Frame) -> bool:
            table = frame.table
            return frame.kind == wire.NODE_STATE and table is not None and table["node"] == node and fits(table)

        table = self.take(f"NodeState {what}", is_it).table
        assert table is not None
        return table


def settled(*peers: Peer) -> None:
    """What these have said was dealt with."""
    for peer in peers:
        peer.is_alive()
