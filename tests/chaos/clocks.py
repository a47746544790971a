"""The wall clock of one side jumps. Only timestamps may notice."""

from __future__ import annotations

import time
from pathlib import Path

from laws import check_alive
from rig import Rig, Row, Skipped
from scenarios import scenario

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1",
             "/usr/lib64/faketime/libfaketimeMT.so.1")
HOUR_S = 3600
HOUR_NS = HOUR_S * 1_000_000_000


def library() -> str:
    for pattern in LIBRARIES:
        for found in Path("/").glob(pattern[1:]):
            return str(found)
    raise Skipped("no libfaketimeMT.so.1: install Debian's package faketime (tools/setup does)")


def jumping(rig: Rig, who: str) -> Row:
    preload = library()
    row = Row(f"clock_of_{who}", note="+5 h, then -7 h")
    offset = rig.folder / "offset"

    def jump(to: str) -> None:
        fresh = offset.with_suffix(".new")
        fresh.write_text(to + "\n")
        fresh.rename(offset)  # nobody reads half of it

    jump("+0s")
    fake = {"LD_PRELOAD": preload, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # as the kernel has it: the monotonic clock does not jump
    at = rig.socket("bus")
    publisher = rig.publisher(listen=f"unix:{at}", rate=2000, environment=fake if who == "publisher" else None)
    subscriber = rig.subscriber(dial=f"unix:{at}", environment=fake if who == "subscriber" else None)
    subscriber.wait_for_more(500)
    for to in ("+5h", "-2h") if rig.quick else [f"{rig.random.randint(-99, 99):+}h" for _ in range(9)] + ["+5h", "-2h"]:
        jump(to)
        subscriber.wait_for_more(500)
    report = check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped + report["links_cut"], 0, "nothing is lost, and no link is cut")
    counts = subscriber.report()
    apart = counts["newest_ns"] - counts["oldest_ns"]
    jumped = publisher if who == "publisher" else subscriber
    row.expect(abs(jumped.report()["wall_s"] - time.time()) > HOUR_S, "the fault took place: its clock is another")
    # The time stamps are the publisher's.
    row.expect(apart > 6 * HOUR_NS if who == "publisher" else apart < HOUR_NS,
               f"the time stamps are {apart / HOUR_NS:.3f} h apart")
    return row


@scenario
def clock_of_publisher(rig: Rig) -> Row:
    return jumping(rig, "publisher")


@scenario
def clock_of_subscriber(rig: Rig) -> Row:
    return jumping(rig, "subscriber")
