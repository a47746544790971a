"""How two nodes come to trust each other: Hello both ways, Proof where asked for, Ready both ways.

connected -> Hello -> (Proof) -> Ready sent and heard: greeted
"""

from __future__ import annotations

import hmac
import os
import secrets
from typing import TYPE_CHECKING, Protocol

from ._connection import Connection
from ._errors import ProofRefusedError
from ._settings import LEAST_FRAME, LEAST_WINDOW, Settings
from ._wire import Hello, Proof, Ready, Reason, TypeDigest

if TYPE_CHECKING:
    from ._link import Link
    from ._neighbour import Neighbour

VERSION = 1
_NONCE_SIZE = 16


class GreetingOwner(Protocol):
    """What a greeting asks of the bridge."""

    node: int

    @property
    def digests(self) -> dict[int, bytes]: ...
    def link_is_open(self, link: Link) -> tuple[Reason, str] | None: ...
    def admit(self, link: Link) -> Neighbour | tuple[Reason, str]: ...


class Greeting(Connection):
    def __init__(self, owner: GreetingOwner, how: Settings, dialed: bool, where: str) -> None:
        super().__init__(how, dialed, where)
        self.peer: Neighbour | None = None
        self.hello = Hello()  # the other side's
        self._asks = owner
        self._own_hello = Hello()
        self._heard_hello = False
        self._proven = False
        self._ready: Ready | None = None
        self._sent_ready = False

    def as_link(self) -> Link:
        """Itself, as its owner knows it."""
        raise NotImplementedError

    def on_greeted(self, peer: Neighbour, ready: Ready) -> None:
        """Both sides are ready."""

    def on_open(self) -> None:
        self._own_hello = Hello(
            VERSION, self._asks.node, self.how.name, secrets.token_bytes(_NONCE_SIZE), bool(self.how.secret),
            self.how.max_frame, self.how.window, silence_ms=self.how.silence_ms, process=os.getpid(),
        )  # fmt: skip
        self.send_table(self._own_hello)
        if no := self._asks.link_is_open(self.as_link()):
            self.refuse(*no)

    def on_hello(self, hello: Hello) -> None:
        if self._heard_hello:
            raise ValueError("a second Hello")
        self._heard_hello = True
        self.hello = hello
        if hello.version != VERSION:
            return self.refuse(
                Reason.VERSION, f"this side speaks version {VERSION} of the protocol, not {hello.version}"
            )
        if hello.node == 0 or len(hello.nonce) != _NONCE_SIZE:
            raise ValueError("a Hello without a node, or whose nonce has not 16 bytes")
        if hello.window < LEAST_WINDOW or hello.max_frame < LEAST_FRAME:
            raise ValueError("a Hello with a window under 64 KiB or a max_frame under 1 KiB")
        if hello.node == self._own_hello.node:
            return self.refuse(Reason.ITSELF, "this is the same node")
        if bytes(hello.nonce) == bytes(self._own_hello.nonce):
            return self.refuse(Reason.PROOF, "the nonce is ours, come back")
        if hello.silence_ms:
            self.beat_for(hello.silence_ms / 1000)
        if hello.wants_proof:
            if not self.how.secret:
                return self.fail(
                    ProofRefusedError("the other side asks for a token; give this side the same one", True)
                )
            self.send_table(Proof(self._mac(self.dialed)))
        if not self._own_hello.wants_proof:
            self._accept()

    def _mac(self, dialer: bool) -> bytes:
        """HMAC-SHA256 with the token over a label with the prover's role, and nonce and node of both sides, the
        dialer's first."""
        text = b"mycelium bridge 1 dialer" if dialer else b"mycelium bridge 1 listener"
        sides = (self._own_hello, self.hello) if self.dialed else (self.hello, self._own_hello)
        for hello in sides:
            text += bytes(hello.nonce) + hello.node.to_bytes(8, "little")
        return hmac.digest(self.how.secret, text, "sha256")

    def on_proof(self, proof: Proof) -> None:
        if not self._heard_hello or not self._own_hello.wants_proof or self._proven:
            raise ValueError("a Proof that nobody asked for")
        if not hmac.compare_digest(bytes(proof.mac), self._mac(not self.dialed)):
            return self.refuse(Reason.PROOF, "the token is another one")
        self._proven = True
        self._accept()

    def _accept(self) -> None:
        peer = self._asks.admit(self.as_link())
        if isinstance(peer, tuple):
            return self.refuse(*peer)
        self.peer = peer
        self.greeted(self.how.max_frame)
        types = [TypeDigest(type_id, digest) for type_id, digest in self._asks.digests.items()]
        self.send_table(Ready(types, peer.stream, peer.heard_stream, peer.heard))
        self._sent_ready = True
        if self._ready is not None:
            self.on_greeted(peer, self._ready)

    def on_ready(self, ready: Ready) -> None:
        if not self._heard_hello or self._ready is not None or not ready.stream:
            raise ValueError("a Ready at the wrong time, or without a stream")
        self._ready = ready
        if self._sent_ready and self.peer is not None:
            self.on_greeted(self.peer, ready)
