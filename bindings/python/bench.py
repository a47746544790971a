#!/usr/bin/env python3
"""How fast Python is on the bus: encode, decode, publish, callbacks, asyncio, requests.

    python3 bindings/python/bench.py [--quick] [--table] [--json FILE] [--check]

Prints one JSON object a line, {"language": "python", "what": ..., "rate": per second}, or a table. The rows publish,
callback, callback_batched, encode and decode are those of every language's benchmark (tools/bench adapters): payloads of
64 bytes, and a TextMessage.

Messages for callbacks come from native code (mycelium_publish_batch on a thread that holds no GIL), so that their rates
are those of the receiving side. Each row is the median of the runs; every message is counted, and none may be lost.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

# Beside this file lies mycelium_native without its extension: the installed one is meant, or the one that was built.
_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:] = [path for path in sys.path if os.path.realpath(path or ".") != _HERE]
sys.path.append(os.path.join(_HERE, "../../build/release/python"))

import mycelium_native
import mycelium_protocol
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest

MESSAGE = TextMessage(sender="py", content="x" * 64, timestamp=123)
RAW = 20001  # a type without a schema
PAYLOAD = bytes(64)


class Gate(NamedTuple):
    row: str
    at_least: float  # per second


GATES = [
    Gate("callback_decoded", 0.7e6),
    Gate("callback_batched", 3.0e6),
    Gate("publish_message", 1.5e6),
    Gate("encode", 1.0e6),
    Gate("decode", 1.0e6),
]


class Payload(ctypes.Structure):
    _fields_ = [("type_id", ctypes.c_uint16), ("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Native:
    """The C interface on the runtime of a Python host."""

    def __init__(self, runtime: Runtime) -> None:
        self.library = ctypes.CDLL(mycelium_native.library_path())
        self.handle = ctypes.c_void_p(runtime.handle)

    def publish(self, type_id: int, payload: bytes, count: int) -> None:
        each = 256
        batch = (Payload * each)(*[Payload(type_id, payload, len(payload))] * each)
        for _ in range(count // each):
            status = self.library.mycelium_publish_batch(self.handle, batch, ctypes.c_size_t(each), None)
            if status != 0:
                raise RuntimeError(f"mycelium_publish_batch: {status}")

    def subscribe_nothing(self) -> None:
        """A subscriber in C whose callback does nothing: the C library's abs() of the type_id."""
        callback = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p)
        status = self.library.mycelium_subscribe(
            self.handle, ctypes.c_uint16(TextMessage.TYPE_ID), callback, None, None
        )
        if status != 0:
            raise RuntimeError(f"mycelium_subscribe: {status}")


def new_runtime() -> Runtime:
    return Runtime(block_timeout=60.0)


def timed(count: int, work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def repeat(function: Callable[[Any], Any], argument: Any, count: int) -> Callable[[], None]:
    def loop() -> None:
        for _ in range(count):
            function(argument)

    return loop


def bench_codec(count: int) -> dict[str, float]:
    data = MESSAGE.to_bytes()
    return {
        "encode": timed(count, repeat(TextMessage.to_bytes, MESSAGE, count)),
        "decode": timed(count, repeat(TextMessage.from_bytes, data, count)),
    }


def bench_publish(count: int) -> dict[str, float]:
    rows = {}
    with new_runtime() as runtime:

        def publish_raw() -> None:
            for _ in range(count):
                runtime.publish_bytes(RAW, PAYLOAD)

        rows["publish"] = timed(count, publish_raw)
        rows["publish_message"] = timed(count, repeat(runtime.publish, MESSAGE, count))
        Native(runtime).subscribe_nothing()
        rows["publish_message_to_c"] = timed(count, repeat(runtime.publish, MESSAGE, count))
    with new_runtime() as runtime:
        Native(runtime).subscribe_nothing()
        rows["publish_many_to_c"] = timed(count, lambda: runtime.publish_many([MESSAGE] * count))
    return rows


def receive(count: int, what: Any, batch: bool, payload: bytes) -> float:
    """Messages per second from a native publisher to a callback."""
    type_id = what if isinstance(what, int) else what.TYPE_ID
    received = 0
    done = threading.Event()

    def one(message: Any) -> None:
        nonlocal received
        received += 1
        if received == count:
            done.set()

    def many(messages: list[Any]) -> None:
        nonlocal received
        received += len(messages)
        if received == count:
            done.set()

    with new_runtime() as runtime:
        runtime.subscribe(what, many if batch else one, batch=batch)
        native = Native(runtime)
        publisher = threading.Thread(target=native.publish, args=(type_id, payload, count))
        begin = time.perf_counter()
        publisher.start()
        if not done.wait(120):
            raise RuntimeError(f"{received} of {count} messages have arrived")
        rate = count / (time.perf_counter() - begin)
        publisher.join()
        stats = runtime.stats()
        if stats.delivered != count or any(stats.dropped.values()):
            raise RuntimeError(f"messages were lost: {stats}")
    return rate


def bench_callbacks(count: int) -> dict[str, float]:
    """Raw payloads come as views of the received memory, which are not copied."""
    return {
        "callback": receive(count, RAW, False, PAYLOAD),
        "callback_batched": receive(count, RAW, True, PAYLOAD),
        "callback_decoded": receive(count, TextMessage, False, MESSAGE.to_bytes()),
        "callback_batched_decoded": receive(count, TextMessage, True, MESSAGE.to_bytes()),
    }


def bench_end_to_end(count: int) -> dict[str, float]:
    """Publisher and callback in Python: both need the GIL, and share it."""
    done = threading.Event()
    received = 0

    def callback(_: TextMessage) -> None:
        nonlocal received
        received += 1
        if received == count:
            done.set()

    with new_runtime() as runtime:
        runtime.subscribe(TextMessage, callback)
        begin = time.perf_counter()
        for _ in range(count):
            runtime.publish(MESSAGE)
        if not done.wait(120):
            raise RuntimeError(f"{received} of {count} messages have arrived")
        return {"publish_to_callback": count / (time.perf_counter() - begin)}


def bench_asyncio(count: int) -> dict[str, float]:
    async def read(batches: bool) -> float:
        with new_runtime() as runtime:
            stream = runtime.stream(TextMessage)
            native = Native(runtime)
            publisher = threading.Thread(target=native.publish, args=(TextMessage.TYPE_ID, MESSAGE.to_bytes(), count))
            received = 0
            begin = time.perf_counter()
            publisher.start()
            if batches:
                async for batch in stream.batches():
                    received += len(batch)
                    if received == count:
                        break
            else:
                async for _ in stream:
                    received += 1
                    if received == count:
                        break
            rate = count / (time.perf_counter() - begin)
            publisher.join()
            await stream.aclose()
        return rate

    return {
        "async_for": asyncio.run(read(False)),
        "async_for_batches": asyncio.run(read(True)),
    }


def bench_requests(count: int) -> tuple[dict[str, float], list[float]]:
    """The rate, and the latency of each, there and back, in microseconds."""
    latencies = []
    with new_runtime() as runtime:
        runtime.serve(WordCountRequest, lambda request: WordCountReply(words=1))
        question = WordCountRequest(text="how many")
        begin = time.perf_counter()
        for _ in range(count):
            asked = time.perf_counter_ns()
            runtime.request(question, WordCountReply)
            latencies.append((time.perf_counter_ns() - asked) / 1000)
        return {"request": count / (time.perf_counter() - begin)}, latencies


class Row(NamedTuple):
    what: str
    rate: float  # per second
    p50_us: float | None = None
    p99_us: float | None = None


def measure(batches: int, repetitions: int) -> list[Row]:
    count = 256 * batches
    runs: list[dict[str, float]] = []
    latencies: list[float] = []
    for _ in range(repetitions):
        rows: dict[str, float] = {}
        for bench in (bench_publish, bench_callbacks, bench_codec, bench_end_to_end, bench_asyncio):
            rows.update(bench(count))
        rates, each = bench_requests(5 * batches)
        rows.update(rates)
        latencies += each
        runs.append(rows)
    latencies.sort()
    last = len(latencies) - 1
    result = [Row(what, statistics.median(run[what] for run in runs)) for what in runs[0]]
    result[-1] = result[-1]._replace(p50_us=latencies[last // 2], p99_us=latencies[last * 99 // 100])
    return result


def print_table(rows: list[Row], gates: dict[str, float]) -> None:
    payload = len(MESSAGE.to_bytes())
    print(f"Python {sys.version.split()[0]}, codec {mycelium_protocol.codec()}, TextMessage of {payload} bytes")
    print(f"{'what':<26} {'M/s':>8} {'us each':>9}   gate")
    for row in rows:
        gate = gates.get(row.what)
        told = "" if gate is None else f"{gate / 1e6:.1f} M/s {'ok' if row.rate >= gate else 'MISSED'}"
        told = told if row.p50_us is None else f"p50 {row.p50_us:.0f} us, p99 {row.p99_us:.0f} us"
        print(f"{row.what:<26} {row.rate / 1e6:>8.3f} {1e6 / row.rate:>9.3f}   {told}".rstrip())


def as_object(row: Row) -> dict[str, Any]:
    return {"language": "python", "what": row.what, "rate": round(row.rate)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short run, to see that everything works")
    parser.add_argument("--table", action="store_true", help="print a table, with the gates")
    parser.add_argument("--json", metavar="FILE", help="write the objects, as one array, to FILE")
    parser.add_argument("--check", action="store_true", help="end with 1 if a gate is missed")
    options = parser.parse_args()
    rows = measure(10, 1) if options.quick else measure(2000, 5)
    gates = {gate.row: gate.at_least for gate in GATES}
    if options.table:
        print_table(rows, gates)
    else:
        for row in rows:
            print(json.dumps(as_object(row)))
    missed = [row.what for row in rows if row.rate < gates.get(row.what, 0.0)]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump([as_object(row) for row in rows], out, indent=1)
            out.write("\n")
    if options.check and missed:
        print(f"bench.py: below their gates: {', '.join(missed)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
