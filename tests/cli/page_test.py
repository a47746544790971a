#!/usr/bin/env python3
"""The page of mycelium top --http, in a browser, and what it serves, over plain HTTP; metrics checked by promtool.

  page_test.py MYCELIUM [LIBMYCELIUM_FFI]

LIBMYCELIUM_FFI is the shared library, whose own metrics are checked, too. Tests that need chromium fail without it.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest
from typing import Any

from prometheus_client.openmetrics import parser as open_metrics

import processes
from processes import PATIENCE_S, WithHub, run

processes.PROGRAM = sys.argv[1]
LIBRARY = sys.argv[2] if len(sys.argv) > 2 else None
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def lint(text: str) -> tuple[int, str]:
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=PATIENCE_S)
    return done.returncode, done.stdout + done.stderr


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """By name and labels, as a strict reader of OpenMetrics understands them."""
    found = {}
    for family in open_metrics.text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def as_prometheus(text: str) -> str:
    """OpenMetrics in the older format, which promtool reads: there a family of counters is called what its samples are."""
    return re.sub(r"(?m)^(# (?:TYPE|HELP) )(\S+)(?= )",
                  lambda m: m[1] + m[2] + ("_total" if f"# TYPE {m[2]} counter\n" in text else ""),
                  text.removesuffix("# EOF\n"))


class Page(WithHub):
    def setUp(self) -> None:
        super().setUp()
        self.reader = self.subscriber("TextMessage", "--name", "eyes")
        self.writer = self.start("pub", "TextMessage", '{"sender": "ada"}', "--rate", "100", "--name",
                                 'mouth "<script>', *self.bus)
        self.reader.stdout.readline()
        self.server = self.start("top", "--http", "--every", "0.2", *self.bus)
        line = self.server.stderr.readline()
        self.assertRegex(line, r"^mycelium top: serving http://127\.0\.0\.1:\d+/\n$")
        self.port = int(line.strip().rstrip("/").rsplit(":", 1)[1])

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def state(self) -> dict[str, Any]:
        """Once all three nodes have reported twice, so that there are rates."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            state = json.loads(self.get("/api/state.json")[2])
            if len(state["nodes"]) == 3 and all(node["reports"] for node in state["nodes"]) and any(
                    each["published_per_s"] > 0 for each in state["types"]):
                return state
            self.assertLess(time.monotonic(), deadline, state)

    def test_the_state_is_json(self) -> None:
        status, headers, _ = self.get("/api/state.json")
        self.assertEqual((status, headers["content-type"]), (200, "application/json"))
        state = self.state()
        self.assertEqual([node["name"] for node in state["nodes"]], ["eyes", "hub", 'mouth "<script>'])
        self.assertEqual(sorted(state), ["links", "nodes", "subscriptions", "types"])

    def test_the_page_takes_nothing_from_elsewhere(self) -> None:
        status, headers, page = self.get("/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual(re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page), ["data:,"])
        self.assertEqual(re.findall(r"https?://[^\"' ]+", page), ["http://www.w3.org/2000/svg"], "a name, no address")
        policy = headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_a_name_that_leads_here_is_no_way_in(self) -> None:
        for host in ("evil.example", f"evil.example:{self.port}", "", "127.0.0.1.evil.example"):
            for path in ("/", "/api/state.json", "/metrics"):
                self.assertEqual(self.get(path, Host=host)[0], 421, (host, path))
        for host in (f"127.0.0.1:{self.port}", f"localhost:{self.port}", f"[::1]:{self.port}", "localhost"):
            self.assertEqual(self.get("/api/state.json", Host=host)[0], 200, host)

    def test_nothing_of_a_request_comes_back_and_nothing_can_be_written(self) -> None:
        for path in ("/marker-7f3a", "/api/marker-7f3a", "/metrics/marker-7f3a", "/?marker-7f3a", "/%3Cscript%3Emarker-7f3a"):
            status, headers, body = self.get(path, X_Marker="marker-7f3a")
            self.assertNotIn("marker-7f3a", body + str(headers), path)
            self.assertEqual(status, 200 if path.startswith("/?") else 404)
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            self.assertGreaterEqual(self.get("/api/state.json", method)[0], 400, method)
        self.assertEqual(self.get("/", "POST", "x" * 100_000)[0] // 100, 4)

    def test_connections_that_say_nothing_do_not_keep_others_out_for_long(self) -> None:
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(12)]
        self.addCleanup(lambda: [each.close() for each in silent])
        self.assertEqual(self.get("/api/state.json")[0], 200)

    def test_metrics_in_both_formats(self) -> None:
        self.state()
        status, headers, text = self.get("/metrics")
        self.assertEqual((status, headers["content-type"]), (200, PROMETHEUS))
        self.assertEqual(lint(text), (0, ""))
        self.assertNotIn("# EOF", text)
        status, headers, text = self.get("/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        self.assertEqual((status, headers["content-type"]), (200, OPEN_METRICS))
        found = samples(text)
        names = {dict(labels).get("name") for _, labels in found}
        self.assertEqual(names, {"eyes", "hub", 'mouth "<script>'})
        published = [value for (name, labels), value in found.items() if name == "mycelium_type_published_total"
                     and dict(labels)["type"] == "mycelium.examples.TextMessage" and value > 0]
        self.assertEqual(len(published), 1)
        self.assertEqual(lint(as_prometheus(text)), (0, ""))

    def test_promtool_would_find_what_is_wrong(self) -> None:
        self.assertNotEqual(lint("# TYPE a counter\na 1\n")[0], 0)
        self.assertNotEqual(lint("a{b=\"c} 1\n")[0], 0)

    def test_the_port_is_this_machines_only_and_not_shared(self) -> None:
        done = run("top", "--http", "0.0.0.0:0", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--http-anywhere", done.stderr)
        done = run("top", "--http", f"127.0.0.1:{self.port}", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"127.0.0.1:{self.port}", done.stderr)
        self.assertEqual(run("top", "--http", "here", *self.bus).returncode, 1)

    def test_it_ends_at_a_signal(self) -> None:
        self.server.terminate()
        self.assertEqual(self.server.wait(timeout=PATIENCE_S), 0)

    def test_a_browser_shows_nodes_and_rates(self) -> None:
        self.state()
        chromium = shutil.which("chromium")
        self.assertIsNotNone(chromium, "tools/setup installs it")
        deadline = time.monotonic() + PATIENCE_S
        while True:  # a loaded machine may take longer for the first answer than the browser waits
            shown = subprocess.run(
                [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=4000",
                 f"--user-data-dir={self.folder / 'browser'}", "--enable-logging=stderr", "--dump-dom",
                 f"http://127.0.0.1:{self.port}/"],
                text=True, capture_output=True, timeout=PATIENCE_S)
            page = shown.stdout
            if "3 nodes" in page:
                break
            self.assertLess(time.monotonic(), deadline, page[-3000:] + shown.stderr[-3000:])
        self.assertNotIn("Content Security Policy", shown.stderr)
        self.assertNotIn("Uncaught", shown.stderr)
        graph = page[page.index("<svg"):page.index("</svg>")]
        self.assertEqual(graph.count("<circle"), 3)
        self.assertEqual(graph.count("<line"), 2, "both processes are linked with the hub")
        self.assertEqual(sorted(re.findall(r'class="label"[^>]*>([^<]*)<', graph)), ["eyes", "hub", 'mouth "&lt;script&gt;'])
        self.assertRegex(graph, r'class="rate"[^>]*>[1-9][0-9.]*/s<')
        types = page[page.index('id="types"'):page.index("Subscriptions")]
        self.assertRegex(types, r"mycelium\.examples\.TextMessage</td>.*mouth &quot;|mouth \"&lt;script&gt;</td>")
        self.assertIn("link:eyes", page)


@unittest.skipUnless(LIBRARY, "a Python without a sanitizer cannot load a library with one")
class RuntimeMetrics(WithHub):
    def test_a_bridges_counters_are_open_metrics(self) -> None:
        library = ctypes.CDLL(LIBRARY)
        library.mycelium_runtime_create.restype = ctypes.c_void_p
        runtime = ctypes.c_void_p(library.mycelium_runtime_create())
        self.addCleanup(library.mycelium_runtime_destroy, runtime)
        self.assertEqual(library.mycelium_bridge_dial(runtime, f"unix:{self.hub}".encode()), 0)
        self.assertEqual(library.mycelium_bridge_wait_for_links(runtime, ctypes.c_size_t(1),
                                                                ctypes.c_int64(PATIENCE_S * 10**9)), 0)
        buffer = ctypes.create_string_buffer(1 << 20)
        self.assertEqual(library.mycelium_metrics_text(runtime, buffer, ctypes.c_size_t(len(buffer)), None), 0)
        text = buffer.value.decode()
        found = samples(text)
        self.assertIn(("mycelium_bridge_links", frozenset({("runtime", "mycelium")})), found)
        up = [value for (name, labels), value in found.items() if name == "mycelium_link_up" and dict(labels)["neighbour"] == "hub"]
        self.assertEqual(up, [1])
        self.assertEqual(lint(as_prometheus(text)), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
