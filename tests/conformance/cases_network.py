"""What nodes say of themselves, and what of it others keep and pass on."""

from __future__ import annotations

from typing import Any

import wire
from peer import settled
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


@case("mesh")
def states_are_passed_on_to_all_other_neighbours(stage: Stage) -> None:
    """A newer NodeState is passed on to all other neighbours, as it is."""
    first, second = stage.two()
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
    first, second = stage.two()
    second.close()
    first.take_state(
        "without the second", lambda state: tuple(state["neighbours"]) == (first.node,) and state["version"] > 2
    )
