"""Messages: what they carry, their numbers, and how a stream goes on after a cut."""

from __future__ import annotations

import time

import wire
from suite import TEXT_MESSAGE, TYPE, Stage, case
from wire import Frame, demand

# TextMessage {sender: "ada", content: "Hello, mycelium!", timestamp: 1700000000123456789}: schema/golden/vectors.json.
HELLO = bytes.fromhex(
    "140000000000000000000a001400040008000c000a000000280000000c00000015cd853dfe9c971710000000"
    "48656c6c6f2c206d7963656c69756d21000000000300000061646100"
)
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319cb7ad6b716920333101")
TRACE_TEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@case()
def messages_are_numbered_from_one(stage: Stage) -> None:
    """A side numbers its messages to a node from 1, whatever their types."""
    peer = stage.linked((TYPE, TYPE + 1))
    for i in range(6):
        stage.subject.do(f"publish {TYPE + i % 2} {i:02x}")
    frames = [peer.take_message() for _ in range(6)]
    demand([frame.sequence for frame in frames] == [1, 2, 3, 4, 5, 6], f"the numbers of {frames}")
    for type_id, payloads in ((TYPE, b"\0\2\4"), (TYPE + 1, b"\1\3\5")):
        came = b"".join(frame.payload for frame in frames if frame.type_id == type_id)
        demand(came == payloads, f"{came!r} came of type {type_id}")


@case()
def a_message_says_where_it_comes_from(stage: Stage) -> None:
    """Origin node, publisher id, the publisher's sequence and nanoseconds since 1970 are in every message."""
    peer = stage.linked((TYPE,))
    frames = []
    for i in range(3):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        frames.append(peer.take_message())
    now = time.time_ns()
    for frame in frames:
        demand(frame.origin == peer.hello["node"], f"{frame} has another origin than {peer.hello['node']}")
        demand(frame.hops == 0 and frame.flags == 0, f"{frame} has crossed no link, and is nothing special")
        demand(abs(frame.timestamp - now) < 3600 * 10**9, f"{frame} is of another time than {now}")
    numbers = [(frame.publisher, frame.publisher_sequence) for frame in frames]
    demand(sorted(set(numbers)) == numbers, f"publishers and sequences do not grow: {numbers}")


@case()
def priority_correlation_and_trace_cross_both_ways(stage: Stage) -> None:
    """Header and parts carry what the publisher set."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked((TYPE + 1,))
    peer.publish(TYPE, b"in", priority=7, correlation=2**64 - 1, trace=TRACE)
    values = stage.subject.message(TYPE, b"in").values
    told = {name: values.get(name) for name in ("priority", "correlation", "trace")}
    demand(told == {"priority": "7", "correlation": str(2**64 - 1), "trace": TRACE_TEXT}, f"came in as {told}")
    stage.subject.do(f"publish {TYPE + 1} 6f7574 priority=200 correlation=99 trace={TRACE_TEXT}")
    frame = peer.take_message(TYPE + 1, b"out")
    demand((frame.priority, frame.correlation, frame.trace) == (200, 99, TRACE), f"went out as {frame}")


@case("keys")
def a_key_crosses_both_ways(stage: Stage) -> None:
    """The key stands behind the envelope, where the flag says so."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked((TYPE + 1,))
    peer.publish(TYPE, b"in", key=2**63)
    demand(stage.subject.message(TYPE, b"in").values.get("key") == str(2**63), "the key did not come in")
    stage.subject.do(f"publish {TYPE + 1} 6f7574 key=12345 trace={TRACE_TEXT}")
    frame = peer.take_message(TYPE + 1, b"out")
    demand((frame.key, frame.trace) == (12345, TRACE), f"went out as {frame}")


@case()
def key_and_trace_stand_in_this_order(stage: Stage) -> None:
    """In a message follow the envelope, the key and the trace, in this order; then the payload."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.publish(TYPE, b"both", key=5, trace=TRACE)
    demand(stage.subject.message(TYPE, b"both").values.get("trace") == TRACE_TEXT, "the trace is another")


@case()
def the_order_is_kept_both_ways(stage: Stage) -> None:
    """Of one publisher and one type, a subscriber sees messages in the order in which they were published."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked((TYPE + 1,))
    count = 300
    for i in range(count):
        stage.subject.say(f"publish {TYPE + 1} {i:04x}")
        peer.publish(TYPE, i.to_bytes(2, "big"))
    for i in range(count):
        peer.take_message(TYPE + 1, i.to_bytes(2, "big"))
        stage.subject.message(TYPE, i.to_bytes(2, "big"))
        demand(stage.subject.answer("publish") == "ok", "a publish fails")


# ---- sequences ----


@case()
def a_sequence_that_was_dealt_with_is_ignored(stage: Stage) -> None:
    """A sequence that was dealt with is ignored."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    one, two = peer.message(TYPE, b"one"), peer.message(TYPE, b"two")
    peer.send(one, one, two, one, two, peer.message(TYPE, b"three"))
    for payload in (b"one", b"two", b"three"):
        stage.subject.message(TYPE, payload)


@case("counts")
def a_gap_is_counted_and_gone_over(stage: Stage) -> None:
    """A sequence that is left out is a gap, and counted."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.publish(TYPE, b"one")
    peer.publish(TYPE, b"ten", sequence=10)
    stage.subject.message(TYPE, b"one")
    stage.subject.message(TYPE, b"ten")
    stage.subject.stats_reach("missing", 8)


@case()
def what_comes_after_a_gap_is_delivered(stage: Stage) -> None:
    """A sequence that is left out is a gap; what follows is dealt with, and acknowledged."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.sent = 99
    peer.publish(TYPE, b"a hundred")
    stage.subject.message(TYPE, b"a hundred")
    peer.take_credit(100)


# ---- a link follows another ----


@case()
def what_was_not_acknowledged_is_sent_again_with_the_same_sequences(stage: Stage) -> None:
    """If Ready names the sender's stream, it sends everything after that sequence again, with the same sequences."""
    first = stage.linked((TYPE,))
    for i in range(1, 5):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        first.take_message(TYPE, bytes((i,)), acknowledge=False)
    first.acknowledge(1)
    first.is_alive()
    first.close()
    second = stage.again(first, heard=2)
    demand(second.ready["stream"] == first.ready["stream"], "it names another stream to the same node")
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"publish {TYPE} 05")
    for i in range(3, 6):
        frame = second.take_message(TYPE, bytes((i,)))
        demand(frame.sequence == i, f"{frame} had sequence {i} before")


@case()
def what_is_published_while_a_link_is_cut_follows(stage: Stage) -> None:
    """A link that follows another between the same two nodes goes on."""
    first = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    first.take_message(TYPE, b"\1")
    first.is_alive()
    first.close()
    for i in range(2, 10):
        stage.subject.do(f"publish {TYPE} {i:02x}")
    second = stage.again(first)
    second.say_state((TYPE,))
    for i in range(2, 10):
        second.take_message(TYPE, bytes((i,)))


@case()
def its_ready_says_what_it_heard_last(stage: Stage) -> None:
    """Ready names the stream last heard and the last sequence dealt with."""
    first = stage.linked()
    for i in range(3):
        first.publish(TYPE, bytes((i,)))
    first.take_credit(3)
    first.close()
    second = stage.again(first)
    heard = (second.ready["heard_stream"], second.ready["heard"])
    demand(heard == (first.stream, 3), f"it has heard {heard}, not {(first.stream, 3)}")


@case()
def what_is_sent_again_is_delivered_once(stage: Stage) -> None:
    """A sequence that was dealt with is ignored, over links that follow each other, too."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    frames = [first.message(TYPE, bytes((i,))) for i in range(5)]
    first.send(*frames[:3])
    for i in range(3):
        stage.subject.message(TYPE, bytes((i,)))
    first.close()
    second = stage.again(first)
    second.send(*frames)
    for i in range(3, 5):
        stage.subject.message(TYPE, bytes((i,)))


@case()
def a_frame_that_was_cut_in_its_middle_is_taken_when_it_comes_whole(stage: Stage) -> None:
    """Everything after the last sequence dealt with is sent again."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    frame = first.message(TYPE, b"whole")
    first.is_alive()
    first.send_bytes(wire.encode(frame)[:50])
    first.close()
    second = stage.again(first)
    demand(second.ready["heard"] in (0, first.sent), f"it has dealt with {second.ready['heard']}")
    second.sent = second.ready["heard"]
    second.publish(TYPE, b"whole")
    stage.subject.message(TYPE, b"whole")


@case()
def another_stream_begins_with_one_again(stage: Stage) -> None:
    """If a Ready names a stream that was not heard before, its messages are numbered from 1."""
    stage.subject.do(f"subscribe {TYPE}")
    first = stage.linked()
    first.publish(TYPE, b"old")
    stage.subject.message(TYPE, b"old")
    first.close()
    second = stage.again(first, stream=first.stream + 5)
    second.sent = 0
    second.publish(TYPE, b"new", publisher_sequence=2)
    stage.subject.message(TYPE, b"new")
    second.take_credit(1)


@case()
def who_has_heard_of_another_stream_gets_one_from_its_beginning(stage: Stage) -> None:
    """If the stream that Ready names is not the sender's, it begins anew, with sequence 1."""
    first = stage.linked((TYPE,))
    for i in range(1, 4):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        first.take_message(TYPE, bytes((i,)))
    first.is_alive()
    first.close()
    second = stage.again(first, heard_stream=first.ready["stream"] ^ 1, heard=77)
    second.heard = 0
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"publish {TYPE} 04")
    frame = second.take_message(TYPE, b"\4")
    demand(frame.sequence == 1, f"{frame} is the first of a stream")


@case()
def a_ready_that_was_lost_loses_no_message(stage: Stage) -> None:
    """A link that is cut loses nothing, also where one side was up and the other had not heard its Ready."""
    first = stage.linked((TYPE,))
    for i in range(1, 4):
        stage.subject.do(f"publish {TYPE} {i:02x}")
        first.take_message(TYPE, bytes((i,)), acknowledge=False)
    first.close()  # as if nothing of this had come here
    second = stage.again(first, heard_stream=0, heard=0)
    stage.wanted(second, (TYPE,))
    for i in range(1, 4):
        second.take_message(TYPE, bytes((i,)))


# ---- schemas ----


@case()
def a_type_with_another_digest_is_not_taken(stage: Stage) -> None:
    """A type on which both lists differ is not taken."""
    stage.subject.do(f"subscribe {TEXT_MESSAGE}")
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.peer().greet(types=[{"type_id": TEXT_MESSAGE, "digest": bytes(32)}])
    peer.publish(TEXT_MESSAGE, HELLO)
    peer.publish(TYPE, b"other")
    stage.subject.message(TYPE, b"other")
    peer.take_credit(2)


@case()
def a_type_with_another_digest_is_not_sent(stage: Stage) -> None:
    """A type on which both lists differ is not sent."""
    peer = stage.peer().greet(types=[{"type_id": TEXT_MESSAGE, "digest": bytes(32)}])
    peer.say_state((TEXT_MESSAGE, TYPE))
    stage.subject.do(f"wait {TYPE} 1 20000")
    stage.subject.do(f"publish {TEXT_MESSAGE} {HELLO.hex()}")
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


@case()
def a_type_with_the_same_digest_crosses_both_ways(stage: Stage) -> None:
    """A type on which both lists agree is sent and taken."""
    stage.subject.do(f"subscribe {TEXT_MESSAGE}")
    before = stage.peer().greet()
    before.close()
    peer = stage.peer().greet(types=before.ready["types"])
    peer.say_state((TEXT_MESSAGE,))
    stage.subject.do(f"wait {TEXT_MESSAGE} 2 20000")
    peer.publish(TEXT_MESSAGE, HELLO)
    stage.subject.message(TEXT_MESSAGE, HELLO)
    stage.subject.do(f"publish {TEXT_MESSAGE} {HELLO.hex()}")
    peer.take_message(TEXT_MESSAGE, HELLO)


@case()
def a_payload_that_is_not_valid_is_handed_to_nobody(stage: Stage) -> None:
    """What comes is verified against its schema before anybody reads it; it costs the sender no link."""
    stage.subject.do(f"subscribe {TEXT_MESSAGE}")
    peer = stage.linked()
    for payload in (b"", b"these are no FlatBuffers", HELLO[:-8], b"\xff" * 64):
        peer.publish(TEXT_MESSAGE, payload)
    peer.publish(TEXT_MESSAGE, HELLO)
    stage.subject.message(TEXT_MESSAGE, HELLO)
    peer.take_credit(5)


@case("counts")
def payloads_that_are_not_valid_are_counted(stage: Stage) -> None:
    """What is refused by verification is counted."""
    stage.subject.do(f"subscribe {TEXT_MESSAGE}")
    peer = stage.linked()
    for _ in range(3):
        peer.publish(TEXT_MESSAGE, b"none")
    stage.subject.stats_reach("invalid", 3)


# ---- hops and echoes ----


@case()
def a_message_that_has_crossed_16_links_goes_no_further(stage: Stage) -> None:
    """A message with 16 hops goes no further; one with 15 is delivered."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.publish(TYPE, b"16", hops=16)
    peer.publish(TYPE, b"255", hops=255)
    peer.publish(TYPE, b"15", hops=15)
    stage.subject.message(TYPE, b"15")


@case()
def its_own_message_come_back_is_not_delivered(stage: Stage) -> None:
    """A message never comes back to the node that it began at."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.publish(TYPE, b"echo", origin=peer.hello["node"])
    peer.publish(TYPE, b"news")
    stage.subject.message(TYPE, b"news")


@case()
def a_message_does_not_go_back_over_its_link(stage: Stage) -> None:
    """A message never goes back over the link by which it came."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.say_state((TYPE,))
    stage.subject.do(f"wait {TYPE} 2 20000")
    peer.publish(TYPE, b"in")
    peer.publish(TYPE, b"of another", origin=4711)
    stage.subject.message(TYPE, b"in")
    stage.subject.message(TYPE, b"of another")
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")


@case()
def after_unsubscribing_nothing_is_delivered(stage: Stage) -> None:
    """Only types that somebody wants are delivered."""
    stage.subject.do(f"subscribe {TYPE}")
    stage.subject.do(f"subscribe {TYPE + 1}")
    peer = stage.linked()
    peer.publish(TYPE, b"before")
    stage.subject.message(TYPE, b"before")
    stage.subject.do(f"unsubscribe {TYPE}")
    peer.send(peer.message(TYPE, b"after"), peer.message(TYPE + 1, b"fence"))
    stage.subject.message(TYPE + 1, b"fence")


@case()
def an_unwanted_request_for_attention_costs_nothing(stage: Stage) -> None:
    """A message of a type that nobody here wants is dealt with, and acknowledged."""
    peer = stage.linked()
    peer.send(*(Frame(TYPE + 7, sequence=i + 1, origin=peer.node) for i in range(10)))
    peer.sent = 10
    peer.take_credit(10)
