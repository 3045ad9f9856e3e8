"""What follows from what came on a connection, for its upstream to act on."""

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import Verdict
from pushgate.protocols.apns_http2.reasons import Answer


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
    """

    span: BatchSlice
    device: bool


class Findings(msgspec.Struct):
    """What follows from what came.

    :ivar verdicts: outcomes.
    :ivar requeue: to be sent again at once.
    :ivar later: to be sent again after a while.
    :ivar deaths: dead tokens.
    :ivar held: why the credential is refused.
    :ivar expired: serial of a provider token that is too old.
    :ivar renewed_too_often: the provider token was made anew too soon.
    :ivar leave: why nothing more is to be sent on this connection.
    :ivar trouble: how many answers say that the service is in trouble.
    :ivar valid: how many answers show the service to be of use.
    """

    verdicts: list[Verdict] = []
    requeue: list[BatchSlice] = []
    later: list[Later] = []
    deaths: list[Death] = []
    held: Answer | None = None
    expired: int | None = None
    renewed_too_often: bool = False
    leave: Answer | None = None
    trouble: int = 0
    valid: int = 0
