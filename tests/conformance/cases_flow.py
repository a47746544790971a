"""Credit, drops, heartbeats and silence."""

from __future__ import annotations

import threading
import time

import wire
from peer import Peer
from subject import Failure
from suite import TYPE, Stage, case
from wire import demand

WINDOW = 1 << 16  # the smallest that there is
CHUNK = bytes(4096)
FRAME = 64 + 4096


# ---- the subject receives ----


@case(heartbeat=20_000, silence=60_000)
def a_message_is_acknowledged_soon(stage: Stage) -> None:
    """A receiver sends Credit 5 ms after the first message that it has not acknowledged."""
    peer = stage.linked()
    for i in range(3):
        peer.publish(TYPE, b"x")
        credit = peer.take_control(wire.CREDIT, patience=5.0)  # its heartbeat would come later
        demand(credit.table is not None and credit.table["sequence"] == i + 1, f"{credit} for message {i + 1}")


@case(heartbeat=20_000, silence=60_000, window=WINDOW)
def credit_goes_on_and_on(stage: Stage) -> None:
    """A receiver sends Credit when it has dealt with a quarter of its window: a sender that keeps to it is never
    stuck."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    acknowledged = 0
    for i in range(100):
        while (peer.sent - acknowledged) * FRAME + FRAME > WINDOW:
            acknowledged = peer.take_table(wire.CREDIT)["sequence"]
        peer.publish(TYPE, i.to_bytes(2, "big") + CHUNK[2:])
    for i in range(100):
        stage.subject.message(TYPE, i.to_bytes(2, "big") + CHUNK[2:])
    if acknowledged < 100:
        peer.take_credit(100)


@case(heartbeat=100)
def a_credit_for_what_was_not_sent_ends_the_link(stage: Stage) -> None:
    """Credit is for what was sent."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1", acknowledge=False)
    peer.send_table(wire.CREDIT, sequence=2)
    peer.expect_end(wire.PROTOCOL)


# ---- the subject sends ----


def until_it_stops(peer: Peer) -> int:
    """Takes messages without a Credit until a heartbeat says that nothing was sent for its time; gives their bytes."""
    size = 0
    quiet = 0
    while quiet < 2:
        frame = peer.read()
        if frame is None:
            raise Failure(f"it ended the link: {peer.refusal}")
        quiet += frame.kind == wire.HEARTBEAT
        if not frame.is_control:
            quiet = 0
            size += frame.size
    return size


@case(heartbeat=200)
def it_stops_at_the_window(stage: Stage) -> None:
    """A sender sends nothing more while `window` bytes of frames, padding included, are unacknowledged."""
    peer = stage.linked((TYPE,), window=WINDOW)
    for _ in range(60):
        stage.subject.do(f"publish {TYPE} {CHUNK.hex()}")
    size = until_it_stops(peer)
    demand(WINDOW - FRAME < size < WINDOW + FRAME, f"it stops after {size} bytes of a window of {WINDOW}")
    before = peer.heard
    peer.acknowledge(4)
    demand(until_it_stops(peer) in (4 * FRAME, 3 * FRAME), "a Credit for four messages makes room for four more")
    demand(peer.heard > before, "a Credit makes no room")
    peer.acknowledge(peer.heard)
    while peer.heard < 60:
        peer.take_message(TYPE, CHUNK)


@case()
def a_message_that_is_larger_than_the_window_goes(stage: Stage) -> None:
    """A message goes while less than `window` bytes are unacknowledged, however large it is."""
    peer = stage.linked((TYPE,), window=WINDOW)
    large = bytes(2 * WINDOW)
    for _ in range(3):
        stage.subject.do(f"publish {TYPE} {large.hex()}")
    for _ in range(3):
        peer.take_message(TYPE, large)


@case(heartbeat=200)
def replies_and_control_frames_need_no_credit(stage: Stage) -> None:
    """Replies and control frames do not count against the window."""
    stage.subject.do(f"serve {TYPE + 1} echo")
    peer = stage.linked((TYPE,), window=WINDOW)
    for _ in range(30):
        stage.subject.do(f"publish {TYPE} {CHUNK.hex()}")
    until_it_stops(peer)
    for i in range(1, 30):
        peer.request(TYPE + 1, CHUNK, i)
        demand(peer.take_reply(i).payload == CHUNK, "the reply is another")
        peer.take_credit(i)
    stage.subject.do(f"subscribe {TYPE + 2}")
    peer.take_state("with the new type", lambda state: TYPE + 2 in state["wants"])


# ---- more than the other side takes ----


@case("drops", policy="drop_newest", capacity=4, heartbeat=100)
def what_was_dropped_is_told(stage: Stage) -> None:
    """Lost says how many messages of a type were dropped for the other side: received and lost are all that there
    were."""
    peer = stage.linked((TYPE,), window=WINDOW)
    count = 200
    for i in range(count):
        stage.subject.do(f"publish {TYPE} {(i.to_bytes(2, 'big') + CHUNK[2:]).hex()}")
    received, lost = 0, 0
    last = -1
    while received + lost < count:
        frame = peer.take("message or Lost", lambda frame: frame.kind in (0, wire.LOST))
        if frame.kind == wire.LOST:
            demand(frame.table is not None and frame.table["type_id"] in (0, TYPE), f"{frame} is of another type")
            lost += frame.table["count"] if frame.table else 0
        else:
            received += 1
            number = int.from_bytes(frame.payload[:2], "big")
            demand(number > last, f"{number} after {last}")
            last = number
            peer.acknowledge(frame.sequence)
    demand(received + lost == count, f"{received} received and {lost} lost are not {count}")
    demand(lost > 0, "a window of 64 KiB and a mailbox of 4 held 800 KiB")


@case("drops", policy="block", capacity=4)
def a_publisher_that_waits_loses_nothing(stage: Stage) -> None:
    """With the policy block a publisher waits until the other side has taken enough."""
    peer = stage.linked((TYPE,), window=WINDOW)
    count = 200
    lines = [f"publish {TYPE} {(i.to_bytes(2, 'big') + CHUNK[2:]).hex()}" for i in range(count)]
    speaker = threading.Thread(target=lambda: all(map(stage.subject.say, lines)))
    speaker.start()  # it reads the next command when it has room
    for i in range(count):
        peer.take_message(TYPE, i.to_bytes(2, "big") + CHUNK[2:])
        demand(stage.subject.answer("publish") == "ok", "a publish fails")
    speaker.join()


# ---- signs of life ----


@case(heartbeat=100)
def it_sends_heartbeats_when_it_has_nothing_to_say(stage: Stage) -> None:
    """A side that has sent nothing for a heartbeat's time sends a heartbeat."""
    peer = stage.linked()
    for _ in range(5):
        peer.take_control(wire.HEARTBEAT)


@case(heartbeat=100, silence=500)
def who_is_silent_is_left(stage: Stage) -> None:
    """A side that has heard nothing for the silence time ends the link."""
    peer = stage.linked()
    peer.expect_end()


@case(heartbeat=100, silence=1500)
def who_sends_heartbeats_is_not_left(stage: Stage) -> None:
    """Any frame is a sign of life."""
    peer = stage.linked()
    until = time.monotonic() + 3.5
    while time.monotonic() < until:
        peer.take_control(wire.HEARTBEAT)
        peer.send(wire.control(wire.HEARTBEAT))
    peer.is_alive()


@case(heartbeat=100, silence=800)
def after_a_silence_a_new_link_goes_on(stage: Stage) -> None:
    """A link that follows another between the same two nodes goes on."""
    first = stage.linked((TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    first.take_message(TYPE, b"\1", acknowledge=False)
    first.expect_end()
    second = stage.again(first, heard=0)
    second.take_message(TYPE, b"\1")
