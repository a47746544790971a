#!/usr/bin/env python3
"""Publishes a message and prints it as it arrives."""

from mycelium_native import Runtime
from mycelium_protocol import SCHEMA_DIGEST, TextMessage


def show(message: TextMessage) -> None:
    print(f"{message.sender}: {message.content} ({message.timestamp})")


def main() -> None:
    # The end of the block closes the runtime, which first delivers what it has accepted.
    with Runtime(SCHEMA_DIGEST) as bus:
        bus.subscribe(TextMessage, show)
        bus.publish(TextMessage(sender="example", content="hi", timestamp=123))


if __name__ == "__main__":
    main()
