"""The rules of a fault script about requests of the HTTP/2 provider API.

A rule is an effect beside what the service finds itself: a request that is refused by itself is not accepted
because a rule fires. Each rule says whether a good notification counts as received, so that losses and
duplicates can be told from what was received.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from pushgate.protocols.apns_http2.reasons import ANSWERS
from pushgate.simulator.rule_conditions import EndAction, HexBytes, Match, Seconds

_CODES: Final = {
    "NO_ERROR": 0, "PROTOCOL_ERROR": 1, "INTERNAL_ERROR": 2, "FLOW_CONTROL_ERROR": 3, "SETTINGS_TIMEOUT": 4,
    "STREAM_CLOSED": 5, "FRAME_SIZE_ERROR": 6, "REFUSED_STREAM": 7, "CANCEL": 8, "COMPRESSION_ERROR": 9,
    "CONNECT_ERROR": 10, "ENHANCE_YOUR_CALM": 11, "INADEQUATE_SECURITY": 12, "HTTP_1_1_REQUIRED": 13,
}  # fmt: skip
_USUAL: Final = {
    400: "BadDeviceToken", 403: "InvalidProviderToken", 404: "BadPath", 405: "MethodNotAllowed",
    410: "Unregistered", 413: "PayloadTooLarge", 429: "TooManyRequests", 500: "InternalServerError",
    503: "ServiceUnavailable",
}  # fmt: skip
_STATUS_OF: Final = {each.reason: each.status for each in ANSWERS if each.reason}


def _code(value: object) -> object:
    if isinstance(value, str) and value not in _CODES:
        raise ValueError("must be a number, or a name such as REFUSED_STREAM")
    return _CODES[value] if isinstance(value, str) else value


ErrorCode = Annotated[int, BeforeValidator(_code), Field(ge=0, le=0xFFFFFFFF)]
"""An error code of HTTP/2 (RFC 9113 7), or its name."""


class RequestMatch(Match):
    """Conditions of rules about requests.

    :param token: a prefix of the device token.
    :param request: the nth complete request on its connection, from 1.
    :param every: each nth request on its connection.
    """

    token: HexBytes | None = None
    request: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)


class AnyTimeMatch(RequestMatch):
    """As `RequestMatch`; `request` 0 is as soon as the connection is up."""

    request: int | None = Field(default=None, ge=0)


class Answer(RequestMatch):
    """Answer so, whatever the service finds.

    :param status: of HTTP; by default the one that Apple's table has for the reason.
    :param reason: by default the usual one of the status.
    :param timestamp: for the body, milliseconds; with status 410 the time of the answer by default.
    :param body: instead of Apple's JSON.
    :param accepted: the notification counts as received; by default it does when the status is 200.
    """

    act: Literal["answer"]
    status: int = Field(default=0, ge=200, le=599)
    reason: str | None = Field(default=None, max_length=100)
    timestamp: int | None = Field(default=None, ge=0)
    body: str | None = Field(default=None, max_length=10_000)
    delay: Seconds = 0.0
    accepted: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if isinstance(data, dict) and "status" not in data:
            if "reason" not in data:
                raise ValueError("needs a status or a reason")
            status = _STATUS_OF.get(data["reason"]) if isinstance(data["reason"], str) else None
            if status is None:
                raise ValueError("needs a status: the reason is none of Apple's")
            return {**data, "status": status}
        return data

    @property
    def words(self) -> str:
        """The reason to give."""
        return _USUAL.get(self.status, "") if self.reason is None else self.reason


class Slow(RequestMatch):
    """Answer as usual, but late; a good notification is accepted at once."""

    act: Literal["slow"]
    delay: Seconds


class Silence(RequestMatch):
    """Never answer, and keep the stream open.

    :param accepted: a good notification counts as received.
    """

    act: Literal["silence"]
    accepted: bool = False


class ResetStream(RequestMatch):
    """End the stream with RST_STREAM in place of an answer.

    :param accepted: a good notification counts as received.
    """

    act: Literal["rst-stream"]
    code: ErrorCode = 2
    accepted: bool = False
    delay: Seconds = 0.0


class GoAway(AnyTimeMatch):
    """End the connection with GOAWAY. What was decided is answered first, then it is closed.

    :param code: of HTTP/2.
    :param reason: for ``{"reason": …}`` as debug data.
    :param debug: other debug data.
    :param accepted: this request is answered as usual, and the last stream is at least its one; otherwise
        its stream is above the last, if no later one has been decided.
    :param last_stream: named instead of the right one; streams above it get no answer.
    """

    act: Literal["goaway"]
    code: ErrorCode = 0
    reason: str | None = Field(default=None, max_length=100)
    debug: HexBytes = b""
    accepted: bool = True
    last_stream: int | None = Field(default=None, ge=0, le=0x7FFFFFFF)


class LimitStreams(AnyTimeMatch):
    """Announce another number of concurrent streams; the request is answered as usual."""

    act: Literal["settings"]
    streams: int = Field(ge=0, le=0x7FFFFFFF)


class Drop(AnyTimeMatch):
    """End the TCP connection without a word of HTTP/2. Earlier answers go out first.

    :param accepted: a good notification counts as received.
    :param end: ``close`` or ``reset``.
    """

    act: Literal["drop"]
    accepted: bool = False
    end: Annotated[EndAction, Field(strict=False)] = EndAction.CLOSE
    delay: Seconds = 0.0


class StopReading(AnyTimeMatch):
    """Answer as usual, then read nothing for a time."""

    act: Literal["stop-reading"]
    duration: Seconds


class Pass(RequestMatch):
    """Do nothing: exempts the notification from the rules below, and from the dead tokens."""

    act: Literal["pass"]


RequestRule = Answer | Slow | Silence | ResetStream | GoAway | LimitStreams | Drop | StopReading | Pass
REQUEST_RULES: Final = (Answer, Slow, Silence, ResetStream, GoAway, LimitStreams, Drop, StopReading, Pass)
