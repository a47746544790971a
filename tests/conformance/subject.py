"""The program under test: started, commanded and listened to as tests/conformance/README.md says."""

from __future__ import annotations

import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence

PATIENCE_S = 20.0


class Failure(AssertionError):
    """What a case expected did not happen."""


class Event:
    """A line that the subject wrote of itself: its verb, its words, and what it says as NAME=VALUE."""

    def __init__(self, line: str) -> None:
        self.line = line
        words = line.split(" ")
        self.verb = words[0]
        self.words = [word for word in words[1:] if "=" not in word]
        self.values = dict(word.split("=", 1) for word in words[1:] if "=" in word)

    @property
    def payload(self) -> bytes:
        """The last plain word of message, serving and reply."""
        return b"" if self.words[-1] == "-" else bytes.fromhex(self.words[-1])

    def __repr__(self) -> str:
        return f"'{self.line}'"


class Subject:
    """One run of the adapter."""

    def __init__(self, command: Sequence[str]) -> None:
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="subject", daemon=True)
        self._reader.start()
        first = self._answer("its first line")
        if not first.startswith("subject "):
            raise Failure(f"the adapter's first line is '{first}', not 'subject NAME FEATURE...'")
        self.name, *features = first.split(" ")[1:]
        self.features = frozenset(features)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line.split(" ")[0] in ("message", "serving", "reply", "failed"):
                self._events.put(Event(line))
            else:
                self._answers.put(line)
        self._answers.put("error ENDED")
        self._events.put(None)

    def _answer(self, to: str, patience: float = PATIENCE_S) -> str:
        try:
            return self._answers.get(timeout=patience)
        except queue.Empty:
            raise Failure(f"no answer to {to} within {patience:g} s") from None

    def address(self) -> str:
        """Where it listens."""
        line = self._answer("where it listens")
        if not line.startswith("listening "):
            raise Failure(f"'{line}' instead of 'listening ADDRESS'")
        return line.removeprefix("listening ")

    def say(self, command: str) -> bool:
        """A command whose answer is read later, with answer(); False if nobody hears it."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False  # its answer is the end
        return True

    def answer(self, command: str) -> str:
        return self._answer(f"'{command}'")

    def ask(self, command: str) -> str:
        self.say(command)
        return self.answer(command)

    def do(self, command: str) -> None:
        """A command that has to succeed."""
        line = self.ask(command)
        if line != "ok":
            raise Failure(f"'{line}' to '{command[:80]}'")

    def stats(self) -> dict[str, int]:
        line = self.ask("stats")
        if not line.startswith("stats"):
            raise Failure(f"'{line}' to 'stats'")
        return {name: int(value) for name, value in Event(line).values.items()}

    def stats_reach(self, name: str, value: int) -> None:
        """Until a counter has this value."""
        until = time.monotonic() + PATIENCE_S
        while (now := self.stats().get(name)) != value:
            if time.monotonic() > until:
                raise Failure(f"the counter {name} is {now} and should be {value}")

    def event(self, verb: str) -> Event:
        """The next event, which has to be of this kind."""
        try:
            event = self._events.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Failure(f"no {verb} within {PATIENCE_S:g} s") from None
        if event is None:
            raise Failure(f"it ended, with status {self.process.wait()}, and no {verb} came")
        if event.verb != verb:
            raise Failure(f"{event} instead of a {verb}")
        return event

    def message(self, type_id: int, payload: bytes) -> Event:
        """The next event, which has to be this message."""
        event = self.event("message")
        if event.words[0] != str(type_id) or event.payload != payload:
            raise Failure(f"{event} instead of message {type_id} {payload.hex()}")
        return event

    def expect_exit(self) -> None:
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failure("the adapter does not end") from None
        if status != 0:
            raise Failure(f"the adapter ended with status {status}")

    def end(self) -> str:
        """Ends it, whatever it does; gives what it wrote to its standard error."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        self.errors.seek(0)
        text = self.errors.read()
        self.errors.close()
        return text
