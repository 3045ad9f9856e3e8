"""What became of notifications."""

from enum import StrEnum
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.target import TargetForm


class State(StrEnum):
    """Every state that is reported.

    Each accepted notification ends in exactly one of the nine from ACCEPTED to FAILED.
    """

    QUEUED = "queued"
    """Waiting in the gateway."""
    WRITTEN = "written"
    """Handed to a connection, nothing heard yet."""
    ACCEPTED = "accepted"
    """Proven: the push service said so, or an error for a later one proved it. Never means delivered."""
    REPLACED = "replaced"
    """Accepted, and the push service says that the device has another target now: send to that one."""
    PRESUMED = "presumed"
    """Written, and nothing was heard for the response timeout; the binary stream can say no more."""
    REJECTED = "rejected"
    """The push service refused it; status and reason are given."""
    SUPPRESSED = "suppressed"
    """Not sent: its token is known to be dead."""
    EXPIRED = "expired"
    """Its expiration passed, or the gateway's longest wait for an unreachable push service."""
    UNKNOWN = "unknown"
    """The connection died without a word with it in flight, and the policy is at-most-once."""
    CANCELLED = "cancelled"
    """Withdrawn by the caller before it was written."""
    FAILED = "failed"
    """Given up: its attempts are used up, or it alone closes connections."""
    DEAD_TOKEN = "dead-token"  # noqa: S105 - a state, not a secret
    """Not of a notification: the push service says that this token is dead."""


TAKEN: Final = frozenset({State.ACCEPTED, State.REPLACED, State.PRESUMED})
"""The push service has the notification, as far as one can know: success, for who sent it."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What an upstream learnt of a span.

    :param status: the push service's number, if it gave one.
    :param reason: its name in Apple's terms, or why the gateway gave up; "" when there is nothing to say.
    :param unique_id: what the push service calls it in its own logs; "" when it did not say.
    :param replacement: of one notification that is REPLACED, the device's new target; b"" otherwise.
    """

    span: BatchSlice
    state: State
    status: int | None = None
    reason: str = ""
    unique_id: str = ""
    replacement: bytes = b""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A verdict as it is reported; for a notification that is asked for, also QUEUED or WRITTEN.

    :param at: Unix seconds.
    :param upstream: the name of the kind of upstream, "" when none was asked.
    """

    span: BatchSlice
    state: State
    status: int | None
    reason: str
    at: float
    upstream: str
    unique_id: str = ""
    replacement: bytes = b""

    @property
    def app(self) -> str:
        """The app of these notifications."""
        return self.span.batch.app


class DeadToken(msgspec.Struct, frozen=True, gc=False):
    """The push service's word that a token is dead.

    :param since: Unix seconds when the service found out.
    :param at: Unix seconds when the gateway learned of it.
    :param form: how the token is written as text.
    """

    app: str
    token: bytes
    since: int
    at: float
    upstream: str
    form: TargetForm = TargetForm.HEX


Report = Outcome | DeadToken
"""What a sink is given."""
