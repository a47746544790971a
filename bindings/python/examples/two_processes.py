#!/usr/bin/env python3
"""Two processes on one bus. One listens and serves; the other, of any language, dials, publishes and asks:

two_processes.py serve unix:/tmp/two
two_processes.py publish unix:/tmp/two
"""

import queue
import re
import sys

from mycelium_native import MyceliumError, Runtime
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest

UPDATES = 1000
PATIENCE = 30.0


def count_words(request: WordCountRequest) -> WordCountReply:
    text = request.text.encode()
    return WordCountReply(words=len(re.findall(rb"[^ \t\r\n]+", text)), bytes=len(text))


def numbered(value: int) -> CounterUpdate:
    return CounterUpdate(counter_id=1, value=value, delta=1)


def serve(bus: Runtime, address: str) -> None:
    updates: queue.SimpleQueue[CounterUpdate] = queue.SimpleQueue()
    texts: queue.SimpleQueue[TextMessage] = queue.SimpleQueue()
    bus.subscribe(CounterUpdate, updates.put)
    bus.subscribe(TextMessage, texts.put)
    bus.serve(WordCountRequest, count_words)
    print("listening at", bus.bridge_listen(address), flush=True)
    in_order = [updates.get() for _ in range(UPDATES)] == [numbered(value + 1) for value in range(UPDATES)]
    farewell = texts.get()
    print(f"{farewell.sender} says {farewell.content}")
    print(f"{UPDATES} updates {'in order' if in_order else 'that are not what was published'}")


def publish(bus: Runtime, address: str) -> None:
    bus.bridge_dial(address)
    for what in (CounterUpdate, TextMessage, WordCountRequest):
        bus.wait_for_subscribers(what, timeout=PATIENCE)  # until one over there can be reached
    bus.publish_many(numbered(value + 1) for value in range(UPDATES))
    reply = bus.request(WordCountRequest(text="the quick brown fox"), WordCountReply, timeout=PATIENCE)
    print(f"{reply.words} words, {reply.bytes} bytes")
    bus.publish(TextMessage(sender="Python", content="goodbye 👋"))


def main() -> int:
    roles = {"serve": serve, "publish": publish}
    if len(sys.argv) != 3 or sys.argv[1] not in roles:
        print("usage: two_processes.py serve|publish ADDRESS", file=sys.stderr)
        return 2
    try:
        with Runtime(close_timeout=PATIENCE) as bus:  # its end waits until the other process has it all
            roles[sys.argv[1]](bus, sys.argv[2])
    except MyceliumError as failed:
        print(f"two_processes: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
