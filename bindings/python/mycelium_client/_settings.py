"""What a runtime is told: addresses, limits and times."""

from __future__ import annotations

import dataclasses

from ._mailbox import POLICIES

# Below these no link works: they are asked of both sides.
LEAST_WINDOW = 64 << 10
LEAST_FRAME = 1024
_LONGEST_PATH = 107  # of a Unix socket, without its terminating zero


def _check_policy(policy: str) -> None:
    if policy not in POLICIES:
        raise ValueError(f"policy {policy!r} is none of {', '.join(POLICIES)}")


@dataclasses.dataclass(frozen=True, slots=True)
class BusSettings:
    """Of a runtime: the names and values of MyceliumRuntimeConfig that apply. Times in seconds."""

    name: str = "mycelium"
    mailbox_capacity: int = 4096
    policy: str = "block"
    block_timeout: float = 1.0
    close_timeout: float = 5.0
    max_payload: int = 16 << 20
    strict: bool = False

    def __post_init__(self) -> None:
        _check_policy(self.policy)
        if self.mailbox_capacity <= 0:
            raise ValueError("a mailbox holds at least one message")


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Of a runtime's links: the names and values of MyceliumBridgeConfig. Times in seconds."""

    name: str = "mycelium"
    token: str | bytes | None = None
    max_links: int = 256
    max_frame: int = 16 << 20
    window: int = 4 << 20
    capacity: int = 65536
    policy: str = "block"
    block_timeout: float = 1.0
    hello_timeout: float = 5.0
    heartbeat: float = 1.0
    silence: float = 5.0
    linger: float = 30.0
    first_retry: float = 0.05
    last_retry: float = 5.0

    def __post_init__(self) -> None:
        _check_policy(self.policy)
        if self.window < LEAST_WINDOW or self.max_frame < LEAST_FRAME:
            raise ValueError("window has to be at least 64 KiB, max_frame 1 KiB")
        if not 0 < self.heartbeat < self.silence:
            raise ValueError("silence has to be longer than heartbeat, or living links would count as dead")
        if min(self.capacity, self.max_links, self.hello_timeout, self.first_retry, self.last_retry) <= 0:
            raise ValueError("capacity, max_links, hello_timeout, first_retry and last_retry have to be above 0")
        if self.linger < 0:
            raise ValueError("linger is no time")

    @property
    def silence_ms(self) -> int:
        """As a Hello says it."""
        return max(1, min(round(self.silence * 1000), 2**32 - 1))

    @property
    def secret(self) -> bytes:
        """The token as bytes; empty without one."""
        token = self.token or b""
        return token.encode() if isinstance(token, str) else token


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """unix:PATH, tcp:HOST:PORT, or tls:HOST:PORT for TLS over TCP; an IPv6 host stands in brackets."""

    path: str = ""
    host: str = ""
    port: int = 0
    has_tls: bool = False

    @staticmethod
    def parse(text: str) -> Address:
        """ValueError."""
        kind, _, rest = text.partition(":")
        if kind == "unix":
            if not 0 < len(rest.encode()) <= _LONGEST_PATH:
                raise _malformed(text, f"a socket's path has 1 to {_LONGEST_PATH} bytes")
            return Address(path=rest)
        if kind not in ("tcp", "tls"):
            raise _malformed(text, "it begins with neither unix:, tcp: nor tls:")
        host, colon, port = rest.rpartition(":")
        if not colon:
            raise _malformed(text, "the port is missing")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise _malformed(text, "an IPv6 host stands in brackets")
        if not host:
            raise _malformed(text, "the host is missing")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise _malformed(text, "the port is no number from 0 to 65535")
        return Address(host=host, port=int(port), has_tls=kind == "tls")

    @property
    def is_loopback(self) -> bool:
        """Out of reach of other machines."""
        return not self.host or self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'tls' if self.has_tls else 'tcp'}:{host}:{self.port}"


def _malformed(text: str, why: str) -> ValueError:
    return ValueError(
        f"{text!r} is no address: {why}; write unix:/path/to/socket, tcp:host:port, tcp:[::1]:port or tls:host:port"
    )
