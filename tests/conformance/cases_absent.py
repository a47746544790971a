"""Neighbours whose link was cut and who may come back: what is for them is kept a while."""

from __future__ import annotations

from typing import Any

import wire
from peer import Peer, settled
from suite import TYPE, Stage, case
from wire import demand

FAR = 4711  # a node behind a neighbour
FENCE = TYPE + 1  # a type that a neighbour itself wants: what comes before it is all that there was


def is_sent(stage: Stage, peer: Peer) -> None:
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


def is_not_sent(stage: Stage, peer: Peer) -> None:
    stage.subject.do(f"publish {TYPE} 02")
    stage.subject.do(f"publish {FENCE} 03")
    peer.take_message(FENCE, b"\3")


@case()
def what_an_absent_node_wants_is_sent_until_it_is_given_up(stage: Stage) -> None:
    """What is wanted behind a neighbour includes what those want whom it names as absent; when it names them no more
    nothing is sent for them."""
    peer = stage.peer().greet()
    peer.say_state((FENCE,), neighbours=(peer.hello["node"], FAR))
    peer.say_state((TYPE,), node=FAR, version=1, neighbours=(peer.node,))
    stage.subject.do(f"wait {TYPE} 1 20000")
    is_sent(stage, peer)
    peer.say_state((FENCE,), absent=(FAR,))
    peer.is_alive()
    is_sent(stage, peer)
    peer.say_state((FENCE,))
    peer.is_alive()
    is_not_sent(stage, peer)


@case()
def who_is_behind_an_absent_node_is_sent_to(stage: Stage) -> None:
    """A way may lead over links that were cut, and over others beyond them."""
    beyond = FAR + 1
    peer = stage.peer().greet()
    peer.say_state((FENCE,), absent=(FAR,))
    peer.say_state((), node=FAR, version=1, neighbours=(beyond,), absent=(peer.node,))
    peer.say_state((TYPE,), node=beyond, version=1, neighbours=(FAR,))
    peer.is_alive()
    is_sent(stage, peer)
    peer.say_state((TYPE,), node=beyond, version=2, neighbours=())
    peer.is_alive()
    is_not_sent(stage, peer)


@case()
def both_ends_have_to_hold_a_link_that_was_cut(stage: Stage) -> None:
    """Two nodes are held together if each names the other as a neighbour or as absent."""
    peer = stage.peer().greet()
    subject = peer.hello["node"]
    ours: dict[str, dict[str, Any]] = {
        "neighbours": {"neighbours": (subject, FAR)},
        "absent": {"absent": (FAR,)},
        "nothing": {},
    }
    theirs: dict[str, dict[str, Any]] = {
        "neighbours": {"neighbours": (peer.node,)},
        "absent": {"neighbours": (), "absent": (peer.node,)},
        "nothing": {"neighbours": ()},
    }
    version = 0
    for we_say in ours:
        for it_says in theirs:
            version += 1
            peer.say_state((FENCE,), **ours[we_say])
            peer.say_state((TYPE,), node=FAR, version=version, **theirs[it_says])
            peer.is_alive()
            (is_not_sent if "nothing" in (we_say, it_says) else is_sent)(stage, peer)


# ---- several neighbours ----


@case("mesh")
def a_living_way_is_taken_before_one_that_was_cut(stage: Stage) -> None:
    """A way over a link that was cut is taken only to nodes that no other way leads to."""
    first, second = stage.two(1, 2)
    first.say_state((FENCE,), absent=(FAR,))
    second.say_state(neighbours=(second.hello["node"], FAR))
    second.say_state((TYPE,), node=FAR, version=1, neighbours=(second.node,), absent=(first.node,))
    settled(first, second)
    is_sent(stage, second)
    is_not_sent(stage, first)
    second.take_message(TYPE, b"\2")
    second.say_state()
    settled(second)
    is_sent(stage, first)


@case("mesh")
def an_absent_node_hangs_on_the_smallest_that_holds_it(stage: Stage) -> None:
    """The tree goes on from all that were reached over links, in the order of their ids: near and far alike."""
    first, second = stage.two(6, 7)
    nearest = first.node - 1  # a number, not a place: it stands behind the first
    first.say_state((FENCE,), neighbours=(first.hello["node"], nearest))
    first.say_state((), node=nearest, version=1, neighbours=(first.node,))
    second.say_state((FENCE,), absent=(FAR,))
    second.say_state((TYPE,), node=FAR, version=1, neighbours=(nearest,), absent=(second.node,))
    settled(first, second)
    is_sent(stage, second)
    first.say_state((), node=nearest, version=2, neighbours=(first.node,), absent=(FAR,))
    settled(first)
    is_sent(stage, first)
    is_not_sent(stage, second)


@case("mesh")
def what_an_absent_node_said_last_goes_by_its_own_tree(stage: Stage) -> None:
    """The origin is reached over a link that was cut: then the tree is the origin's. Here it does not lead through the
    subject."""
    first, second = stage.two()
    subject = first.hello["node"]
    first.say_state((), neighbours=(subject, second.node), absent=(FAR,))
    second.say_state((TYPE,), neighbours=(subject, first.node))
    first.say_state((), node=FAR, version=1, neighbours=(first.node,))
    settled(first, second)
    first.publish(TYPE, b"the second has it from the first", origin=FAR)
    settled(first)
    is_sent(stage, second)


@case("mesh")
def a_neighbour_whose_link_was_cut_is_named_as_absent(stage: Stage) -> None:
    """A node keeps a neighbour whose link was cut among those that are absent."""
    first, second = stage.two()
    before = first.take_state("with both", lambda state: {first.node, second.node} == set(state["neighbours"]))
    demand(not before["absent"], f"{before} names somebody as absent")
    second.close()
    after = first.take_state("without the second", lambda state: state["version"] > before["version"])
    told = (tuple(after["neighbours"]), tuple(after["absent"]))
    demand(told == ((first.node,), (second.node,)), f"{after} after the second's link was cut")


@case("mesh", linger=300)
def who_does_not_come_back_is_named_no_more(stage: Stage) -> None:
    """It is absent as long as what waits for it is kept; then a new NodeState does without it."""
    first, second = stage.two()
    second.close()
    cut = first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    after = first.take_state("without the second", lambda state: state["version"] > cut["version"])
    told = (tuple(after["neighbours"]), tuple(after["absent"]))
    demand(told == ((first.node,), ()), f"{after} after the second was given up")


@case("mesh", linger=600_000)
def who_leaves_is_named_no_more(stage: Stage) -> None:
    """A neighbour that said Leaving is forgotten at once: it does not become absent."""
    first, second = stage.two()
    before = first.take_state("with both", lambda state: {first.node, second.node} == set(state["neighbours"]))
    second.leave()
    after = first.take_state("without the second", lambda state: state["version"] > before["version"])
    told = (tuple(after["neighbours"]), tuple(after["absent"]))
    demand(told == ((first.node,), ()), f"{after} after the second has left")


@case("mesh", linger=600_000)
def a_refusal_for_another_reason_is_a_link_that_was_cut(stage: Stage) -> None:
    """Only who said Leaving does not come back."""
    first, second = stage.two()
    second.send_table(wire.REFUSAL, reason=wire.PROTOCOL, text="the judge does not like it")
    second.expect_end()
    first.take_state("with the second as absent", lambda state: tuple(state["absent"]) == (second.node,))


@case("mesh")
def what_is_for_an_absent_neighbour_waits_for_it(stage: Stage) -> None:
    """What is published for a neighbour that is absent is kept, also what others have published."""
    first, second = stage.two()
    stage.wanted(second, (TYPE,))
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    first.publish(TYPE, b"of the first")
    settled(first)
    stage.subject.do(f"publish {TYPE} 01")
    again = stage.again(second)
    again.take_message(TYPE, b"of the first")
    again.take_message(TYPE, b"\1")
    back = first.take_state("with the second", lambda state: second.node in state["neighbours"] and not state["absent"])
    demand(set(back["neighbours"]) == {first.node, second.node}, f"{back} after the second has come back")


@case("mesh")
def what_waits_outlives_what_its_taker_has_said_meanwhile(stage: Stage) -> None:
    """A link that is up counts, whatever its other end had said of itself before: what has waited is sent."""
    first, second = stage.two()
    stage.wanted(second, (TYPE,))
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    stage.subject.do(f"publish {TYPE} 01")
    second.state_version += 5
    first.say_state((TYPE,), node=second.node, version=second.state_version, neighbours=())
    settled(first)
    stage.again(second).take_message(TYPE, b"\1")


@case("mesh")
def what_has_another_way_does_not_wait_for_an_absent_neighbour(stage: Stage) -> None:
    """A node that is reachable by a living way is not sent to over one that was cut: not later, either."""
    first, second = stage.two()
    subject = first.hello["node"]
    first.say_state((), neighbours=(subject, second.node))
    second.say_state((TYPE,), neighbours=(subject, first.node))
    stage.subject.do(f"wait {TYPE} 1 20000")
    settled(first, second)
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    is_sent(stage, first)
    again = stage.again(second)
    again.say_state((TYPE, FENCE), neighbours=(subject, first.node))
    settled(again)
    stage.subject.do(f"publish {FENCE} 03")
    again.take_message(FENCE, b"\3")


@case("mesh")
def what_came_while_a_neighbour_was_absent_is_not_delivered_again(stage: Stage) -> None:
    """A node with several neighbours, of whom some are absent, ignores what it has had before."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = stage.two()
    settled(first, second)
    second.close()
    first.take_state("with the second as absent", lambda state: second.node in state["absent"])
    source = dict(origin=FAR, publisher=3)
    first.publish(TYPE, b"one", publisher_sequence=1, **source)
    stage.subject.message(TYPE, b"one")
    again = stage.again(second)
    again.publish(TYPE, b"one", publisher_sequence=1, **source)
    settled(again)
    first.publish(TYPE, b"two", publisher_sequence=2, **source)
    stage.subject.message(TYPE, b"two")
