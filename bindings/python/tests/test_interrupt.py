"""Ctrl-C ends every call that blocks, and loses nothing."""

import unittest

from collecting import run_program

# The program interrupts itself as soon as its main thread is blocked: a thread waits until the call has begun, then
# sends SIGINT. Without a way out the call would wait for ever, and the test fails by its time limit.
FRAME = """
import os, signal, threading, time
from mycelium_native import Runtime, TimedOutError
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest

begun, leave = threading.Event(), threading.Event()
bus = Runtime(block_timeout=600.0)

def in_a_system_call():
    # "S" in /proc: the main thread sleeps; it does so in the call under test, the only thing left to do.
    with open(f"/proc/self/task/{os.getpid()}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "S"

def interrupt():
    begun.wait()
    while not in_a_system_call():
        pass
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()

PREPARE
try:
    begun.set()
    CALL
    print("it returned")
except KeyboardInterrupt:
    print("interrupted")
AFTER
leave.set()
bus.close()
"""

BUSY = """
entered = threading.Event()
def callback(message):
    entered.set()
    leave.wait()
subscription = bus.subscribe(TextMessage, callback, capacity=2)
bus.publish(TextMessage())
entered.wait()
"""


class InterruptTest(unittest.TestCase):
    def check(self, call: str, prepare: str = "", after: str = "", said: str = "interrupted\n") -> None:
        program = FRAME.replace("PREPARE", prepare).replace("CALL", call).replace("AFTER", after)
        done = run_program(program)
        self.assertEqual((done.returncode, done.stdout), (0, said), done.stderr)

    def test_request(self) -> None:
        self.check(
            "bus.request(WordCountRequest(), WordCountReply, timeout=None)",
            "bus.subscribe(WordCountRequest.TYPE_ID, kept := [].append)",
            "assert bus.stats().requests_pending == 0",
        )

    def test_wait_for_subscribers(self) -> None:
        self.check("bus.wait_for_subscribers(TextMessage)")

    def test_wait_for_links(self) -> None:
        self.check("bus.bridge_wait_for_links()")

    def test_flush(self) -> None:
        self.check("bus.flush()", BUSY + "bus.publish(TextMessage())")

    def test_close_of_a_subscription(self) -> None:
        self.check("subscription.close()", BUSY)

    def test_close_of_the_runtime_goes_on_and_loses_nothing(self) -> None:
        count = "got = []\ndef callback(message):\n    entered.set()\n    leave.wait()\n    got.append(message)\n"
        self.check(
            "bus.close(30.0)",
            BUSY.replace("def callback(message):\n    entered.set()\n    leave.wait()\n", count)
            + "bus.publish(TextMessage())",
            "leave.set()\nbus.close(30.0)\nassert len(got) == 2, got",
        )

    def test_publish_into_a_full_mailbox(self) -> None:
        self.check(
            "[bus.publish(TextMessage()) for _ in range(1000)]",
            BUSY,
        )

    def test_publish_many_into_a_full_mailbox(self) -> None:
        self.check("bus.publish_many(TextMessage() for _ in range(1000))", BUSY)


if __name__ == "__main__":
    unittest.main()
