"""How a case is written, and what it gets to work with."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import pathlib
import random
import socket
from collections.abc import Callable, Mapping, Sequence

from peer import Peer
from subject import PATIENCE_S, Failure, Subject

TYPE = 50001  # without a schema, as those after it
TEXT_MESSAGE = 1001


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[Stage], None]
    needs: tuple[str, ...]
    roles: tuple[str, ...]
    options: Mapping[str, str | int]

    @property
    def rule(self) -> str:
        """What the protocol asks."""
        return " ".join((self.run.__doc__ or "").split())


CASES: list[Case] = []


def case(
    *needs: str, roles: Sequence[str] = ("dial", "listen"), **options: str | int
) -> Callable[..., Callable[[Stage], None]]:
    """Declares a case: needs are features of the subject, options the adapter's (heartbeat=50 for --heartbeat 50)."""

    def declare(run: Callable[[Stage], None]) -> Callable[[Stage], None]:
        group = run.__module__.removeprefix("cases_")
        CASES.append(Case(f"{group}.{run.__name__}", run, needs, tuple(roles), options))
        return run

    return declare


class Stage:
    """One run of the subject, in its role and on a transport, and the neighbours that the suite plays for it."""

    def __init__(self, command: Sequence[str], role: str, transport: str, folder: pathlib.Path, case: Case) -> None:
        self.role = role
        self.transport = transport
        self.folder = folder
        self.options = dict(case.options)
        self._stack = contextlib.ExitStack()
        self._names = itertools.count()
        self._dice = random.Random(case.name)
        self._listener: socket.socket | None = None
        self._doors: dict[int, socket.socket] = {}  # where the subject dials other neighbours than the first
        arguments = [
            text for name, value in self.options.items() for text in ("--" + name.replace("_", "-"), str(value))
        ]
        if role == "listen":
            arguments += ["--listen", f"unix:{folder}/subject" if transport == "unix" else "tcp:127.0.0.1:0"]
        else:
            self._listener, address = self._listen()
            arguments += ["--dial", address]
        self.subject = Subject([*command, *arguments])
        self.address = self.subject.address() if role == "listen" else ""

    def _listen(self) -> tuple[socket.socket, str]:
        if self.transport == "unix":
            listener = socket.socket(socket.AF_UNIX)
            path = f"{self.folder}/judge{next(self._names)}"
            listener.bind(path)
            address = "unix:" + path
        else:
            listener = socket.socket(socket.AF_INET)
            listener.bind(("127.0.0.1", 0))
            address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        self._stack.enter_context(listener)
        listener.listen(8)
        listener.settimeout(PATIENCE_S)
        return listener, address

    def peer(self, node: int | None = None, window: int | None = None) -> Peer:
        """The next connection: over the subject's address, or its next one to ours."""
        token = str(self.options["token"]) if "token" in self.options else None
        node = self._dice.getrandbits(63) + 1 if node is None else node
        if self._listener is None:
            peer = Peer(self._connect(), True, node, token)
        else:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                raise Failure("it does not dial") from None
            peer = Peer(connection, False, node, token)
        self._stack.enter_context(peer.socket)
        if window is not None:
            peer.window = window
        return peer

    def another(self, node: int | None = None) -> Peer:
        """A second neighbour beside the first, as a mesh has it."""
        if self._listener is None:
            return self.peer(node)
        door, address = self._listen()
        self.subject.do(f"dial {address}")
        peer = self._peer_at(door, node)
        self._doors[peer.node] = door
        return peer

    def two(self, first_id: int | None = None, second_id: int | None = None) -> tuple[Peer, Peer]:
        """Neighbours that have said their states."""
        first = self.peer(first_id).greet()
        first.say_state()
        second = self.another(second_id).greet()
        second.say_state()
        return first, second

    def _peer_at(self, door: socket.socket | None, node: int | None, window: int | None = None) -> Peer:
        """The next connection to this place of ours."""
        first, self._listener = self._listener, door
        try:
            return self.peer(node, window)
        finally:
            self._listener = first

    def _connect(self) -> socket.socket:
        kind, _, place = self.address.partition(":")
        if kind == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE_S)
            connection.connect(place)
            return connection
        host, _, port = place.rpartition(":")
        connection = socket.create_connection((host, int(port)), PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def linked(self, wants: tuple[int, ...] = (), window: int | None = None) -> Peer:
        """A neighbour that is linked, and that the subject knows to want these types."""
        peer = self.peer(window=window).greet()
        self.wanted(peer, wants)
        return peer

    def wanted(self, peer: Peer, wants: tuple[int, ...]) -> None:
        peer.say_state(wants)
        for type_id in wants:
            self.subject.do(f"wait {type_id} 1 {PATIENCE_S * 1000:.0f}")

    def again(
        self, before: Peer, heard_stream: int | None = None, heard: int | None = None, stream: int | None = None
    ) -> Peer:
        """The same node connects once more, after its connection was cut; without a word else, it goes on where it
        was."""
        peer = self._peer_at(self._doors.get(before.node, self._listener), before.node, before.window)
        peer.state_version = before.state_version
        peer.stream = before.stream if stream is None else stream
        peer.sent = before.sent
        peer.more_hello = before.more_hello
        if peer.stream == before.stream:
            peer.asked, peer.delivered = before.asked, before.delivered
        peer.greet(
            heard_stream=before.ready["stream"] if heard_stream is None else heard_stream,
            heard=before.heard if heard is None else heard,
        )
        return peer

    def in_place_of(self, before: Peer) -> Peer:
        """The next connection to where that one was, of another node."""
        door = self._doors.get(before.node)
        peer = self._peer_at(door or self._listener, None)
        if door is not None:
            self._doors[peer.node] = door
        return peer

    def end(self) -> str:
        """What the subject wrote to its standard error."""
        self._stack.close()
        return self.subject.end()
