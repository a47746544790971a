"""What can go wrong: the exceptions of mycelium_native by name and status, and one for each reason to refuse a link."""

from __future__ import annotations

from ._wire import Reason


class MyceliumError(RuntimeError):
    """An operation failed. status is the number that the library's C interface has for it."""

    status = -3


class TimedOutError(MyceliumError, TimeoutError):
    """It was not done in time."""

    status = -11


class MailboxFullError(MyceliumError):
    """A mailbox is full, and its policy does not wait."""

    status = -10


class NoReplyError(MyceliumError):
    """Nobody serves this request, or every server left it unanswered."""

    status = -15


class ClosedError(MyceliumError):
    """The runtime is closed."""

    status = -12


class TooLargeError(MyceliumError):
    """The payload is over max_payload."""

    status = -8


class InvalidPayloadError(MyceliumError, ValueError):
    """The payload is no valid message of its type."""

    status = -9


class RefusedError(MyceliumError, ConnectionError):
    """One side refused the link. reason says why; by_us which side it was."""

    reason: Reason | None = None

    def __init__(self, text: str, by_us: bool = False) -> None:
        super().__init__(text)
        self.by_us = by_us


class VersionRefusedError(RefusedError):
    """Another version of the protocol."""

    reason = Reason.VERSION


class ItselfRefusedError(RefusedError):
    """It is this very node, or one that is linked already."""

    reason = Reason.ITSELF


class ProofRefusedError(RefusedError):
    """The token is another one, or there is none."""

    reason = Reason.PROOF


class NotAllowedError(RefusedError):
    """The user, the address or the certificate is not on the other side's list."""

    reason = Reason.NOT_ALLOWED


class TooManyLinksError(RefusedError):
    """There are as many links as may be."""

    reason = Reason.TOO_MANY


class LateRefusedError(RefusedError):
    """The greeting was not whole in time."""

    reason = Reason.LATE


class ProtocolRefusedError(RefusedError):
    """What came is not what the protocol allows."""

    reason = Reason.PROTOCOL


class LeavingError(RefusedError):
    """The node goes away."""

    reason = Reason.LEAVING


_BY_REASON: dict[int, type[RefusedError]] = {
    int(each.reason): each
    for each in (
        VersionRefusedError,
        ItselfRefusedError,
        ProofRefusedError,
        NotAllowedError,
        TooManyLinksError,
        LateRefusedError,
        ProtocolRefusedError,
        LeavingError,
    )
    if each.reason is not None
}
# What does not pass by itself: to try again without a change is in vain.
LASTING = (VersionRefusedError, ProofRefusedError, NotAllowedError)


def refused(reason: int, text: str, by_us: bool) -> RefusedError:
    """The exception for a reason, which may be one of a later version."""
    return _BY_REASON.get(reason, RefusedError)(text, by_us)
