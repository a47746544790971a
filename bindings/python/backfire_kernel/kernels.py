"""Kernels: a token goes in, and comes out only while the stream makes sense."""

from __future__ import annotations

import inspect
import math
import sys
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, Unpack, overload

from . import _backend
from ._backend import Interlock
from .config import CONFIG_FIELDS, OPTION_FIELDS, BackfireConfig, KernelFields, StreamOptions
from .kinds import Action
from .scoring import Scorer, describe, scorer_of
from .session import Record, StreamSession

_CONFIG = BackfireConfig()  # the defaults; neither changes
_OPTIONS = StreamOptions()
INTERRUPT = "[KERNEL INTERRUPT: COHERENCE LIMIT EXCEEDED]"


class Stream(_backend.Stream):
    """One stream under oversight, pushed token by token.

    verdict = stream.push(token, score); show verdict.text; stop when verdict.action is Action.HALT.

    One thread at a time uses a stream; RuntimeError if it is used from inside its own scorer.
    """

    def __init__(
        self,
        config: BackfireConfig | None = None,
        options: StreamOptions | None = None,
        interlock: Interlock | None = None,
    ) -> None:
        self._config = config if config is not None else _CONFIG
        self._options = options if options is not None else _OPTIONS
        super().__init__(self._config, self._options, interlock)

    def finish(self) -> StreamSession:
        """Ends the stream; what waited for the end of its sentence is released, unless the stream has halted.

        A push after it raises RuntimeError. May be called again.
        """
        return StreamSession(self._config, self._options, Record._make(self._end()))

    def session(self) -> StreamSession:
        """The stream as it stands, without ending it."""
        return StreamSession(self._config, self._options, Record._make(self._record()))


class RustStreamingKernel:
    """Watches token streams: hard limit, mean of a window, trend, entropy, deadline, drift.

    RustStreamingKernel(config=None, *, options=None, interlock=None, halt_mode="hard", **fields)

    config, options  a BackfireConfig and StreamOptions; each of their fields may also be a keyword argument here
    halt_mode        "soft": a check that allows it lets the sentence end first, by at most soft_tokens tokens
    interlock        an Interlock to share with other kernels; None makes one

    The checks, in their order, all strict: score < hard_limit; the mean of the last window_size scores <
    window_threshold; the fall over the last trend_window scores > trend_threshold; entropy > logit_entropy_limit;
    latency > deadline_ms; with ewma and cusum the drift. The first that fires halts, and its token is not released.

    A score that is no finite number, or whose scorer raised an Exception, counts as 0 and halts always, whatever the
    limit. KeyboardInterrupt, SystemExit and asyncio.CancelledError pass through. The hard limit makes the kernel
    inactive: its next streams halt at their first token, until reactivate().

    Any number of threads may use a kernel; each call has a stream of its own.
    """

    def __init__(
        self,
        config: BackfireConfig | None = None,
        *,
        options: StreamOptions | None = None,
        interlock: Interlock | None = None,
        halt_mode: str | None = None,
        **fields: Unpack[KernelFields],
    ) -> None:
        if unknown := set(fields) - CONFIG_FIELDS - OPTION_FIELDS:
            raise TypeError(f"{type(self).__name__}() has no keyword argument {sorted(unknown)[0]}")
        if halt_mode not in (None, "hard", "soft"):
            raise ValueError(f'config error: halt_mode must be "hard" or "soft", is {halt_mode!r}')
        limits = {name: value for name, value in fields.items() if name in CONFIG_FIELDS}
        ways = {name: value for name, value in fields.items() if name in OPTION_FIELDS}
        if halt_mode is not None:
            ways["soft_halt"] = halt_mode == "soft"
        self._config = config if config is not None else _CONFIG
        self._options = options if options is not None else _OPTIONS
        if limits:
            self._config = self._config.replace(**limits)
        if ways:
            self._options = self._options.replace(**ways)
        self._interlock = interlock if interlock is not None else Interlock()
        self._last: StreamSession | None = None

    @property
    def config(self) -> BackfireConfig:
        """The limits."""
        return self._config

    @property
    def options(self) -> StreamOptions:
        """What the limits leave open."""
        return self._options

    @property
    def interlock(self) -> Interlock:
        """What emergency_stop() and reactivate() act on."""
        return self._interlock

    @property
    def is_active(self) -> bool:
        """False after emergency_stop() and after a hard halt: then nothing is released."""
        return self._interlock.is_active

    def emergency_stop(self) -> None:
        """Halts every stream of this kernel at its next token. From any thread."""
        self._interlock.stop()

    def reactivate(self) -> None:
        """Lets streams pass again that begin, or have not halted, from now on. From any thread."""
        self._interlock.reactivate()

    @property
    def last_session(self) -> StreamSession | None:
        """The session of the stream that ended last, also where an exception ended it; None before the first."""
        return self._last

    @property
    def last_partial(self) -> str:
        """What the stream that ended last has released."""
        return self._last.output if self._last is not None else ""

    def begin(self) -> Stream:
        """A stream to push tokens into."""
        return Stream(self._config, self._options, self._interlock)

    @overload
    def stream_tokens(
        self, tokens: Iterable[str], callback: Scorer, *, accumulate: bool = False, entropy: Scorer | None = None
    ) -> StreamSession: ...
    @overload
    def stream_tokens(
        self, tokens: AsyncIterable[str], callback: Scorer, *, accumulate: bool = False, entropy: Scorer | None = None
    ) -> Awaitable[StreamSession]: ...
    def stream_tokens(
        self, tokens: Any, callback: Scorer, *, accumulate: bool = False, entropy: Scorer | None = None
    ) -> Any:
        """Takes tokens one at a time, scores each, and stops taking them at a halt.

        tokens      any iterable of str; with an asynchronous one the result is to be awaited
        callback    a callable (token) -> score; a buffer of doubles or a sequence with a score for each token; or a
                    NativeScorer. With asynchronous tokens the callable may be asynchronous, too.
        accumulate  the callable gets the text so far, this token included, in place of the token
        entropy     a callable (token) -> bits per token, or such a buffer, for the entropy check

        What tokens raises passes through, and so does TypeError for a token that is no str; last_session has what came
        before it.
        """
        scorer = scorer_of(callback)
        bits = None if entropy is None else scorer_of(entropy)
        stream = self.begin()
        if hasattr(type(tokens), "__aiter__"):
            return self._stream_async(stream, tokens, scorer, accumulate, bits)
        if _is_asynchronous(scorer) or _is_asynchronous(bits):
            raise TypeError("an asynchronous scorer needs asynchronous tokens, and somebody who awaits the result")
        try:
            stream._feed(tokens, scorer, accumulate, bits)
        except BaseException:
            self._last = stream.session()
            raise
        self._last = stream.finish()
        return self._last

    @overload
    def stream_output(self, tokens: Iterable[str], callback: Scorer, *, accumulate: bool = False) -> str: ...
    @overload
    def stream_output(
        self, tokens: AsyncIterable[str], callback: Scorer, *, accumulate: bool = False
    ) -> Awaitable[str]: ...
    def stream_output(self, tokens: Any, callback: Scorer, *, accumulate: bool = False) -> Any:
        """The released text, or "[KERNEL INTERRUPT: COHERENCE LIMIT EXCEEDED]" if the stream was halted.

        After a halt the text that was released is last_partial. Arguments as of stream_tokens().
        """
        done = RustStreamingKernel.stream_tokens(self, tokens, callback, accumulate=accumulate)
        return _text_of(done) if isinstance(done, StreamSession) else _text_later(done)

    async def _stream_async(
        self, stream: Stream, tokens: AsyncIterable[str], scorer: Any, accumulate: bool, entropy: Any
    ) -> StreamSession:
        score = _asker(scorer)
        bits = None if entropy is None else _asker(entropy)
        text = ""
        try:
            async for token in tokens:
                if not isinstance(token, str):
                    stream.push(token)  # raises TypeError
                text = text + token if accumulate else token
                if (await _push(stream, token, text, score, bits)) is Action.HALT:
                    break
        except BaseException:
            self._last = stream.session()
            raise
        self._last = stream.finish()
        return self._last

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'active' if self.is_active else 'inactive'}>"


class RustSafetyKernel(RustStreamingKernel):
    """The hard limit alone: a score below it stops the stream and the kernel.

    RustSafetyKernel(hard_limit=0.5, *, interlock=None). No window, trend or deadline is checked; a score that is no
    finite number halts as everywhere.
    """

    def __init__(self, hard_limit: float = 0.5, *, interlock: Interlock | None = None) -> None:
        soft_limit = max(0.7, hard_limit) if isinstance(hard_limit, (int, float)) else 0.7
        super().__init__(
            interlock=interlock,
            hard_limit=hard_limit,
            soft_limit=min(soft_limit, 1.0),
            window_threshold=0.0,
            trend_threshold=sys.float_info.max,
            deadline_ms=sys.float_info.max,
            logit_entropy_limit=sys.float_info.max,
        )

    @property
    def hard_limit(self) -> float:
        """A score below halts."""
        return self._config.hard_limit


SafetyKernel = RustSafetyKernel
StreamingKernel = RustStreamingKernel


def _text_of(session: StreamSession) -> str:
    return INTERRUPT if session.halted else session.output


def _is_asynchronous(scorer: Any) -> bool:
    """inspect.iscoroutinefunction() in a tenth of its time."""
    return bool(getattr(getattr(scorer, "__code__", None), "co_flags", 0) & inspect.CO_COROUTINE)


async def _text_later(session: Awaitable[StreamSession]) -> str:
    return _text_of(await session)


def _asker(scorer: Any) -> Callable[[int, str], Any]:
    """A function (index, text) of a scorer of any kind."""
    if callable(scorer):
        return lambda index, text: scorer(text)
    numbers = memoryview(scorer)
    return lambda index, text: numbers[index] if index < len(numbers) else None


async def _push(
    stream: Stream, token: str, text: str, score: Callable[[int, str], Any], bits: Callable[[int, str], Any] | None
) -> Action:
    """Asks for the score of a token, waits for it where it comes later, and pushes both."""
    index, value, error, latency, entropy = stream.token_count, None, None, 0.0, None
    if stream.is_active:
        begun = time.monotonic()
        try:
            if stream.wants_score:
                value = score(index, text)
                if inspect.isawaitable(value):
                    value = await value
        except Exception as why:
            error = describe(why)
        latency = (time.monotonic() - begun) * 1e3
        if bits is not None:
            entropy = _entropy(bits, index, token)
    return stream.push(token, value, entropy=entropy, latency_ms=latency, error=error).action


def _entropy(bits: Callable[[int, str], Any], index: int, token: str) -> Any:
    """NaN, which is over every limit, where the caller's function fails."""
    try:
        value = bits(index, token)
    except Exception:
        return math.nan
    return math.nan if value is None else value
