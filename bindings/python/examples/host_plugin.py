#!/usr/bin/env python3
"""Hosts the runtime of a plug-in: makes a bus, loads the plug-in at PATH and gives it the bus's handle.

    host_plugin.py PATH        tests/hosts/plugin.c is such a plug-in

Both publish, subscribe, ask and answer on the bus.
"""

import ctypes
import sys

from mycelium_native import Runtime
from mycelium_protocol import CounterUpdate, TextMessage, WordCountReply, WordCountRequest

from request_reply import count_words

MESSAGES = 1000
PLUGIN_COUNTER = 7


class Plugin:
    """Started by its construction. ctypes lets go of the interpreter's lock while the plug-in runs."""

    def __init__(self, path: str, bus: Runtime) -> None:
        self._library = ctypes.CDLL(path)
        self._call("plugin_start", ctypes.c_void_p(bus.handle))

    def ask(self, text: str) -> int:
        words = ctypes.c_uint64()
        self._call("plugin_ask", text.encode(), ctypes.byref(words))
        return words.value

    def stop(self) -> None:
        self._call("plugin_stop")

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, name)(*arguments)
        if status != 0:
            raise RuntimeError(f"{name} returned {status}")


def run(path: str) -> None:
    own = from_plugin = 0

    # Callbacks run on one thread, the dispatcher: they need no lock between them.
    def on_text(_: TextMessage) -> None:
        nonlocal own
        own += 1

    def on_counter(update: CounterUpdate) -> None:
        nonlocal from_plugin
        from_plugin += update.counter_id == PLUGIN_COUNTER

    with Runtime() as bus:
        bus.subscribe(TextMessage, on_text)
        bus.subscribe(CounterUpdate, on_counter)
        bus.serve(WordCountRequest, count_words)

        plugin = Plugin(path, bus)
        for number in range(1, MESSAGES + 1):
            bus.publish(TextMessage(sender="host", content=f"line {number}", timestamp=number))
        # Twice: the first has the plug-in publish what the second waits for.
        bus.flush(10.0)
        bus.flush(10.0)
        reply = bus.request(WordCountRequest(text="one two three"), WordCountReply)
        plugin_words = plugin.ask("a b c d")
        plugin.stop()

    print(f"heard {own} of its own, {from_plugin} from the plug-in")
    print(f"its own request: {reply.words} words")
    print(f"the plug-in's request: {plugin_words} words")


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: host_plugin.py PATH", file=sys.stderr)
        return 2
    run(sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
