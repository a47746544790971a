"""By which way a message goes on, and what comes by two: the tree of shortest ways."""

from __future__ import annotations

import time

import wire
from peer import Peer, settled
from subject import PATIENCE_S
from suite import TYPE, Stage, case
from wire import demand


@case("mesh")
def a_message_is_passed_on_as_it_is(stage: Stage) -> None:
    """A message goes on along the tree, with one hop more and all else as it came; it does not come back."""
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
    stage.wanted(second, (TYPE,))
    first.publish(TYPE, b"last words", origin=4711, hops=1)
    demand(second.take_message(TYPE, b"last words").origin == 4711, "another origin")


@case("mesh")
def what_comes_by_two_ways_is_delivered_once(stage: Stage) -> None:
    """A node with several neighbours ignores a message of an origin, publisher and type whose sequence it has had."""
    stage.subject.do(f"subscribe {TYPE}")
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
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
    first, second = stage.two()
    settled(first, second)
    third = stage.another()
    third.say_hello()
    third.hear_hello()
    third.send_table(wire.PROOF, mac=bytes(32))
    third.expect_end(wire.WRONG_PROOF)
