#!/usr/bin/python3
"""mycelium_client as a subject of the conformance suite: tests/conformance/README.md has the contract."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import Any

import mycelium_client
from mycelium_client import Message, MyceliumError, Runtime

NAMES = {-8: "TOO_LARGE", -9: "INVALID_PAYLOAD", -10: "FULL", -11: "TIMEOUT", -12: "CLOSED", -15: "NO_REPLY"}
TIMES = ("hello_timeout", "heartbeat", "silence", "linger")
NUMBERS = ("window", "max_frame", "capacity", "max_links")
LONGEST_LINE = 8 << 20


def say(*words: object) -> None:
    print(*words, flush=True)


def dashed(payload: bytes) -> str:
    return payload.hex() or "-"


def undashed(text: str) -> bytes:
    return b"" if text == "-" else bytes.fromhex(text)


def status(why: MyceliumError) -> str:
    return NAMES.get(why.status, f"STATUS{why.status}")


class Adapter:
    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.subscriptions: dict[int, mycelium_client.CallbackSubscription] = {}
        self.held: list[Message] = []
        self.asking: set[asyncio.Task[None]] = set()

    # ---- what the bus calls ----

    def on_message(self, message: Message) -> None:
        told = message.envelope
        key = told.destination_key if told.destination == 2 else "-"
        say(
            f"message {message.type_id} {dashed(message.payload)} publisher={told.publisher_id} "
            f"sequence={told.sequence} timestamp={told.timestamp_ns} correlation={told.correlation_id} "
            f"priority={told.priority} trace={told.trace or '-'} key={key}"
        )

    def on_request(self, message: Message, how: str) -> None:
        if not message.is_request:
            return
        say("serving", message.type_id, dashed(message.payload))
        if how == "echo":
            self.runtime.reply_bytes(message, message.type_id, message.payload)
        elif how == "hold":
            self.held.append(message)

    async def ask(self, number: str, type_id: int, payload: bytes, seconds: float) -> None:
        try:
            reply = await self.runtime.request_bytes(type_id, payload, timeout=seconds)
            say("reply", number, reply.type_id, dashed(reply.payload))
        except MyceliumError as why:
            say("failed", number, status(why))

    # ---- commands ----

    async def obey(self, verb: str, words: list[str]) -> str:
        command = getattr(self, "do_" + verb, None)
        if command is None:
            return "error UNKNOWN_COMMAND"
        try:
            return await command(*words) or "ok"
        except MyceliumError as why:
            return f"error {status(why)}"

    async def do_subscribe(self, type_id: str) -> None:
        self.subscriptions[int(type_id)] = self.runtime.subscribe(int(type_id), self.on_message)

    async def do_unsubscribe(self, type_id: str) -> None:
        self.subscriptions.pop(int(type_id)).close()

    async def do_publish(self, type_id: str, payload: str, *options: str) -> None:
        given: dict[str, Any] = dict(option.split("=", 1) for option in options)
        numbers = {"correlation": "correlation_id", "priority": "priority", "key": "key"}
        how = {numbers[name]: int(value) for name, value in given.items() if name in numbers}
        await self.runtime.publish_bytes(int(type_id), undashed(payload), trace=given.get("trace"), **how)

    async def do_wait(self, type_id: str, count: str, milliseconds: str) -> None:
        await self.runtime.wait_for_subscribers(int(type_id), int(count), int(milliseconds) / 1000)

    async def do_request(self, number: str, type_id: str, payload: str, milliseconds: str) -> None:
        task = asyncio.create_task(self.ask(number, int(type_id), undashed(payload), int(milliseconds) / 1000))
        self.asking.add(task)
        task.add_done_callback(self.asking.discard)

    async def do_serve(self, type_id: str, how: str) -> None:
        self.runtime.subscribe(int(type_id), lambda message: self.on_request(message, how))

    async def do_answer(self, payload: str) -> str:
        if not self.held:
            return "error NO_REQUEST"
        request = self.held.pop(0)
        try:
            self.runtime.reply_bytes(request, request.type_id, undashed(payload))
        except MyceliumError:
            pass  # too late
        return "ok"

    async def do_dial(self, address: str) -> None:
        await self.runtime.bridge_dial(address)

    async def do_stats(self) -> str:
        stats = self.runtime.bridge_stats()._asdict()
        names = ("sent", "acknowledged", "dropped", "lost", "missing", "invalid", "links_made", "links_cut", "refused")
        return "stats " + " ".join(f"{name}={stats[name]}" for name in names)

    async def close(self, seconds: float) -> str:
        self.held.clear()
        try:
            await self.runtime.close(seconds)
        except MyceliumError as why:
            return f"error {status(why)}"
        return "ok"


async def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("dial", "listen", "name", "token", "policy"):
        parser.add_argument("--" + name)
    for name in TIMES + NUMBERS:
        parser.add_argument("--" + name.replace("_", "-"), type=int)
    given = {name: value for name, value in vars(parser.parse_known_args()[0]).items() if value is not None}
    dial, listen = given.pop("dial", None), given.pop("listen", None)
    options = {name: value / 1000 if name in TIMES else value for name, value in given.items()}

    lines = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    runtime = Runtime()
    runtime.bridge_open(**options)
    adapter = Adapter(runtime)
    say("subject mycelium_client mesh counts drops keys many")
    if listen:
        say("listening", await runtime.bridge_listen(listen))
    if dial:
        await runtime.bridge_dial(dial)
    while line := (await lines.readline()).decode():
        verb, *words = line.split()
        if verb == "close":
            say(await adapter.close(int(words[0]) / 1000))
            return
        say(await adapter.obey(verb, words))
    await adapter.close(5.0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    asyncio.run(main())
