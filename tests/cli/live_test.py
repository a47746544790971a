#!/usr/bin/env python3
"""mycelium pub, sub, echo, request, list, hz, bw, delay and bench across processes, against a hub.

  live_test.py MYCELIUM WORDS

WORDS is a plug-in that answers WordCountRequest (words.c).
"""

from __future__ import annotations

import json
import re
import signal
import sys
import unittest
from pathlib import Path

import processes
from processes import PATIENCE_S, WithHub, lines_of, run

processes.PROGRAM, WORDS = sys.argv[1:3]
TEXT = {"sender": "ada", "content": "hello", "timestamp": 7}
SCHEMA = """
attribute "type_id";
attribute "topic";
namespace test;
enum Colour : byte { Red, Green }
struct Point { x: int; y: int; }
table Shape (type_id: 20100, topic: "shapes") { name: string (required); colour: Colour = Green; path: [Point]; area: double = null; }
"""


class Recording(WithHub):
    def test_publishers_of_several_processes_are_told_apart(self) -> None:
        file = str(self.folder / "two.mcap")
        recorder = self.subscriber(file, "--count", "6", verb="record")
        for _ in range(2):
            self.publish("CounterUpdate", {"value": 1}, "--count", "3")
        self.assertEqual(self.end_of(recorder)[0], 0)
        told = json.loads(run("info", file, "--json").stdout)["publishers"]
        self.assertEqual([(each["messages"], each["gaps"], each["out_of_order"]) for each in told], [(3, 0, 0)] * 2)
        self.assertLess(max(each["publisher_id"] for each in told), 1 << 53)


class PubAndSub(WithHub):
    def test_what_one_process_publishes_another_prints(self) -> None:
        subscriber = self.subscriber("TextMessage", "--count", "1")
        done = run("pub", "TextMessage", json.dumps(TEXT), *self.bus)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "mycelium.examples.TextMessage: 1 published\n", ""))
        code, out, errors = self.end_of(subscriber)
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(lines_of(out), [{"type": "mycelium.examples.TextMessage", "type_id": 1001, "message": TEXT}])

    def test_pub_waits_for_a_subscriber(self) -> None:
        publisher = self.start("pub", "TextMessage", json.dumps(TEXT), "--timeout", str(PATIENCE_S), *self.bus)
        self.until(lambda: len(self.neighbourhood()["nodes"]) == 2, "the publisher is not linked")
        subscriber = self.start("sub", "TextMessage", "--count", "1", *self.bus)
        self.assertEqual(self.end_of(publisher)[0], 0)
        self.assertEqual(len(lines_of(self.end_of(subscriber)[1])), 1)

    def test_without_a_subscriber_it_says_so_unless_it_need_not_wait(self) -> None:
        done = run("pub", "TextMessage", "{}", "--timeout", "0.1", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody subscribes to mycelium.examples.TextMessage", done.stderr)
        self.assertIn("--no-wait", done.stderr)
        self.assertEqual(run("pub", "TextMessage", "{}", "--no-wait", *self.bus).returncode, 0)

    def test_lines_of_the_standard_input_are_messages(self) -> None:
        subscriber = self.subscriber("CounterUpdate", "--count", "3", "--field", "value")
        done = run("pub", "CounterUpdate", "-", "--json", *self.bus,
                   given='{"value": 1}\n\n{"value": 2}\n{"value": -3}\n')
        self.assertEqual(json.loads(done.stdout),
                         {"type": "mycelium.examples.CounterUpdate", "published": 3, "acknowledged": True})
        self.assertEqual(self.end_of(subscriber)[1], "1\n2\n-3\n")

    def test_a_file_is_one_message_and_may_be_published_many_times(self) -> None:
        file = self.folder / "message.json"
        file.write_text(json.dumps(TEXT, indent=2))
        subscriber = self.subscriber("1001", "--count", "20", "--envelope")
        done = run("pub", "1001", f"@{file}", "--count", "20", "--rate", "1000", "--priority", "9", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        got = lines_of(self.end_of(subscriber)[1])
        self.assertEqual([each["envelope"]["sequence"] for each in got], list(range(1, 21)))
        self.assertEqual({each["envelope"]["priority"] for each in got}, {9})
        self.assertRegex(got[0]["envelope"]["time"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")

    def test_types_of_a_schema_of_ones_own(self) -> None:
        schema = self.folder / "shapes.fbs"
        schema.write_text(SCHEMA)
        compiled = run("schema", "compile", "--bfbs", str(self.folder), str(schema))
        self.assertEqual(compiled.returncode, 0, compiled.stderr)
        subscriber = self.subscriber("shapes", "--count", "1", "--schema", str(self.folder / "shapes.bfbs"))
        self.publish("Shape", {"name": "box", "path": [{"x": 1}, {"x": 2, "y": -3}]}, "--schema", str(schema))
        self.assertEqual(lines_of(self.end_of(subscriber)[1])[0]["message"],
                         {"name": "box", "colour": "Green", "path": [{"x": 1, "y": 0}, {"x": 2, "y": -3}]})

    def test_what_is_wrong_with_a_message_is_told_before_anything_is_published(self) -> None:
        for message, words in ((f'{{"sendr": 1}}', "no field 'sendr'; there are: sender, content, timestamp"),
                               ('{"timestamp": -1}', "timestamp: -1 is no ulong"), ("{", "no JSON"),
                               ("@/no/such/file", "/no/such/file cannot be read")):
            done = run("pub", "TextMessage", message, *self.bus)
            self.assertEqual(done.returncode, 1, message)
            self.assertIn(words, done.stderr)
        done = run("pub", "NoSuchType", "{}", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no message type 'NoSuchType'", done.stderr)
        done = run("pub", "CounterUpdate", "-", "--no-wait", *self.bus, given='{}\n{"value": "high"}\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2: value: \"high\" is no int", done.stderr)

    def test_raw_bytes_pass_without_a_schema(self) -> None:
        subscriber = self.subscriber("20001", "--count", "1", "--raw")
        done = run("pub", "20001", "00ff 10", "--raw", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(lines_of(self.end_of(subscriber)[1]),
                         [{"type": "type 20001", "type_id": 20001, "message": {"hex": "00ff10"}}])
        done = run("pub", "20001", "{}", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--schema", done.stderr)

    def test_filters_leave_messages_out(self) -> None:
        subscriber = self.subscriber("CounterUpdate", "--count", "2", "--filter", "value >= 3", "--filter", "delta != 4",
                                     "--field", "value")
        done = run("pub", "CounterUpdate", "-", *self.bus,
                   given="".join(f'{{"value": {i}, "delta": {i}}}\n' for i in range(7)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.end_of(subscriber)[1], "3\n5\n")

    def test_echo_is_for_people_and_writes_nothing_but_text_to_their_terminal(self) -> None:
        subscriber = self.subscriber("examples", "--count", "2", "--envelope", verb="echo")
        self.publish("TextMessage", {"sender": "eve", "content": "\u001b[31mred\u009b\u007f\nline"})
        self.publish("BatchOperation", {"operation_id": 1, "items": [{"bytes": list(range(20))}]})
        code, out, errors = self.end_of(subscriber)
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(out, r"^mycelium\.examples\.TextMessage  20\S+Z  publisher \d+  sequence 1\n  sender: eve\n")
        self.assertIn("  content: ", out)
        self.assertIsNone(re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", out), repr(out))
        self.assertIn("  items:\n    -\n      bytes: [0,1,2", out)

    def test_a_signal_ends_it_in_good_order(self) -> None:
        for stop in (signal.SIGINT, signal.SIGTERM):
            subscriber = self.subscriber("TextMessage")
            self.publish("TextMessage", TEXT)
            self.assertIn('"hello"', subscriber.stdout.readline())
            subscriber.send_signal(stop)
            self.assertEqual(self.end_of(subscriber), (0, "", ""))

    def test_a_publisher_without_end_stops_at_a_signal_and_says_how_many(self) -> None:
        subscriber = self.subscriber("TextMessage")
        publisher = self.start("pub", "TextMessage", json.dumps(TEXT), "--rate", "100", *self.bus)
        for _ in range(3):
            self.assertIn('"hello"', subscriber.stdout.readline())
        publisher.send_signal(signal.SIGINT)
        code, out, _ = self.end_of(publisher)
        self.assertEqual(code, 0)
        self.assertGreaterEqual(int(re.fullmatch(r"\S+: (\d+) published\n", out)[1]), 3)

    def test_nothing_in_time_is_a_failure(self) -> None:
        done = run("sub", "TextMessage", "--timeout", "0.1", *self.bus)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("only 0 messages in time", done.stderr)

    def test_wrong_command_lines(self) -> None:
        for arguments in (("pub", "TextMessage", "{}"), ("sub", "TextMessage"), ("echo", "TextMessage"), ("list",),
                          ("request", "WordCountRequest", "{}"), ("hz", "TextMessage"), ("top",)):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("--unix PATH", done.stderr)
        self.assertEqual(run("pub", "TextMessage", "-", "--count", "2", *self.bus, given="").returncode, 2)
        done = run("sub", "TextMessage", "--filter", "value", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FIELD OP VALUE", done.stderr)
        done = run("sub", "weather", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'weather'", done.stderr)

    def test_nobody_at_the_address_is_told_with_a_reason(self) -> None:
        self.hub_process.terminate()
        self.end_of(self.hub_process)
        done = run("sub", "TextMessage", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"(?m)^mycelium sub: unix:{re.escape(self.hub)}: .*; it is tried again$")
        self.assertIn("no link", done.stderr)


class Requests(WithHub):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.subscriber("CounterUpdate", "--load", WORDS, "--name", "server")

    def test_the_reply_is_printed(self) -> None:
        done = run("request", "WordCountRequest", '{"text": "to be or not"}', *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(lines_of(done.stdout), [{"type": "mycelium.examples.WordCountReply", "type_id": 1005,
                                                  "message": {"words": 4, "bytes": 12}}])
        done = run("request", "WordCountRequest", '{"text": "a b"}', "--field", "words", *self.bus)
        self.assertEqual((done.returncode, done.stdout), (0, "2\n"))
        done = run("request", "WordCountRequest", '{"text": "a"}', "--text", *self.bus)
        self.assertEqual(done.stdout, "mycelium.examples.WordCountReply\n  words: 1\n  bytes: 1\n\n")

    def test_no_reply_has_its_status(self) -> None:
        done = run("request", "WordCountRequest", '{"text": "silence"}', *self.bus)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("MYCELIUM_ERROR_NO_REPLY", done.stderr)

    def test_nobody_who_serves_is_told_in_time(self) -> None:
        done = run("request", "OversightScoreRequest", "{}", "--timeout", "0.2", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("MYCELIUM_ERROR_TIMEOUT: nobody subscribes to mycelium.oversight.OversightScoreRequest", done.stderr)
        done = run("request", "OversightScoreRequest", "{}", "--no-wait", *self.bus)
        self.assertIn("MYCELIUM_ERROR_NO_REPLY", done.stderr)


class Lists(WithHub):
    def test_nodes_types_and_links_of_three_processes(self) -> None:
        subscriber = self.subscriber("TextMessage", "--name", "eyes")
        publisher = self.start("pub", "TextMessage", json.dumps(TEXT), "--rate", "200", "--name", "mouth", *self.bus)
        for _ in range(5):
            subscriber.stdout.readline()
        done = run("list", "--json", "--wait", str(PATIENCE_S), *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = json.loads(done.stdout)
        nodes = {node["name"]: node for node in page["nodes"]}
        self.assertEqual(sorted(nodes), ["eyes", "hub", "mouth"])
        self.assertEqual({name: node["process"] for name, node in nodes.items()},
                         {"eyes": subscriber.pid, "hub": self.hub_process.pid, "mouth": publisher.pid})
        text = {each["type_id"]: each for each in page["types"]}[1001]
        self.assertEqual((text["type"], text["topic"]), ("mycelium.examples.TextMessage", "examples"))
        self.assertRegex(text["digest"], "^[0-9a-f]{64}$")
        self.assertEqual([each["node"] for each in text["publishers"]], [nodes["mouth"]["node"]])
        self.assertGreaterEqual(text["publishers"][0]["published"], 5)
        self.assertEqual(text["subscribers"], [{"node": nodes["eyes"]["node"], "subscriptions": 1}])
        self.assertEqual(sorted((link["name"], link["to_name"]) for link in page["links"]),
                         [("eyes", "hub"), ("hub", "eyes"), ("hub", "mouth"), ("mouth", "hub")])
        shown = run("list", *self.bus).stdout
        self.assertRegex(shown, r"1001  mycelium\.examples\.TextMessage  examples +[0-9a-f]{16}  mouth:\d+ +eyes:1")
        self.assertRegex(shown, rf"(?m)^  mouth +hub +unix:{re.escape(self.hub)} ")

    def test_all_types_on_request(self) -> None:
        known = json.loads(run("list", "--json", "--all", *self.bus).stdout)["types"]
        self.assertIn("mycelium.inference.InferenceToken", [each["type"] for each in known])
        self.assertEqual(json.loads(run("list", "--json", *self.bus).stdout)["types"], [])


class Rates(WithHub):
    def figures(self, verb: str, *options: str) -> list[dict]:
        meter = self.subscriber("TextMessage", "--json", *options, verb=verb)
        self.publish("TextMessage", TEXT, "--count", "50", "--rate", "100")
        code, out, errors = self.end_of(meter)
        self.assertEqual((code, errors), (0, ""))
        return lines_of(out)

    def test_hz(self) -> None:
        lines = self.figures("hz", "--count", "50", "--every", "0.1")
        self.assertGreater(len(lines), 1, "a line every 0.1 s, and the summary")
        self.assertEqual([each["summary"] for each in lines], [False] * (len(lines) - 1) + [True])
        end = lines[-1]
        self.assertEqual((end["type"], end["messages"]), ("mycelium.examples.TextMessage", 50))
        self.assertLessEqual(sum(each["messages"] for each in lines[:-1]), 50)
        self.assertGreater(end["hz"], 0)
        spread = end["interval_s"]
        self.assertTrue(0 <= spread["min"] <= spread["mean"] <= spread["max"])

    def test_bw(self) -> None:
        end = self.figures("bw", "--count", "50")[-1]
        size = end["bytes"]
        self.assertTrue(size["min"] == size["mean"] == size["max"] > 40)
        self.assertAlmostEqual(end["bytes_per_s"] * end["seconds"], 50 * size["mean"], places=3)

    def test_delay(self) -> None:
        end = self.figures("delay", "--count", "50")[-1]
        delay = end["delay_s"]
        self.assertTrue(0 <= delay["min"] <= delay["p50"] <= delay["p99"] <= delay["max"] < PATIENCE_S, delay)

    def test_text_lines(self) -> None:
        for verb, pattern in (("hz", r"Hz  interval min \d"), ("bw", r"B/s  size min \d+ mean"), ("delay", r"delay min ")):
            meter = self.subscriber("TextMessage", "--count", "2", verb=verb)
            self.publish("TextMessage", TEXT, "--count", "2")
            code, out, _ = self.end_of(meter)
            self.assertEqual(code, 0)
            self.assertRegex(out, r"(?m)^mycelium\.examples\.TextMessage  in all  .*" + pattern)

    def test_silence_is_a_failure_when_there_is_a_limit(self) -> None:
        done = run("hz", "TextMessage", "--timeout", "0.2", *self.bus)
        self.assertEqual(done.returncode, 1)
        self.assertIn("TextMessage  in all  no messages", done.stdout)


class BenchOverALink(WithHub):
    def test_every_message_comes_through_the_hub(self) -> None:
        done = run("bench", "--json", "--seconds", "0.1", "--subscribers", "2", *self.bus)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        row = json.loads(done.stdout)
        self.assertEqual(row["through"], "unix:" + self.hub)
        self.assertGreater(row["published"], 0)
        self.assertEqual((row["delivered"], row["dropped"]), (2 * row["published"], 0))
        self.assertTrue(0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    unittest.main(argv=sys.argv[:1], verbosity=2)
