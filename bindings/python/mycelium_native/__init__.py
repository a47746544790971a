"""Mycelium, an embeddable message bus, in this process.

    from mycelium_native import Runtime
    from mycelium_protocol import TextMessage, SCHEMA_DIGEST

    with Runtime(SCHEMA_DIGEST) as rt:
        rt.subscribe(TextMessage, print)
        rt.publish(TextMessage(sender="py", content="hi", timestamp=123))
        rt.flush()

Callbacks run on one thread of the runtime that Python knows, its dispatcher, never two at once. Exceptions that they
raise go to logging.getLogger("mycelium") and are counted. docs/python.md tells the rest.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import pathlib
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar, overload

from . import _native
from ._native import (
    LAYOUT_VERSION,
    BridgeStats,
    ClosedError,
    Envelope,
    ForkedError,
    Loan,
    MailboxFullError,
    Message,
    MyceliumError,
    NoReplyError,
    Oversight,
    OversightStats,
    RuntimeStats,
    ScoreQuestion,
    Subscription,
    SubscriptionStats,
    TimedOutError,
    __version__,
    decode,
    encode,
    info_json,
    schema_digest,
)
from .aio import Stream, _Replies

__all__ = [
    "LAYOUT_VERSION",
    "BridgeStats",
    "ClosedError",
    "Envelope",
    "ForkedError",
    "Loan",
    "MailboxFullError",
    "Message",
    "MyceliumError",
    "NoReplyError",
    "Oversight",
    "OversightStats",
    "Runtime",
    "RuntimeStats",
    "ScoreQuestion",
    "Stream",
    "Subscription",
    "SubscriptionStats",
    "TimedOutError",
    "__version__",
    "decode",
    "encode",
    "info_json",
    "library_path",
    "schema_digest",
]

M = TypeVar("M")
R = TypeVar("R")

_EXIT_SECONDS = 2.0  # for all runtimes together that are open when the interpreter ends


class Runtime(_native.Runtime):
    """One bus in this process. Close it with close(), as a context manager, or let the exit of the interpreter do it.

    schema_digest     what generated code was made from (mycelium_protocol.SCHEMA_DIGEST); ValueError "schema digest
                      mismatch" if the library has another. None takes what is built in.
    topology_path     create the runtime for service_name of this TOML file; no options besides.
    schemas           binary schemas to register before the digest is compared: SCHEMA of generated packages.
    name, threads, mailbox_capacity, policy ("block", "drop_oldest", "drop_newest", "fail"), verify ("none", "size",
    "full"), block_timeout and close_timeout (seconds), max_payload, strict: as in MyceliumRuntimeConfig of mycelium.h.
    """

    def __init__(
        self,
        schema_digest: Any = None,
        topology_path: str | os.PathLike[str] | None = None,
        service_name: str | None = None,
        *,
        schemas: Iterable[Any] = (),
        **options: Any,
    ) -> None:
        schemas = list(schemas)
        super().__init__(None if schemas else schema_digest, topology_path, service_name, **options)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._streams: weakref.WeakSet[Stream[Any]] = weakref.WeakSet()
        self._replies: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Replies] = weakref.WeakKeyDictionary()
        self._name = str(options.get("name") or "mycelium")
        self._close_timeout = float(options.get("close_timeout") or _environment_close_timeout())
        for schema in schemas:
            self.register_schema(schema)
        if schemas and schema_digest is not None:
            self.verify_schema_digest(schema_digest)
        _live.add(self)

    # ---- subscribing -------------------------------------------------------------------------------------------------

    @overload
    def subscribe(
        self,
        what: type[M],
        callback: Callable[[M], object],
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
        block_timeout: float | None = None,
    ) -> Subscription: ...
    @overload
    def subscribe(
        self,
        what: type[Any] | int,
        callback: Callable[..., object],
        *,
        batch: bool = False,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
        envelope: bool = False,
        block_timeout: float | None = None,
    ) -> Subscription: ...
    def subscribe(
        self,
        what: Any,
        callback: Callable[..., object],
        *,
        batch: bool = False,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
        envelope: bool = False,
        block_timeout: float | None = None,
    ) -> Subscription:
        """Runs callback(message) for every message of a generated class, or of a type_id (then with a Message).

        batch       callback gets a list of the messages that wait, instead of one
        policy, capacity, block_timeout
                    what happens when its mailbox is full, how many messages that is, how long "block" waits (seconds)
        history     deliver up to this many kept messages first: see keep_history
        envelope    callback(message, envelope); with batch a list of pairs
        """
        self._start_dispatcher(callback)
        return self._subscribe(
            what,
            callback,
            batch=batch,
            policy=policy,
            capacity=capacity,
            name=name,
            history=history,
            envelope=envelope,
            block_timeout=block_timeout,
        )

    def serve(
        self,
        what: type[M],
        handler: Callable[[M], Any],
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
    ) -> Subscription:
        """Answers requests of a class with what handler(request) returns.

        A handler that returns None, or raises, leaves the request unanswered. Messages that are no requests are
        ignored.
        """
        self._start_dispatcher(handler)
        return self._subscribe(what, handler, policy=policy, capacity=capacity, name=name, serves=True)

    def _start_dispatcher(self, callback: Any) -> None:
        if not callable(callback):
            raise TypeError("callback must be callable")
        self._open_dispatcher()
        with self._lock:
            if self._thread is None:
                # A daemon, so that the interpreter does not wait for it: the hook below closes the runtime first.
                ready = threading.Event()
                name = f"{self._name}-dispatch"
                thread = threading.Thread(target=self._dispatch, args=(ready.set,), name=name, daemon=True)
                thread.start()
                ready.wait()
                self._thread = thread

    # ---- asyncio -----------------------------------------------------------------------------------------------------

    @overload
    def stream(
        self,
        what: type[M],
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
    ) -> Stream[M]: ...
    @overload
    def stream(
        self,
        what: type[Any] | int,
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
        envelope: bool = False,
    ) -> Stream[Any]: ...
    def stream(
        self,
        what: Any,
        *,
        policy: str | None = None,
        capacity: int = 0,
        name: str | None = None,
        history: int = 0,
        envelope: bool = False,
    ) -> Stream[Any]:
        """An asynchronous iterator over the messages of a class or type_id, for the running event loop.

        It subscribes at once. The loop is woken once per batch of messages. Close it with aclose() or async with.
        """
        stream: Stream[Any] = Stream(self, what, policy, capacity, name, history, envelope)
        self._streams.add(stream)
        return stream

    async def request_async(self, message: Any, reply_cls: type[R], timeout: float | None = 5.0) -> R:
        """As request(), for the running event loop."""
        loop = asyncio.get_running_loop()
        replies = self._replies.get(loop)
        if replies is None:
            replies = self._replies[loop] = _Replies(self, loop)
        reply: R = await replies.request(message, reply_cls, timeout)
        return reply

    # ---- oversight ---------------------------------------------------------------------------------------------------

    def oversight(
        self,
        config: Any = None,
        scorer: Callable[[ScoreQuestion], float] | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        observe: bool = False,
        inline: bool = False,
        name: str | None = None,
        capacity: int = 0,
        max_held: int = 0,
        max_sessions: int = 0,
        text_bytes: int = 0,
        idle: float | None = None,
        scorer_subscription: Subscription | int | None = None,
    ) -> Oversight:
        """Actors that have tokens of text generation scored as they flow, and stop a session before one that makes no
        sense is shown. docs/oversight.md tells the checks and the messages.

        config      the limits: None (the defaults), a mapping of fields of BackfireConfig, their JSON, or an object
                    with to_json(), such as backfire_kernel.BackfireConfig. ValueError for what is no config
        scorer      scorer(question) -> float in [0, 1], for a ScoreQuestion. It runs on a worker thread of the runtime,
                    for one session never twice at once, and must not wait. What it raises halts the session.
                    None: each score is asked for with an OversightScoreRequest: see serve()
        scorer_subscription
                    who is asked on the bus; None: everybody who serves OversightScoreRequest
        options     a mapping of fields of BackfireOptions, such as {"whole_sentences": True}
        observe     sources publish to everybody, and every session is watched; otherwise sessions are attached, and
                    their sources publish to what attach() returned
        inline      score in the publisher's thread while the session waits; not with observe
        capacity, max_held, max_sessions, text_bytes
                    as in MyceliumOversightConfig of mycelium_oversight.h; 0: its default
        idle        seconds without a token until a session ends; None: 60
        """
        if config is not None and not isinstance(config, str):
            config = config.to_json() if hasattr(config, "to_json") else json.dumps(dict(config))
        if scorer_subscription is None:
            scorer_subscription = 0
        elif isinstance(scorer_subscription, Subscription):
            scorer_subscription = scorer_subscription.id
        return self._oversight(
            config,
            dict(options or {}),
            scorer,
            name,
            idle,
            capacity=capacity,
            max_held=max_held,
            max_sessions=max_sessions,
            text_bytes=text_bytes,
            scorer_subscription=scorer_subscription,
            observe=observe,
            inline=inline,
        )

    # ---- the end -----------------------------------------------------------------------------------------------------

    def close(self, timeout: float | None = None) -> None:
        """Stops accepting, delivers what was accepted until timeout seconds have passed, and ends every thread.

        None takes close_timeout. TimedOutError if a callback still runs then; close may be called again. Closing twice
        is no error. Not in a callback of this runtime.
        """
        if timeout is None:
            timeout = self._close_timeout
        end = time.monotonic() + timeout
        self._close(timeout)
        for stream in list(self._streams):
            stream._ended_elsewhere()
        for replies in list(self._replies.values()):
            replies.ended_elsewhere()
        thread = self._thread
        if thread is not None:
            thread.join(max(end - time.monotonic(), 0.05))
            if thread.is_alive():
                raise TimedOutError(f"a callback of runtime {self._name} still runs after {timeout:g} s")
        _live.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()


def library_path() -> str:
    """The libmycelium_ffi.so that this process uses, for native code that shares a runtime through Runtime.handle."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[-1]
            if pathlib.PurePath(path).name.startswith("libmycelium_ffi.so"):
                return path
    raise RuntimeError("libmycelium_ffi.so is linked into another file of this process")


def _environment_close_timeout() -> float:
    try:
        return int(os.environ["MYCELIUM_CLOSE_TIMEOUT_MS"]) / 1000 or 5.0
    except (KeyError, ValueError):
        return 5.0


_live: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _close_all() -> None:
    """Runs at exit, while callbacks still can: closes what was left open, within a deadline."""
    _native.begin_exit()
    end = time.monotonic() + _EXIT_SECONDS
    for runtime in list(_live):
        try:
            runtime.close(max(end - time.monotonic(), 0.0))
        except RuntimeError:
            pass  # a callback does not end: the process ends without it


atexit.register(_close_all)
os.register_at_fork(after_in_child=_live.clear)
