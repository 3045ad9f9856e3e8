"""What follows from what came on a connection, for its upstream to act on."""

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import Verdict
from pushgate.protocols.http_push.answers import Answer


class Death(msgspec.Struct, frozen=True):
    """A token that an answer calls dead.

    :param since: Unix seconds; None when the service did not say.
    """

    token: bytes
    reason: DeadReason
    since: int | None


class Later(msgspec.Struct, frozen=True):
    """A slice to be sent again after a while.

    :param device: for the sake of its device; else for the service's.
    :param after: seconds at least that it waits, as the service says; None when it does not.
    """

    span: BatchSlice
    device: bool
    after: float | None = None


class Findings(msgspec.Struct):
    """What follows from what came.

    :ivar verdicts: outcomes.
    :ivar requeue: to be sent again at once.
    :ivar later: to be sent again after a while.
    :ivar deaths: dead tokens.
    :ivar held: why the credential is refused.
    :ivar expired: serial of a token that authenticates and is too old.
    :ivar expired_reason: what the service said of it.
    :ivar renewed_too_often: the token that authenticates was made anew too soon.
    :ivar leave: why nothing more is to be sent on this connection.
    :ivar trouble: how many answers say that the service is in trouble.
    :ivar rest: seconds that it wants to be left alone for; 0 when it does not say.
    :ivar valid: how many answers show the service to be of use.
    """

    verdicts: list[Verdict] = []
    requeue: list[BatchSlice] = []
    later: list[Later] = []
    deaths: list[Death] = []
    held: Answer | None = None
    expired: int | None = None
    expired_reason: str = ""
    renewed_too_often: bool = False
    leave: Answer | None = None
    trouble: int = 0
    rest: float = 0.0
    valid: int = 0
