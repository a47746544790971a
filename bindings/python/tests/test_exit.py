"""Programs end cleanly without closing anything, and forked children neither hang nor use what is their parent's."""

import concurrent.futures
import os
import unittest

from collecting import run_program

TRAFFIC = """
import threading
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest

arrived = threading.Event()
bus = Runtime()
bus.subscribe(TextMessage, lambda message: arrived.set())
bus.subscribe(TextMessage, lambda messages: None, batch=True)
bus.serve(WordCountRequest, lambda request: WordCountReply(words=1))

def publish():
    while True:
        bus.publish_many([TextMessage(content="on and on")] * 100)
        bus.request(WordCountRequest(), WordCountReply)

threading.Thread(target=publish, daemon=True).start()
arrived.wait()
"""

STUCK = """
import threading
import mycelium_native
from mycelium_native import Runtime
from mycelium_protocol import TextMessage, WordCountReply, WordCountRequest

mycelium_native._EXIT_SECONDS = 0.1
entered = threading.Event()
bus = Runtime()
other = Runtime()

def callback(message):
    entered.set()
    threading.Event().wait()

kept = []
bus.subscribe(TextMessage, callback)
bus.publish(TextMessage())
other.subscribe(WordCountRequest.TYPE_ID, kept.append)
for _ in range(3):
    threading.Thread(target=other.request, args=(WordCountRequest(), WordCountReply, None), daemon=True).start()
    threading.Thread(target=other.wait_for_subscribers, args=(TextMessage,), daemon=True).start()
entered.wait()
while len(kept) < 3:
    pass
"""

FORK = """
import os, sys, threading, warnings
from mycelium_native import Runtime
from mycelium_protocol import TextMessage

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of fork beside threads; this tests it
arrived = threading.Event()
bus = Runtime()
bus.subscribe(TextMessage, lambda message: arrived.set())
bus.publish(TextMessage())
arrived.wait()
child = os.fork()
if child == 0:
    calls = (
        lambda: bus.publish(TextMessage()),
        lambda: bus.publish_many([TextMessage()]),
        lambda: bus.subscribe(TextMessage, print),
        lambda: bus.flush(),
        lambda: bus.wait_for_subscribers(TextMessage),
        lambda: bus.request(TextMessage(), TextMessage),
        lambda: bus.stats(),
    )
    failed = 0
    for call in calls:
        try:
            call()
        except RuntimeError as why:
            failed += "parent" in str(why)
    with Runtime() as own:
        own.publish(TextMessage())
    # An ordinary exit, with every hook: it must not hang on threads that were not inherited.
    sys.exit(0 if failed == len(calls) else 1)
_, status = os.waitpid(child, 0)
bus.publish(TextMessage())
print("child", os.waitstatus_to_exitcode(status))
"""


class ExitTest(unittest.TestCase):
    def many(self, program: str, runs: int) -> None:
        with concurrent.futures.ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
            for done in pool.map(lambda _: run_program(program), range(runs)):
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_200_programs_end_while_messages_flow(self) -> None:
        self.many(TRAFFIC, 200)

    def test_programs_end_although_a_callback_and_daemon_threads_do_not(self) -> None:
        self.many(STUCK, 10)

    def test_a_forked_child_gets_errors_and_ends(self) -> None:
        done = run_program(FORK)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "child 0\n", ""))

    def test_an_exception_in_the_main_thread_ends_the_program_as_usual(self) -> None:
        done = run_program(TRAFFIC + "\nraise LookupError('the end')")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("LookupError: the end\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
