#!/usr/bin/python3
"""For each line "TYPE_ID HEX" of the standard input: the payload as mycelium_client verifies it, decoded and encoded
again in hexadecimal, or "refused". In a process without the library.
"""

import asyncio
import os
import sys

os.environ["MYCELIUM_PURE_PYTHON"] = "1"

import golden_protocol
import mycelium_protocol
from mycelium_client import Message, Runtime


async def main() -> None:
    classes = mycelium_protocol.MESSAGES | golden_protocol.MESSAGES
    async with Runtime(mycelium_protocol.SCHEMA_DIGEST, packages=[golden_protocol]) as runtime:
        for line in sys.stdin:
            type_id, text = line.rstrip("\n").split(" ")
            payload = bytes.fromhex(text)
            try:
                runtime.verify_payload(int(type_id), payload)
                print(Message(int(type_id), payload).decode(classes[int(type_id)]).to_bytes().hex())
            except ValueError:
                print("refused")


asyncio.run(main())
if "mycelium_native" in sys.modules:
    sys.exit("mycelium_native was loaded")
