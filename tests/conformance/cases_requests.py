"""Requests and replies."""

from __future__ import annotations

import wire
from suite import TYPE, Stage, case
from wire import demand

NO_REPLY = -15


# ---- the subject asks ----


@case()
def a_request_is_answered(stage: Stage) -> None:
    """A request is a message with the flag; the reply is a frame with the flag `reply` and the same correlation."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 20000")
    request = peer.take_message(TYPE, b"\1")
    demand(request.flags == wire.REQUEST, f"{request} is no request")
    peer.reply(request, b"\2\3", type_id=TYPE + 1)
    reply = stage.subject.event("reply")
    demand((reply.words[:2], reply.payload) == (["1", str(TYPE + 1)], b"\2\3"), f"{reply} is another reply")


@case()
def requests_may_be_answered_in_any_order(stage: Stage) -> None:
    """The correlation says to which request a reply belongs."""
    peer = stage.linked((TYPE,))
    for i in range(1, 4):
        stage.subject.do(f"request {i} {TYPE} {i:02x} 20000")
    requests = [peer.take_message(TYPE, bytes((i,))) for i in range(1, 4)]
    demand(len({request.correlation for request in requests}) == 3, "two requests have the same correlation")
    for i in (3, 1, 2):
        peer.reply(requests[i - 1], bytes((i + 10,)))
        reply = stage.subject.event("reply")
        demand((reply.words[0], reply.payload) == (str(i), bytes((i + 10,))), f"{reply} to request {i}")


@case()
def an_outcome_other_than_success_is_a_failure(stage: Stage) -> None:
    """The outcome is a status; only where it is 0, type id and payload are the reply's."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 20000")
    request = peer.take_message(TYPE, b"\1")
    peer.reply(request, b"", type_id=1, outcome=NO_REPLY)
    event = stage.subject.event("failed")
    demand(event.words == ["1", "NO_REPLY"], f"{event} instead of NO_REPLY")


@case(heartbeat=100)
def who_waits_no_longer_says_so(stage: Stage) -> None:
    """`forget`: that I no longer wait for the reply to this correlation."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 200")
    request = peer.take_message(TYPE, b"\1")
    event = stage.subject.event("failed")
    demand(event.words == ["1", "TIMEOUT"], f"{event} instead of TIMEOUT")
    forget = peer.take_control(wire.FORGET)
    demand(forget.correlation == request.correlation, f"{forget} is for {request}")


@case(heartbeat=100)
def a_reply_that_comes_too_late_is_ignored(stage: Stage) -> None:
    """Who waits no longer takes no reply; the link goes on."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 200")
    late = peer.take_message(TYPE, b"\1")
    stage.subject.event("failed")
    peer.take_control(wire.FORGET)
    peer.reply(late, b"too late")
    stage.subject.do(f"request 2 {TYPE} 02 20000")
    peer.reply(peer.take_message(TYPE, b"\2"), b"in time")
    demand(stage.subject.event("reply").words[0] == "2", "the late reply was taken")


@case()
def a_reply_to_nothing_is_ignored(stage: Stage) -> None:
    """A reply whose correlation is no request's is passed over."""
    peer = stage.linked((TYPE,))
    peer.send(wire.Frame(TYPE, flags=wire.REPLY, correlation=123456789, payload=b"?"))
    peer.is_alive()


@case()
def the_first_reply_counts(stage: Stage) -> None:
    """The first reply counts; a second one is passed over."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 20000")
    request = peer.take_message(TYPE, b"\1")
    peer.reply(request, b"first")
    peer.reply(request, b"second")
    demand(stage.subject.event("reply").payload == b"first", "another reply")
    stage.subject.do(f"request 2 {TYPE} 02 20000")
    peer.reply(peer.take_message(TYPE, b"\2"), b"third")
    demand(stage.subject.event("reply").payload == b"third", "the second reply was taken")


@case()
def who_asks_over_a_link_that_is_cut_hears_that_nobody_answers(stage: Stage) -> None:
    """Replies are not sent again when a link is cut: who asked hears that nobody answered."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 60000")
    peer.take_message(TYPE, b"\1")
    peer.is_alive()
    peer.close()
    event = stage.subject.event("failed")
    demand(event.words == ["1", "NO_REPLY"], f"{event} instead of NO_REPLY")


@case()
def who_asks_when_nobody_serves_hears_so_at_once(stage: Stage) -> None:
    """A request of a type that nobody wants goes nowhere."""
    peer = stage.linked((TYPE + 1,))
    stage.subject.say(f"request 1 {TYPE} 01 60000")
    event = stage.subject.event("failed")
    demand(event.words == ["1", "NO_REPLY"], f"{event} instead of NO_REPLY")
    stage.subject.answer("request")
    peer.is_alive()


# ---- the subject answers ----


@case()
def it_answers_requests(stage: Stage) -> None:
    """The reply has the flag `reply`, the same correlation, sequence 0, outcome 0, and the reply's type and payload."""
    stage.subject.do(f"serve {TYPE} echo")
    peer = stage.linked()
    for correlation, payload in ((1, b""), (2**64 - 1, b"ping"), (7, bytes(5000))):
        peer.request(TYPE, payload, correlation)
        demand(stage.subject.event("serving").payload == payload, "it serves another request")
        reply = peer.take_reply(correlation)
        demand((reply.type_id, reply.payload, reply.outcome) == (TYPE, payload, 0), f"{reply} to {payload!r}")
        demand(reply.flags & ~wire.TRACE == wire.REPLY, f"{reply} has other flags")


@case()
def a_request_is_acknowledged_like_any_message(stage: Stage) -> None:
    """A request is a message: numbered, and acknowledged before it is answered or with it."""
    stage.subject.do(f"serve {TYPE} hold")
    peer = stage.linked()
    peer.request(TYPE, b"x", 5)
    stage.subject.event("serving")
    peer.take_credit(1)
    stage.subject.do("answer 79")
    demand(peer.take_reply(5).payload == b"y", "another answer")


@case()
def who_asks_for_what_nobody_serves_hears_so(stage: Stage) -> None:
    """The outcome says that nobody answers: MYCELIUM_ERROR_NO_REPLY."""
    peer = stage.linked()
    peer.request(TYPE, b"?", 5)
    reply = peer.take_reply(5)
    demand((reply.outcome, reply.payload) == (NO_REPLY, b""), f"{reply} has the outcome {reply.outcome}")


@case()
def a_request_that_is_left_unanswered_is_told(stage: Stage) -> None:
    """Where every server lets a request go unanswered, the outcome says so."""
    stage.subject.do(f"serve {TYPE} silent")
    peer = stage.linked()
    peer.request(TYPE, b"?", 6)
    stage.subject.event("serving")
    reply = peer.take_reply(6)
    demand(reply.outcome == NO_REPLY, f"{reply} has the outcome {reply.outcome}")


@case()
def what_was_forgotten_is_not_answered(stage: Stage) -> None:
    """`forget`: who asked no longer waits; an answer that comes later is not sent."""
    stage.subject.do(f"serve {TYPE} hold")
    stage.subject.do(f"serve {TYPE + 1} echo")
    peer = stage.linked()
    peer.request(TYPE, b"?", 5)
    stage.subject.event("serving")
    peer.send(wire.control(wire.FORGET, correlation=5))
    peer.is_alive()
    stage.subject.do("answer 79")
    peer.request(TYPE + 1, b"next", 6)
    reply = peer.take("reply", lambda frame: frame.is_reply)
    demand(reply.correlation == 6, f"{reply} was forgotten")


@case()
def a_reply_is_not_sent_over_a_later_link(stage: Stage) -> None:
    """Replies are not sent again when a link is cut."""
    stage.subject.do(f"serve {TYPE} hold")
    stage.subject.do(f"serve {TYPE + 1} echo")
    first = stage.linked()
    first.request(TYPE, b"?", 5)
    stage.subject.event("serving")
    first.take_credit(1)
    first.close()
    second = stage.again(first)
    stage.subject.do("answer 79")
    second.request(TYPE + 1, b"next", 6)
    reply = second.take("reply", lambda frame: frame.is_reply)
    demand(reply.correlation == 6, f"{reply} belongs to the link that was cut")


@case()
def a_request_with_another_digest_is_not_served(stage: Stage) -> None:
    """A type on which both lists differ is not taken: not as a request, either."""
    stage.subject.do("serve 1001 echo")
    stage.subject.do(f"serve {TYPE} echo")
    peer = stage.peer().greet(types=[{"type_id": 1001, "digest": bytes(32)}])
    peer.request(1001, bytes(16), 5)
    peer.request(TYPE, b"fence", 6)
    demand(stage.subject.event("serving").payload == b"fence", "it serves a type of another schema")


@case()
def a_request_that_is_not_valid_is_not_served(stage: Stage) -> None:
    """What comes is verified against its schema before anybody reads it: requests, too."""
    stage.subject.do("serve 1001 echo")
    stage.subject.do(f"serve {TYPE} echo")
    peer = stage.linked()
    peer.request(1001, b"\xff" * 64, 5)
    peer.request(TYPE, b"fence", 6)
    demand(stage.subject.event("serving").payload == b"fence", "it serves what is no valid payload")


@case()
def a_reply_that_is_not_valid_is_not_handed_out(stage: Stage) -> None:
    """What comes is verified against its schema before anybody reads it: replies, too."""
    peer = stage.linked((TYPE,))
    stage.subject.do(f"request 1 {TYPE} 01 20000")
    peer.reply(peer.take_message(TYPE, b"\1"), b"\xff" * 64, type_id=1001)
    event = stage.subject.event("failed")
    demand(event.words == ["1", "NO_REPLY"], f"{event} instead of NO_REPLY")


@case("mesh")
def a_request_is_passed_on_and_its_reply_comes_back(stage: Stage) -> None:
    """Requests go to every server of the type, here and there."""
    asker = stage.linked()
    server = stage.another().greet()
    stage.wanted(server, (TYPE,))
    asker.request(TYPE, b"question", 77)
    request = server.take_message(TYPE, b"question")
    demand(
        request.flags == wire.REQUEST and request.origin == asker.node and request.hops == 1, f"{request} was passed on"
    )
    server.reply(request, b"answer")
    demand(asker.take_reply(77).payload == b"answer", "another answer")
