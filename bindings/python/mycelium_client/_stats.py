"""Counters, by the names that the library has for them."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._bridge import Bridge
    from ._mailbox import Mailbox
    from ._neighbour import Neighbour


class RuntimeStats(NamedTuple):
    """published: messages accepted from this process. The rest are of the subscriptions of now: offered = delivered +
    the sum of dropped + waiting."""

    published: int
    refused: int  # publish calls that raised, after somebody got the message
    offered: int
    delivered: int
    waiting: int
    subscriptions: int
    requests_pending: int
    dropped: dict[str, int]  # by reason

    @classmethod
    def of(cls, published: int, refused: int, mailboxes: Iterable[Mailbox], requests: int) -> RuntimeStats:
        boxes = list(mailboxes)
        dropped: collections.Counter[str] = sum((box.dropped for box in boxes), collections.Counter())
        return cls(
            published,
            refused,
            sum(box.offered for box in boxes),
            sum(box.delivered for box in boxes),
            sum(len(box.waiting) for box in boxes),
            len(boxes),
            requests,
            dict(dropped),
        )


class NeighbourStats(NamedTuple):
    """One neighbour. node: its id. link: where, or None while it is waited for. sent = acknowledged + lost +
    on_their_way."""

    node: int
    name: str
    link: str | None
    sent: int
    sent_again: int
    acknowledged: int
    dropped: int
    lost: int
    waiting: int  # not sent yet
    on_their_way: int  # messages that are not acknowledged


class BridgeStats(NamedTuple):
    """As MyceliumBridgeStats: messages, over all neighbours of the runtime's life."""

    node: int
    neighbours: int  # linked now
    reachable: int  # nodes, over neighbours too
    links_made: int
    links_cut: int
    refused: int  # connections that did not become links
    received: int
    sent: int  # each once
    sent_again: int  # after a link was cut
    acknowledged: int  # of sent
    dropped: int  # for want of room, by the policy, or too long for the other side
    lost: int  # on their way to a neighbour that did not come back
    missing: int  # that a neighbour had numbered and never sent
    repeated: int  # that came twice; delivered once
    invalid: int  # refused by verification


def neighbour_stats(of: Neighbour) -> NeighbourStats:
    return NeighbourStats(
        of.node,
        of.name,
        of.link.where if of.link is not None else None,
        of.sent,
        of.sent_again,
        of.acknowledged,
        of.dropped,
        of.lost,
        sum(len(lane.waiting) for lane in of.lanes.values()),
        of.on_their_way,
    )


def bridge_stats(of: Bridge) -> BridgeStats:
    neighbours = list(of.neighbours.values())
    return BridgeStats(
        node=of.node,
        neighbours=sum(each.link is not None for each in neighbours),
        reachable=len(of.network.reachable()) - 1,
        links_made=of.links_made,
        links_cut=of.links_cut,
        refused=of.refused,
        received=of.received_before + sum(each.received for each in of.links),
        sent=of.sent_before + sum(each.sent for each in neighbours),
        sent_again=of.sent_again_before + sum(each.sent_again for each in neighbours),
        acknowledged=of.acknowledged_before + sum(each.acknowledged for each in neighbours),
        dropped=of.dropped_before + sum(each.dropped for each in neighbours),
        lost=of.lost + sum(each.lost for each in neighbours),
        missing=of.missing,
        repeated=of.repeated + sum(each.repeated for each in of.links),
        invalid=of.invalid,
    )
