"""What has to hold between the counts of the two sides. docs/faults.md says it in sentences."""

from __future__ import annotations

from collections import defaultdict

from rig import Party, Report, Row, wait_until


def on_the_way(report: Report) -> int:
    """Messages for neighbours of now that are neither acknowledged nor given up."""
    return sum(each["waiting"] + each["sent"] - each["acknowledged"] - each["lost"]
               for each in report["bridge"]["neighbours"])


def of_all(report: Report, count: str) -> int:
    """A count of neighbours of now and of those that were given up."""
    return sum(each[count] for each in (report["bridge"]["gone"], *report["bridge"]["neighbours"]))


def passed_over(report: Report) -> int:
    """Messages that were not sent, since the neighbour has no use for them: it knows the type by another schema."""
    return of_all(report, "passed_over")


def settle(publisher: Party) -> Report:
    """The publisher's counts once nothing is on its way any more: all is acknowledged, lost or dropped."""
    publisher.stop()
    reports: list[Report] = []

    def settled() -> bool:
        reports[:] = [publisher.report()]
        return on_the_way(reports[0]) == 0

    wait_until(settled, f"nothing is on its way from {publisher.name}")
    return reports[0]


def wait_until_idle(subscriber: Party, links: int) -> Report:
    """The subscriber's counts once its callback has seen all that came, over so many links that are left."""
    reports: list[Report] = []

    def idle() -> bool:
        reports[:] = [subscriber.report()]
        now = reports[0]
        return now["links"] == links and now["waiting"] == 0 and now["taken"] <= subscriber.delivered_now()

    wait_until(idle, f"{subscriber.name} has dealt with all that came")
    return reports[0]


def check_books(row: Row, report: Report) -> None:
    """What was offered to neighbours stands somewhere. A message that waits for two of them was offered twice."""
    settled = report["acknowledged"] + report["lost"] + report["dropped"] + passed_over(report) + on_the_way(report)
    row.expect_equal(report["offered"] + of_all(report, "taken_over"), settled,
                     "offered + taken over = acknowledged + lost + dropped + waiting + passed over")
    row.offered += report["offered"]
    row.acknowledged += report["acknowledged"]
    row.lost += report["lost"]
    row.dropped += report["dropped"]
    row.passed += passed_over(report)


def check_lives(row: Row, lives: list[Party]) -> set[int]:
    """What each life of a subscriber has seen: sound, in order of each type, nothing twice. Returns the numbers."""
    seen: set[int] = set()
    for life in lives:
        last: dict[int, int] = defaultdict(int)
        own: set[int] = set()
        for number, type_id, sound in life.records():
            row.expect(sound == 1, f"{life.name}: number {number} came with other bytes")
            if number in own:
                row.duplicates += 1
            elif number < last[type_id]:
                row.expect(False, f"{life.name}: {number} of type {type_id} came after {last[type_id]}")
            own.add(number)
            last[type_id] = max(number, last[type_id])
        seen |= own
    row.delivered += len(seen)
    row.expect_equal(row.duplicates, 0, "nothing comes twice")
    return seen


def check_alive(row: Row, publisher: Party, subscriber: Party) -> Report:
    """Both processes have lived: accepted = delivered + dropped + lost, to the message. Returns the publisher's counts.

    A publish call that was refused (FULL, TIMEOUT) is not accepted, but the message counts as dropped for a neighbour.
    """
    report = settle(publisher)
    wait_until_idle(subscriber, links=1)
    row.accepted += report["accepted"]
    check_books(row, report)
    check_lives(row, [subscriber])
    row.expect_equal(report["accepted"] + report["refused"], row.delivered + row.dropped + row.lost,
                     "accepted = delivered + dropped + lost")
    row.expect_equal(row.acknowledged, row.delivered, "what was acknowledged was delivered")
    return report
