#!/usr/bin/env python3
"""Reads messages in an event loop while another task publishes them."""

import asyncio

from mycelium_native import Runtime
from mycelium_protocol import CounterUpdate


async def publish(bus: Runtime, count: int) -> None:
    value = 0
    for delta in range(1, count + 1):
        value += delta
        bus.publish(CounterUpdate(counter_id=1, value=value, delta=delta))
        await asyncio.sleep(0)


async def main() -> None:
    with Runtime() as bus:
        async with bus.stream(CounterUpdate) as updates:
            publishing = asyncio.create_task(publish(bus, 4))
            async for update in updates:
                print(f"{update.delta:+d} makes {update.value}")
                if update.value == 10:
                    break
            await publishing


if __name__ == "__main__":
    asyncio.run(main())
