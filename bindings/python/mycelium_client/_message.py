"""Messages as they are received, their envelopes, and requests that wait for an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ._errors import NoReplyError

M = TypeVar("M")

TO_ALL, TO_SUBSCRIPTION, TO_KEY = 0, 1, 2
_TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Envelope(NamedTuple):
    """What travels with a payload. timestamp_ns: since 1970, UTC. trace: a W3C traceparent, or None."""

    type_id: int
    sequence: int  # of the publisher
    publisher_id: int  # one per runtime; no linked process has the same
    timestamp_ns: int
    correlation_id: int
    priority: int
    destination: int  # 0 to all, 2 to one, chosen by destination_key
    destination_key: int
    trace: str | None
    is_request: bool


def trace_bytes(text: str | None) -> bytes | None:
    """A traceparent as it crosses the wire."""
    if text is None:
        return None
    found = _TRACEPARENT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no traceparent: 00-<32 hexadecimal digits>-<16>-<2>")
    return bytes.fromhex("".join(found.groups()))


def trace_text(data: bytes | None) -> str | None:
    return None if data is None else f"00-{data[:16].hex()}-{data[16:24].hex()}-{data[24]:02x}"


class Message:
    """One message: its payload as it came, which bytes() and memoryview() take, too, and its envelope.

    A request stays answerable as long as somebody holds it: the last one who lets go of it without an answer has it
    end with NoReplyError.
    """

    __slots__ = (
        "type_id", "payload", "sequence", "publisher_id", "timestamp_ns", "correlation_id", "priority", "key", "trace",
        "origin", "hops", "came_by", "ask", "_decoded", "__weakref__",
    )  # fmt: skip

    def __init__(
        self,
        type_id: int,
        payload: bytes,
        *,
        sequence: int = 0,
        publisher_id: int = 0,
        timestamp_ns: int = 0,
        correlation_id: int = 0,
        priority: int = 0,
        key: int | None = None,
        trace: bytes | None = None,
        origin: int = 0,
        hops: int = 0,
        came_by: int = 0,
        ask: Ask | None = None,
    ) -> None:
        self.type_id = type_id
        self.payload = payload
        self.sequence = sequence
        self.publisher_id = publisher_id
        self.timestamp_ns = timestamp_ns
        self.correlation_id = correlation_id
        self.priority = priority
        self.key = key
        self.trace = trace
        self.origin = origin  # node
        self.hops = hops  # links crossed so far
        self.came_by = came_by  # the neighbour's node; 0: it was published here
        self.ask = ask
        self._decoded: Any = None

    @property
    def envelope(self) -> Envelope:
        """Who published it, when, and to whom."""
        return Envelope(
            self.type_id, self.sequence, self.publisher_id, self.timestamp_ns, self.correlation_id, self.priority,
            TO_ALL if self.key is None else TO_KEY, self.key or 0, trace_text(self.trace), self.is_request,
        )  # fmt: skip

    @property
    def is_request(self) -> bool:
        """Whether somebody waits for a reply."""
        return self.ask is not None

    def decode(self, cls: type[M]) -> M:
        """The payload as a message of a generated class, a new one each time. ValueError if it is none."""
        decoded, self._decoded = self._decoded, None
        if type(decoded) is not cls:
            decoded = cls.from_bytes(self.payload)  # type: ignore[attr-defined]
        found: M = decoded
        return found

    def check(self, cls: Any) -> None:
        """ValueError if the payload is no message of the class. What it is decoded to serves who asks first."""
        self._decoded = cls.from_bytes(self.payload)

    def __len__(self) -> int:
        return len(self.payload)

    def __bytes__(self) -> bytes:
        return self.payload

    def __repr__(self) -> str:
        return f"<Message of type {self.type_id}, {len(self.payload)} bytes>"

    def __del__(self) -> None:
        if self.ask is not None:
            self.ask.let_go()


class Ask:
    """A request that somebody waits for: one of this process, or a neighbour. Its first outcome counts."""

    __slots__ = ("id", "settled", "_outcome", "_forget", "_loop", "__weakref__")

    def __init__(self, number: int, outcome: Callable[[Message | None], None]) -> None:
        self.id = number  # what replies have as their correlation
        self.settled = False
        self._outcome = outcome
        self._forget: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()

    def on_settled(self, forget: Callable[[], None]) -> None:
        """To be called when nobody waits for a reply any more."""
        self._forget.append(forget)

    def settle(self) -> bool:
        """It has its outcome; False if it had one before."""
        if self.settled:
            return False
        self.settled = True
        forget, self._forget = self._forget, []
        for each in forget:
            each()
        return True

    def reply(self, message: Message) -> bool:
        """False: another was faster, or nobody waits any more."""
        if not self.settle():
            return False
        self._outcome(message)
        return True

    def let_go(self) -> None:
        """Nobody holds the request any more who could answer it."""
        if not self.settled and not self._loop.is_closed():
            # Not here: whoever drops the last reference is in the middle of something.
            self._loop.call_soon_threadsafe(self._unanswered)

    def _unanswered(self) -> None:
        if self.settle():
            self._outcome(None)


def unanswered(type_id: int) -> NoReplyError:
    return NoReplyError(
        f"nobody answers the request of type {type_id}: no server of it can be reached, or each let it go"
    )
