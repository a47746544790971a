"""TCP between two hosts over a bad wire: nobody dies, so nothing may be missing; and what is given up is counted."""

from __future__ import annotations

import secrets
import time

from laws import check_alive, check_books, check_lives, on_the_way, settle, wait_until_idle
from rig import Party, Rig, Row, wait_until
from scenarios import scenario
from wire import ADDRESSES, Weather, Wire

SILENCE_S = 1.0
TIMES = {"heartbeat_ms": 200, "silence_ms": 1000, "block_ms": 60_000}


def two_hosts(rig: Rig, wire: Wire, **options: object) -> tuple[Party, Party]:
    """A publisher that dials a subscriber on another host, linked before the weather turns."""
    token = secrets.token_hex(8)
    given = {**TIMES, "token": token, "sizes": "small", **options}
    subscriber = rig.subscriber(prefix=wire.prefix(0), listen=f"tcp:{ADDRESSES[0]}:0", **given)
    publisher = rig.publisher(prefix=wire.prefix(1), dial=subscriber.address, rate=500, **given)
    subscriber.wait_for_more(50)
    return publisher, subscriber


@scenario
def network_slow(rig: Rig) -> Row:
    row = Row("network_slow")
    with Wire(rig.random) as wire:
        publisher, subscriber = two_hosts(rig, wire, silence_ms=10_000)
        wire.weather = (Weather(delay_s=0.02, loss=0.05, reorder=0.1) if rig.quick else
                        Weather(delay_s=rig.random.uniform(0, 0.1), loss=rig.random.uniform(0, 0.1),
                                reorder=rig.random.uniform(0, 0.3)))
        subscriber.wait_for_more(rig.some(500, 2000))
        check_alive(row, publisher, subscriber)
        bad = wire.weather
        row.note = (f"{bad.delay_s * 1000:.0f} ms, {bad.loss:.0%} loss, {bad.reorder:.0%} late, "
                    f"{wire.lost} packets lost")
        row.expect(wire.lost > 0 or not rig.quick, "packets are lost")
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    return row


def apart(rig: Rig, wire: Wire, seconds: float) -> None:
    wire.weather = Weather(unplugged=True)
    time.sleep(seconds)
    wire.weather = Weather()


@scenario
def network_apart_briefly(rig: Rig) -> Row:
    """Shorter than the silence time: the link may stay."""
    row = Row("network_apart_briefly")
    with Wire(rig.random) as wire:
        publisher, subscriber = two_hosts(rig, wire, silence_ms=10_000)
        for _ in range(rig.times(2, 5)):
            apart(rig, wire, 0.5 if rig.quick else rig.random.uniform(0.1, 2))
            subscriber.wait_for_more(100)
        report = check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped + report["links_cut"], 0, "nothing is lost, and the link stays")
    row.note = "unplugged for 0.5 s, silence 10 s"
    return row


@scenario
def network_apart_for_silence(rig: Rig) -> Row:
    """Longer than the silence time, shorter than the linger time: a new link goes on where the old one stopped."""
    row = Row("network_apart_for_silence")
    with Wire(rig.random) as wire:
        publisher, subscriber = two_hosts(rig, wire)
        apart(rig, wire, 2.0 if rig.quick else rig.random.uniform(2, 5))
        subscriber.wait_for_more(100)
        report = check_alive(row, publisher, subscriber)
    row.expect(report["links_cut"] > 0, "who is silent for long is taken for dead")
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    row.note = "unplugged for 2 s, silence 1 s, linger 30 s"
    return row


@scenario
def network_apart_for_good(rig: Rig) -> Row:
    """Longer than the linger time: each side gives the other up, and counts what it cannot know of as lost."""
    row = Row("network_apart_for_good")
    with Wire(rig.random) as wire:
        publisher, subscriber = two_hosts(rig, wire, linger_ms=500)
        wire.weather = Weather(unplugged=True)
        wait_until(lambda: publisher.report()["lost"] > 0, "the publisher gives the subscriber up")
        wire.weather = Weather()
        subscriber.wait_for_more(100)
        report = settle(publisher)
        wait_until_idle(subscriber, links=1)
        row.accepted = report["accepted"]
        check_books(row, report)
        check_lives(row, [subscriber])
    row.expect_equal(on_the_way(report), 0, "nothing is on its way")
    row.expect(row.acknowledged <= row.delivered <= row.acknowledged + row.lost,
               "what was acknowledged was delivered; of what counts as lost, what had arrived unseen was, too")
    row.note = "unplugged until the linger time of 0.5 s was over"
    return row
