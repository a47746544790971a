"""Who listens: the sockets, who may connect to them, and what is left of processes that died."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import ssl
import stat
import struct
from typing import TYPE_CHECKING, cast

from ._connection import log
from ._errors import MyceliumError
from ._settings import Address

if TYPE_CHECKING:
    from ._bridge import Bridge

_PEER = struct.Struct("iII")  # ucred: process, user, group


class Listener:
    """At a Unix socket of mode 0600, which takes processes of this user and of root; or at a TCP port."""

    def __init__(self, bridge: Bridge, at: Address) -> None:
        self.at = at
        self._bridge = bridge
        self._server: asyncio.Server | None = None
        self._file: tuple[int, int] | None = None

    async def open(self, context: ssl.SSLContext | None) -> None:
        """MyceliumError, saying what to do."""
        try:
            sock = _bind_unix(self.at) if self.at.path else await _bind_tcp(self.at)
        except OSError as why:
            raise MyceliumError(f"{self.at}: binding: {why}") from why
        if self.at.path:
            file = os.lstat(self.at.path)
            self._file = (file.st_dev, file.st_ino)
        else:
            self.at = dataclasses.replace(self.at, port=sock.getsockname()[1])
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        how = self._bridge.how
        timeout = how.hello_timeout if context is not None else None
        if self.at.path:
            self._server = await loop.create_unix_server(
                self._accept, sock=sock, ssl=context, backlog=how.max_links, ssl_handshake_timeout=timeout
            )
        else:
            self._server = await loop.create_server(
                self._accept, sock=sock, ssl=context, backlog=how.max_links, ssl_handshake_timeout=timeout
            )

    def _accept(self) -> asyncio.Protocol:
        return _Door(self._bridge, self.at)

    def close(self) -> None:
        """The socket's file goes with it, if it still is this one's."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._file is not None:
            try:
                file = os.lstat(self.at.path)
                if (file.st_dev, file.st_ino) == self._file:
                    os.unlink(self.at.path)
            except FileNotFoundError:
                pass
            self._file = None


class _Door(asyncio.Protocol):
    """Looks at who has connected; whoever may stay gets a link."""

    def __init__(self, bridge: Bridge, at: Address) -> None:
        self._bridge = bridge
        self._at = at

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        connection = transport.get_extra_info("socket")
        if self._at.path:
            pid, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
            who = f"process {pid} of user {user}"
            if user not in (0, os.geteuid()):
                log.warning("%s: refused %s", self._at, who)
                transport.abort()
                return
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            who = str(transport.get_extra_info("peername"))
        link = self._bridge.make_link(False, f"{self._at} from {who}")
        transport.set_protocol(link)
        link.connection_made(transport)


def _bind_unix(at: Address) -> socket.socket:
    """Nobody can connect between bind and listen, so that the mode is right from the first moment on."""
    _remove_if_left_behind(at)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(at.path)
        os.chmod(at.path, 0o600)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_if_left_behind(at: Address) -> None:
    """The file of a socket that nobody listens at goes; any other file stays."""
    try:
        if not stat.S_ISSOCK(os.lstat(at.path).st_mode):
            raise MyceliumError(f"{at}: there is a file that is no socket; choose another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(at.path)
        except ConnectionRefusedError:
            os.unlink(at.path)
        except FileNotFoundError:
            pass
        else:
            raise MyceliumError(f"{at}: another process listens there; choose another path or stop it")


async def _bind_tcp(at: Address) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock
