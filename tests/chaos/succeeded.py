"""Types that are delivered at least once, while kill -9 hits a subscriber, the hub before it, or both."""

from __future__ import annotations

from laws import check_books, check_lives, of_all, settle
from rig import Broken, PLAIN_TYPES, Hub, Party, Rig, Row, wait_until
from scenarios import scenario

TYPES = ",".join(map(str, PLAIN_TYPES))
PATIENCE = {"linger_ms": 60_000, "block_ms": 60_000}  # nobody is given up


def check_all_came(row: Row, publisher: Party, lives: list[Party]) -> None:
    """accepted = delivered, whoever has died; what came twice came in two lives."""
    published = publisher.stop()
    row.expect_equal(published["refused"], 0, "nothing is refused")

    def missing() -> list[int]:
        come = {number for life in lives for number, _, _ in life.records()}
        return sorted(set(range(1, published["attempted"] + 1)) - come)

    try:
        wait_until(lambda: not missing(), f"all {published['attempted']} messages have come")
    except Broken as late:
        raise Broken(f"{late}; without {missing()[:20]}") from None
    wait_until(lambda: of_all(publisher.report(), "unconfirmed") == 0, "all are confirmed")
    report = settle(publisher)
    row.accepted = published["accepted"]
    check_books(row, report)
    check_lives(row, lives)
    row.expect_equal(row.delivered, row.accepted, "accepted = delivered")
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    twice = sum(life.delivered_now() for life in lives) - row.delivered
    row.note = f"{len(lives) - 1} deaths of the subscriber, {twice} messages in two lives"


def new_life(rig: Rig, lives: list[Party], at: str) -> None:
    lives.append(rig.subscriber(f"subscriber.{len(lives)}", dial=f"unix:{at}", node="worker",
                                slow_us=0 if rig.quick else rig.random.choice([0, 0, 100])))


@scenario
def succeed_subscriber(rig: Rig) -> Row:
    """Each life of it gets what the one before had not delivered; over all of them nothing is missing."""
    row = Row("succeed_subscriber")
    at = rig.socket("bus")
    publisher = rig.publisher(listen=f"unix:{at}", rate=rig.rate(), at_least_once=TYPES, **PATIENCE)
    lives: list[Party] = []
    for _ in range(rig.times(4, 10)):
        if lives:
            lives[-1].kill()
        new_life(rig, lives, at)
        lives[-1].wait_for_more(rig.some(500, 5000))
    check_all_came(row, publisher, lives)
    publisher.end()
    return row


@scenario
def succeed_hub(rig: Rig) -> Row:
    """Who published keeps what the hub had not passed on; the subscriber lives, and gets nothing twice."""
    row = Row("succeed_hub")
    at = rig.socket("hub")
    hub = Hub(rig, "hub.0", at, "hub")
    lives: list[Party] = []
    new_life(rig, lives, at)
    publisher = rig.publisher(dial=f"unix:{at}", rate=rig.rate(), at_least_once=TYPES, **PATIENCE)
    lives[0].wait_for_more(rig.some(500, 5000))
    deaths = rig.times(3, 8)
    for life in range(1, deaths + 1):
        hub.kill()
        hub = Hub(rig, f"hub.{life}", at, "hub")
        lives[0].wait_for_more(rig.some(500, 5000))
    check_all_came(row, publisher, lives)
    row.expect_equal(lives[0].delivered_now(), row.delivered, "nothing comes twice to one that lives")
    row.note = f"{deaths} deaths of the hub"
    return row


@scenario
def succeed_both(rig: Rig) -> Row:
    """Now one, now the other, now both at a time."""
    row = Row("succeed_both")
    at = rig.socket("hub")
    hubs = [Hub(rig, "hub.0", at, "hub")]
    lives: list[Party] = []
    new_life(rig, lives, at)
    publisher = rig.publisher(dial=f"unix:{at}", rate=rig.rate(), at_least_once=TYPES, **PATIENCE)
    lives[-1].wait_for_more(rig.some(500, 5000))
    for turn in range(rig.times(4, 10)):
        who = turn % 3 if rig.quick else rig.random.randrange(3)
        if who != 1:
            lives[-1].kill()
        if who != 0:
            hubs[-1].kill()
            hubs.append(Hub(rig, f"hub.{len(hubs)}", at, "hub"))
        if who != 1:
            new_life(rig, lives, at)
        lives[-1].wait_for_more(rig.some(500, 5000))
    check_all_came(row, publisher, lives)
    row.note += f", {len(hubs) - 1} of the hub"
    return row
