"""Messages that ask for a receipt, as who takes them has to deal with them; and what a Hello says of its sender."""

from __future__ import annotations

import time

import wire
from cases_messages import HELLO
from peer import UNWANTED, Peer
from suite import TEXT_MESSAGE, TYPE, Stage, case
from wire import Frame, control, demand

CONFIRM = wire.CONFIRM


def keeping(stage: Stage, count: int) -> Peer:
    """A neighbour of which the subject keeps so many messages, all of those that came."""
    stage.subject.do(f"keep {TYPE}")
    peer = stage.linked()
    peer.send(*(peer.message(TYPE, bytes((i,)), flags=CONFIRM) for i in range(1, count + 1)))
    for i in range(1, count + 1):
        stage.subject.message(TYPE, bytes((i,)))
    return peer


# ---- what a Hello says ----


@case(silence=4000)
def its_hello_says_how_long_it_waits_in_silence(stage: Stage) -> None:
    """After so many milliseconds without a byte this side takes the other for dead."""
    peer = stage.peer().greet()
    demand(peer.hello["silence_ms"] == 4000, f"{peer.hello} of who waits for 4000 ms")


@case("receipts")
def its_hello_says_that_it_gives_receipts(stage: Stage) -> None:
    """Messages with the flag confirm go to sides only whose Hello says so."""
    demand(stage.peer().greet().hello["confirms"] is True, "its Hello does not say that it confirms")


@case(heartbeat=4000, silence=16000)
def it_is_heard_as_often_as_the_other_side_needs(stage: Stage) -> None:
    """The time of heartbeats is at most a third of the other's silence_ms, from the greeting on."""
    peer = stage.peer()
    peer.more_hello = {"silence_ms": 900}
    peer.greet()
    last = began = time.monotonic()
    while last - began < 2.0:
        frame = peer.read()
        now = time.monotonic()
        demand(frame is not None, "it ends the link")
        demand(now - last < 0.9, f"nothing was heard for {now - last:.2f} s by who waits for 0.9 s")
        last = now


# ---- when a message is delivered ----


@case("receipts")
def a_message_is_confirmed_when_its_subscriber_has_had_it(stage: Stage) -> None:
    """A Receipt says that all up to its sequence have been delivered."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    for i in range(3):
        peer.publish(TYPE, bytes((i,)), flags=CONFIRM)
        stage.subject.message(TYPE, bytes((i,)))
        peer.take_receipt(peer.sent)


@case("receipts")
def what_somebody_still_holds_is_open(stage: Stage) -> None:
    """Delivered is what nobody there holds any more: no mailbox, no callback, no program that has retained it."""
    peer = keeping(stage, 3)
    peer.take_receipt(3, (1, 2, 3))
    stage.subject.do("release 1")
    peer.take_receipt(3, (1, 3))
    peer.publish(UNWANTED, b"a fence", flags=CONFIRM)
    peer.take_receipt(4, (1, 3))
    stage.subject.do("release 1")
    peer.take_receipt(4, (1,))
    stage.subject.do("release 0")
    peer.take_receipt(4)


@case("receipts")
def what_all_but_one_have_had_is_open(stage: Stage) -> None:
    """Delivered is what nobody there holds any more, of several subscribers."""
    stage.subject.do(f"subscribe {TYPE}")
    stage.subject.do(f"keep {TYPE}")
    peer = stage.linked()
    peer.publish(TYPE, b"both", flags=CONFIRM)
    stage.subject.message(TYPE, b"both")
    stage.subject.message(TYPE, b"both")
    peer.publish(UNWANTED, b"a fence", flags=CONFIRM)
    peer.take_receipt(2, (1,))
    stage.subject.do("release 0")
    peer.take_receipt(2)


@case("receipts")
def what_nobody_wants_is_confirmed(stage: Stage) -> None:
    """A Receipt says that messages have been delivered, or never will be: nobody wants them."""
    peer = stage.linked()
    peer.publish(TYPE, b"to nobody", flags=CONFIRM)
    peer.take_receipt(1)


@case("receipts")
def what_is_handed_to_nobody_is_confirmed(stage: Stage) -> None:
    """So are messages of another schema, not valid by it, that have crossed 16 links, and that have come back."""
    stage.subject.do(f"keep {TYPE}")
    stage.subject.do(f"keep {TEXT_MESSAGE}")
    plain = stage.linked()
    plain.publish(TEXT_MESSAGE, b"no FlatBuffers", flags=CONFIRM)
    plain.take_receipt(1)
    plain.publish(TYPE, b"far", hops=16, flags=CONFIRM)
    plain.take_receipt(2)
    plain.publish(TYPE, b"echo", origin=plain.hello["node"], flags=CONFIRM)
    plain.take_receipt(3)
    plain.close()
    other = stage.in_place_of(plain).greet(types=[{"type_id": TEXT_MESSAGE, "digest": bytes(32)}])
    other.publish(TEXT_MESSAGE, HELLO, flags=CONFIRM)
    other.take_receipt(1)


@case("receipts")
def a_receipt_is_about_messages_without_the_flag_too(stage: Stage) -> None:
    """Its sequence is that of a message, whatever its flags; those without are never open."""
    peer = keeping(stage, 1)
    peer.publish(TYPE, b"plain")
    stage.subject.message(TYPE, b"plain")
    peer.publish(TYPE, b"with", flags=CONFIRM)
    stage.subject.message(TYPE, b"with")
    peer.take_receipt(3, (1, 3))
    stage.subject.do("release 2")
    peer.take_receipt(3, (1,))


@case("receipts", heartbeat=50)
def who_does_not_ask_gets_no_receipt(stage: Stage) -> None:
    """Messages without the flag get none, nor does a link that follows another say all of nothing anew."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    for _ in range(2):
        peer.publish(TYPE, b"plain")
        stage.subject.message(TYPE, b"plain")
        peer.is_alive()
        peer.take_control(wire.HEARTBEAT)
        peer.take_control(wire.HEARTBEAT)
        peer.close()
        peer = stage.again(peer)
    demand(not peer.asked, "the judge asks for nothing")


# ---- what a Receipt looks like ----


@case("receipts")
def of_many_that_are_open_a_hundred_are_told(stage: Stage) -> None:
    """At most 100 are listed, in ascending order; of more it names a lower sequence."""
    peer = keeping(stage, 130)
    while not is_full(receipt := peer.take_table(wire.RECEIPT)):
        pass
    demand(receipt["open"] == tuple(range(1, 101)), f"{receipt} of 130 that are open")
    demand(receipt["sequence"] in range(100, 131), f"{receipt}: the last that it is about")
    demand(receipt["sequence"] == 100, f"{receipt}: 101 is open, too")
    stage.subject.do("release 109")  # number 110, behind the hundred
    for _ in range(100):
        stage.subject.do("release 0")
    peer.take_receipt(130, (*range(101, 110), *range(111, 131)))
    for _ in range(29):
        stage.subject.do("release 0")
    peer.take_receipt(130)


def is_full(receipt: dict[str, object]) -> bool:
    told = receipt["open"]
    return isinstance(told, tuple) and len(told) == 100


# ---- links that follow each other ----


@case("receipts")
def after_a_cut_all_is_told_anew(stage: Stage) -> None:
    """A Receipt that says all anew is the first after a link that follows another."""
    first = keeping(stage, 3)
    first.take_receipt(3, (1, 2, 3))
    stage.subject.do("release 0")
    first.take_receipt(3, (2, 3))
    first.close()
    second = stage.again(first)
    anew = second.take_table(wire.RECEIPT)
    demand((anew["sequence"], anew["open"]) == (3, (2, 3)), f"{anew} is told anew")
    stage.subject.do("release 0")
    stage.subject.do("release 0")
    second.take_receipt(3)
    second.close()
    third = stage.again(second)
    anew = third.take_table(wire.RECEIPT)
    demand((anew["sequence"], anew["open"]) == (3, ()), f"{anew} is told anew")


@case("receipts")
def what_is_delivered_while_a_link_is_cut_is_told_over_the_next(stage: Stage) -> None:
    """A Receipt that says all anew is the first after a link that follows another."""
    first = keeping(stage, 2)
    first.take_receipt(2, (1, 2))
    first.close()
    stage.subject.do("release 1")
    second = stage.again(first)
    second.take_receipt(2, (1,))
    stage.subject.do("release 0")
    second.take_receipt(2)


@case("receipts")
def another_stream_has_receipts_of_its_own(stage: Stage) -> None:
    """If a Ready names a stream that was not heard before, its messages are numbered from 1: what is still open of the
    one before is no business of its Receipts."""
    first = keeping(stage, 2)
    first.take_receipt(2, (1, 2))
    first.close()
    second = stage.again(first, stream=first.stream + 5)
    second.sent = 0
    second.publish(TYPE, b"new", publisher_sequence=3, flags=CONFIRM)
    stage.subject.message(TYPE, b"new")
    second.take_receipt(1, (1,))
    stage.subject.do("release 0")
    second.publish(UNWANTED, b"a fence", flags=CONFIRM)
    second.take_receipt(2, (1,))
    stage.subject.do("release 1")
    second.take_receipt(2)


@case("receipts", linger=600_000)
def what_a_node_has_had_before_is_ignored(stage: Stage) -> None:
    """A node ignores a message with this flag that it has had before, whoever its neighbours are."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    first.publish(TYPE, b"of a publisher", origin=4711, publisher_sequence=5, flags=CONFIRM)
    stage.subject.message(TYPE, b"of a publisher")
    first.take_receipt(1)
    first.leave()
    second = stage.in_place_of(first).greet()
    second.publish(TYPE, b"of a publisher", origin=4711, publisher_sequence=5, flags=CONFIRM)
    second.publish(TYPE, b"an older one", origin=4711, publisher_sequence=4, flags=CONFIRM)
    stage.subject.message(TYPE, b"an older one")
    second.take_receipt(2)


@case("receipts")
def what_comes_again_is_open_as_long_as_it_is_held(stage: Stage) -> None:
    """Delivered is what nobody there holds any more: also of a message that another node had brought before."""
    stage.subject.do(f"keep {TYPE}")
    first = stage.linked()
    first.publish(TYPE, b"once", origin=4711, publisher_sequence=5, flags=CONFIRM)
    stage.subject.message(TYPE, b"once")
    first.take_receipt(1, (1,))
    first.close()
    second = stage.in_place_of(first).greet()
    second.publish(TYPE, b"once", origin=4711, publisher_sequence=5, flags=CONFIRM)
    second.publish(UNWANTED, b"a fence", flags=CONFIRM)
    second.take_receipt(2, (1,))
    stage.subject.do("release 0")
    second.take_receipt(2)


@case("receipts")
def what_comes_again_in_another_stream_is_open_as_long_as_it_is_held(stage: Stage) -> None:
    """So it is of one that the same node sends anew, since it had been told that its stream is not known."""
    first = keeping(stage, 1)
    first.take_receipt(1, (1,))
    first.close()
    second = stage.again(first, stream=first.stream + 5)
    second.sent = 0
    second.publish(TYPE, b"\1", flags=CONFIRM)
    second.publish(UNWANTED, b"a fence", flags=CONFIRM)
    second.take_receipt(2, (1,))
    stage.subject.do("release 0")
    second.take_receipt(2)


@case("receipts")
def who_leaves_confirms_nothing_that_it_still_holds(stage: Stage) -> None:
    """What a node still holds when it goes away it has not delivered."""
    peer = keeping(stage, 2)
    stage.subject.do("release 0")
    peer.take_receipt(2, (2,))
    stage.subject.say("close 200")
    peer.expect_end(wire.LEAVING)
    demand(2 not in peer.delivered, "it confirms what it holds")


# ---- what no side may send ----


@case()
def a_request_or_reply_that_asks_for_a_receipt_ends_the_link(stage: Stage) -> None:
    """A request or a reply with the flag confirm ends the link."""
    for flags in (wire.REQUEST, wire.REPLY):
        peer = stage.linked()
        peer.send(Frame(TYPE, flags=flags | CONFIRM, sequence=0 if flags == wire.REPLY else 1, correlation=5))
        peer.expect_end(wire.PROTOCOL)


@case()
def a_receipt_for_what_was_not_sent_ends_the_link(stage: Stage) -> None:
    """A Receipt for what was not sent ends the link."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")
    peer.receipt(2)
    peer.expect_end(wire.PROTOCOL)


@case()
def a_receipt_out_of_order_ends_the_link(stage: Stage) -> None:
    """A Receipt with a list out of order ends the link."""
    peer = stage.linked((TYPE,))
    for i in (b"\1", b"\2"):
        stage.subject.do(f"publish {TYPE} {i.hex()}")
        peer.take_message(TYPE, i)
    peer.receipt(2, 2, 1)
    peer.expect_end(wire.PROTOCOL)


@case()
def a_receipt_that_is_no_table_ends_the_link(stage: Stage) -> None:
    """So does a payload of a control frame that is not what it should be."""
    good = wire.pack_table("Receipt", {"sequence": 0, "open": (1, 2, 3)})
    for payload in (b"", b"\xff" * 48, good[:-4], bytes(64)):
        peer = stage.linked()
        peer.send(control(wire.RECEIPT, payload))
        peer.expect_end(wire.PROTOCOL)


@case()
def a_receipt_before_the_greeting_is_over_ends_the_link(stage: Stage) -> None:
    """Before a side is up, no other frame is allowed but a Refusal."""
    peer = stage.peer()
    peer.say_hello()
    peer.receipt(0)
    peer.expect_end(wire.PROTOCOL)


@case()
def a_receipt_is_a_credit_too(stage: Stage) -> None:
    """It counts as a Credit: what it is about is acknowledged, and the window is free."""
    peer = stage.linked((TYPE,), window=64 << 10)
    payload = bytes(40 << 10)
    for _ in range(3):
        stage.subject.do(f"publish {TYPE} {payload.hex()}")
    for _ in range(3):
        frame = peer.take_message(acknowledge=False)
        peer.receipt(frame.sequence)


@case()
def a_receipt_of_less_than_the_last_says_nothing(stage: Stage) -> None:
    """A Receipt is no error that says less than one before, or that comes where nobody asked for one."""
    peer = stage.linked((TYPE,))
    for i in (b"\1", b"\2"):
        stage.subject.do(f"publish {TYPE} {i.hex()}")
        peer.take_message(TYPE, i)
    peer.receipt(2)
    peer.receipt(1, 1)
    peer.receipt(0)
    peer.is_alive()
