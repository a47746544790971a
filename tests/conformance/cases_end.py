"""Links that are cut, nodes that come back, and the orderly end."""

from __future__ import annotations

import wire
from suite import TYPE, Stage, case
from wire import demand


@case(heartbeat=100)
def closing_waits_until_all_is_acknowledged(stage: Stage) -> None:
    """Closing ends the links once what was accepted has been acknowledged."""
    peer = stage.linked((TYPE,))
    for i in range(1, 4):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        peer.take_message(TYPE, bytes((i,)), acknowledge=False)
    stage.subject.say("close 60000")
    for _ in range(3):
        peer.take_control(wire.HEARTBEAT)
    peer.acknowledge(2)
    peer.take_control(wire.HEARTBEAT)
    peer.acknowledge(3)
    peer.expect_end(wire.LEAVING)
    demand(stage.subject.answer("close") == "ok", "close failed")
    stage.subject.expect_exit()


@case()
def closing_sends_what_waits(stage: Stage) -> None:
    """What was accepted is sent before the end."""
    peer = stage.linked((TYPE,), window=1 << 16)
    count = 60
    for i in range(count):
        stage.subject.do(f"publish {TYPE} {bytes((i,) * 4096).hex()}")
    stage.subject.say("close 60000")
    for i in range(count):
        peer.take_message(TYPE, bytes((i,) * 4096))
    peer.expect_end(wire.LEAVING)
    demand(stage.subject.answer("close") == "ok", "close failed")
    stage.subject.expect_exit()


@case(heartbeat=20_000, silence=60_000)
def closing_acknowledges_what_was_dealt_with(stage: Stage) -> None:
    """Who goes acknowledges what it has dealt with, so that it does not count as lost."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    for i in range(1, 6):
        peer.publish(TYPE, bytes((i,)))
        stage.subject.message(TYPE, bytes((i,)))
    stage.subject.say("close 5000")
    peer.take_credit(5)
    peer.expect_end(wire.LEAVING)


@case("mesh", heartbeat=100)
def closing_passes_nothing_on(stage: Stage) -> None:
    """Who goes does not acknowledge what it can no longer pass on: it counts as lost where it came from."""
    first, second = stage.two()
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    second.take_message(TYPE, b"\1", acknowledge=False)
    stage.subject.say("close 60000")
    for _ in range(3):
        first.take_control(wire.HEARTBEAT)
    first.publish(TYPE, b"late")
    for _ in range(3):
        first.take_control(wire.HEARTBEAT)
    second.acknowledge(1)
    for peer in (first, second):
        demand(peer.take_table(wire.REFUSAL)["reason"] == wire.LEAVING, "it does not say that it leaves")
    credits = [each.table for each in first._early if each.kind == wire.CREDIT and each.table]
    demand(all(each["sequence"] < first.sent for each in credits), "it acknowledges what it does not pass on")
    passed_on = [each for each in second._early if not each.is_control]
    demand(not passed_on, f"it passes on {passed_on}")


@case()
def closing_has_an_end(stage: Stage) -> None:
    """At close's deadline the links end, whatever is unacknowledged."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1", acknowledge=False)
    stage.subject.say("close 300")
    peer.expect_end(wire.LEAVING)
    stage.subject.answer("close")
    stage.subject.expect_exit()


@case()
def who_goes_says_so(stage: Stage) -> None:
    """The last frame of who ends a link on purpose is a Refusal: Leaving."""
    peer = stage.linked()
    stage.subject.say("close 5000")
    peer.expect_end(wire.LEAVING)
    demand(stage.subject.answer("close") == "ok", "close failed")
    stage.subject.expect_exit()


@case()
def closing_without_a_link_is_no_problem(stage: Stage) -> None:
    """Nobody is there whom it could wait for."""
    demand(stage.subject.ask("close 20000") == "ok", "close failed")
    stage.subject.expect_exit()


@case()
def the_end_of_its_input_is_its_end(stage: Stage) -> None:
    """The adapter closes at the end of its input."""
    peer = stage.linked()
    assert stage.subject.process.stdin is not None
    stage.subject.process.stdin.close()
    peer.expect_end(wire.LEAVING)
    stage.subject.expect_exit()


@case()
def links_come_back(stage: Stage) -> None:
    """Who dials goes on dialing, who listens goes on listening, however often a link is cut."""
    for _ in range(4):
        peer = stage.linked()
        peer.is_alive()
        peer.close()


@case()
def a_refusal_is_not_the_end(stage: Stage) -> None:
    """Who was refused may come again; who refused, too."""
    peer = stage.peer()
    peer.say_hello()
    peer.send_table(wire.REFUSAL, reason=wire.TOO_MANY, text="full")
    peer.expect_end()
    bad = stage.peer()
    bad.say_hello(version=9)
    bad.expect_end(wire.VERSION)
    stage.peer().greet().is_alive()


@case()
def another_node_at_the_same_place_is_another_neighbour(stage: Stage) -> None:
    """A node id is drawn at random when a node starts, so that one which starts again is another."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    first.publish(TYPE, b"from the first")
    stage.subject.message(TYPE, b"from the first")
    first.close()
    second = stage.peer().greet()
    demand((second.ready["heard_stream"], second.ready["heard"]) == (0, 0), "it takes one node for another")
    second.publish(TYPE, b"from the second")
    stage.subject.message(TYPE, b"from the second")


@case("counts", heartbeat=100, linger=300)
def what_a_node_that_is_gone_did_not_acknowledge_counts_as_lost(stage: Stage) -> None:
    """accepted = acknowledged + dropped + lost + waiting, always."""
    peer = stage.linked((TYPE,))
    for i in range(1, 6):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        peer.take_message(TYPE, bytes((i,)), acknowledge=False)
    peer.acknowledge(2)
    peer.is_alive()
    peer.close()
    stage.subject.stats_reach("lost", 3)


@case("counts", heartbeat=100, linger=600_000)
def what_a_node_that_leaves_did_not_acknowledge_is_lost_at_once(stage: Stage) -> None:
    """Who said Leaving does not come back: nothing waits for it."""
    peer = stage.linked((TYPE,))
    for i in range(1, 6):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        peer.take_message(TYPE, bytes((i,)), acknowledge=False)
    peer.acknowledge(2)
    peer.is_alive()
    peer.leave()
    stage.subject.stats_reach("lost", 3)


@case("counts")
def sent_and_acknowledged_are_counted(stage: Stage) -> None:
    """Each message counts once."""
    peer = stage.linked((TYPE,))
    for i in range(1, 6):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        peer.take_message(TYPE, bytes((i,)))
    stage.subject.stats_reach("acknowledged", 5)
    stage.subject.stats_reach("sent", 5)
    demand(stage.subject.stats().get("lost") == 0, "something is lost")
