"""kill -9 of either side, or of the hub between them, under load; each comes back."""

from __future__ import annotations

from laws import check_books, check_lives, settle, wait_until_idle
from rig import Hub, Party, Report, Rig, Row, wait_until
from scenarios import scenario

LINGER_MS = 500  # what a dead neighbour has not acknowledged counts as lost after that
SHORT_MS = 5_000  # far shorter than the linger time of 30 s
BLOCK_MS = 20_000  # longer: no publisher gives up while a dead neighbour's mailbox is full


@scenario
def kill_subscriber(rig: Rig) -> Row:
    """What the dead one had not acknowledged counts as lost, at once; the next one gets all from its beginning on."""
    row = Row("kill_subscriber")
    at = rig.socket("bus")
    publisher = rig.publisher(listen=f"unix:{at}", rate=rig.rate(), block_ms=SHORT_MS)
    lives: list[Party] = []
    for life in range(rig.times(3, 8)):
        if lives:
            lives[-1].kill()
            wait_until(lambda: not publisher.report()["bridge"]["neighbours"], "the dead one has been given up")
        lives.append(rig.subscriber(f"subscriber.{life}", dial=f"unix:{at}"))
        lives[-1].wait_for_more(rig.some(500, 5000))
    report = settle(publisher)
    wait_until_idle(lives[-1], links=1)
    row.expect_equal(lives[-1].delivered_now(), linked_neighbour(report)["acknowledged"],
                     "who lives has got what it acknowledged")
    row.accepted = report["accepted"]
    check_books(row, report)
    check_lives(row, lives)
    seen = sum(life.delivered_now() for life in lives)
    row.died = max(0, row.acknowledged - seen)
    row.expect_at_most(seen, row.acknowledged + row.lost, "delivered is at most acknowledged + on its way at a death")
    row.expect_equal(report["refused"], 0, "no publish call had to wait for one that is known to be dead")
    row.note = f"{len(lives) - 1} deaths"
    publisher.end()
    return row


def linked_neighbour(report: Report) -> Report:
    """The one neighbour that it has a link with."""
    (linked,) = [each for each in report["bridge"]["neighbours"] if each["link"]]
    return linked


@scenario
def kill_publisher(rig: Rig) -> Row:
    """What has come from it is a beginning of what it published, without gaps; the rest died with it."""
    row = Row("kill_publisher")
    at = rig.socket("bus")
    subscriber = rig.subscriber(listen=f"unix:{at}")
    lives: list[Party] = []
    first = [1]
    for life in range(rig.times(3, 8)):
        if lives:
            lives[-1].kill()
            first.append(first[-1] + lives[-1].books()[0])
        lives.append(rig.publisher(f"publisher.{life}", dial=f"unix:{at}", first=first[-1], rate=rig.rate(),
                                   block_ms=BLOCK_MS))
        subscriber.wait_for_more(rig.some(500, 5000))
    check_books(row, settle(lives[-1]))
    report = wait_until_idle(subscriber, links=1)
    row.expect_equal(report["missing"], 0, "no gap is told of")
    seen = check_lives(row, [subscriber])
    for life, begin in zip(lives, first):
        attempted, accepted, _ = life.books()
        own = {number for number in seen if begin <= number < begin + attempted}
        row.accepted += accepted
        row.died += max(0, accepted - len(own))
        row.expect_equal(max(own, default=begin - 1) - begin + 1, len(own), f"{life.name}: no gap in what came")
    row.expect_equal(len(own), accepted, "accepted = delivered of the publisher that lives")
    row.expect_at_most(max(seen), begin + attempted - 1, "every number was published")
    row.note = f"{len(lives) - 1} deaths"
    lives[-1].end()
    return row


@scenario
def kill_hub(rig: Rig) -> Row:
    """What it had acknowledged and not passed on dies with it; what it had not acknowledged counts as lost."""
    row = Row("kill_hub")
    at = rig.socket("hub")
    hub = Hub(rig, "hub.0", at)
    subscriber = rig.subscriber(dial=f"unix:{at}")
    publisher = rig.publisher(dial=f"unix:{at}", rate=rig.rate(), linger_ms=LINGER_MS,
                              block_ms=BLOCK_MS)
    subscriber.wait_for_more(rig.some(500, 5000))
    deaths = rig.times(2, 6)
    for life in range(1, deaths + 1):
        hub.kill()
        hub = Hub(rig, f"hub.{life}", at)
        subscriber.wait_for_more(rig.some(500, 5000))
    report = settle(publisher)
    to_hub = linked_neighbour(report)["acknowledged"]
    wait_until(lambda: linked_neighbour(subscriber.report())["received"] == to_hub,
               "the hub that lives has passed on all that it acknowledged")
    wait_until_idle(subscriber, links=1)
    row.accepted = report["accepted"]
    check_books(row, report)
    check_lives(row, [subscriber])
    row.died = max(0, row.acknowledged - row.delivered)
    row.expect_at_most(row.delivered, row.acknowledged + row.lost, "delivered is at most acknowledged + lost")
    row.note = f"{deaths} deaths"
    return row
