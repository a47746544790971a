"""Mycelium over a socket: a node of the bus in plain Python, with asyncio and nothing else.

    import asyncio
    from mycelium_client import Runtime
    from mycelium_protocol import SCHEMA_DIGEST, TextMessage

    async def main():
        async with Runtime(SCHEMA_DIGEST) as rt:
            await rt.bridge_dial("unix:/run/user/1000/bus", timeout=5)
            rt.subscribe(TextMessage, print)
            await rt.publish(TextMessage(sender="py", content="hi", timestamp=123))
            await rt.flush()

    asyncio.run(main())

It speaks the bridge protocol (docs/bridge-protocol.md) as a full node: it dials and listens, over Unix and TCP sockets,
has any number of neighbours, and passes on what is for others. The names are those of mycelium_native; what waits is
awaited. docs/python-client.md tells the rest.
"""

from __future__ import annotations

from ._errors import (
    ClosedError,
    InvalidPayloadError,
    ItselfRefusedError,
    LateRefusedError,
    LeavingError,
    MailboxFullError,
    MyceliumError,
    NoReplyError,
    NotAllowedError,
    ProofRefusedError,
    ProtocolRefusedError,
    RefusedError,
    TimedOutError,
    TooLargeError,
    TooManyLinksError,
    VersionRefusedError,
)
from ._events import Dropped, Event, Forgotten, Gap, Linked, Unlinked
from ._message import Envelope, Message
from ._runtime import Runtime
from ._stats import BridgeStats, NeighbourStats, RuntimeStats
from ._subscription import CallbackSubscription, Stream, Subscription, SubscriptionStats
from ._wire import Reason

__all__ = [
    "BridgeStats",
    "CallbackSubscription",
    "ClosedError",
    "Dropped",
    "Envelope",
    "Event",
    "Forgotten",
    "Gap",
    "InvalidPayloadError",
    "ItselfRefusedError",
    "LateRefusedError",
    "LeavingError",
    "Linked",
    "MailboxFullError",
    "Message",
    "MyceliumError",
    "NeighbourStats",
    "NoReplyError",
    "NotAllowedError",
    "ProofRefusedError",
    "ProtocolRefusedError",
    "Reason",
    "RefusedError",
    "Runtime",
    "RuntimeStats",
    "Stream",
    "Subscription",
    "SubscriptionStats",
    "TimedOutError",
    "TooLargeError",
    "TooManyLinksError",
    "Unlinked",
    "VersionRefusedError",
]
