"""Until a link is up: Hello, Proof, Ready, deadlines, and each reason to refuse."""

from __future__ import annotations

import wire
from peer import Peer
from suite import TYPE, Stage, case
from wire import demand

TOKEN = "open sesame"


@case()
def it_says_hello_at_once(stage: Stage) -> None:
    """Each side at once sends a Hello: version 1, its node id, a nonce of 16 bytes, its limits."""
    peer = stage.peer()
    peer.hear_hello()
    hello = peer.hello
    demand(hello["version"] == 1, f"version {hello['version']}")
    demand(hello["node"] != 0, "its node id is 0")
    demand(len(hello["nonce"]) == 16 and any(hello["nonce"]), "its nonce is not 16 random bytes")
    demand(hello["window"] >= 1 << 16 and hello["max_frame"] >= 1024, f"it takes too little: {hello}")
    demand(not hello["wants_proof"], "it asks for a proof and has no token")


@case(name="ada", window=100_000, max_frame=50_000)
def it_says_its_name_and_limits(stage: Stage) -> None:
    """The Hello names the node, and says what it takes."""
    peer = stage.peer()
    peer.hear_hello()
    told = {field: peer.hello[field] for field in ("name", "window", "max_frame")}
    demand(told == {"name": "ada", "window": 100_000, "max_frame": 50_000}, f"it says {told}")


@case()
def a_nonce_is_never_used_twice_and_the_node_stays(stage: Stage) -> None:
    """The nonce is 16 random bytes, never used before; the node id is drawn when the node starts."""
    hellos = []
    for _ in range(3):
        peer = stage.peer()
        peer.hear_hello()
        peer.close()
        hellos.append(peer.hello)
    demand(len({hello["nonce"] for hello in hellos}) == 3, "a nonce was used twice")
    demand(len({hello["node"] for hello in hellos}) == 1, "the node id changes")


@case()
def a_whole_greeting_makes_a_link(stage: Stage) -> None:
    """A side that has both sent and received a Ready is up."""
    peer = stage.peer().greet()
    demand(peer.ready["stream"] != 0, "its stream is 0")
    demand(
        (peer.ready["heard_stream"], peer.ready["heard"]) == (0, 0),
        "it has heard of a stream of a node that it never met",
    )
    peer.is_alive()


@case()
def a_greeting_may_come_byte_by_byte(stage: Stage) -> None:
    """Both directions are a sequence of frames: how they are cut into packets does not matter."""
    peer = stage.peer()
    hello = dict(version=1, node=peer.node, nonce=peer.nonce, max_frame=1 << 20, window=1 << 20)
    ready = dict(stream=peer.stream)
    frames = wire.encode(wire.control(wire.HELLO, wire.pack_table("Hello", hello)))
    frames += wire.encode(wire.control(wire.READY, wire.pack_table("Ready", ready)))
    for byte in frames:
        peer.send_bytes(bytes((byte,)))
    peer.hear_hello()
    peer.hear_ready()
    peer.is_alive()


@case()
def fields_of_a_later_schema_are_passed_over(stage: Stage) -> None:
    """The payloads of control frames are FlatBuffers tables: fields that a reader does not know are not looked at."""
    peer = stage.peer()
    peer.say_hello(more=(("mood", "I"), ("colour", "text")), mood=7, colour="blue")
    peer.hear_hello()
    peer.say_ready()
    peer.hear_ready()
    peer.is_alive()


@case()
def its_ready_lists_types_with_digests(stage: Stage) -> None:
    """Ready lists the types that a side knows by their schema, each with its digest of 32 bytes."""
    peer = stage.peer().greet()
    types = {each["type_id"]: each["digest"] for each in peer.ready["types"]}
    demand(len(types) == len(peer.ready["types"]), "a type is listed twice")
    demand(all(len(digest) == 32 for digest in types.values()), "a digest has not 32 bytes")
    demand(1001 in types, "TextMessage (1001) is not listed")


# ---- refusals ----


def refused(stage: Stage, reason: int, **hello: object) -> None:
    peer = stage.peer()
    peer.say_hello(**hello)
    peer.expect_end(reason)


@case()
def another_version_is_refused(stage: Stage) -> None:
    """It refuses another version."""
    refused(stage, wire.VERSION, version=2)
    refused(stage, wire.VERSION, version=0)


@case()
def its_own_node_id_is_refused(stage: Stage) -> None:
    """It refuses its own node id."""
    peer = stage.peer()
    peer.hear_hello()
    peer.say_hello(node=peer.hello["node"])
    peer.expect_end(wire.ITSELF)


@case()
def its_own_nonce_come_back_is_refused(stage: Stage) -> None:
    """It refuses its own nonce come back."""
    peer = stage.peer()
    peer.hear_hello()
    peer.say_hello(nonce=peer.hello["nonce"])
    peer.expect_end(wire.WRONG_PROOF)


@case()
def a_hello_without_a_node_is_refused(stage: Stage) -> None:
    """A payload of a control frame that is not what it should be ends the link: node 0 is no node."""
    refused(stage, wire.PROTOCOL, node=0)


@case()
def a_nonce_of_another_length_is_refused(stage: Stage) -> None:
    """A nonce has 16 bytes."""
    refused(stage, wire.PROTOCOL, nonce=bytes(15))
    refused(stage, wire.PROTOCOL, nonce=bytes(17))


@case()
def too_small_limits_are_refused(stage: Stage) -> None:
    """A window has at least 64 KiB, the longest frame at least 1 KiB."""
    refused(stage, wire.PROTOCOL, window=(1 << 16) - 1)
    refused(stage, wire.PROTOCOL, max_frame=1023)


@case()
def a_frame_over_4096_bytes_instead_of_a_hello_is_refused(stage: Stage) -> None:
    """The longest frame of a Hello is 4096 bytes; what is longer is refused before it has come."""
    peer = stage.peer()
    peer.send_bytes(wire.encode(wire.control(wire.HELLO), length=4097)[:32])
    peer.expect_end(wire.PROTOCOL)


@case()
def a_hello_that_is_no_table_is_refused(stage: Stage) -> None:
    """A payload of a control frame that is not what it should be ends the link."""
    for payload in (b"", b"\xff" * 64, wire.pack_table("Hello", {"version": 1})):
        peer = stage.peer()
        peer.send(wire.control(wire.HELLO, payload))
        peer.expect_end(wire.PROTOCOL)


@case()
def a_second_hello_is_refused(stage: Stage) -> None:
    """Each side sends one Hello."""
    peer = stage.peer()
    peer.say_hello()
    peer.say_hello()
    peer.expect_end(wire.PROTOCOL)


@case()
def a_second_ready_is_refused(stage: Stage) -> None:
    """Each side sends one Ready."""
    peer = stage.peer().greet()
    peer.say_ready()
    peer.expect_end(wire.PROTOCOL)


@case()
def a_ready_before_the_hello_is_refused(stage: Stage) -> None:
    """A side sends Ready when it has the other's Hello, and its own has gone before."""
    peer = stage.peer()
    peer.say_ready()
    peer.expect_end(wire.PROTOCOL)


@case()
def a_ready_without_a_stream_is_refused(stage: Stage) -> None:
    """Ready names a stream by a random number, which is not 0."""
    peer = stage.peer()
    peer.say_hello()
    peer.say_ready(stream=0)
    peer.expect_end(wire.PROTOCOL)


@case()
def a_proof_that_nobody_asked_for_is_refused(stage: Stage) -> None:
    """A side sends a Proof if the other's Hello wants it."""
    peer = stage.peer()
    peer.say_hello()
    peer.hear_hello()
    peer.prove()
    peer.expect_end(wire.PROTOCOL)


@case()
def nothing_else_comes_before_a_link_is_up(stage: Stage) -> None:
    """Before a link is up, no other frame is allowed."""

    def early(*frames: wire.Frame) -> None:
        peer = stage.peer()
        peer.say_hello()
        peer.send(*frames)
        peer.expect_end(wire.PROTOCOL)

    early(wire.Frame(TYPE, sequence=1, origin=5))
    early(wire.Frame(TYPE, flags=wire.REPLY, correlation=1))
    early(wire.control(wire.NODE_STATE, wire.pack_table("NodeState", dict(node=5, version=1))))
    early(wire.control(wire.CREDIT, wire.pack_table("Credit", dict(sequence=0))))
    early(wire.control(wire.HEARTBEAT))


@case()
def who_is_refused_ends_the_link(stage: Stage) -> None:
    """A Refusal says that the sender ends this link, and is its last frame."""
    peer = stage.peer()
    peer.say_hello()
    peer.send_table(wire.REFUSAL, reason=wire.NOT_ALLOWED, text="not you")
    peer.expect_end()


@case()
def a_refusal_for_a_reason_of_a_later_version_ends_the_link(stage: Stage) -> None:
    """A Refusal ends the link, whatever the reason."""
    peer = stage.peer().greet()
    peer.send_table(wire.REFUSAL, reason=250, text="a reason of the year 2050")
    peer.expect_end()


# ---- deadlines ----


@case(hello_timeout=300)
def who_says_nothing_is_refused_in_time(stage: Stage) -> None:
    """All of the greeting has to be done within the hello timeout."""
    stage.peer().expect_end(wire.LATE)


@case(hello_timeout=300)
def who_says_half_a_hello_is_refused_in_time(stage: Stage) -> None:
    """All of the greeting has to be done within the hello timeout."""
    peer = stage.peer()
    peer.send_bytes(wire.encode(wire.control(wire.HELLO, bytes(64)))[:40])
    peer.expect_end(wire.LATE)


@case(hello_timeout=300)
def who_never_gets_ready_is_refused_in_time(stage: Stage) -> None:
    """All of the greeting has to be done within the hello timeout."""
    peer = stage.peer()
    peer.say_hello()
    peer.expect_end(wire.LATE)


# ---- proofs ----


@case(token=TOKEN)
def both_sides_prove_that_they_know_the_token(stage: Stage) -> None:
    """A Proof is the HMAC-SHA256, keyed with the token, over role, nonces and node ids."""
    peer = stage.peer().greet()
    demand(peer.hello["wants_proof"], "it has a token and does not ask for a proof")
    peer.is_alive()


def badly_proven(stage: Stage, mac: bytes | None = None, token: str | None = None) -> None:
    peer = stage.peer()
    peer.say_hello()
    peer.hear_hello()
    peer.send_table(wire.PROOF, mac=peer.mac(peer.dialed, token) if mac is None else mac)
    peer.expect_end(wire.WRONG_PROOF)


@case(token=TOKEN)
def another_token_is_refused(stage: Stage) -> None:
    """A proof with another token is wrong."""
    badly_proven(stage, token="open barley")


@case(token=TOKEN)
def a_proof_of_the_other_role_is_refused(stage: Stage) -> None:
    """The text names the role of the side that proves: what it has proved itself does not serve."""
    peer = stage.peer()
    peer.say_hello()
    peer.hear_hello()
    peer.send_table(wire.PROOF, mac=peer.mac(not peer.dialed))
    peer.expect_end(wire.WRONG_PROOF)


@case(token=TOKEN)
def a_proof_that_was_overheard_is_refused(stage: Stage) -> None:
    """The nonces are fresh, so that a proof serves once."""
    first = stage.peer().greet()
    overheard = first.mac(first.dialed)
    first.close()
    second = stage.peer(first.node)
    second.nonce = first.nonce
    second.say_hello()
    second.hear_hello()
    second.send_table(wire.PROOF, mac=overheard)
    second.expect_end(wire.WRONG_PROOF)


@case(token=TOKEN)
def a_proof_of_another_length_is_refused(stage: Stage) -> None:
    """A proof has 32 bytes."""
    for mac in (b"", bytes(31), bytes(33)):
        badly_proven(stage, mac)


@case(token=TOKEN, hello_timeout=400)
def who_does_not_prove_is_never_up(stage: Stage) -> None:
    """A side sends Ready when it has the other's Proof, if it asked for one."""
    peer = stage.peer()
    peer.say_hello()
    peer.say_ready()
    peer.expect_end(wire.LATE)
    demand(not any(frame.kind == wire.READY for frame in peer._early), "it is ready without a proof")


@case()
def who_asks_for_a_proof_that_it_cannot_give_is_left(stage: Stage) -> None:
    """If the other's Hello wants a proof, a side sends one: without a token there is none, and no link."""
    peer = stage.peer()
    peer.say_hello(wants_proof=True)
    peer.expect_end()


# ---- two links between the same nodes ----


@case(roles=("listen",))
def a_newer_connection_of_the_same_node_takes_the_place_of_the_older(stage: Stage) -> None:
    """Of two links that the same side dialed the newer stays: that side knows whether the first is good."""
    first = stage.linked((TYPE,))
    second = stage.again(first)
    first.expect_end()
    stage.wanted(second, (TYPE,))
    stage.subject.do(f"publish {TYPE} 01")
    second.take_message(TYPE, b"\1")


def crossed(stage: Stage, node: int) -> tuple[Peer, Peer]:
    first = stage.peer(node).greet()
    first.say_state()
    listener, address = stage._listen()
    stage.subject.do(f"dial {address}")
    connection, _ = listener.accept()
    stage._stack.enter_context(connection)
    return first, Peer(connection, False, node)


@case("mesh", roles=("listen",))
def of_two_that_dialed_each_other_the_smaller_node_wins(stage: Stage) -> None:
    """Of two links that both sides dialed the one stays that the node with the smaller id dialed."""
    first, second = crossed(stage, 1)  # ours is smaller
    second.say_hello()
    second.hear_hello()
    second.say_ready()
    second.expect_end(wire.ITSELF)
    first.is_alive()


@case("mesh", roles=("listen",))
def of_two_that_dialed_each_other_the_larger_node_loses(stage: Stage) -> None:
    """Of two links that both sides dialed the one stays that the node with the smaller id dialed."""
    first, second = crossed(stage, (1 << 64) - 1)  # ours is larger
    second.greet(heard_stream=first.ready["stream"])
    first.expect_end()
    second.is_alive()


@case("many", roles=("listen",), max_links=2)
def more_links_than_may_be_are_refused(stage: Stage) -> None:
    """There are as many links as may be."""
    peers = [stage.peer().greet() for _ in range(2)]
    stage.peer().expect_end(wire.TOO_MANY)
    for peer in peers:
        peer.is_alive()
