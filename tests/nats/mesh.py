"""Processes of a mesh for the tests of the NATS gateway: bridges and nodes (tests/nats/node.c)."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nats_client import PATIENCE_S, Client, Server, wait_until

PROGRAM, NODE = sys.argv[1:3]  # mycelium, and tests/nats/node.c
TEXT, COUNTER, OPAQUE = 1001, 1002, 50001
TOPICS = ("--nats-topic", "examples.*", "--nats-topic", str(OPAQUE))
SUBJECTS = {TEXT: "mycelium.examples.TextMessage", COUNTER: "mycelium.examples.CounterUpdate",
            OPAQUE: f"mycelium._.{OPAQUE}"}


def text_message(content: str) -> bytes:
    """schema/examples.fbs, TextMessage with content only."""
    data = content.encode()
    vtable = struct.pack("<HHHH", 8, 8, 0, 4)  # its size, the table's, no sender, content at 4
    table = struct.pack("<iI", 8, 4)  # back to the vtable; content, from where this stands
    body = struct.pack("<I", 4 + len(vtable)) + vtable + table + struct.pack("<I", len(data)) + data + b"\0"
    return body + bytes(-len(body) % 4)


@dataclass(frozen=True)
class Got:
    """A message as a subscriber saw it, its whole envelope and its bytes."""
    type_id: int
    origin: str
    publisher: int
    sequence: int
    timestamp: int
    priority: int
    destination: int
    key: int
    correlation: int
    trace: str
    payload: str


class Lines:
    """What a process prints, as it comes."""

    def __init__(self, stream) -> None:
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(stream,), daemon=True)
        self.thread.start()

    def read(self, stream) -> None:
        for line in stream:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def all(self) -> list[str]:
        with self.changed:
            return list(self.lines)


class Process:
    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def kill(self) -> None:
        """As kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        for each in (self.out, self.err):
            each.thread.join(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass

    def terminate(self) -> int:
        """As kill; its exit status."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        for each in (self.out, self.err):
            each.thread.join(PATIENCE_S)
        return self.process.returncode


class Bridge(Process):
    """mycelium bridge, at a Unix socket."""

    def __init__(self, program: str, path: Path, *arguments: str) -> None:
        self.address = f"unix:{path}"
        super().__init__(program, "bridge", "--unix", str(path), "--every", "0.05", *arguments)

        def listens() -> bool:
            assert self.process.poll() is None, self.err.all()
            return any("listening at" in line for line in self.err.all())

        wait_until(listens, "the bridge listens")

    def counters(self) -> dict:
        lines = self.out.all()
        return json.loads(lines[-1]) if lines else {}

    def nats(self) -> dict:
        return self.counters().get("nats", {})

    def wait_for_subscriber(self, *types: int) -> None:
        """Until it knows of another node that wants these types."""

        def knows() -> bool:
            now = self.counters()
            return any(each["node"] != now["node"] and set(types) <= set(each["wants"])
                       for each in now.get("nodes", []))

        wait_until(knows, f"a node wants {types}; {self.counters().get('nodes')}")

    def wait_for(self, name: str, least: int) -> None:
        """Until a counter of NATS is at least so high."""
        wait_until(lambda: self.nats().get(name, 0) >= least, f"{name} >= {least}, not {self.nats()}; {self.err.all()}")

    def connected(self) -> Bridge:
        wait_until(lambda: self.nats().get("connected"), f"connected with NATS; {self.err.all()}")
        return self


class Node(Process):
    """A program on the mesh."""

    def __init__(self, program: str, address: str) -> None:
        super().__init__(program, address)
        self.asked = 0
        self.answered()

    def answered(self) -> None:
        self.asked += 1

        def outcomes() -> list[str]:
            return [line for line in self.out.all() if line.startswith(("done", "failed"))]

        with self.out.changed:
            self.out.changed.wait_for(lambda: len(outcomes()) >= self.asked or self.process.poll() is not None,
                                      2 * PATIENCE_S)
        found = outcomes()
        assert len(found) >= self.asked, self.err.all()
        assert found[self.asked - 1] == "done", found[self.asked - 1]

    def begin(self, *words: object) -> None:
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def tell(self, *words: object) -> None:
        self.begin(*words)
        self.answered()

    def got(self) -> list[Got]:
        return [Got(int(w[0]), w[1], *map(int, w[2:9]), w[9], w[10])  # type: ignore[arg-type]
                for w in (line.split()[1:] for line in self.out.all() if line.startswith("got "))]

    def wait(self, count: int) -> list[Got]:
        def enough() -> bool:
            return sum(line.startswith("got ") for line in self.out.lines) >= count

        with self.out.changed:
            self.out.changed.wait_for(enough, 2 * PATIENCE_S)
        found = self.got()
        assert len(found) >= count, f"{len(found)} of {count} messages"
        return found


class MeshTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.sockets = 0

    def server(self, **options) -> Server:
        server = Server(self.folder, **options)
        self.addCleanup(server.kill)
        return server

    def bridge(self, server: Server, *arguments: str) -> Bridge:
        self.sockets += 1
        bridge = Bridge(PROGRAM, self.folder / f"bridge-{self.sockets}", "--nats", server.url, *arguments)
        self.addCleanup(bridge.kill)
        return bridge.connected()

    def node(self, at: Bridge, *types: int) -> Node:
        node = Node(NODE, at.address)
        self.addCleanup(node.kill)
        for each in types:
            node.tell("subscribe", each)
        return node

    def client(self, server: Server, *subjects: str) -> Client:
        client = Client(server)
        self.addCleanup(client.close)
        for each in subjects:
            client.subscribe(each)
        return client

    def subscribed(self, bridge: Bridge, *types: int) -> None:
        """Until the bridge has asked NATS for the types."""
        wanted = {SUBJECTS[each] for each in types}
        wait_until(lambda: wanted <= set(bridge.nats().get("subscribed", [])), f"subscribed to {wanted}")

    def heard(self, publisher: Node, *types: int) -> None:
        for each in types:
            publisher.tell("wait", each, 1)

    def only_once(self, got: list) -> None:
        self.assertEqual([each for each, count in Counter(got).items() if count > 1], [])

    def in_order(self, got: list) -> None:
        last: dict[tuple, int] = {}
        for each in got:
            source = (each.type_id, each.origin, each.publisher)
            self.assertGreater(each.sequence, last.get(source, 0))
            last[source] = each.sequence
