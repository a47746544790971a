#!/usr/bin/env python3
"""Hubs that speak TLS, ask for permissions, and read both again while they run; peers that mean no good.

  security_test.py MYCELIUM BEAT

BEAT is a plug-in that publishes BEAT_COUNT messages (tests/recording/beat.c).
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

from authority import Authority

PROGRAM, BEAT = sys.argv[1:3]
PATIENCE_S = 60
COUNT = 2000


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, timeout=PATIENCE_S,
                          env={**os.environ, **environment})


class Hub:
    """mycelium bridge, whose lines on stderr are read one by one."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen([PROGRAM, "bridge", *arguments], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env={**os.environ, **environment})

    def says(self, pattern: str) -> str:
        """The next line in which the pattern is found."""
        heard = []
        watch = threading.Timer(PATIENCE_S, self.process.kill)
        watch.start()
        try:
            for line in self.process.stderr:
                heard.append(line)
                if re.search(pattern, line):
                    return line.strip()
        finally:
            watch.cancel()
        raise AssertionError(f"it ended and did not say {pattern!r}, but:\n{''.join(heard)}")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)


class Security(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="myc-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.authority = Authority(self.folder, "authority")

    def hub(self, *arguments: str, **environment: str) -> Hub:
        hub = Hub(*arguments, **environment)
        self.addCleanup(hub.end)
        return hub

    def listening(self, *arguments: str) -> tuple[Hub, str]:
        """A hub that listens at a Unix socket and by TLS, and where that is."""
        hub = self.hub("--unix", str(self.folder / "first"), "--tcp", "127.0.0.1:0", *arguments)
        return hub, hub.says("listening at tls:").rsplit(" ", 1)[1]

    def across(self, to: Path, source: Path) -> None:
        """Replayed at one hub, recorded at another, all of it."""
        beat, copy = self.folder / "beat.mcap", self.folder / "copy.mcap"
        done = run("record", str(beat), "--load", BEAT, "--count", str(COUNT), BEAT_COUNT=str(COUNT))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        recorder = subprocess.Popen([PROGRAM, "record", str(copy), "--count", str(COUNT), "--unix", str(to)], text=True,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(recorder.kill)
        replayed = run("replay", str(beat), "--fast", "--wait", str(PATIENCE_S), "--unix", str(source))
        self.assertEqual((replayed.returncode, replayed.stderr), (0, ""))
        _, errors = recorder.communicate(timeout=PATIENCE_S)
        self.assertEqual((recorder.returncode, errors), (0, ""))
        self.assertEqual(json.loads(run("info", str(copy), "--json").stdout)["messages"], COUNT)

    def test_two_hubs_are_linked_by_tls_while_strangers_knock(self) -> None:
        first, address = self.listening(*self.authority.issue("first"))
        port = int(address.rsplit(":", 1)[1])
        self.hub("--unix", str(self.folder / "second"), "--dial", address, *self.authority.issue("second"))
        first.says("linked with")
        with socket.create_connection(("127.0.0.1", port)) as half, socket.create_connection(("127.0.0.1", port)) as plain:
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            first.says("does not speak it")
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.load_verify_locations(self.authority.pem)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with socket.create_connection(("127.0.0.1", port)) as before, self.assertRaises(ssl.SSLError):
                old.wrap_socket(before, server_hostname="localhost")
            nameless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            nameless.load_verify_locations(self.authority.pem)
            with socket.create_connection(("127.0.0.1", port)) as shy, self.assertRaises(OSError):
                with nameless.wrap_socket(shy, server_hostname="localhost") as shy_tls:  # 1.3 says so after the handshake
                    self.assertEqual(shy_tls.recv(100), b"")
                    raise OSError("closed")
            self.across(self.folder / "first", self.folder / "second")

    def test_a_certificate_of_somebody_else_opens_nothing(self) -> None:
        first, address = self.listening(*self.authority.issue("first"))
        options = Authority(self.folder, "stranger").issue("second")
        self.hub("--dial", address, *options[:4], "--tls-ca", str(self.authority.pem))
        first.says("no link over .* certificate is not accepted")

    def test_permissions_are_read_again_and_a_link_that_has_none_any_more_is_ended(self) -> None:
        allow = self.folder / "allow.toml"
        allow.write_text('[[allow]]\ncertificate = "second"\npublish = "*"\nreceive = "*"\n[[allow]]\nuid = [%d]\n'
                         % os.getuid())
        notify = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(notify)
            manager.settimeout(PATIENCE_S)
            first = self.hub("--tcp", "127.0.0.1:0", "--allow", str(allow), *self.authority.issue("first"),
                             NOTIFY_SOCKET=notify)
            address = first.says("listening at").rsplit(" ", 1)[1]
            self.assertEqual(manager.recv(200), b"READY=1")
            second = self.hub("--dial", address, *self.authority.issue("second"))
            first.says("linked with")

            def reload() -> None:
                first.process.send_signal(signal.SIGHUP)
                self.assertRegex(manager.recv(200), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
                self.assertEqual(manager.recv(200), b"READY=1")

            reload()
            first.says("^mycelium bridge: reloaded$")
            good = allow.read_text()
            allow.write_text("[[allow]]\npublish = 1\n")
            reload()
            self.assertIn(f"{allow}:1: who is allowed?", first.says("nothing was reloaded, all stays as it was"))
            allow.write_text(good.replace('"second"', '"third"'))
            reload()
            first.says("the link to .* ended: not allowed")
            second.says("refuses: not allowed: no rule fits .*certificate second")
            allow.write_text(good)
            reload()
            first.says("linked with")
            first.process.send_signal(signal.SIGTERM)
            self.assertEqual(manager.recv(200), b"STOPPING=1")
            first.process.wait(timeout=PATIENCE_S)
            self.assertEqual(first.process.returncode, 0)

    def test_a_socket_has_the_mode_that_was_asked_for(self) -> None:
        for mode, options in ((0o600, ()), (0o660, ("--mode", "0660"))):
            path = self.folder / f"hub{mode:o}"
            self.hub("--unix", str(path), *options).says("listening at")
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), mode)

    def test_nodes_of_a_topology_on_two_hosts_speak_tls(self) -> None:
        self.authority.issue("node")
        with socket.socket() as one, socket.socket() as two:  # ports that are free
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.2", 0))
            ports = one.getsockname()[1], two.getsockname()[1]
        file = self.folder / "topology.toml"
        file.write_text(f'socket_dir = "sockets"\n'
                        f'[[nodes]]\nname = "one"\nservices = ["a"]\nhost = "127.0.0.1"\nport = {ports[0]}\n'
                        f'[[nodes]]\nname = "two"\nservices = ["b"]\nhost = "127.0.0.2"\nport = {ports[1]}\n'
                        f'[tls]\ncert = "node.pem"\nkey = "node.key"\nca = "authority.pem"\n')
        hubs = [self.hub("--topology", str(file), "--service", service, "--every", "0.02") for service in ("a", "b")]
        for line in hubs[1].process.stdout:
            links = [each["link"] for each in json.loads(line)["neighbours"] if each["link"]]
            if links:
                break
        self.assertEqual(links, [f"tls:127.0.0.1:{ports[0]}"])

    def test_wrong_command_lines(self) -> None:
        for arguments in (("--unix", "a", "--tls-cert", "x"), ("--unix", "a", "--mode", "rw"),
                          ("--unix", "a", "--max-links", "0"), ("--topology", "x", "--service", "s", "--allow", "y")):
            self.assertEqual(run("bridge", *arguments).returncode, 2, arguments)
        missing = run("bridge", "--unix", str(self.folder / "hub"), "--allow", str(self.folder / "none.toml"))
        self.assertEqual(missing.returncode, 1)
        self.assertIn("none.toml", missing.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
