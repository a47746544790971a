#!/usr/bin/env python3
"""Publishes a few lines of text and prints them as they arrive."""

from mycelium_native import Runtime
from mycelium_protocol import SCHEMA_DIGEST, TextMessage


def show(message: TextMessage) -> None:
    print(f"{message.timestamp}: {message.sender} says {message.content!r}")


def main() -> None:
    # The end of the block closes the runtime, which first delivers what it has accepted.
    with Runtime(SCHEMA_DIGEST) as bus:
        bus.subscribe(TextMessage, show)
        for number, word in enumerate(("one", "two", "three"), start=1):
            bus.publish(TextMessage(sender="publisher", content=word, timestamp=number))


if __name__ == "__main__":
    main()
