"""Who dials goes on dialing: after a pause that grows from link to link that was none, and is not the same for all."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import TYPE_CHECKING

from ._connection import log
from ._errors import LASTING, ClosedError, TimedOutError
from ._settings import Address

if TYPE_CHECKING:
    from ._bridge import Bridge
    from ._link import Link


class Dialer:
    def __init__(
        self, bridge: Bridge, to: Address, context: ssl.SSLContext | None, server_hostname: str | None
    ) -> None:
        self.to = to
        self.error: BaseException | None = None  # of the last try
        self.first_link: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bridge = bridge
        self._ssl = context
        self._server_hostname = server_hostname or (to.host or "localhost" if context is not None else None)
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"dial {to}")

    async def _run(self) -> None:
        how = self._bridge.how
        pause = 0.0
        while True:
            was_up = False
            try:
                async with asyncio.timeout(how.hello_timeout):  # wait_for of 3.11 may lose that it was cancelled
                    link = await self._connect()
                was_up = await self._follow(link)
                self.error = link.error
            except (
                OSError,
                UnicodeError,
            ) as why:  # TimeoutError and ssl.SSLError among them; a host that cannot be one
                if self.error is None or str(self.error) != str(why):  # once, not at every try
                    log.warning("%s: %s; it is tried again", self.to, why or "it does not answer in time")
                self.error = why
            if isinstance(self.error, LASTING) and not self.first_link.done():
                self.first_link.set_exception(self.error)
                self.first_link.exception()  # looked at: it is no error that nobody waits for it
            pause = how.first_retry if was_up or not pause else min(2 * pause, how.last_retry)
            await asyncio.sleep(random.uniform(pause / 2, pause))

    async def _connect(self) -> Link:
        loop = asyncio.get_running_loop()

        def factory() -> Link:
            return self._bridge.make_link(True, str(self.to))

        if self.to.path:
            _, link = await loop.create_unix_connection(
                factory, self.to.path, ssl=self._ssl, server_hostname=self._server_hostname
            )
        else:
            _, link = await loop.create_connection(
                factory, self.to.host, self.to.port, ssl=self._ssl, server_hostname=self._server_hostname
            )
        return link

    async def _follow(self, link: Link) -> bool:
        """Until a link has ended; whether it was one."""
        link.on_up.append(self._linked)
        if link.was_up:
            self._linked()
        await link.closed
        return link.was_up

    def _linked(self) -> None:
        self.error = None
        if not self.first_link.done():
            self.first_link.set_result(None)

    def stop(self) -> None:
        self._task.cancel()
        if not self.first_link.done():
            self.first_link.set_exception(ClosedError("runtime closed"))
            self.first_link.exception()

    async def wait(self, timeout: float) -> None:
        """Until there was a first link. TimedOutError, or what does not pass by itself."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self.first_link)
        except TimeoutError:
            why = f": {self.error}" if self.error is not None else ""
            raise TimedOutError(f"no link with {self.to} within {timeout:g} s{why}") from self.error
