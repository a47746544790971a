"""All links of a runtime: neighbours that come and go, who wants what, and what goes on to whom."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from ._connection import log
from ._dialer import Dialer
from ._errors import LeavingError, MyceliumError
from ._events import Dropped, Event, Forgotten, Gap, Linked, Unlinked
from ._frames import Frame
from ._link import NO_REPLY, Link
from ._listener import Listener
from ._local import Local
from ._mailbox import Mailbox
from ._message import Ask, Message
from ._neighbour import Neighbour
from ._network import Network, State
from ._seen import SeenMessages
from ._settings import Settings
from ._wire import NodeState, Reason

_INVALID_PAYLOAD = -9
_WAYS_PAUSE_S = 2.0  # in which a change of the mesh comes to all


class Bridge:
    """The owner of the links. Belongs to one event loop."""

    def __init__(self, how: Settings, local: Local, on_event: Callable[[Event], object] | None) -> None:
        self.how = how
        self.node = secrets.randbits(64) or 1
        self.network = Network(self.node, how.name)
        self.neighbours: dict[int, Neighbour] = {}
        self.links: set[Link] = set()
        self._open: set[asyncio.Future[None]] = set()  # connections that are not closed yet
        self.dialers: list[Dialer] = []
        self.listeners: list[Listener] = []
        self.leaving = False
        self.links_made = self.links_cut = self.refused = 0
        self.missing = self.invalid = self.repeated = self.lost = self.dropped_before = self.sent_before = 0
        self.acknowledged_before = self.sent_again_before = self.received_before = 0
        self.changed = asyncio.Event()  # set and cleared whenever a link or a wish has changed
        self._local = local
        self._on_event = on_event
        self._seen = SeenMessages()
        self._forgetting: asyncio.TimerHandle | None = None
        local.on_wants = self._update_wants
        local.others = self._others
        self._update_wants()

    def configure(self, how: Settings) -> None:
        """Before the first link."""
        self.how = how
        self.network = Network(self.node, how.name)
        self._update_wants()

    @property
    def digests(self) -> dict[int, bytes]:
        return self._local.digests

    def tell(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("on_event raised")

    def note_change(self) -> None:
        """Wakes all who wait for a change; each looks again."""
        self.changed.set()
        self.changed = asyncio.Event()

    # ---- links come and go ----

    def make_link(self, dialed: bool, where: str) -> Link:
        return Link(self, self.how, dialed, where)

    def link_is_open(self, link: Link) -> tuple[Reason, str] | None:
        """A connection has come to be; why it may not become a link, if there is a reason already."""
        self.links.add(link)
        self._open.add(link.closed)
        link.closed.add_done_callback(self._open.discard)
        if self.leaving:
            return Reason.LEAVING, "the node goes away"
        if not link.dialed and sum(not each.dialed for each in self.links) > self.how.max_links:
            return Reason.TOO_MANY, f"there are {self.how.max_links} links already; raise max_links"
        return None

    def admit(self, link: Link) -> Neighbour | tuple[Reason, str]:
        """The neighbour that a link leads to, or why it may not stay."""
        node = link.hello.node
        if self.leaving:
            return Reason.LEAVING, "the node goes away"
        neighbour = self.neighbours.get(node)
        if neighbour is None:
            neighbour = Neighbour(node, link.hello.name, self._local.next_number(), self.how, self._wake)
            self.neighbours[node] = neighbour
        before = neighbour.link
        if before is not None:
            # Both may have dialed each other: the link stays that the smaller node dialed. Of two that the same side
            # dialed that side knows whether the first is good.
            crossed = before.dialed != link.dialed
            stays = link.dialed == (self.node < node) if crossed else not link.dialed
            if not stays:
                return Reason.ITSELF, "this node is linked already"
        return neighbour

    def link_is_up(self, link: Link) -> None:
        neighbour = link.peer
        assert neighbour is not None
        before, neighbour.link = neighbour.link, link
        neighbour.name = link.hello.name
        neighbour.wait_no_longer()
        if before is not None:
            before.fail(MyceliumError("a newer link to the same node has taken its place"))
        self.links_made += 1
        log.info("linked with '%s' over %s", neighbour.name, link.where)
        self._update_neighbours()
        for state in self.network.nearest_first():
            link.send_table(state.to_wire())
        self._apply_ways()
        self.tell(Linked(neighbour.node, neighbour.name, link.where))

    def link_is_closed(self, link: Link, why: str) -> None:
        self.links.discard(link)
        neighbour = link.peer
        self.received_before += link.received
        self.repeated += link.repeated
        if neighbour is not None and neighbour.link is link:
            self._neighbour_has_gone(neighbour, link, why)
        elif not link.was_up:
            self.refused += 1
            log.warning("no link over %s: %s", link.where, why)
            if neighbour is not None:
                self._neighbour_did_not_come(neighbour, link)
        self.note_change()

    def _neighbour_has_gone(self, neighbour: Neighbour, link: Link, why: str) -> None:
        """Its link has ended. It may come back, unless it said that it leaves."""
        said_so = isinstance(link.error, LeavingError)
        has_left = said_so and not self._is_greeted(neighbour)
        neighbour.link = None
        self.links_cut += 1
        level = logging.INFO if said_so else logging.WARNING
        log.log(level, "the link to '%s' over %s ended: %s", neighbour.name, link.where, why)
        if not has_left:
            neighbour.wait_for(self.how.linger, self._patience_ends)
            self._update_neighbours()
        self.tell(Unlinked(neighbour.node, neighbour.name, why))
        if has_left:
            self.forget(neighbour, "has left")

    def _neighbour_did_not_come(self, neighbour: Neighbour, link: Link) -> None:
        """A link that was to lead to it has ended in the greeting."""
        if neighbour.link is not None or self._is_greeted(neighbour):
            return
        if not neighbour.is_absent:
            self.neighbours.pop(neighbour.node, None)  # a stranger that said its name and no more
        elif isinstance(link.error, LeavingError):
            self.forget(neighbour, "has left")

    def _is_greeted(self, neighbour: Neighbour) -> bool:
        """Is there a link that it was admitted on, and that may come up?"""
        return any(each.peer is neighbour for each in self.links)

    def _patience_ends(self, neighbour: Neighbour) -> None:
        if self._is_greeted(neighbour):
            neighbour.wait_for(self.how.hello_timeout, self._patience_ends)
        else:
            self.forget(neighbour, "did not come back")

    def forget(self, neighbour: Neighbour, why: str) -> None:
        """It does not come back: nothing waits for it any more."""
        if self.neighbours.pop(neighbour.node, None) is None:
            return
        lost = neighbour.give_up()
        self.lost += neighbour.lost
        self.dropped_before += neighbour.dropped
        self.sent_before += neighbour.sent
        self.sent_again_before += neighbour.sent_again
        self.acknowledged_before += neighbour.acknowledged
        self._update_neighbours()
        self.note_change()
        if lost or not self.leaving:
            level = logging.WARNING if lost else logging.INFO
            log.log(level, "'%s' %s; %d messages on their way to it count as lost", neighbour.name, why, lost)
            self.tell(Forgotten(neighbour.node, neighbour.name, lost))

    def _wake(self, neighbour: Neighbour) -> None:
        if neighbour.link is not None:
            neighbour.link.pump_soon()

    # ---- who wants what ----

    def _linked(self) -> list[tuple[Neighbour, Link]]:
        return [(each, each.link) for each in self.neighbours.values() if each.link is not None]

    def _update_neighbours(self) -> None:
        linked = frozenset(each.node for each, _ in self._linked())
        cut = [each for each in self.neighbours.values() if each.is_absent]
        cut.sort(key=lambda each: each.absent_since, reverse=True)
        if self.network.set_neighbours(linked, tuple(each.node for each in cut)):
            self._tell_all(self.network.own)
            self._apply_ways()

    def _update_wants(self) -> None:
        if not self.leaving and self.network.set_wants(self._local.wants()):
            self._tell_all(self.network.own)

    def heard_state(self, link: Link, state: NodeState) -> None:
        news = State.from_wire(state)
        if self.network.learn(news):
            self._tell_all(news, but=link)
            self._apply_ways()

    def _tell_all(self, state: State, but: Link | None = None) -> None:
        for neighbour, link in self._linked():
            if link is not but and neighbour.node != state.node:
                link.send_table(state.to_wire())

    def _apply_ways(self) -> None:
        """What waits for a node that is absent stays: what it wants is known for sure when it is back."""
        for neighbour in self.neighbours.values():
            types = self.network.types_for(neighbour.node)
            if neighbour.link is not None:
                neighbour.want(types)
                neighbour.link.pump_soon()
            elif neighbour.is_absent:
                neighbour.want(types | neighbour.lanes.keys())
        self._forget_earlier_ways_soon()
        self.note_change()

    def _forget_earlier_ways_soon(self) -> None:
        """When the others have heard of what has changed, and all has left that waited before."""
        if self.network.has_earlier_ways and not self._forgetting and not self.leaving:
            self._forget_later([(lane, lane.last) for each in self.neighbours.values() for lane in each.lanes.values()])

    def _forget_later(self, waiting: list[tuple[Mailbox, int]]) -> None:
        self._forgetting = asyncio.get_running_loop().call_later(_WAYS_PAUSE_S, self._forget_earlier_ways, waiting)

    def _forget_earlier_ways(self, waiting: list[tuple[Mailbox, int]]) -> None:
        waiting = [(lane, last) for lane, last in waiting if lane.gone < last]
        if waiting:
            self._forget_later(waiting)
            return
        self._forgetting = None
        self.network.age_earlier_ways()
        self._apply_ways()

    def leads_to(self, neighbour: int, origin: int, type_id: int) -> bool:
        return self.network.leads_to(neighbour, origin, type_id)

    def goes_on(self, link: Link, frame: Frame) -> bool:
        """Do other nodes get this message from here?"""
        others = (each.node for each in self.neighbours.values() if each is not link.peer)
        return any(self.leads_to(node, frame.origin, frame.type_id) for node in others)

    def _others(self, message: Message) -> list[Neighbour]:
        """The neighbours that may have to be sent a message. The way to one that is linked is looked up when it is the
        message's turn; for one that is absent nothing is kept that goes another way now."""
        return [
            each
            for each in self.neighbours.values()
            if message.type_id in each.lanes
            and each.node != message.came_by
            and (each.link is not None or self.leads_to(each.node, message.origin, message.type_id))
        ]

    # ---- messages that come ----

    def _seen_before(self, frame: Frame) -> bool:
        """While ways change, a message may come by two: also by a link that was not there yet when it came first."""
        if self._seen.add((frame.origin, frame.publisher_id, frame.type_id), frame.publisher_sequence):
            return False
        self.repeated += 1
        return True

    def _message(self, link: Link, frame: Frame, ask: Ask | None = None) -> Message | None:
        """What a frame holds; None if it is no valid payload of its type."""
        message = Message(
            frame.type_id,
            frame.payload,
            sequence=frame.publisher_sequence,
            publisher_id=frame.publisher_id,
            timestamp_ns=frame.timestamp_ns,
            correlation_id=frame.correlation if ask is None else ask.id,
            priority=frame.priority,
            key=frame.key,
            trace=frame.trace,
            origin=frame.origin,
            hops=frame.hops + 1,
            came_by=link.hello.node,
        )
        cls = self._local.classes.get(frame.type_id)
        if cls is not None:
            try:
                message.check(cls)
            except ValueError as why:
                if self.invalid == 0:
                    log.warning(
                        "%s: a payload of type %d is not valid, and was dropped: %s", link.where, frame.type_id, why
                    )
                self.invalid += 1
                return None
        message.ask = ask
        return message

    def deliver(self, link: Link, frame: Frame) -> Sequence[asyncio.Future[bool]]:
        if self._seen_before(frame):
            return ()
        message = self._message(link, frame)
        return () if message is None else self._local.offer(message)

    def ask(self, link: Link, frame: Frame) -> Sequence[asyncio.Future[bool]]:
        correlation = frame.correlation
        if self._seen_before(frame):
            link.answer(correlation, NO_REPLY)
            return ()

        def outcome(reply: Message | None) -> None:
            link.answer(correlation, NO_REPLY if reply is None else 0, reply)

        ask = Ask(self._local.next_number(), outcome)
        message = self._message(link, frame, ask)
        if message is None:
            link.answer(correlation, _INVALID_PAYLOAD)
            return ()
        link.answers(correlation, ask)
        return self._local.offer(message)  # if nobody takes it, that is the end of the message, and the answer

    def reply(self, link: Link, ask: Ask, frame: Frame) -> None:
        message = self._message(link, frame)
        if message is not None:
            ask.reply(message)

    def heard_gap(self, link: Link, missing: int) -> None:
        self.missing += missing
        log.warning("over %s %d messages are missing: they were lost with an earlier link", link.where, missing)
        assert link.peer is not None
        self.tell(Gap(link.peer.node, link.peer.name, missing))

    def heard_lost(self, link: Link, type_id: int, count: int) -> None:
        assert link.peer is not None
        of = f" of type {type_id}" if type_id else ""
        log.warning("'%s' dropped %d messages%s for us: we take them too slowly", link.peer.name, count, of)
        self.tell(Dropped(link.peer.node, link.peer.name, type_id, count))

    # ---- the end ----

    def stop_meeting(self) -> None:
        """No link is made any more."""
        self.leaving = True
        if self._forgetting is not None:
            self._forgetting.cancel()
        for dialer in self.dialers:
            dialer.stop()
        for listener in self.listeners:
            listener.close()
        for neighbour in [each for each in self.neighbours.values() if each.link is None]:
            self.forget(neighbour, "is not here")  # nobody whom it could still reach

    @property
    def has_sent_all(self) -> bool:
        """Everything that was accepted has been acknowledged by those who are linked."""
        return all(each.is_empty for each, _ in self._linked())

    async def leave(self) -> None:
        """Tells every neighbour, and waits until the connections are closed."""
        for link in list(self.links):
            link.acknowledge()  # or what was just dealt with would count as lost over there
            link.refuse(Reason.LEAVING, "the node goes away")
        for neighbour in list(self.neighbours.values()):
            self.forget(neighbour, "was left")
        if self._open:
            await asyncio.wait(set(self._open))
