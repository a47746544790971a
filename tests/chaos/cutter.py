"""A link through which everything goes until it is cut, in the middle of whatever is under way."""

from __future__ import annotations

import os
import select
import socket
import threading

CHUNK = 1 << 16


class Cutter:
    """Listens at a Unix socket and passes bytes on to another. A context; counts its cuts.

    It connects as soon as somebody has connected to it, and closes both connections when either ends.
    """

    def __init__(self, path: str, to: str) -> None:
        self.path = path
        self.cuts = 0
        self._to = to
        self._left: int | None = None  # bytes that pass before the cut; None: all
        self._lock = threading.Lock()  # _left, cuts
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._end, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._run, name="cutter", daemon=True)
        self._thread.start()

    def cut_after(self, count: int) -> None:
        """The connection ends when so many more bytes have passed, in both directions together."""
        with self._lock:
            self._left = count

    def __enter__(self) -> Cutter:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ended)
        self._thread.join()
        self._listener.close()
        os.close(self._end)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._end], [], [])
            if self._end in ready:
                return
            near, _ = self._listener.accept()
            with near, socket.socket(socket.AF_UNIX) as far:
                try:
                    far.connect(self._to)
                    while self._pass_on(near, far):
                        pass
                except OSError:  # one side has gone: so does the other
                    pass

    def _pass_on(self, near: socket.socket, far: socket.socket) -> bool:
        ready, _, _ = select.select([near, far, self._end], [], [])
        if self._end in ready:
            return False
        for source, sink in ((near, far), (far, near)):
            if source in ready:
                data = source.recv(CHUNK)
                passes, cut = self._share(len(data))
                sink.sendall(data[:passes])
                if cut or not data:
                    return False
        return True

    def _share(self, count: int) -> tuple[int, bool]:
        """How many of so many bytes pass, and whether the link is cut behind them."""
        with self._lock:
            if self._left is None:
                return count, False
            passes = min(count, self._left)
            self._left -= passes
            if self._left > 0:
                return passes, False
            self._left = None
            self.cuts += 1
            return passes, True
