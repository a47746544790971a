"""NATS for tests: servers on ports of their own, and a client that speaks the protocol itself (docs.nats.io, "Client
Protocol"), so that what Mycelium says is read by a program that knows nothing of Mycelium."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60
NATS_SERVER = shutil.which("nats-server") or "/usr/sbin/nats-server"


def wait_until(holds: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Until holds() is true; AssertionError naming `what` otherwise."""
    until = time.monotonic() + patience_s
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < until, f"in vain: {what}"
        pause.wait(0.02)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at in this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Server:
    """One nats-server. Started again after stop or kill, it is the same one: same ports, same store."""

    def __init__(self, folder: Path, name: str = "one", port: int = 0, jetstream: bool = False,
                 config: str = "") -> None:
        self.folder = folder / f"server-{name}"
        self.folder.mkdir()
        self.port = port or free_ports(1)[0]
        store = f'jetstream {{ store_dir: "{self.folder}/store" }}\n' if jetstream else ""
        self.head = f'server_name: "{name}"\nlisten: "127.0.0.1:{self.port}"\n{store}'
        self.config = self.folder / "server.conf"
        self.configure(config)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def configure(self, config: str) -> None:
        """Read at the next start, or by reload()."""
        self.config.write_text(self.head + config)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([NATS_SERVER, "-c", str(self.config)], stdout=log, stderr=log)

        def listens() -> bool:
            assert self.process is not None and self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, "the server listens")

    def kill(self) -> None:
        """As kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
            self.process = None

    def reload(self) -> None:
        """Makes it read its configuration."""
        self.order("reload")

    def retire(self) -> None:
        """Lame duck mode: it lets nobody in any more, tells its clients, closes their connections and ends."""
        self.order("ldm")

    def order(self, what: str) -> None:
        assert self.process is not None
        subprocess.run([NATS_SERVER, "--signal", f"{what}={self.process.pid}"], check=True, capture_output=True,
                       timeout=PATIENCE_S)

    def wait_for_end(self) -> None:
        assert self.process is not None
        self.process.wait(PATIENCE_S)


def cluster(folder: Path, count: int, jetstream: bool = True, config: str = "") -> list[Server]:
    """So many servers, all of them linked with each other."""
    ports = free_ports(2 * count)
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports[count:])
    servers = [Server(folder, f"n{i}", ports[i], jetstream, config +
                      f'cluster {{ name: "c", listen: "127.0.0.1:{ports[count + i]}", routes: [{routes}] }}\n')
               for i in range(count)]
    with Client(servers[0]) as client:
        if jetstream:  # its leader has been elected
            wait_until(lambda: "error" not in client.api("INFO", patience_s=2), "JetStream is there")
    return servers


@dataclass
class Message:
    subject: str
    reply: str
    headers: dict[str, str] = field(default_factory=dict)
    payload: bytes = b""
    status: str = ""  # of the first header line: "503" where nobody answers


def parse_headers(block: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = block.decode().split("\r\n")
    pairs = (line.split(":", 1) for line in lines if line)
    return first.removeprefix("NATS/1.0").strip(), {name: value.strip() for name, value in pairs}


class Client:
    """A connection. Messages of all subscriptions come in one list, in order."""

    def __init__(self, server: Server, **options: object) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        self.socket.settimeout(None)
        self.file = self.socket.makefile("rb")
        self.lock = threading.Condition()
        self.messages: list[Message] = []
        self.pongs = 0
        self.errors: list[str] = []
        self.sids = 0
        self.inbox = f"_INBOX.{os.urandom(8).hex()}"
        info = self.file.readline()
        assert info.startswith(b"INFO "), info
        told = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "python",
                "version": "1", "protocol": 1, **options}
        self.send(b"CONNECT " + json.dumps(told).encode() + b"\r\n")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        self.flush()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(PATIENCE_S)
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> None:
        try:
            while line := self.file.readline():
                self.obey(line.rstrip(b"\r\n"))
        except (OSError, ValueError):
            pass

    def obey(self, line: bytes) -> None:
        verb, *words = line.decode().split()
        if verb == "PING":
            self.send(b"PONG\r\n")
        elif verb in ("MSG", "HMSG"):
            sizes = 2 if verb == "HMSG" else 1
            subject, reply = words[0], words[2] if len(words) == 3 + sizes else ""
            size = int(words[-1])
            head = int(words[-2]) if verb == "HMSG" else 0
            data = self.file.read(size + 2)[:-2]
            status, headers = parse_headers(data[:head]) if head else ("", {})
            with self.lock:
                self.messages.append(Message(subject, reply, headers, data[head:], status))
                self.lock.notify_all()
        else:
            with self.lock:
                self.pongs += verb == "PONG"
                if verb == "-ERR":
                    self.errors.append(line.decode())
                self.lock.notify_all()

    def flush(self) -> None:
        """Until the server has dealt with everything that was sent."""
        with self.lock:
            wanted = self.pongs + 1
            self.send(b"PING\r\n")
            assert self.lock.wait_for(lambda: self.pongs >= wanted, PATIENCE_S), f"no PONG; {self.errors}"

    def subscribe(self, subject: str) -> None:
        self.sids += 1
        self.send(f"SUB {subject} {self.sids}\r\n".encode())
        self.flush()

    def publish(self, subject: str, payload: bytes, headers: dict[str, str] | None = None, reply: str = "") -> None:
        target = f"{subject} {reply}".strip()
        if headers is None:
            self.send(f"PUB {target} {len(payload)}\r\n".encode() + payload + b"\r\n")
            return
        block = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
        self.send(f"HPUB {target} {len(block)} {len(block) + len(payload)}\r\n".encode() + block + payload + b"\r\n")

    def wait(self, count: int, patience_s: float = PATIENCE_S) -> list[Message]:
        """The first `count` messages."""
        with self.lock:
            enough = self.lock.wait_for(lambda: len(self.messages) >= count, patience_s)
            assert enough, f"{len(self.messages)} of {count} messages"
            return self.messages[:count]

    def request(self, subject: str, payload: bytes, headers: dict[str, str] | None = None,
                patience_s: float = PATIENCE_S) -> Message | None:
        """The first answer; None if none comes in time."""
        reply = f"{self.inbox}.{os.urandom(4).hex()}"
        self.subscribe(reply)
        self.publish(subject, payload, headers, reply)

        def answers() -> list[Message]:
            return [each for each in self.messages if each.subject == reply]

        with self.lock:
            self.lock.wait_for(answers, patience_s)
            return answers()[0] if answers() else None

    def api(self, name: str, page: dict[str, object] | None = None, patience_s: float = PATIENCE_S) -> dict:
        """A call of JetStream's API."""
        answer = self.request("$JS.API." + name, json.dumps(page).encode() if page else b"", None, patience_s)
        return json.loads(answer.payload) if answer and answer.payload else {"error": "no answer"}
