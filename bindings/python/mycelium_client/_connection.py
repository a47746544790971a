"""One connection as a sequence of frames: bytes in and out, signs of life, deadlines, and its end. Knows nothing of
what frames say."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from ._errors import MyceliumError, RefusedError, refused
from ._frames import Frame, FrameError, FrameReader, control_frame, table_frame
from ._settings import Settings
from ._wire import Control, Reason, Refusal, Table

log = logging.getLogger("mycelium")

_LEAST_BEAT = 0.001
_GREETING_LIMIT = 4096  # no frame is longer before the other side is known


class Connection(asyncio.Protocol):
    """The life of a connection, from the first byte to the last. Belongs to one event loop."""

    def __init__(self, how: Settings, dialed: bool, where: str) -> None:
        self.how = how
        self.dialed = dialed
        self.where = where
        self.error: MyceliumError | OSError | None = None  # why it ended
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_up = False
        self.was_up = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader(_GREETING_LIMIT)
        self._out: list[bytes] = []
        self._flushes = False  # soon
        self._may_write = True
        self._beat = how.heartbeat  # the longest pause between two frames
        self._ended = False  # nothing that comes is looked at any more
        self._heard_at = self._said_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None

    # ---- what the two kinds of a link do ----

    def on_open(self) -> None:
        """Connected."""

    def on_frame(self, frame: Frame) -> None:
        """A frame has come. ValueError if the protocol does not allow it."""

    def on_quiet(self) -> None:
        """Every heartbeat."""

    def on_writable(self) -> None:
        """There is room for more bytes."""

    def on_end(self, why: str) -> None:
        """Nothing comes any more, and nothing that is sent arrives. Once."""

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._heard_at = self._said_at = self._loop.time()
        self._deadline = self._loop.call_later(self.how.hello_timeout, self._too_late)
        self._timer = self._loop.call_later(self._beat, self._tick)
        self.on_open()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if self._ended:
            return
        self._reader.feed(data)
        try:
            while not self._ended and (frame := self._reader.next()) is not None:
                self.on_frame(frame)
        except FrameError as why:
            self.refuse(Reason.PROTOCOL, str(why))
        except ValueError as why:
            self.refuse(Reason.PROTOCOL, f"what came is not what the protocol allows: {why}")

    def eof_received(self) -> bool:
        self.end("the other side closed it")
        return False

    def connection_lost(self, why: Exception | None) -> None:
        self.end(str(why) if why else "the connection ended")
        self._stop_timers()
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self.on_writable()

    # ---- bytes ----

    @property
    def may_write(self) -> bool:
        return self._may_write and not self._ended

    def send(self, frame: bytes) -> None:
        """Goes out with whatever else is sent before the loop looks at its sockets again."""
        if self._ended:
            return
        self._out.append(frame)
        if not self._flushes:
            self._flushes = True
            self._loop.call_soon(self._flush)

    def send_table(self, table: Table) -> None:
        self.send(table_frame(table))

    def _flush(self) -> None:
        self._flushes = False
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._said_at = self._loop.time()
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._heard_at = self._loop.time()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    @property
    def is_reading(self) -> bool:
        return self._transport is not None and self._transport.is_reading()

    # ---- time ----

    def greeted(self, max_frame: int) -> None:
        """The other side is known: longer frames may come."""
        self._reader.max_frame = max_frame

    def beat_for(self, silence: float) -> None:
        """The other side takes this one for dead after so many seconds: it hears of it several times before that."""
        if silence / 3 >= self._beat:
            return
        self._beat = max(silence / 3, _LEAST_BEAT)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._loop.call_later(self._beat, self._tick)

    def went_up(self) -> None:
        self.is_up = self.was_up = True
        if self._deadline is not None:
            self._deadline.cancel()

    def _too_late(self) -> None:
        self.refuse(Reason.LATE, "no whole greeting came in time")

    def _tick(self) -> None:
        now = self._loop.time()
        # Who does not read for want of room here cannot hear either.
        if self.is_reading and now - self._heard_at >= self.how.silence:
            return self.fail(MyceliumError(f"nothing was heard for {self.how.silence:g} s"), at_once=True)
        if self.is_up:
            self.on_quiet()
            if not self._out and now - self._said_at >= self._beat * 0.99:  # timers are a little early
                self.send(control_frame(Control.HEARTBEAT))
        last = self._said_at if self._said_at + self._beat > now else now
        self._timer = self._loop.call_at(last + self._beat, self._tick)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()

    # ---- the end ----

    def refuse(self, reason: Reason, text: str) -> None:
        """Says why, and ends it."""
        self.send_table(Refusal(reason, text))
        self.fail(refused(reason, text, by_us=True))

    def heard_refusal(self, refusal: Refusal) -> None:
        text = f"the other side refuses: {refusal.text or 'without a reason'}"
        self.fail(refused(refusal.reason, text, by_us=False))

    def fail(self, error: MyceliumError | OSError, at_once: bool = False) -> None:
        if self.error is None:
            self.error = error
        self.end(str(error), at_once)

    def end(self, why: str, at_once: bool = False) -> None:
        """Nothing more is read; what was sent still goes out, for as long as a greeting may take."""
        if self._ended:
            return
        self._flush()
        self._ended = True
        if self.error is None:
            self.error = MyceliumError(why)
        self.is_up = False
        self._stop_timers()
        if self._transport is not None:
            if at_once:
                self._transport.abort()
            elif isinstance(self.error, RefusedError) and self.error.by_us and self._transport.can_write_eof():
                # Bytes that are still to be read when it is closed would have the system throw away what it has to
                # send.
                self.resume_reading()
                try:
                    self._transport.write_eof()
                except OSError:  # the other side has ended the connection in this moment
                    self._transport.abort()
                else:
                    self._deadline = self._loop.call_later(min(self.how.hello_timeout, 1.0), self._transport.abort)
            else:
                self._transport.close()
                self._deadline = self._loop.call_later(self.how.hello_timeout, self._transport.abort)
        self.on_end(why)
