"""Frames and the tables in them: back and forth, in pieces, and damaged. flatc is the second opinion on tables."""

import json
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

from mycelium_client import _wire
from mycelium_client._frames import FrameError, FrameReader, control_frame, data_frame, data_frame_length, table_frame

SCHEMA = pathlib.Path(__file__).parents[4] / "schema" / "bridge.fbs"
FIELDS = {
    "sequence": 3,
    "correlation": 2**64 - 1,
    "priority": 255,
    "hops": 15,
    "origin": 2**64 - 1,
    "publisher_id": 4,
    "publisher_sequence": 5,
    "timestamp_ns": -6,
}
TABLES = [
    _wire.Hello(1, 2**64 - 1, "Ångström", bytes(range(16)), True, 2**32 - 1, 7, True, 2**32 - 1),
    _wire.Hello(),
    _wire.Proof(bytes(32)),
    _wire.Ready([_wire.TypeDigest(1001, bytes(range(32))), _wire.TypeDigest(65535, bytes(32))], 3, 4, 5),
    _wire.Refusal(_wire.Reason.LEAVING, "the node goes away"),
    _wire.NodeState(1, 2, "three", [4, 2**64 - 1], [5, 65535], [65535], [6, 2**63]),
    _wire.Credit(2**63),
    _wire.Lost(1, 2),
    _wire.Receipt(3, [4, 2**64 - 1]),
]


class FramesTest(unittest.TestCase):
    def test_what_is_written_is_read(self) -> None:
        reader = FrameReader(1 << 20)
        for length in (0, 1, 15, 16, 17, 5000):
            for key in (None, 0, 2**64 - 1):
                for trace in (None, bytes(range(25))):
                    payload = bytes(length)
                    data = data_frame(7, payload, key=key, trace=trace, **FIELDS)
                    self.assertEqual(len(data) % 16, 0)
                    reader.feed(data)
                    frame = reader.next()
                    assert frame is not None
                    read = {name: getattr(frame, name) for name in FIELDS}
                    self.assertEqual(
                        (read, frame.type_id, frame.key, frame.trace, frame.payload), (FIELDS, 7, key, trace, payload)
                    )
                    self.assertEqual(-(-data_frame_length(length, key, trace) // 16) * 16, len(data))
                    self.assertIsNone(reader.next())

    def test_pieces_of_any_size(self) -> None:
        frames = [data_frame(7, bytes((i,)) * i, **FIELDS) for i in range(60)] + [
            control_frame(_wire.Control.HEARTBEAT)
        ]
        whole = b"".join(frames)
        dice = random.Random(3)
        for _ in range(20):
            reader, count, rest = FrameReader(1 << 20), 0, whole
            while rest:
                size = dice.choice((1, 7, 16, 500))
                reader.feed(rest[:size])
                rest = rest[size:]
                while reader.next() is not None:
                    count += 1
            self.assertEqual(count, len(frames))

    def test_a_frame_over_the_limit_is_refused_before_it_has_come(self) -> None:
        reader = FrameReader(1000)
        reader.feed(data_frame(7, bytes(1000), **FIELDS)[:32])
        with self.assertRaisesRegex(FrameError, "over the limit of 1000"):
            reader.next()

    def test_damage_is_an_error_or_waits_for_more_and_nothing_else(self) -> None:
        dice = random.Random(4)
        good = data_frame(7, b"payload", key=1, trace=bytes(25), **FIELDS)
        refused = 0
        for _ in range(3000):
            data = bytearray(good)
            for _ in range(dice.randint(1, 4)):
                data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            reader = FrameReader(4096)
            reader.feed(bytes(data))
            try:
                reader.next()
            except FrameError:
                refused += 1
        self.assertGreater(refused, 2000)


class TablesTest(unittest.TestCase):
    def test_what_is_written_is_read(self) -> None:
        for table in TABLES:
            read = type(table).from_bytes(table.to_bytes())
            for field in table.LAYOUT.fields:
                value, expected = getattr(read, field.name), getattr(table, field.name)
                if isinstance(value, memoryview):
                    value, expected = list(value), list(expected)
                elif isinstance(value, list):
                    value = [(each.type_id, bytes(each.digest)) for each in value]
                    expected = [(each.type_id, each.digest) for each in expected]
                self.assertEqual(value, expected, (table, field.name))

    def test_every_field_of_the_schema_is_known(self) -> None:
        """A state is passed on as it came: a field that was forgotten here would be lost on its way."""
        text = re.sub("//.*", "", SCHEMA.read_text(encoding="utf-8"))
        tables = re.findall(r"table (\w+) {(.*?)}", text, re.DOTALL)
        self.assertGreaterEqual(len(tables), len({type(table) for table in TABLES}))
        for name, body in tables:
            known = [field.name for field in getattr(_wire, name).LAYOUT.fields]
            self.assertEqual(known, re.findall(r"(\w+):", body), name)

    def test_damaged_tables_are_value_errors(self) -> None:
        dice = random.Random(5)
        for table in TABLES:
            good = table.to_bytes()
            for _ in range(300):
                data = bytearray(good)
                data[dice.randrange(len(data))] = dice.randrange(256)
                try:
                    type(table).from_bytes(bytes(data[: dice.randint(0, len(data))]))
                except ValueError:
                    pass

    def test_flatc_reads_and_writes_the_same(self) -> None:
        for table in TABLES:
            name = type(table).__name__
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder) / "table.bin"
                file.write_bytes(table.to_bytes())
                root = ["--root-type", f"mycelium.bridge.wire.{name}"]
                shown = ["flatc", "--json", "--strict-json", "--raw-binary", *root, "-o", folder, SCHEMA, "--", file]
                subprocess.run(shown, check=True, capture_output=True)
                page = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
                self.assertEqual(page, plain(table))
                back = ["flatc", "--binary", *root, "-o", folder, SCHEMA, file.with_suffix(".json")]
                subprocess.run(back, check=True, capture_output=True)
                theirs = type(table).from_bytes(file.read_bytes())
                self.assertEqual(plain(theirs), plain(table))


def plain(table: _wire.Table) -> dict[str, object]:
    """As flatc shows it: without what has its default."""
    page = {}
    for field in table.LAYOUT.fields:
        value = getattr(table, field.name)
        if isinstance(table, _wire.Refusal) and field.name == "reason":
            value = _wire.Reason(value).name.title()
        elif field.kind == "tables":
            value = [plain(each) for each in value]
        elif field.kind == "scalars":
            value = list(value)
        if value:
            page[field.name] = value
    return page


class FrameOfTableTest(unittest.TestCase):
    def test_a_table_is_the_payload_of_its_kind(self) -> None:
        reader = FrameReader(4096)
        for table in TABLES:
            reader.feed(table_frame(table))
            frame = reader.next()
            assert frame is not None
            self.assertEqual((frame.type_id, frame.payload), (table.KIND, table.to_bytes()))


if __name__ == "__main__":
    unittest.main()
