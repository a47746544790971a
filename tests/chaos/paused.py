"""A process that stops for a while: nobody is dead, so nothing may be missing."""

from __future__ import annotations

import time

from laws import check_alive, check_books, check_lives, settle, wait_until_idle
from rig import Hub, Party, Process, Rig, Row, wait_until
from scenarios import scenario

SILENCE_MS = 1000
TIMES = {"heartbeat_ms": 200, "silence_ms": SILENCE_MS, "block_ms": 60_000}
SHORT_S = 0.3  # the link stays
LONG_S = 2.0  # the other side counts it as dead, and the link is made anew


def sleep_under_load(rig: Rig, who: Process, subscriber: Party) -> None:
    """The fault itself: who does nothing for a short and for a long while."""
    for seconds in (SHORT_S, LONG_S) if rig.quick else (rig.random.uniform(0.05, 4) for _ in range(4)):
        who.pause()
        time.sleep(seconds)
        who.go_on()
        subscriber.wait_for_more(rig.some(200, 2000))


@scenario
def stop_subscriber(rig: Rig) -> Row:
    row = Row("stop_subscriber", note="SIGSTOP for 0.3 and 2 s, silence 1 s")
    at = rig.socket("bus")
    publisher = rig.publisher(listen=f"unix:{at}", rate=rig.rate(), **TIMES)
    subscriber = rig.subscriber(dial=f"unix:{at}", **TIMES)
    subscriber.wait_for_more(200)
    sleep_under_load(rig, subscriber, subscriber)
    report = check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    row.expect(report["links_cut"] > 0 or not rig.quick, "who is silent for long is taken for dead")
    return row


@scenario
def stop_publisher(rig: Rig) -> Row:
    row = Row("stop_publisher", note="SIGSTOP for 0.3 and 2 s, silence 1 s")
    at = rig.socket("bus")
    subscriber = rig.subscriber(listen=f"unix:{at}", **TIMES)
    publisher = rig.publisher(dial=f"unix:{at}", rate=rig.rate(), **TIMES)
    subscriber.wait_for_more(200)
    sleep_under_load(rig, publisher, subscriber)
    check_alive(row, publisher, subscriber)
    row.expect_equal(row.lost + row.dropped, 0, "nothing is lost")
    row.expect(subscriber.report()["links_cut"] > 0 or not rig.quick, "who is silent for long is taken for dead")
    return row


@scenario
def stop_hub(rig: Rig) -> Row:
    """Nothing is missing, even when the hub has lost its link to the subscriber, and the publisher its link to the hub."""
    row = Row("stop_hub", note="SIGSTOP for 0.3 and 4 s, silence 2.5 s")
    at = rig.socket("hub")
    hub = Hub(rig, "hub", at)
    times = {**TIMES, "silence_ms": 2500}  # the hub's own heartbeat is a second
    subscriber = rig.subscriber(dial=f"unix:{at}", **times)
    publisher = rig.publisher(dial=f"unix:{at}", rate=rig.rate(), **times)
    subscriber.wait_for_more(200)
    hub.pause()
    time.sleep(SHORT_S)
    hub.go_on()
    subscriber.wait_for_more(rig.some(200, 2000))
    row.expect_equal(publisher.report()["links_cut"], 0, "who is silent for a moment only is waited for")
    for _ in range(rig.times(1, 3)):
        hub.pause()
        time.sleep(4)
        hub.go_on()
        subscriber.wait_for_more(rig.some(200, 2000))
    report = settle(publisher)
    wait_until(lambda: subscriber.delivered_now() >= report["acknowledged"], "the hub passes all on")
    wait_until_idle(subscriber, links=1)
    row.accepted = report["accepted"]
    check_books(row, report)
    check_lives(row, [subscriber])
    row.expect_equal(row.delivered, row.accepted, "accepted = delivered")
    row.expect_equal(row.lost + row.dropped + row.passed, 0, "nothing is lost")
    row.expect(report["links_cut"] > 0, "who is silent for long is taken for dead")
    return row


@scenario
def stop_with_drops(rig: Rig) -> Row:
    """With a policy that drops, each message that found no room is counted."""
    policy = "drop_oldest" if rig.quick else rig.random.choice(["drop_oldest", "drop_newest", "fail"])
    row = Row("stop_with_drops", note=f"{policy}, capacity 64, SIGSTOP for a second")
    at = rig.socket("bus")
    publisher = rig.publisher(listen=f"unix:{at}", rate=5000, policy=policy, capacity=64,
                              window=1 << 16)
    subscriber = rig.subscriber(dial=f"unix:{at}", window=1 << 16)
    subscriber.wait_for_more(200)
    subscriber.pause()
    time.sleep(1)
    subscriber.go_on()
    subscriber.wait_for_more(200)
    check_alive(row, publisher, subscriber)
    row.expect(row.dropped > 0, "a second of messages does not fit into 64 places")
    row.expect_equal(row.lost, 0, "nothing is lost")
    return row
