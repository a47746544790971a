#!/usr/bin/env python3
"""Our recordings, read by the MCAP project's own reader: every checksum, index and count, every message, and the
payloads through FlatBuffers' own Python library.

  independent_reader.py MYCELIUM BEAT

Needs the package `mcap` from PyPI: exits with 77, which counts as skipped, where it cannot be imported.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from mcap.reader import make_reader
    from mcap.records import Channel, Chunk, ChunkIndex, DataEnd, Message, MessageIndex, Schema
    from mcap.stream_reader import StreamReader
except ImportError as missing:
    print(f"skipped: {missing}; pip install mcap lz4 zstandard")
    sys.exit(77)

try:
    import flatbuffers
except ImportError:
    flatbuffers = None  # of Debian's Python; a virtual environment may lack it

PROGRAM, BEAT = sys.argv[1:3]
COUNT = 20_000


def record(path: Path, compression: str) -> None:
    subprocess.run([PROGRAM, "record", str(path), "--load", BEAT, "--compression", compression,
                    "--chunk-size", "100000", "--count", str(COUNT + COUNT // 10)],
                   check=True, timeout=60, env={**os.environ, "BEAT_COUNT": str(COUNT)}, stdout=subprocess.DEVNULL)


def counter_value(payload: bytes) -> int:
    """Field 1 of CounterUpdate."""
    table = flatbuffers.table.Table(payload, flatbuffers.encode.Get(flatbuffers.packer.uoffset, payload, 0))
    place = table.Offset(6)
    return table.Get(flatbuffers.number_types.Int32Flags, table.Pos + place) if place else 0


def check_messages(path: Path) -> None:
    """Through the indexes, in the order of log_time."""
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "mycelium"
        values, last_time = [], 0
        for schema, channel, message in reader.iter_messages():
            assert message.log_time >= last_time
            last_time = message.log_time
            assert schema.encoding == channel.message_encoding == "flatbuffer"
            if channel.topic == "examples/CounterUpdate":
                assert schema.name == "mycelium.examples.CounterUpdate"
                assert channel.metadata["type_id"] == "1002"
                values.append(counter_value(message.data) if flatbuffers else len(values) + 1)
        assert values == list(range(1, COUNT + 1)), values[:10]
        summary = reader.get_summary()
        topics = {channel.topic: identity for identity, channel in summary.channels.items()}
        assert set(topics) == {"mycelium/envelope", "examples/CounterUpdate", "examples/TextMessage"}
        counts = summary.statistics.channel_message_counts
        assert counts[topics["examples/CounterUpdate"]] == COUNT
        assert counts[topics["examples/TextMessage"]] == COUNT // 10
        assert counts[topics["mycelium/envelope"]] == summary.statistics.chunk_count == len(summary.chunk_indexes)
        note, = reader.iter_metadata()
        assert (note.name, note.metadata["reason"]) == ("mycelium.end", "count")


def check_records(path: Path) -> None:
    """From the first byte to the last, as a stream."""
    with path.open("rb") as file:
        seen = [type(record) for record in StreamReader(file, validate_crcs=True, emit_chunks=True).records]
    assert seen.count(Chunk) == seen.count(ChunkIndex) > 3
    assert seen.count(MessageIndex) >= 2 * seen.count(Chunk)
    assert seen.count(DataEnd) == 1
    with path.open("rb") as file:
        seen = [type(record) for record in StreamReader(file, validate_crcs=True).records]
    assert seen.count(Message) == COUNT + COUNT // 10 + seen.count(ChunkIndex)
    assert seen.count(Schema) == seen.count(Channel) == 2 * 3  # once in the data, once in the summary


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for compression in ("none", "lz4", "zstd"):
            path = Path(folder, f"{compression}.mcap")
            record(path, compression)
            check_messages(path)
            check_records(path)
            print(f"{compression}: {COUNT + COUNT // 10} messages read by mcap"
                  + ("" if flatbuffers else ", payloads not looked into: no flatbuffers"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
