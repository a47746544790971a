"""Who gets what: states of nodes, and the tree of shortest ways."""

from __future__ import annotations

import time
from typing import Any

import wire
from peer import Peer
from subject import PATIENCE_S
from suite import TYPE, Stage, case
from wire import demand


@case()
def it_tells_its_own_state(stage: Stage) -> None:
    """Each node says of itself its neighbours, and the types that its subscribers want."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.peer().greet()
    state = peer.take_state("of itself", lambda state: peer.node in state["neighbours"] and TYPE in state["wants"])
    demand(state["version"] > 0, "its version is 0")


@case()
def the_version_of_its_state_grows(stage: Stage) -> None:
    """A NodeState has a version that grows with every change: what is subscribed to is wanted, what is not is not."""
    peer = stage.peer().greet()

    def is_new(state: dict[str, Any], wanted: bool) -> bool:
        return (TYPE in state["wants"]) == wanted and state["version"] > versions[-1]

    versions = [peer.take_state("of itself", lambda state: peer.node in state["neighbours"])["version"]]
    for command, wanted in (("subscribe", True), ("unsubscribe", False), ("subscribe", True)):
        stage.subject.do(f"{command} {TYPE}")
        state = peer.take_state(f"after {command}", lambda state: is_new(state, wanted))
        versions.append(state["version"])
    demand(sorted(set(versions)) == versions, f"the versions do not grow: {versions}")


@case()
def what_it_serves_it_wants(stage: Stage) -> None:
    """Servers of a type are among those who want it."""
    peer = stage.peer().greet()
    stage.subject.do(f"serve {TYPE} echo")
    peer.take_state("with the type", lambda state: TYPE in state["wants"])


@case()
def what_nobody_wants_is_not_sent(stage: Stage) -> None:
    """Only wanted types cross."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE + 1} 01")
    stage.subject.do(f"publish {TYPE} 02")
    demand(peer.take_message(TYPE, b"\2").sequence == 1, "what is not sent has no number")


@case()
def a_newer_state_takes_the_place_of_an_older(stage: Stage) -> None:
    """A NodeState whose version is newer than the one known is kept."""
    peer = stage.linked((TYPE,))
    peer.say_state((TYPE + 1,))
    stage.subject.do(f"wait {TYPE + 1} 1 20000")
    stage.subject.do(f"publish {TYPE} 01")
    stage.subject.do(f"publish {TYPE + 1} 02")
    peer.take_message(TYPE + 1, b"\2")


@case()
def an_older_state_is_ignored(stage: Stage) -> None:
    """A NodeState whose version is not newer than the one known is ignored."""
    peer = stage.peer().greet()
    peer.say_state((TYPE,), version=5)
    stage.subject.do(f"wait {TYPE} 1 20000")
    peer.say_state((), version=5)
    peer.say_state((), version=4)
    peer.is_alive()
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


@case()
def nodes_are_linked_if_each_names_the_other(stage: Stage) -> None:
    """Two other nodes count as linked if each names the other."""
    far = 4711
    peer = stage.linked((TYPE + 2,))
    peer.say_state((TYPE,), node=far, version=1, neighbours=(peer.node,))
    peer.is_alive()
    stage.subject.do(f"publish {TYPE} 01")
    peer.say_state((TYPE + 2,), neighbours=(peer.hello["node"], far))
    stage.subject.do(f"wait {TYPE} 1 20000")
    peer.say_state((TYPE + 1,), node=far, version=2, neighbours=())
    peer.say_state((TYPE + 3,))
    stage.subject.do(f"wait {TYPE + 3} 1 20000")
    stage.subject.do(f"publish {TYPE + 1} 02")
    stage.subject.do(f"publish {TYPE + 3} 03")
    peer.take_message(TYPE + 3, b"\3")


@case()
def a_link_of_ones_own_counts_whatever_its_other_end_has_said(stage: Stage) -> None:
    """A neighbour has agreed to the link, although what is heard of it may be from before."""
    peer = stage.peer().greet()
    peer.say_state((TYPE,), neighbours=())
    stage.subject.do(f"wait {TYPE} 1 20000")
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


@case()
def a_state_that_others_claim_for_it_is_ignored(stage: Stage) -> None:
    """Each node says of itself: what others say of this one does not count."""
    stage.subject.do(f"subscribe {TYPE + 1}")
    peer = stage.linked((TYPE,))
    peer.say_state((TYPE + 9,), node=peer.hello["node"], version=2**63, neighbours=())
    peer.is_alive()
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")
    stage.subject.do(f"subscribe {TYPE + 2}")
    state = peer.take_state("after subscribing", lambda state: TYPE + 2 in state["wants"])
    demand(TYPE + 9 not in state["wants"] and state["version"] < 2**63, f"{state} is what another said of it")


@case()
def a_state_of_nobody_is_ignored(stage: Stage) -> None:
    """Node 0 is no node."""
    peer = stage.linked()
    peer.say_state((TYPE,), node=0)
    peer.is_alive()


@case()
def what_is_wanted_behind_a_neighbour_is_sent_to_it(stage: Stage) -> None:
    """A node sends a message to those of its children below which, or at which, somebody wants its type."""
    far = 4711
    peer = stage.peer().greet()
    peer.say_state((), neighbours=(peer.hello["node"], far))
    peer.say_state((TYPE,), node=far, version=1, neighbours=(peer.node,))
    stage.subject.do(f"wait {TYPE} 1 20000")
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


@case()
def what_a_node_wants_that_is_not_linked_to_anybody_is_not_sent(stage: Stage) -> None:
    """Where the way is not known from both of its ends, there is none."""
    far = 4711
    peer = stage.linked((TYPE + 1,))
    peer.say_state((TYPE,), node=far, version=1, neighbours=(peer.node,))
    peer.is_alive()
    stage.subject.do(f"publish {TYPE} 01")
    stage.subject.do(f"publish {TYPE + 1} 02")
    peer.take_message(TYPE + 1, b"\2")


# ---- several neighbours ----


def two(stage: Stage, first_id: int | None = None, second_id: int | None = None) -> tuple[Peer, Peer]:
    first = stage.peer(first_id).greet()
    first.say_state()
    second = stage.another(second_id).greet()
    second.say_state()
    return first, second


def settled(*peers: Peer) -> None:
    """What these have said was dealt with."""
    for peer in peers:
        peer.is_alive()


@case("mesh")
def states_are_passed_on_to_all_other_neighbours(stage: Stage) -> None:
    """A newer NodeState is passed on to all other neighbours, as it is."""
    first, second = two(stage)
    said = {"wants": (TYPE, TYPE + 1), "carries": (TYPE + 1,), "absent": (4711,), "name": "the first"}
    first.say_state(version=77, **said)
    state = second.take_state("of the first", lambda state: state["version"] == 77, first.node)
    demand(state | said | {"neighbours": (first.hello["node"],)} == state, f"it became {state}")
    settled(first)
    back = [frame for frame in first._early if frame.table and frame.table.get("node") == first.node]
    demand(not back, f"it came back: {back}")


@case("mesh")
def a_new_neighbour_hears_all_that_is_known(stage: Stage) -> None:
    """To a new neighbour all states that are known are sent."""
    first = stage.linked()
    first.say_state((TYPE,), node=4711, version=3, neighbours=(first.node,))
    first.say_state((TYPE + 1,))
    settled(first)
    second = stage.another().greet()
    second.take_state("of the first", lambda state: TYPE + 1 in state["wants"], first.node)
    second.take_state("of a node behind it", lambda state: TYPE in state["wants"], 4711)
    second.take_state("of the subject", lambda state: {first.node, second.node} <= set(state["neighbours"]))


@case("mesh")
def a_new_neighbour_hears_of_the_nearest_first(stage: Stage) -> None:
    """The states that are sent to a new neighbour begin with the node's own; then come those of the nearest."""
    first = stage.linked()
    line = [first.node, 8, 9, 7]
    for place in (3, 2, 1):
        ends = tuple(line[place - 1 : place + 2 : 2])
        first.say_state(node=line[place], version=1, neighbours=ends)
    first.say_state(node=6, version=1)  # that nobody is linked with
    first.say_state(neighbours=(first.hello["node"], 8))
    settled(first)
    second = stage.another().greet()
    heard: list[int] = []
    while set(heard) != {first.hello["node"], 6, *line}:
        node = second.take_table(wire.NODE_STATE)["node"]
        heard += [node] if node not in heard else []
    demand(heard == [first.hello["node"], *line, 6], f"it tells of {heard}; the line is {line}, and 6 is far away")


@case("mesh")
def a_neighbour_that_has_gone_is_named_no_more(stage: Stage) -> None:
    """Each node says who its neighbours are."""
    first, second = two(stage)
    second.close()
    first.take_state(
        "without the second", lambda state: tuple(state["neighbours"]) == (first.node,) and state["version"] > 2
    )


@case("mesh")
def a_message_is_passed_on_as_it_is(stage: Stage) -> None:
    """A message goes on along the tree, with one hop more and all else as it came; it does not come back."""
    first, second = two(stage)
    first.say_state((TYPE,))
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"wait {TYPE} 2 20000")
    trace = bytes(range(1, 26))
    first.publish(
        TYPE, b"on", publisher=5, publisher_sequence=9, timestamp=12345, priority=3, correlation=8, trace=trace, hops=2
    )
    frame = second.take_message(TYPE, b"on")
    demand(frame.hops == 3, f"{frame} has crossed three links")
    came = (
        frame.origin,
        frame.publisher,
        frame.publisher_sequence,
        frame.timestamp,
        frame.priority,
        frame.correlation,
        frame.trace,
    )
    demand(came == (first.node, 5, 9, 12345, 3, 8, trace), f"it became {frame}")
    stage.subject.do(f"publish {TYPE} 01")
    first.take_message(TYPE, b"\1")
    second.take_message(TYPE, b"\1")


@case("mesh")
def a_message_with_15_hops_is_not_passed_on(stage: Stage) -> None:
    """It has crossed 16 links when it is here: it goes no further."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = two(stage)
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"wait {TYPE} 2 20000")
    first.publish(TYPE, b"15", hops=15)
    first.publish(TYPE, b"14", hops=14)
    second.take_message(TYPE, b"14")
    stage.subject.message(TYPE, b"15")
    stage.subject.message(TYPE, b"14")


@case("mesh")
def in_a_triangle_a_message_goes_to_each_directly(stage: Stage) -> None:
    """Each node is a child of the first that reaches it: neighbours of the origin hear from the origin."""
    first = stage.peer(6).greet()
    first.say_state((TYPE,), neighbours=(first.hello["node"], 7))
    second = stage.another(7).greet()
    second.say_state((TYPE,), neighbours=(first.hello["node"], first.node))
    stage.subject.do(f"wait {TYPE} 2 20000")
    settled(first, second)
    first.publish(TYPE, b"the second hears it from the first")
    settled(first)
    stage.subject.do(f"publish {TYPE} 01")
    second.take_message(TYPE, b"\1")
    first.take_message(TYPE, b"\1")


def square(stage: Stage, other: int) -> tuple[Peer, Peer]:
    """first - subject - second, and first - other - second beside it."""
    first = stage.peer(6).greet()
    subject = first.hello["node"]
    first.say_state((), neighbours=(subject, other))
    first.say_state((), node=other, version=1, neighbours=(first.node, 7))
    settled(first)
    second = stage.another(7).greet()
    second.say_state((TYPE,), neighbours=(subject, other))
    stage.subject.do(f"wait {TYPE} 1 20000")
    settled(first, second)
    first.publish(TYPE, b"from the far corner")
    settled(first)
    stage.subject.do(f"publish {TYPE} 01")
    return first, second


@case("mesh")
def of_two_shortest_ways_that_over_the_smaller_node_counts(stage: Stage) -> None:
    """Nodes of one distance are taken in the order of their ids: here the subject is not the first."""
    _, second = square(stage, 1)
    second.take_message(TYPE, b"\1")


@case("mesh")
def of_two_shortest_ways_that_over_the_larger_node_does_not_count(stage: Stage) -> None:
    """Nodes of one distance are taken in the order of their ids: here the subject is the first."""
    _, second = square(stage, (1 << 64) - 1)
    second.take_message(TYPE, b"from the far corner")
    second.take_message(TYPE, b"\1")


@case("mesh")
def what_a_node_said_last_is_passed_on_when_it_has_gone(stage: Stage) -> None:
    """Where the origin cannot be reached any more, the tree is that of the node itself."""
    first, second = two(stage)
    stage.wanted(second, (TYPE,))
    first.publish(TYPE, b"last words", origin=4711, hops=1)
    demand(second.take_message(TYPE, b"last words").origin == 4711, "another origin")


@case("mesh")
def what_comes_by_two_ways_is_delivered_once(stage: Stage) -> None:
    """A node with several neighbours ignores a message of an origin, publisher and type whose sequence it has had."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = two(stage)
    settled(first, second)
    one = dict(origin=4711, publisher=3, publisher_sequence=1)
    first.publish(TYPE, b"one", **one)
    stage.subject.message(TYPE, b"one")
    second.publish(TYPE, b"one", **one)
    settled(second)
    first.publish(TYPE, b"two", origin=4711, publisher=3, publisher_sequence=2)
    stage.subject.message(TYPE, b"two")


@case("mesh")
def an_older_message_that_comes_by_another_way_is_delivered(stage: Stage) -> None:
    """The last 512 sequences of an origin, publisher and type are remembered one by one: which of them have not been
    had is known."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = two(stage)
    settled(first, second)
    source = dict(origin=4711, publisher=3)
    numbers = [1, *range(3, 3 + 511)]
    for number in numbers:
        first.publish(TYPE, b"in order", publisher_sequence=number, **source)
    for _ in numbers:
        stage.subject.message(TYPE, b"in order")
    second.publish(TYPE, b"late", publisher_sequence=2, **source)
    stage.subject.message(TYPE, b"late")
    first.publish(TYPE, b"again", publisher_sequence=2, **source)
    settled(first)
    second.publish(TYPE, b"next", publisher_sequence=514, **source)
    stage.subject.message(TYPE, b"next")


@case("mesh")
def what_is_older_than_the_first_is_delivered_once(stage: Stage) -> None:
    """The first message of an origin, publisher and type may have come by a shorter way than those before it."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = two(stage)
    settled(first, second)
    source = dict(origin=4711, publisher=3)
    first.publish(TYPE, b"fifth", publisher_sequence=5, **source)
    stage.subject.message(TYPE, b"fifth")
    second.publish(TYPE, b"fourth", publisher_sequence=4, **source)
    stage.subject.message(TYPE, b"fourth")
    first.publish(TYPE, b"fourth", publisher_sequence=4, **source)
    settled(first)
    first.publish(TYPE, b"sixth", publisher_sequence=6, **source)
    stage.subject.message(TYPE, b"sixth")


@case("mesh")
def what_came_before_there_was_a_second_link_comes_once(stage: Stage) -> None:
    """A message may come by a link that was not there yet when it came by another."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    source = dict(origin=4711, publisher=3)
    first.publish(TYPE, b"one", publisher_sequence=1, **source)
    stage.subject.message(TYPE, b"one")
    second = stage.another().greet()
    second.say_state()
    second.publish(TYPE, b"one", publisher_sequence=1, **source)
    second.publish(TYPE, b"two", publisher_sequence=2, **source)
    stage.subject.message(TYPE, b"two")


@case("mesh")
def an_earlier_way_is_one_for_a_while(stage: Stage) -> None:
    """The first does not know yet that the second is its neighbour, and sends what is for it to the subject, which does
    know. For 2 seconds or more that goes on; and then no more."""
    first, second = two(stage)
    subject = first.hello["node"]
    stage.wanted(second, (TYPE,))
    first.publish(TYPE, b"by the subject")
    second.take_message(TYPE, b"by the subject")
    first.say_state((), neighbours=(subject, second.node))
    second.say_state((TYPE,), neighbours=(subject, first.node))
    settled(first, second)
    first.publish(TYPE, b"still")
    second.take_message(TYPE, b"still")
    until = time.monotonic() + PATIENCE_S
    while True:
        first.publish(TYPE, b"and now")
        settled(first)
        stage.subject.do(f"publish {TYPE} 01")
        frame = second.take_message_alive()
        if frame.payload == b"\1":
            break
        second.take_message(TYPE, b"\1")
        first.is_alive()
        demand(time.monotonic() < until, "the earlier way is one for ever")


@case("mesh")
def a_request_that_comes_by_two_ways_is_served_once(stage: Stage) -> None:
    """A request is a message: what was had before is ignored."""
    stage.subject.do(f"serve {TYPE} echo")
    first, second = two(stage)
    settled(first, second)
    question = dict(origin=4711, publisher=3, correlation=5, flags=wire.REQUEST)
    first.publish(TYPE, b"once", publisher_sequence=1, **question)
    demand(stage.subject.event("serving").payload == b"once", "it serves another request")
    demand(first.take_reply(5).payload == b"once", "another answer")
    second.publish(TYPE, b"once", publisher_sequence=1, **question)
    settled(second)
    second.publish(TYPE, b"next", publisher_sequence=2, **(question | {"correlation": 6}))
    demand(stage.subject.event("serving").payload == b"next", "it serves the same request twice")
    demand(second.take_reply(6).payload == b"next", "another answer")


@case("mesh")
def one_that_does_not_read_holds_up_nobody_else(stage: Stage) -> None:
    """Credit is per link: who takes nothing does not slow the others of another type down."""
    first, second = two(stage)
    stage.wanted(first, (TYPE,))
    stage.wanted(second, (TYPE + 1,))
    payload = bytes(60_000)
    for _ in range(40):
        stage.subject.do(f"publish {TYPE} {payload.hex()}")
    stage.subject.do(f"publish {TYPE + 1} 01")
    second.take_message(TYPE + 1, b"\1")


@case("mesh", token="open sesame")
def each_neighbour_has_to_prove_itself(stage: Stage) -> None:
    """Every link has a greeting of its own."""
    first, second = two(stage)
    settled(first, second)
    third = stage.another()
    third.say_hello()
    third.hear_hello()
    third.send_table(wire.PROOF, mac=bytes(32))
    third.expect_end(wire.WRONG_PROOF)
