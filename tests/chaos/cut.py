"""Links that are cut in the middle of a frame, while both processes live: nothing is missing, nothing comes twice."""

from __future__ import annotations

from cutter import Cutter
from laws import check_alive
from rig import Rig, Row, wait_until
from scenarios import scenario


def cut_often(rig: Rig, between: Cutter, cuts: int, most_bytes: int = 100_000) -> None:
    goal = between.cuts
    for _ in range(cuts):
        goal += 1
        between.cut_after(rig.random.randint(1, most_bytes))
        wait_until(lambda: between.cuts >= goal, "the link is cut")


@scenario
def cut_frames(rig: Rig) -> Row:
    cuts = rig.times(20, 100)
    row = Row("cut_frames", note=f"{cuts} cuts")
    at, through = rig.socket("bus"), rig.socket("cutter")
    publisher = rig.publisher(listen=f"unix:{at}", rate=rig.rate(), block_ms=60_000)
    with Cutter(through, at) as between:
        subscriber = rig.subscriber(dial=f"unix:{through}")
        subscriber.wait_for_more(1)
        cut_often(rig, between, cuts)
        subscriber.wait_for_more(100)
        check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    return row


@scenario
def cut_frames_of_a_slow_subscriber(rig: Rig) -> Row:
    """The link is cut, and made anew, while a message that has come over it waits for room in a mailbox."""
    cuts = rig.times(10, 40)
    row = Row("cut_frames_of_a_slow_subscriber", note=f"{cuts} cuts, mailbox of 2")
    at, through = rig.socket("bus"), rig.socket("cutter")
    subscriber = rig.subscriber(listen=f"unix:{at}", mailbox=2, slow_us=20_000)
    with Cutter(through, at) as between:
        publisher = rig.publisher(dial=f"unix:{through}", count=40 * cuts, block_ms=60_000)
        subscriber.wait_for_more(1)
        cut_often(rig, between, cuts, 20_000)  # the messages have more than twice as many bytes
        check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    return row
