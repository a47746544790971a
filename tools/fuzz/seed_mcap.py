#!/usr/bin/env python3
"""Writes seeds for fuzz_mcap into a folder: small recordings in MCAP, byte by byte after the format's page, so that the
fuzzer begins with every record that the reader knows. Each seed begins with the byte that fuzz_mcap chooses by.

  seed_mcap.py FOLDER
"""

import struct
import sys
import zlib
from pathlib import Path

MAGIC = b"\x89MCAP0\r\n"


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def sized(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content


def record(opcode: int, content: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(content)) + content


def schema(number: int, name: str) -> bytes:
    return record(3, struct.pack("<H", number) + text(name) + text("flatbuffer") + sized(b"no schema, but bytes"))


def channel(number: int, topic: str, metadata: dict[str, str]) -> bytes:
    entries = b"".join(text(key) + text(value) for key, value in metadata.items())
    return record(4, struct.pack("<HH", number, number) + text(topic) + text("flatbuffer") + sized(entries))


def message(number: int, time: int, data: bytes) -> bytes:
    return record(5, struct.pack("<HIQQ", number, time, time, time) + data)


def envelopes(times: list[int]) -> bytes:
    """mycelium.recording.Envelopes with a stamp for each time and no details."""
    stamps = struct.pack("<I", len(times)) + b"".join(struct.pack("<QQQ", time, 1, time) for time in times)
    # Root at 16; its table of fields at 8: 6 bytes long, a table of 8 bytes, the vector's offset at 4 in it.
    return struct.pack("<IIHHHHiI", 16, 0, 6, 8, 4, 0, 8, 8) + b"\0\0\0\0" + stamps


def chunk(records: bytes, compression: str = "", packed: bytes | None = None) -> bytes:
    stored = records if packed is None else packed
    return record(6, struct.pack("<QQQI", 1, 3, len(records), zlib.crc32(records)) + text(compression)
                  + struct.pack("<Q", len(stored)) + stored)


def definitions() -> bytes:
    return (schema(1, "mycelium.recording.Envelopes") + channel(1, "mycelium/envelope", {})
            + schema(2, "mycelium.examples.TextMessage")
            + channel(2, "examples/TextMessage", {"type_id": "1001", "digest": "ab" * 32}))


def records() -> bytes:
    return (definitions() + message(1, 1, envelopes([1, 2, 3]))
            + b"".join(message(2, time, b"payload") for time in (1, 2, 3)))


def killed() -> bytes:
    return MAGIC + record(1, text("mycelium") + text("seed")) + chunk(records())


def ended() -> bytes:
    data = killed()
    place = len(MAGIC) + len(record(1, text("mycelium") + text("seed")))
    index = record(8, struct.pack("<QQQQ", 1, 3, place, len(data) - place) + sized(b"") + struct.pack("<Q", 0)
                   + text("") + struct.pack("<QQ", len(records()), len(records())))
    note = record(12, text("mycelium.end") + sized(text("reason") + text("seed")))
    note_index = record(13, struct.pack("<QQ", len(data), len(note)) + text("mycelium.end"))
    data += note
    data += record(15, struct.pack("<I", zlib.crc32(data)))
    statistics = record(11, struct.pack("<QHIIIIQQ", 4, 2, 2, 0, 1, 1, 1, 3) + sized(struct.pack("<HQHQ", 1, 1, 2, 3)))
    summary = definitions() + index + note_index + statistics
    offset = record(14, struct.pack("<BQQ", 3, len(data), 10))
    footer = struct.pack("<BQQQ", 2, 20, len(data), len(data) + len(summary))
    checksum = zlib.crc32(summary + offset + footer)
    return data + summary + offset + footer + struct.pack("<I", checksum) + MAGIC


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {"killed": b"\0" + killed(), "ended": b"\0" + ended(), "records": b"\1" + records(),
             "unchunked": b"\0" + MAGIC + record(1, text("") + text("")) + records(),
             # Frames of one stored block each.
             "lz4": b"\0" + MAGIC + record(1, text("") + text(""))
                    + chunk(records(), "lz4", b"\x04\x22\x4d\x18\x60\x40\x82" + stored_lz4(records())),
             "zstd": b"\0" + MAGIC + record(1, text("") + text(""))
                     + chunk(records(), "zstd", b"\x28\xb5\x2f\xfd\x00\x58" + stored_zstd(records()))}
    for name, content in seeds.items():
        (folder / f"seed-{name}").write_bytes(content)
    return 0


def stored_lz4(content: bytes) -> bytes:
    return struct.pack("<I", len(content) | 1 << 31) + content + struct.pack("<I", 0)


def stored_zstd(content: bytes) -> bytes:
    return struct.pack("<I", len(content) << 3 | 1)[:3] + content


if __name__ == "__main__":
    sys.exit(main())
