"""What follows from what came on a connection, for its upstream to act on."""

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import Verdict
from pushgate.protocols.http_push.answers import Answer


class Death(msgspec.Struct, frozen=True):
    """A token that an answer calls dead.

    :param since: Unix seconds; None when the service did not say.
    :param first: nothing was accepted between the death before it and this one, in what came together.
    """

    token: bytes
    reason: DeadReason
    since: int | None
    first: bool = True


class Later(msgspec.Struct, frozen=True):
    """A slice to be sent again after a while.

    :param device: for the sake of its device; else for the service's.
    :param after: seconds at least that it waits, as the service says or its table; 0 when neither does.
    """

    span: BatchSlice
    device: bool
    after: float = 0.0


class Findings(msgspec.Struct):
    """What follows from what came.

    :ivar accepted: outcomes, of what the service has taken.
    :ivar verdicts: the other outcomes.
    :ivar requeue: to be sent again at once.
    :ivar later: to be sent again after a while.
    :ivar deaths: dead tokens.
    :ivar held: why the credential is refused.
    :ivar expired: serial of a token that authenticates and is too old.
    :ivar expired_reason: what the service said of it.
    :ivar renewed_too_often: the token that authenticates was made anew too soon.
    :ivar leave: why nothing more is to be sent on this connection.
    :ivar trouble: how many answers say that the service is in trouble.
    :ivar rest: seconds that it wants to be left alone for, as it says or its table; 0 when neither does.
    :ivar valid: how many answers show the service to be of use.
    """

    accepted: list[Verdict] = []
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
