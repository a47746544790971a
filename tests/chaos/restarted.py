"""A subscriber that comes back and knows a type by the same schema, or by another."""

from __future__ import annotations

from collections import Counter

from killed import BLOCK_MS, LINGER_MS
from laws import check_books, check_lives, passed_over, settle, wait_until_idle
from rig import PLAIN_TYPES, Party, Rig, Row
from scenarios import scenario

ORDER, CANCELLED = 20100, 20101  # of tests/laws/schemas/orders.fbs; orders_changed.fbs has another Order


def run(rig: Rig, row: Row, schemas: list[str]) -> list[Counter[int]]:
    """One life of the subscriber for each schema; what each got, by type."""
    at = rig.socket("bus")
    types = ",".join(map(str, (ORDER, CANCELLED, PLAIN_TYPES[0])))
    publisher = rig.publisher(listen=f"unix:{at}", rate=rig.rate(), types=types, schema=rig.schemas / "orders.bfbs",
                              linger_ms=LINGER_MS, block_ms=BLOCK_MS)
    lives: list[Party] = []
    for life, schema in enumerate(schemas):
        if lives:
            lives[-1].kill()
        lives.append(rig.subscriber(f"subscriber.{life}", dial=f"unix:{at}", types=types,
                                    schema=rig.schemas / f"{schema}.bfbs"))
        lives[-1].wait_for_more(rig.some(500, 5000))
    report = settle(publisher)
    counts = wait_until_idle(lives[-1], links=1)
    row.expect_equal(counts["invalid"], 0, "no payload is refused: what differs is not sent")
    row.accepted = report["accepted"]
    check_books(row, report)
    check_lives(row, lives)
    row.died = max(0, row.acknowledged - sum(life.delivered_now() for life in lives))
    row.note = f"{passed_over(report)} not sent, of a type that differs"
    return [Counter(type_id for _, type_id, _ in life.records()) for life in lives]


@scenario
def same_schema(rig: Rig) -> Row:
    row = Row("same_schema")
    for got in run(rig, row, ["orders", "orders"]):
        row.expect(min(got[ORDER], got[CANCELLED], got[PLAIN_TYPES[0]]) > 0, f"every type crosses: {dict(got)}")
    return row


@scenario
def other_schema(rig: Rig) -> Row:
    row = Row("other_schema")
    before, differs, again = run(rig, row, ["orders", "orders_changed", "orders"])
    for got in (before, again):
        row.expect(got[ORDER] > 0, f"an order crosses where both know it by one schema: {dict(got)}")
    row.expect_equal(differs[ORDER], 0, "no order crosses where the schemas differ")
    row.expect(min(differs[CANCELLED], differs[PLAIN_TYPES[0]]) > 0, f"the other types do: {dict(differs)}")
    return row
