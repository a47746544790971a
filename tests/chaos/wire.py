"""Two hosts on one machine: network namespaces, and a wire between them that is slow, loses, reorders or is unplugged.

Each namespace has a TUN device; what the kernel sends into one, this process puts into the other, when and if it wants
to. So TCP meets a network as bad as it is told to be, whatever queueing disciplines the kernel was built with.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from rig import Skipped

ADDRESSES = ("10.77.0.1", "10.77.0.2")
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
LARGEST_PACKET = 1 << 16


@dataclass
class Weather:
    """How bad the wire is. Probabilities from 0 to 1."""

    delay_s: float = 0.0  # of each packet, one way
    loss: float = 0.0  # of a packet that never arrives
    reorder: float = 0.0  # of a packet that others overtake: it takes twice the delay and 5 ms longer
    unplugged: bool = False  # nothing passes, in either direction


def host(end: socket.socket, own: str, other: str) -> None:
    """In a process of its own: a new network with one TUN device, which it hands over; lives until `end` closes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        end.send(f"unshare: {os.strerror(ctypes.get_errno())}".encode())
        return
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
        for command in ("link set lo up", f"address add {own} peer {other} dev wire", "link set wire up"):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as why:
        end.send(f"{why} {getattr(why, 'stderr', '')}".encode())
        return
    socket.send_fds(end, [b"ready"], [tun])
    end.recv(1)


class Wire:
    """A context. prefix(i) before a command runs it on host i, whose address is ADDRESSES[i]."""

    def __init__(self, chances: random.Random) -> None:
        self.weather = Weather()
        self.lost = 0  # packets
        self._chances = chances
        self._hosts: list[tuple[subprocess.Popen[bytes], socket.socket]] = []
        self._tuns: list[int] = []
        self._end, self._ended = os.pipe()
        try:
            for own, other in (ADDRESSES, ADDRESSES[::-1]):
                self._add_host(own, other)
        except BaseException:
            self._dispose()
            raise
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self._thread.start()

    def _add_host(self, own: str, other: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen([sys.executable, __file__, str(theirs.fileno()), own, other],
                                       pass_fds=[theirs.fileno()])
        self._hosts.append((process, ours))
        said, tuns, _, _ = socket.recv_fds(ours, 4096, 1)
        if said != b"ready":
            raise Skipped(f"no network namespaces with TUN devices here: {said.decode().strip() or 'no answer'}; "
                          "they take root or CAP_NET_ADMIN, /dev/net/tun and Debian's package iproute2")
        self._tuns += tuns

    def prefix(self, which: int) -> tuple[str, ...]:
        return ("nsenter", f"--net=/proc/{self._hosts[which][0].pid}/ns/net")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ended)
        self._thread.join()
        self._dispose()

    def _dispose(self) -> None:
        for tun in self._tuns:
            os.close(tun)
        for process, end in self._hosts:
            end.close()
            process.wait()
        os.close(self._end)

    def _run(self) -> None:
        due: list[tuple[float, int, int, bytes]] = []  # when, a number that makes it unique, to which, the packet
        numbers = itertools.count()
        while True:
            pause = max(0.0, due[0][0] - time.monotonic()) if due else None
            ready, _, _ = select.select([*self._tuns, self._end], [], [], pause)
            if self._end in ready:
                return
            now = time.monotonic()
            for index, tun in enumerate(self._tuns):
                if tun in ready:
                    packet = os.read(tun, LARGEST_PACKET)
                    if (takes := self._takes()) is not None:
                        heapq.heappush(due, (now + takes, next(numbers), self._tuns[1 - index], packet))
            while due and due[0][0] <= now:
                _, _, tun, packet = heapq.heappop(due)
                try:
                    os.write(tun, packet)
                except OSError:  # the host's queue is full: a packet is lost, as anywhere
                    self.lost += 1

    def _takes(self) -> float | None:
        """Seconds until a packet is there; None: never."""
        weather = self.weather
        if weather.unplugged or self._chances.random() < weather.loss:
            self.lost += 1
            return None
        late = self._chances.random() < weather.reorder
        return 2 * weather.delay_s + 0.005 if late else weather.delay_s


def as_root_of_own_network() -> None:
    """Namespaces take root. Who is not root becomes it in a user namespace, where the machine allows that."""
    if os.geteuid() == 0 or "MYCELIUM_CHAOS_MAPPED" in os.environ:
        return
    command = ["unshare", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        os.environ["MYCELIUM_CHAOS_MAPPED"] = "1"
        os.execvp(command[0], [*command, sys.executable, *sys.argv])


if __name__ == "__main__":
    host(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:])
