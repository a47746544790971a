"""What scenarios are made of: parties, hubs, what they have written down, and rows of counts."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
PLAIN_TYPES = (30001, 30002, 30003)
RECORD = struct.Struct("<QII")  # of a journal: number, type id, whether every byte was right

Report = dict[str, Any]


class Broken(Exception):
    """A scenario could not go on: something that had to happen did not."""


class Skipped(Exception):
    """This machine does not allow the fault. The text says what is missing."""


def wait_until(holds: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Returns what holds() returned once it is true. Raises Broken if it never is."""
    until = time.monotonic() + patience_s
    while not (outcome := holds()):
        if time.monotonic() > until:
            raise Broken(f"after {patience_s:.0f} s still not: {what}")
        time.sleep(0.005)
    return outcome


@dataclass
class Row:
    """The counts of one run of a scenario, and the sentences of docs/faults.md that did not hold."""

    scenario: str
    accepted: int = 0  # publish calls that returned success
    offered: int = 0  # to neighbours, each once: to the old life of one that died, and to the new
    delivered: int = 0  # distinct messages that a subscriber's callback has seen
    duplicates: int = 0  # within one life of a subscriber
    acknowledged: int = 0
    lost: int = 0
    dropped: int = 0
    passed: int = 0  # over: not for the neighbour after all, since nobody behind it wants it by that schema now
    died: int = 0  # with the process that was killed: it had accepted or acknowledged them
    note: str = ""
    broken: list[str] = field(default_factory=list)

    def expect(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.broken.append(sentence)

    def expect_equal(self, left: int, right: int, sentence: str) -> None:
        self.expect(left == right, f"{sentence}: {left} is not {right}")

    def expect_at_most(self, left: int, right: int, sentence: str) -> None:
        self.expect(left <= right, f"{sentence}: {left} is more than {right}")


class Process:
    def __init__(self, rig: Rig, name: str, command: list[str], environment: dict[str, str] | None = None,
                 output: Path | None = None) -> None:
        self.name = name
        self.log = rig.folder / f"{name}.log"
        with self.log.open("ab") as errors, open(output or os.devnull, "ab") as to:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=to if output else subprocess.PIPE,
                                            stderr=errors, env={**os.environ, **(environment or {})})
        rig.processes.append(self)
        self._unread = b""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def pause(self) -> None:
        """Returns when every thread of it has stopped."""
        self.process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", f"{self.name} stops")

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def line(self, patience_s: float = PATIENCE_S) -> str:
        out = self.process.stdout
        assert out is not None
        until = time.monotonic() + patience_s
        while b"\n" not in self._unread:
            ready, _, _ = select.select([out], [], [], max(0.0, until - time.monotonic()))
            more = os.read(out.fileno(), 1 << 16) if ready else b""
            if not more:
                why = "ended" if ready else f"did not answer for {patience_s:.0f} s"
                raise Broken(f"{self.name} {why}: {self.tail()}")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    def tail(self) -> str:
        """The end of what it has logged."""
        return self.log.read_text(errors="replace")[-2000:]

    def dispose(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Party(Process):
    """tests/chaos/party.c: role and options as there."""

    def __init__(self, rig: Rig, role: str, name: str, *, prefix: tuple[str, ...] = (),
                 environment: dict[str, str] | None = None, **options: Any) -> None:
        self.journal = rig.folder / f"{name}.journal"
        self.books_file = rig.folder / f"{name}.books"
        given = {"role": role, "name": name, "journal": self.journal, "books": self.books_file, **options}
        super().__init__(rig, name, [*prefix, rig.party, *(f"{key}={value}" for key, value in given.items())],
                         environment)
        self.address: str = json.loads(self.line())["ready"]

    def say(self, command: str) -> Report:
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.line())
        if "error" in answer:
            raise Broken(f"{self.name}: {answer['error']}")
        return answer

    def report(self) -> Report:
        return self.say("report")

    def stop(self) -> Report:
        return self.say("stop")

    def end(self) -> None:
        self.say("end")
        if self.process.wait(PATIENCE_S) != 0:
            raise Broken(f"{self.name} ended with {self.process.returncode}: {self.tail()}")

    def books(self) -> tuple[int, int, int]:
        """attempted, accepted, refused: readable when the process is dead, too."""
        return struct.unpack("<QQQ", self.books_file.read_bytes())

    def delivered_now(self) -> int:
        """Records in the journal."""
        return self.journal.stat().st_size // RECORD.size

    def records(self) -> list[tuple[int, int, int]]:
        whole = self.journal.read_bytes()
        return list(RECORD.iter_unpack(whole[: len(whole) // RECORD.size * RECORD.size]))

    def wait_for_more(self, count: int) -> None:
        goal = self.delivered_now() + count
        wait_until(lambda: self.delivered_now() >= goal, f"{count} more messages at {self.name}")


class Hub(Process):
    """mycelium bridge at a Unix socket."""

    def __init__(self, rig: Rig, name: str, path: str, node: str = "") -> None:
        self.counters = rig.folder / f"{name}.counters"
        super().__init__(rig, name, [rig.program, "bridge", "--unix", path, "--name", node or name, "--every", "0.2"],
                         output=self.counters)
        wait_until(lambda: "listening at" in self.tail() or self.process.poll() is not None, f"{name} listens")
        if self.process.poll() is not None:
            raise Broken(f"{name} ended: {self.tail()}")


    def last_counters(self) -> str:
        """The last whole line of JSON that it has printed."""
        lines = self.counters.read_text().rpartition("\n")[0].splitlines()
        return lines[-1] if lines else "none"


class Rig:
    """One run of a scenario: its folder, its processes, its chances. A context; its end kills whoever is left."""

    def __init__(self, party: str, program: str, schemas: Path, seed: int, quick: bool) -> None:
        self.party = party
        self.program = program
        self.schemas = schemas
        self.random = random.Random(seed)
        self.quick = quick
        self.processes: list[Process] = []
        self._folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.folder = Path(self._folder.name)

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        for each in reversed(self.processes):
            each.dispose()
        self._folder.cleanup()

    def socket(self, name: str) -> str:
        return str(self.folder / name)

    def times(self, quick: int, longest: int) -> int:
        """How often: `quick` in the quick form, else a random number up to `longest`."""
        return quick if self.quick else self.random.randint(quick, longest)

    def some(self, quick: int, most: int) -> int:
        """How many messages pass before the next fault."""
        return quick if self.quick else self.random.randint(1, most)

    def rate(self) -> int:
        """Messages a second; 0 is as many as go."""
        return 5000 if self.quick else self.random.choice([0, 500, 5000, 50000])

    def subscriber(self, name: str = "subscriber", **options: Any) -> Party:
        return Party(self, "subscribe", name, **options)

    def publisher(self, name: str = "publisher", **options: Any) -> Party:
        return Party(self, "publish", name, **options)
