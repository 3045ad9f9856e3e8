"""What became of a notification, in the words of the provider API: the answer that its sender waits for."""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.model.outcome import State
from pushgate.protocols.apns_http2.from_binary import from_binary
from pushgate.protocols.apns_http2.reasons import answer
from pushgate.protocols.http_push.answers import Answer

SUCCESS: Final = answer(200, "")
UNAVAILABLE: Final = answer(503, "ServiceUnavailable")
"""Not sent, or not known to be: the same may be tried again."""
SHUTDOWN: Final = answer(503, "Shutdown")
_BY_STATE: Final = {
    State.ACCEPTED: SUCCESS,
    State.REPLACED: SUCCESS,  # Apple has no word for the new token: the outcome record has it
    State.PRESUMED: SUCCESS,  # nothing was heard against it, and the binary stream can say no more
    State.SUPPRESSED: answer(410, "Unregistered"),
    State.EXPIRED: UNAVAILABLE,
    State.UNKNOWN: UNAVAILABLE,
    State.CANCELLED: UNAVAILABLE,
}
_REFUSED: Final = {State.REJECTED, State.FAILED}
_EXPIRED_TOKEN: Final = answer(410, "ExpiredToken")
_NO_STATUS: Final = answer(500, "InternalServerError")
_TEMPORARY: Final = frozenset({429, 500, 503})


def is_http(status: int) -> bool:
    """Whether a push service's number is a status of HTTP: the binary service has none like them."""
    return 400 <= status < 600


def from_outcome(state: State, status: int | None, reason: str, dead: DeadReason | None = None) -> Answer:
    """The answer for an outcome.

    :param status: the push service's number, of whichever protocol.
    :param reason: of the outcome; the answer has it if the status is HTTP's.
    :param dead: how the token is known to be dead, for one that was not sent to.
    """
    if state in _REFUSED:
        if status is None:
            return _NO_STATUS
        return answer(status, reason) if is_http(status) else from_binary(status)
    if state is State.SUPPRESSED and dead is DeadReason.EXPIRED_TOKEN:
        return _EXPIRED_TOKEN
    return _BY_STATE.get(state, UNAVAILABLE)


def may_be_repeated(state: State, given: Answer) -> bool:
    """Whether the same request, made again, is a new try: it was not sent, and nothing speaks against it."""
    return given.status in _TEMPORARY and state is not State.UNKNOWN
