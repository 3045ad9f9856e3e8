"""The rules of a fault script about requests: of the HTTP/2 provider API, and of the other services.

A rule is an effect beside what the service finds itself: a request that is refused by itself is not accepted
because a rule fires. Each rule says whether a good notification counts as received, so that losses and
duplicates can be told from what was received.
"""

from email.utils import formatdate
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pushgate.protocols.apns_http2.reasons import ANSWERS
from pushgate.simulator.rule_conditions import EndAction, HexBytes, Match, Seconds
from pushgate.simulator.services.names import Call, ServiceName, reason_of, status_of

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
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[ -~]*$")]


class RequestMatch(Match):
    """Conditions of rules about requests.

    :param service: ``http2``, Apple's provider API, or one of the others by name, or ``services``: any of
        these.
    :param call: what is asked of a service: ``push``, ``token``, ``topic``.
    :param token: a prefix of the device token, of Apple's.
    :param handle: a pattern of the handle, of the others: ``*``, ``?`` and ``[…]`` as in a shell.
    :param request: the nth complete request on its connection, from 1. Of the services: the nth such call
        since the script was set, on whichever connection.
    :param every: each nth request on its connection; of the services each nth such call.
    """

    service: Literal["http2", "services"] | ServiceName = "http2"
    call: Call = "push"
    token: HexBytes | None = None
    handle: str | None = Field(default=None, min_length=1, max_length=1000)
    request: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.service == "http2" and (self.handle is not None or self.call != "push"):
            raise ValueError("handle and call are of the other services: name one with service")
        if self.service != "http2" and self.token is not None:
            raise ValueError("token is of Apple's service: the others have handle")
        return self


class AnyTimeMatch(RequestMatch):
    """As `RequestMatch`; `request` 0 is as soon as the connection is up."""

    request: int | None = Field(default=None, ge=0)


class Answer(RequestMatch):
    """Answer so, whatever the service finds.

    :param status: of HTTP; by default the one that Apple's table has for the reason.
    :param reason: by default the usual one of the status.
    :param timestamp: for the body, milliseconds; with status 410 the time of the answer by default.
    :param body: instead of the service's own.
    :param accepted: the notification counts as received; by default it does when the status is 200, and
        at the other services when the answer says so.
    :param headers: further ones.
    :param retry_after: for the header of this name, in seconds.
    :param retry_date: write it as a date.
    :param message: in place of the service's words, where it has some.
    :param field: what is at fault in the request (FCM).
    """

    act: Literal["answer"]
    status: int = Field(default=0, ge=200, le=599)
    reason: str | None = Field(default=None, max_length=100)
    timestamp: int | None = Field(default=None, ge=0)
    body: str | None = Field(default=None, max_length=10_000)
    delay: Seconds = 0.0
    accepted: bool | None = None
    headers: dict[HeaderName, HeaderValue] = {}
    retry_after: Seconds | None = None
    retry_date: bool = False
    message: str | None = Field(default=None, max_length=10_000)
    field: str | None = Field(default=None, max_length=1000)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if isinstance(data, dict) and "status" not in data:
            if "reason" not in data:
                raise ValueError("needs a status or a reason")
            status = _usual_status(data)
            if status is None:
                whose = "Apple's" if data.get("service", "http2") == "http2" else "the service's"
                raise ValueError(f"needs a status: the reason is none of {whose}")
            return {**data, "status": status}
        return data

    @property
    def words(self) -> str:
        """The reason to give."""
        if self.reason is not None:
            return self.reason
        if self.service == "http2":
            return _USUAL.get(self.status, "")
        return reason_of(self.service, self.call, self.status)

    def further_headers(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        """Those that the rule adds to the answer.

        :param now: Unix seconds.
        """
        added = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        if self.retry_after is not None:
            when = (
                formatdate(now + self.retry_after, usegmt=True)
                if self.retry_date
                else f"{self.retry_after:.0f}"
            )
            added.append((b"retry-after", when.encode()))
        return tuple(added)


def _usual_status(data: dict[str, Any]) -> int | None:
    """The status of a rule that gives a reason only."""
    reason, service = data["reason"], data.get("service", "http2")
    if not isinstance(reason, str) or not isinstance(service, str):
        return None
    if service == "http2":
        return _STATUS_OF.get(reason)
    return status_of(service, str(data.get("call", "push")), reason)


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
    :param answered: this request is answered first as usual, so that a good one is received in any case.
    :param end: ``close`` or ``reset``.
    """

    act: Literal["drop"]
    accepted: bool = False
    answered: bool = False
    end: Annotated[EndAction, Field(strict=False)] = EndAction.CLOSE
    delay: Seconds = 0.0


class StopReading(AnyTimeMatch):
    """Answer as usual, then read nothing for a time."""

    act: Literal["stop-reading"]
    duration: Seconds


class Raw(AnyTimeMatch):
    """Answer as usual, then send bytes of the script's own: frames that no server should send, or garbage.

    :param count: how many times, all at once.
    """

    act: Literal["raw"]
    data: HexBytes
    count: int = Field(default=1, ge=1, le=100_000)


class Pass(RequestMatch):
    """Do nothing: exempts the notification from the rules below, and from the dead tokens."""

    act: Literal["pass"]


RequestRule = Answer | Slow | Silence | ResetStream | GoAway | LimitStreams | Drop | StopReading | Raw | Pass
REQUEST_RULES: Final = RequestRule.__args__
