"""Every frame that is none ends the link; those that are fine do not."""

from __future__ import annotations

import struct

import wire
from suite import TYPE, Stage, case
from wire import Frame, control, demand, encode


def ends(stage: Stage, data: bytes) -> None:
    peer = stage.linked()
    peer.send_bytes(data)
    peer.expect_end(wire.PROTOCOL)


def raw(length: int, type_id: int, flags: int, sequence: int, body: bytes = b"") -> bytes:
    """A frame with a right checksum, whatever its header says."""

    def header(crc: int) -> bytes:
        return wire.HEADER.pack(length, type_id, flags, sequence, 0, crc, 0, 0, 0)

    whole = (header(0) + body)[:length]
    return (header(wire.crc32c(whole)) + body).ljust(wire.padded(length), b"\0")


@case()
def a_length_under_32_ends_the_link(stage: Stage) -> None:
    """A frame that is shorter than its parts ends the link."""
    for length in (0, 16, 31):
        ends(stage, raw(length, wire.HEARTBEAT, wire.CONTROL, 0))


@case()
def a_message_without_an_envelope_ends_the_link(stage: Stage) -> None:
    """A frame that is shorter than its parts ends the link."""
    for length in (32, 63):
        ends(stage, raw(length, TYPE, 0, 1, bytes(31)))


@case()
def a_message_without_the_key_that_it_promises_ends_the_link(stage: Stage) -> None:
    """A frame that is shorter than its parts ends the link."""
    ends(stage, raw(64 + 15, TYPE, wire.KEY, 1, bytes(47)))


@case()
def a_message_without_the_trace_that_it_promises_ends_the_link(stage: Stage) -> None:
    """A frame that is shorter than its parts ends the link."""
    ends(stage, raw(64 + 31, TYPE, wire.TRACE, 1, bytes(63)))


@case(max_frame=8192)
def a_frame_over_the_limit_ends_the_link_before_it_has_come(stage: Stage) -> None:
    """A frame that is longer than allowed ends the link."""
    ends(stage, encode(Frame(TYPE, sequence=1), length=8193)[:32])


@case(max_frame=8192)
def a_frame_of_just_the_limit_is_taken(stage: Stage) -> None:
    """Frames of at most max_frame bytes a side takes, header included."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    payload = bytes(8192 - 64)
    peer.publish(TYPE, payload)
    stage.subject.message(TYPE, payload)


@case()
def a_length_of_four_gigabytes_ends_the_link(stage: Stage) -> None:
    """A frame that is longer than allowed ends the link."""
    ends(stage, encode(Frame(TYPE, sequence=1), length=0xFFFFFFFF)[:32])


@case()
def unknown_flags_end_the_link(stage: Stage) -> None:
    """A frame that has unknown flags ends the link."""
    for flags in (0x40, 0x8000):
        ends(stage, encode(Frame(TYPE, flags=flags, sequence=1)))


@case()
def a_wrong_checksum_ends_the_link(stage: Stage) -> None:
    """A frame that has a wrong checksum ends the link: in a message as in a control frame."""
    ends(stage, encode(Frame(TYPE, sequence=1, payload=b"x"), checksum=0xDEADBEEF))
    ends(stage, encode(control(wire.HEARTBEAT), checksum=0))


@case()
def a_changed_byte_ends_the_link(stage: Stage) -> None:
    """The checksum is of all bytes of header, parts and payload."""
    good = encode(Frame(TYPE, sequence=1, payload=b"payload!"))
    for place in (16, 28, 29, 40, 68):
        ends(stage, good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :])


@case()
def a_control_kind_that_is_none_ends_the_link(stage: Stage) -> None:
    """A control kind that is not on the list ends the link."""
    for kind in (0, 11, 65535):
        ends(stage, encode(control(kind)))


@case()
def a_control_frame_with_another_flag_ends_the_link(stage: Stage) -> None:
    """Control frames have no parts, are no requests and no replies."""
    for flag in (wire.TRACE, wire.KEY, wire.REQUEST, wire.REPLY, wire.CONFIRM):
        ends(stage, raw(32, wire.HEARTBEAT, wire.CONTROL | flag, 0))


@case()
def a_control_frame_with_a_sequence_ends_the_link(stage: Stage) -> None:
    """The sequence is 0 in control frames."""
    ends(stage, encode(control(wire.HEARTBEAT, sequence=1)))


@case()
def a_message_without_a_type_ends_the_link(stage: Stage) -> None:
    """Type id 0 is no type."""
    ends(stage, encode(Frame(0, sequence=1)))


@case()
def a_message_without_a_sequence_ends_the_link(stage: Stage) -> None:
    """A side numbers its messages from 1."""
    ends(stage, encode(Frame(TYPE, sequence=0)))


@case()
def a_message_without_an_origin_ends_the_link(stage: Stage) -> None:
    """No node has the id 0."""
    ends(stage, encode(Frame(TYPE, sequence=1, origin=0)))


@case()
def a_state_that_is_no_table_ends_the_link(stage: Stage) -> None:
    """So does a payload of a control frame that is not what it should be."""
    good = wire.pack_table("NodeState", dict(node=5, version=1, wants=(1, 2, 3)))
    for payload in (b"", b"\xff" * 48, good[:-4], bytes(64)):
        ends(stage, encode(control(wire.NODE_STATE, payload)))


@case()
def a_vector_of_four_billion_ends_the_link(stage: Stage) -> None:
    """So does a payload of a control frame that is not what it should be; it costs what has come, not what is
    promised."""
    good = wire.pack_table("NodeState", dict(node=5, version=1, wants=(0xAAAA,)))
    count = good.index(struct.pack("<IH", 1, 0xAAAA))
    ends(stage, encode(control(wire.NODE_STATE, good[:count] + b"\xff\xff\xff\xff" + good[count + 4 :])))


@case()
def a_credit_or_lost_that_is_no_table_ends_the_link(stage: Stage) -> None:
    """So does a payload of a control frame that is not what it should be."""
    for kind in (wire.CREDIT, wire.LOST):
        ends(stage, encode(control(kind, b"\xff" * 32)))


@case()
def random_bytes_end_the_link(stage: Stage) -> None:
    """What is no frame ends the link."""
    for _ in range(4):
        peer = stage.linked()
        noise = stage._dice.randbytes(256)
        peer.send_bytes(noise)
        peer.expect_end(wire.PROTOCOL)


@case()
def frames_may_come_byte_by_byte(stage: Stage) -> None:
    """Both directions are a sequence of frames: how they are cut into packets does not matter."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    for byte in (
        encode(peer.message(TYPE, b"one")) + encode(control(wire.HEARTBEAT)) + encode(peer.message(TYPE, b"two"))
    ):
        peer.send_bytes(bytes((byte,)))
    stage.subject.message(TYPE, b"one")
    stage.subject.message(TYPE, b"two")


@case()
def many_frames_may_come_at_once(stage: Stage) -> None:
    """Both directions are a sequence of frames, nothing between them."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked()
    peer.send(*(peer.message(TYPE, bytes((i,)) * i) for i in range(200)))
    for i in range(200):
        stage.subject.message(TYPE, bytes((i,)) * i)


@case()
def every_length_of_payload_is_padded_and_arrives(stage: Stage) -> None:
    """A frame is padded with zeros to a multiple of 16 bytes; the length is without the padding."""
    stage.subject.do(f"subscribe {TYPE}")
    peer = stage.linked((TYPE + 1,))
    for length in range(34):
        payload = bytes(range(1, length + 1))
        peer.publish(TYPE, payload)
        stage.subject.message(TYPE, payload)
        stage.subject.do(f"publish {TYPE + 1} {payload.hex() or '-'}")
        peer.take_message(TYPE + 1, payload)


@case()
def harmless_control_frames_are_taken(stage: Stage) -> None:
    """Heartbeats, a forget of an unknown request, a Lost, and an older Credit leave the link as it is."""
    peer = stage.linked()
    peer.send(control(wire.HEARTBEAT), control(wire.FORGET, correlation=4711))
    peer.send_table(wire.LOST, type_id=TYPE, count=3)
    peer.send_table(wire.CREDIT, sequence=0)
    peer.is_alive()


@case()
def what_is_longer_than_the_other_side_takes_is_not_sent(stage: Stage) -> None:
    """Frames of at most max_frame bytes the other side takes."""
    peer = stage.peer()
    peer.say_hello(max_frame=4096)
    peer.hear_hello()
    peer.say_ready()
    peer.hear_ready()
    stage.wanted(peer, (TYPE,))
    answer = stage.subject.ask(f"publish {TYPE} {bytes(8192).hex()}")
    demand(answer == "ok" or answer.startswith("error"), answer)
    stage.subject.do(f"publish {TYPE} 01")
    peer.take_message(TYPE, b"\1")
