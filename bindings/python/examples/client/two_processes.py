#!/usr/bin/env python3
"""Two processes on one bus, as in ../two_processes.py, without the library: this one is a node in plain Python.

two_processes.py serve unix:/tmp/two
two_processes.py publish unix:/tmp/two
"""

import asyncio
import re
import sys

from mycelium_client import MyceliumError, Runtime
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest

UPDATES = 1000
PATIENCE = 30.0


def count_words(request: WordCountRequest) -> WordCountReply:
    text = request.text.encode()
    return WordCountReply(words=len(re.findall(rb"[^ \t\r\n]+", text)), bytes=len(text))


def numbered(value: int) -> CounterUpdate:
    return CounterUpdate(counter_id=1, value=value, delta=1)


async def serve(bus: Runtime, address: str) -> None:
    updates = bus.stream(CounterUpdate)
    texts = bus.stream(TextMessage)
    bus.serve(WordCountRequest, count_words)
    print("listening at", await bus.bridge_listen(address), flush=True)
    in_order = [await anext(updates) for _ in range(UPDATES)] == [numbered(value + 1) for value in range(UPDATES)]
    farewell = await anext(texts)
    print(f"{farewell.sender} says {farewell.content}")
    print(f"{UPDATES} updates {'in order' if in_order else 'that are not what was published'}")


async def publish(bus: Runtime, address: str) -> None:
    await bus.bridge_dial(address)
    for what in (CounterUpdate, TextMessage, WordCountRequest):
        await bus.wait_for_subscribers(what, timeout=PATIENCE)  # until one over there can be reached
    await bus.publish_many(numbered(value + 1) for value in range(UPDATES))
    reply = await bus.request(WordCountRequest(text="the quick brown fox"), WordCountReply, timeout=PATIENCE)
    print(f"{reply.words} words, {reply.bytes} bytes")
    await bus.publish(TextMessage(sender="Python", content="goodbye 👋"))


async def main() -> int:
    roles = {"serve": serve, "publish": publish}
    if len(sys.argv) != 3 or sys.argv[1] not in roles:
        print("usage: two_processes.py serve|publish ADDRESS", file=sys.stderr)
        return 2
    try:
        async with Runtime(close_timeout=PATIENCE) as bus:  # its end waits until the other process has it all
            await roles[sys.argv[1]](bus, sys.argv[2])
    except MyceliumError as failed:
        print(f"two_processes: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
