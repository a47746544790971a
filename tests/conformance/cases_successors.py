"""Messages that the subject wants receipts for, what becomes of those that were not delivered, and of those that it
passes on."""

from __future__ import annotations

import wire
from cases_absent import FENCE
from cases_receipts import CONFIRM
from peer import UNWANTED, Peer
from suite import TYPE, Stage, case
from wire import demand

LATER = TYPE + 2  # delivered at least once, as TYPE is
NAMED = f"{TYPE},{LATER}"


def greet(peer: Peer, wants: tuple[int, ...] = (TYPE,), name: str = "worker", confirms: bool = True) -> Peer:
    """A node of this name, which wants these types, and is known to do so."""
    peer.more_hello = {"name": name, "confirms": True} if confirms else {"name": name}
    peer.greet()
    peer.say_state(wants)
    peer.is_alive()
    return peer


def publish(stage: Stage, first: int, last: int, type_id: int = TYPE) -> None:
    for i in range(first, last + 1):
        stage.subject.do(f"publish {type_id} {i:02x}")


def takes(peer: Peer, *payloads: int, type_id: int = TYPE, acknowledge: bool = True) -> None:
    """It gets just these, in this order, with the flag where it is due."""
    for i in payloads:
        frame = peer.take_message(type_id, bytes((i,)), acknowledge)
        asks = type_id in (TYPE, LATER) and bool(peer.own_hello.get("confirms"))
        demand(bool(frame.flags & CONFIRM) == asks, f"{frame} {'asks for no' if asks else 'asks for a'} receipt")


def takes_fence(stage: Stage, peer: Peer) -> None:
    """Nothing else had come before."""
    publish(stage, 99, 99, FENCE)
    takes(peer, 99, type_id=FENCE)


# ---- who is asked for a receipt ----


@case("successors", at_least_once=NAMED)
def only_types_that_are_named_ask_for_receipts(stage: Stage) -> None:
    """A message with the flag confirm asks for a receipt; a message of another type does not, nor does a request."""
    peer = greet(stage.peer(), (TYPE, FENCE, LATER))
    for type_id in (TYPE, FENCE, LATER, FENCE):
        publish(stage, 1, 1, type_id)
        takes(peer, 1, type_id=type_id)
    stage.subject.do(f"request 1 {TYPE} 02 20000")
    frame = peer.take_message(TYPE, b"\2")
    demand(frame.flags == wire.REQUEST, f"{frame} is a request and nothing else")


@case("successors", at_least_once="*")
def who_gives_no_receipts_is_asked_for_none(stage: Stage) -> None:
    """It goes to sides only whose Hello confirms."""
    peer = greet(stage.peer(), confirms=False)
    publish(stage, 1, 3)
    takes(peer, 1, 2, 3)
    peer.is_alive()


@case("successors", "counts", at_least_once=NAMED)
def who_gives_no_receipts_has_delivered_what_it_acknowledged(stage: Stage) -> None:
    """What was not acknowledged is kept for a successor all the same."""
    peer = greet(stage.peer(), confirms=False)
    publish(stage, 1, 3)
    takes(peer, 1, 2, 3, acknowledge=False)
    peer.acknowledge(1)
    peer.is_alive()
    peer.close()
    takes(greet(stage.in_place_of(peer)), 2, 3)


# ---- successors ----


@case("successors", at_least_once=NAMED)
def a_successor_gets_what_was_not_delivered(stage: Stage) -> None:
    """What is not confirmed is for a successor, which gets it before all else, in order and with new sequences."""
    first = greet(stage.peer())
    publish(stage, 1, 6)
    takes(first, 1, 2, 3, 4, acknowledge=False)
    first.receipt(3, 2)
    takes(first, 5, 6, acknowledge=False)
    first.is_alive()
    first.close()
    publish(stage, 7, 8)
    second = greet(stage.in_place_of(first), (TYPE, FENCE))
    publish(stage, 9, 9)
    takes(second, 2, 4, 5, 6, 7, 8, 9)
    demand(second.heard == 7, f"{second.heard} is the sequence of the seventh")
    second.receipt(7)
    takes_fence(stage, second)


@case("successors", at_least_once=NAMED)
def what_was_confirmed_comes_to_nobody_again(stage: Stage) -> None:
    """The sender keeps what is not confirmed, and nothing else."""
    first = greet(stage.peer(), (TYPE, FENCE))
    publish(stage, 1, 3)
    takes(first, 1, 2, 3)
    first.receipt(3)
    publish(stage, 4, 4, FENCE)
    takes(first, 4, type_id=FENCE, acknowledge=False)
    first.is_alive()
    first.close()
    takes_fence(stage, greet(stage.in_place_of(first), (TYPE, FENCE)))


@case("successors", at_least_once=NAMED)
def a_node_of_another_name_is_no_successor(stage: Stage) -> None:
    """A successor is another node of the same name."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.close()
    second = greet(stage.in_place_of(first), (TYPE, FENCE), name="workers")
    takes_fence(stage, second)
    second.close()
    takes(greet(stage.in_place_of(second)), 1, 2)


@case("successors", at_least_once=NAMED)
def a_successor_gets_each_type_when_it_wants_it(stage: Stage) -> None:
    """As soon as it wants its type."""
    first = greet(stage.peer(), (TYPE, LATER))
    publish(stage, 1, 2)
    publish(stage, 3, 4, LATER)
    for payload in (1, 2):
        takes(first, payload)
    takes(first, 3, 4, type_id=LATER)
    first.close()
    second = greet(stage.in_place_of(first), (FENCE,))
    publish(stage, 5, 5, LATER)
    takes_fence(stage, second)
    second.say_state((FENCE, LATER))
    takes(second, 3, 4, 5, type_id=LATER)
    takes_fence(stage, second)
    second.say_state((FENCE, LATER, TYPE))
    takes(second, 1, 2)


@case("successors", at_least_once=NAMED)
def a_successor_of_who_has_left_gets_it_too(stage: Stage) -> None:
    """Also of a node that said that it goes."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.receipt(1)
    first.is_alive()
    first.leave()
    publish(stage, 3, 3)
    takes(greet(stage.in_place_of(first)), 2, 3)


@case("successors", at_least_once=NAMED)
def successors_follow_each_other(stage: Stage) -> None:
    """What one successor had not delivered goes to the next."""
    peer = greet(stage.peer())
    publish(stage, 1, 4)
    takes(peer, 1, 2, 3, 4)
    for delivered in range(1, 4):
        peer.receipt(1)
        peer.is_alive()
        peer.close()
        peer = greet(stage.in_place_of(peer))
        takes(peer, *range(delivered + 1, 5))


@case("successors", at_least_once=NAMED)
def who_comes_back_itself_gets_nothing_twice(stage: Stage) -> None:
    """What a node has acknowledged it has; its Receipt may come over the next link."""
    first = greet(stage.peer(), (TYPE, FENCE))
    publish(stage, 1, 3)
    takes(first, 1, 2, 3)
    first.is_alive()
    first.close()
    second = stage.again(first)
    second.say_state((TYPE, FENCE))
    takes_fence(stage, second)
    second.receipt(4, 2)
    second.is_alive()
    second.close()
    takes(greet(stage.in_place_of(second)), 2)


@case("successors", at_least_once=NAMED)
def who_has_forgotten_the_stream_gets_all_that_it_did_not_confirm(stage: Stage) -> None:
    """If the stream that Ready names is not the sender's, it numbers from 1 again; what is not confirmed is sent."""
    first = greet(stage.peer())
    publish(stage, 1, 3)
    takes(first, 1, 2, 3)
    first.receipt(2, 1)
    first.is_alive()
    first.close()
    second = stage.again(first, heard_stream=0, heard=0)
    second.say_state((TYPE,))
    takes(second, 1, 3)
    demand(second.heard == 2, f"{second.heard} is the sequence of the second of a stream")


@case("successors", "counts", at_least_once=NAMED, linger=100)
def what_was_kept_for_nobody_is_forgotten(stage: Stage) -> None:
    """What was kept for nobody is forgotten when the neighbour is given up."""
    first = greet(stage.peer())
    publish(stage, 1, 3)
    takes(first, 1, 2, 3)
    first.receipt(1)
    first.is_alive()
    first.close()
    publish(stage, 4, 4)
    stage.subject.stats_reach("lost", 1)
    takes_fence(stage, greet(stage.in_place_of(first), (TYPE, FENCE)))


@case("successors", at_least_once=NAMED)
def what_was_not_delivered_is_kept_also_by_who_wants_no_more_of_it(stage: Stage) -> None:
    """The sender keeps what is not confirmed: also of a program that has unsubscribed, and holds the last of it."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.receipt(1)
    first.say_state((FENCE,))
    first.is_alive()
    takes_fence(stage, first)
    first.close()
    takes(greet(stage.in_place_of(first)), 2)


# ---- several neighbours ----


@case("successors", "mesh", at_least_once=NAMED)
def two_of_a_name_that_live_get_what_each_wants(stage: Stage) -> None:
    """Who lives has no successor."""
    first = greet(stage.peer())
    publish(stage, 1, 1)
    takes(first, 1)
    second = greet(stage.another(), (TYPE, FENCE))
    first.is_alive()
    publish(stage, 2, 3)
    takes(first, 2, 3)
    takes(second, 2, 3)
    takes_fence(stage, second)


@case("successors", "mesh", at_least_once=NAMED)
def who_was_there_before_the_other_had_gone_gets_the_rest_then(stage: Stage) -> None:
    """One that had its place before gets what was not confirmed when the other has gone: here what both had, too."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.receipt(1)
    second = greet(stage.another())
    first.is_alive()
    publish(stage, 3, 3)
    takes(first, 3)
    takes(second, 3)
    first.leave()
    takes(second, 2, 3)
    publish(stage, 4, 4)
    takes(second, 4)


@case("successors", "mesh", at_least_once=NAMED, heartbeat=100, silence=600)
def the_successor_of_who_died_without_a_word_waits_for_what_it_left(stage: Stage) -> None:
    """A node of the same name may have died so that nobody has heard of it yet."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.receipt(1)
    first.is_alive()
    second = greet(stage.another())
    publish(stage, 3, 3)
    takes_alive(second, 2, 3)


@case("successors", "mesh", at_least_once=NAMED, heartbeat=100, silence=600)
def what_was_left_passes_by_a_successor_that_has_died_meanwhile(stage: Stage) -> None:
    """It goes to the next that lives."""
    first = greet(stage.peer())
    publish(stage, 1, 2)
    takes(first, 1, 2)
    first.receipt(1)
    first.is_alive()
    second = greet(stage.another())
    second.close()
    third = greet(stage.in_place_of(second))
    takes_alive(third, 2)


def takes_alive(peer: Peer, *payloads: int) -> None:
    """While it says now and then that it lives."""
    for i in payloads:
        frame = peer.take_message_alive()
        demand((frame.type_id, frame.payload) == (TYPE, bytes((i,))), f"{frame} instead of {i}")


# ---- messages that are passed on ----


def chain(stage: Stage, **of_second: bool) -> tuple[Peer, Peer]:
    """One that publishes and one that wants it, behind the subject."""
    first = greet(stage.peer(), (), name="publisher")
    return first, greet(stage.another(), **of_second)


@case("receipts", "successors", "mesh")
def a_receipt_is_given_when_those_behind_have_given_theirs(stage: Stage) -> None:
    """No link to a further node that has not given its own receipt holds what is delivered; the flag goes on."""
    first, second = chain(stage)
    for i in (1, 2, 3):
        first.publish(TYPE, bytes((i,)), flags=CONFIRM)
    takes(second, 1, 2, 3)
    second.is_alive()
    first.publish(UNWANTED, b"a fence", flags=CONFIRM)
    last = first.sent
    first.take_receipt(last, (last - 3, last - 2, last - 1))
    second.receipt(3, 2)
    first.take_receipt(last, (last - 2,))
    second.receipt(3)
    first.take_receipt(last)


@case("receipts", "successors", "mesh")
def a_receipt_is_given_when_all_that_wanted_it_have_had_it(stage: Stage) -> None:
    """Both the subscribers here and those behind other links."""
    stage.subject.do(f"keep {TYPE}")
    first, second = chain(stage)
    first.publish(TYPE, b"\1", flags=CONFIRM)
    takes(second, 1)
    stage.subject.message(TYPE, b"\1")
    second.receipt(1)
    second.is_alive()
    first.publish(UNWANTED, b"a fence", flags=CONFIRM)
    first.take_receipt(first.sent, (first.sent - 1,))
    stage.subject.do("release 0")
    first.take_receipt(first.sent)


@case("receipts", "successors", "mesh")
def a_credit_does_where_no_receipts_are_given(stage: Stage) -> None:
    """A node further on that gives no receipts has what it has acknowledged."""
    first, second = chain(stage, confirms=False)
    first.publish(TYPE, b"\1", flags=CONFIRM)
    sequence = second.take_message(TYPE, b"\1", acknowledge=False).sequence
    first.publish(UNWANTED, b"a fence", flags=CONFIRM)
    first.take_receipt(first.sent, (first.sent - 1,))
    second.acknowledge(sequence)
    first.take_receipt(first.sent)


@case("receipts", "successors", "mesh", linger=600_000)
def a_successor_further_on_is_waited_for(stage: Stage) -> None:
    """The receipt is that of the successor, whatever types are named here: the message carries it along."""
    first, second = chain(stage)
    first.publish(TYPE, b"\1", flags=CONFIRM)
    takes(second, 1)
    second.is_alive()
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    first.publish(UNWANTED, b"a fence", flags=CONFIRM)
    first.take_receipt(first.sent, (first.sent - 1,))
    third = greet(stage.in_place_of(second))
    takes(third, 1)
    third.receipt(1)
    first.take_receipt(first.sent)


@case("receipts", "successors", "mesh", linger=600_000)
def who_leaves_confirms_nothing_that_it_keeps_for_a_successor(stage: Stage) -> None:
    """What a node keeps for others when it goes away they have not delivered."""
    first, second = chain(stage)
    first.publish(TYPE, b"\1", flags=CONFIRM)
    takes(second, 1)
    second.is_alive()
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    stage.subject.say("close 200")
    first.expect_end(wire.LEAVING)
    demand(first.asked.isdisjoint(first.delivered), "it confirms what nobody has delivered")


@case("receipts", "successors", "mesh")
def who_leaves_confirms_nothing_that_those_behind_hold(stage: Stage) -> None:
    """Nor have those who are there, and have not said so."""
    first, second = chain(stage)
    first.publish(TYPE, b"\1", flags=CONFIRM)
    takes(second, 1)
    second.is_alive()
    stage.subject.say("close 200")
    first.expect_end(wire.LEAVING)
    demand(first.asked.isdisjoint(first.delivered), "it confirms what nobody has delivered")
