#!/usr/bin/env python3
"""Reads messages in an event loop while a thread publishes them."""

import asyncio

from mycelium_native import Runtime
from mycelium_protocol import CounterUpdate

UPDATES = 1000


def publish(bus: Runtime) -> None:
    for value in range(1, UPDATES + 1):
        bus.publish(CounterUpdate(counter_id=1, value=value, delta=1))


async def main() -> None:
    with Runtime() as bus:
        async with bus.stream(CounterUpdate) as updates:
            publishing = asyncio.create_task(asyncio.to_thread(publish, bus))
            received = 0
            async for update in updates:
                received += 1
                if received == UPDATES:
                    print(f"{received} updates, the last value is {update.value}")
                    break
            await publishing


if __name__ == "__main__":
    asyncio.run(main())
