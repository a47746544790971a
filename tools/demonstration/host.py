"""The demo: one process, one bus, three languages.

This Python program makes the runtime. It loads a publisher written in C++ and a subscriber written in C as shared
objects and gives them its handle. The publisher streams the lines of a text file as TextMessage; the C subscriber and
one written here receive them by type id; the publisher also asks this program to count words. At the end everything
that arrived is compared with the file, byte for byte. Before that the text passes an oversight actor, once clean and once
with a word that halts it (oversight.py). Then hosts in other languages (hosts/) do the same job with the same
plug-ins, each in a process of its own, and have to come to the same counts. Exit code 0 only if all of it is equal and
nothing was dropped.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from mycelium_native import Runtime
from mycelium_protocol import SCHEMA_DIGEST, TextMessage, WordCountReply, WordCountRequest

from oversight import show_oversight
from plugins import PluginError, Publisher, Report, Subscriber, Words
from terminal import Page, latency, duration, plural

PACED_LINES = 500  # most lines of the slow part
PACED_RATE = 1000  # lines a second
FAST_MESSAGES = 200_000  # about this many in all
LINES_PER_REQUEST = 25
LINES_SHOWN = 3
PATIENCE = 30.0  # seconds
HOST_PATIENCE = 120.0  # for the whole of another host


class TextReceiver:
    """The subscriber in Python: appends what it receives to a file, as the one in C does."""

    def __init__(self, path: Path) -> None:
        self.messages = 0
        self.first_lines: list[str] = []
        self._file = path.open("wb")
        self._latencies_ns: list[int] = []
        self._wanted = 0
        self._arrived = threading.Event()

    def on_text(self, message: TextMessage) -> None:
        """Never runs twice at once, so it needs no lock."""
        self._latencies_ns.append(time.time_ns() - message.timestamp)
        self._file.write(message.content.encode())
        if len(self.first_lines) < LINES_SHOWN and message.content.strip():
            self.first_lines.append(message.content)
        self.messages += 1
        if self.messages == self._wanted:
            self._arrived.set()

    def expect(self, messages: int) -> None:
        """Says, before they are published, how many messages report() is to wait for."""
        self._wanted = self.messages + messages
        self._arrived.clear()

    def report(self) -> Report:
        if not self._arrived.wait(PATIENCE):
            raise PluginError(f"Python received {self.messages} of {self._wanted} messages within {PATIENCE:.0f} s")
        self._file.flush()
        ordered, self._latencies_ns = sorted(self._latencies_ns), []
        last = len(ordered) - 1
        return Report(messages=len(ordered), p50_ns=ordered[last // 2], p99_ns=ordered[last * 99 // 100],
                      max_ns=ordered[last])

    def close(self) -> None:
        self._file.close()


def count_words(request: WordCountRequest) -> WordCountReply:
    text = request.text.encode()
    return WordCountReply(words=len(re.findall(rb"[^ \t\r\n]+", text)), bytes=len(text))


def equals_repeated(received: Path, original: bytes, times: int) -> bool:
    """Whether the file at received is the original, so many times over."""
    with received.open("rb") as file:
        return all(file.read(len(original)) == original for _ in range(times)) and file.read(1) == b""


class Demo:
    def __init__(self, arguments: argparse.Namespace, page: Page) -> None:
        self.page = page
        self.original = arguments.compare_with.read_bytes()
        self.text = arguments.file.read_bytes().decode()
        self.received_by_c = arguments.output / "received-by-c.txt"
        self.received_by_python = arguments.output / "received-by-python.txt"
        arguments.output.mkdir(parents=True, exist_ok=True)

        self.runtime = Runtime(SCHEMA_DIGEST, name="demo", block_timeout=PATIENCE)
        self.publisher = Publisher(str(arguments.publisher), self.runtime.handle, str(arguments.file))
        self.in_c = Subscriber(str(arguments.subscriber), self.runtime.handle, str(self.received_by_c))
        self.in_python = TextReceiver(self.received_by_python)
        self.runtime.subscribe(TextMessage, self.in_python.on_text)
        self.runtime.serve(WordCountRequest, count_words)

        lines = self.publisher.file.lines
        self.passes = max(1, round(FAST_MESSAGES / lines))
        self.paced = min(PACED_LINES, lines)
        self.fast = self.passes * lines - self.paced
        page.title("One bus in one process, three languages")
        page.line("host", f"Python {platform.python_version()}, which made the runtime")
        page.line("publisher", f"C++, {arguments.publisher.name}: {arguments.file}, "
                               f"{plural(lines, 'line')}, {plural(self.publisher.file.bytes, 'byte')}")
        page.line("subscribers", f"C, {arguments.subscriber.name}, and Python, both for type {TextMessage.TYPE_ID}")

    def stream(self, lines: int, rate: int = 0) -> tuple[float, Report, Report]:
        """Publishes so many lines; the seconds until both subscribers had them, and what each saw."""
        self.in_python.expect(lines)
        begin = time.perf_counter()
        self.publisher.stream(lines, rate)
        self.runtime.flush(PATIENCE)
        in_python = self.in_python.report()
        return time.perf_counter() - begin, self.in_c.report(), in_python

    def run(self) -> None:
        page = self.page
        page.title(f"{PACED_RATE} lines a second, for the latency from publish to callback")
        _, slow_c, slow_python = self.stream(self.paced, PACED_RATE)
        for text in self.in_python.first_lines:
            page.quote(text)
        page.line("to C", latency(slow_c.p50_ns, slow_c.p99_ns, slow_c.max_ns))
        page.line("to Python", latency(slow_python.p50_ns, slow_python.p99_ns, slow_python.max_ns))

        if self.fast > 0:
            page.title("As fast as the slower subscriber takes them, for the rate")
            seconds, _, _ = self.stream(self.fast)
            page.line("rate", f"{plural(self.fast, 'message')} to each of two in {seconds:.2f} s: "
                              f"{self.fast / seconds:,.0f} messages/s, {2 * self.fast / seconds:,.0f} deliveries/s")

        page.title("Requests from C++, answered in Python")
        words = self.publisher.count_words(LINES_PER_REQUEST)
        page.line("word counts", f"{plural(words.requests, 'request')}, {plural(words.words, 'word')}; "
                                 f"p50 {duration(words.p50_ns)}, p99 {duration(words.p99_ns)} there and back")
        overseen = show_oversight(self.runtime, self.publisher, self.text, page)
        stats = self.runtime.stats()
        self.close()

        page.title("Checks")
        self.check_received("C", self.sent, self.received_by_c)
        self.check_received("Python", self.sent, self.received_by_python)
        self.check_words("Python", words)
        for good, subject, text in overseen:
            page.check(good, subject, text)
        dropped = sum(stats.dropped.values())
        page.check(dropped == 0, "dropped", str(dropped))
        self.words = words

    @property
    def sent(self) -> int:
        return self.paced + self.fast

    def check_received(self, name: str, messages: int, path: Path) -> None:
        equal = messages == self.sent and equals_repeated(path, self.original, self.passes)
        self.page.check(equal, name, f"{plural(messages, 'message')}, {path.stat().st_size:,} bytes: "
                        + ("equal to the file, byte for byte" if equal else f"not what was sent; compare {path}")
                        + (f", {self.passes} times" if equal and self.passes > 1 else ""))

    def check_words(self, name: str, words: Words) -> None:
        self.page.check(words.words == words.expected, "word counts",
                        f"{name} counted {words.words:,}, C++ {words.expected:,}")

    def run_host(self, name: str, program: str, arguments: argparse.Namespace) -> None:
        """The same job hosted by a program in another language, in a process of its own."""
        page = self.page
        folder = arguments.output / name.lower()
        folder.mkdir(exist_ok=True)
        command = [program, arguments.file, arguments.publisher, arguments.subscriber, folder, str(self.sent)]
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, timeout=HOST_PATIENCE)
        if done.returncode != 0:
            raise PluginError(f"the host in {name} ended with {done.returncode}: see above")
        told = json.loads(done.stdout)
        page.title(f"The same job hosted by {name}, in a process of its own")
        page.line("host", f"{told['language']}; the same plug-ins in C++ and C")
        page.line("rate", f"{plural(self.sent, 'message')} to each of two in {told['seconds']:.2f} s: "
                          f"{self.sent / told['seconds']:,.0f} messages/s")
        self.check_received("C", told["c"]["messages"], folder / "received-by-c.txt")
        self.check_received(name, told["host"]["messages"], folder / "received-by-host.txt")
        self.check_words(name, Words(told["requests"], told["words"], told["expected"]))
        same = (told["requests"], told["words"]) == (self.words.requests, self.words.words)
        page.check(same, "same counts", "as in the Python host" if same else
                   f"{told['requests']:,} requests and {told['words']:,} words here, "
                   f"{self.words.requests:,} and {self.words.words:,} in the Python host")
        page.check(told["dropped"] == 0, "dropped", str(told["dropped"]))

    def close(self) -> None:
        self.in_c.close()
        self.runtime.close()
        self.in_python.close()
        self.publisher.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="the text to stream, in UTF-8")
    parser.add_argument("--publisher", type=Path, required=True, help="the shared object of text_publisher.cpp")
    parser.add_argument("--subscriber", type=Path, required=True, help="the shared object of text_subscriber.c")
    parser.add_argument("--output", type=Path, required=True, help="a folder for what the subscribers receive")
    parser.add_argument("--host", action="append", default=[], metavar="NAME=PROGRAM",
                        help="a host in another language, which does the same job after this one")
    parser.add_argument("--compare-with", type=Path, help="what has to arrive (the file): to see the check fail")
    arguments = parser.parse_args()
    arguments.compare_with = arguments.compare_with or arguments.file
    page = Page()
    try:
        arguments.file.read_text(encoding="utf-8")
        demo = Demo(arguments, page)
        demo.run()
        for host in arguments.host:
            demo.run_host(*host.split("=", 1), arguments)
    except UnicodeDecodeError:
        print(f"demo: {arguments.file} is no UTF-8 text: give another file", file=sys.stderr)
        return 1
    except (PluginError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    return 0 if page.failures == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
