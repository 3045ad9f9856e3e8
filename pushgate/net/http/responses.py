"""Responses of handlers, and the form of errors in HTTP."""

from math import ceil
from typing import Any, Final

import msgspec

from pushgate.model.errors import Internal, Invalid, NotFound, NotLoggedIn, PushgateError, Refusal, TooLarge

JSON: Final = b"application/json"
NDJSON: Final = b"application/x-ndjson"
MAX_DETAIL: Final = 1000
"""Characters of an error's text at most."""

STATUSES: Final[dict[str, int]] = {
    "UNKNOWN_APP": 404,
    "INVALID": 400,
    "TOO_LARGE": 413,
    "OVERLOADED": 429,
    "SHUTTING_DOWN": 503,
    "FORBIDDEN": 403,
    "CONFLICT": 409,
    "NOT_FOUND": 404,
    "SERVICE_FAILED": 502,
}
"""The HTTP status of each refusal."""
_CODES: Final = {404: NotFound.code, 413: TooLarge.code}
"""The code of some faults of HTTP; that of all others is the one of `Invalid`."""
RETRY_AFTER: Final = {429: 1.0, 503: 5.0}
"""Seconds after which the same may succeed, where the refusal names none."""
INTERNAL: Final = "INTERNAL"
"""The code of errors whose reason only the log has."""

Header = tuple[bytes, bytes]


class HTTPResponse(msgspec.Struct, frozen=True):
    """A whole response."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()


class HTTPFault(PushgateError):
    """A request that breaks a rule of HTTP rather than of pushgate.

    :param status: of HTTP.
    """

    def __init__(self, status: int, text: str, *headers: Header) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers
        self.code = _CODES.get(status, Invalid.code)


def json_line(value: Any) -> bytes:
    """A value as JSON, with a line end."""
    return msgspec.json.encode(value) + b"\n"


def json_answer(status: int, value: Any) -> HTTPResponse:
    """A value as JSON."""
    return HTTPResponse(status, json_line(value))


def error_fields(error: PushgateError) -> dict[str, str]:
    """The fields of an error in every answer: its code and its text."""
    code = INTERNAL
    if isinstance(error, Refusal | HTTPFault):
        code = error.code
    # A text may quote a name out of the request, and JSON can spell half a surrogate pair.
    detail = str(error)[:MAX_DETAIL].encode(errors="replace").decode()
    return {"error": code, "detail": detail}


def error_answer(error: PushgateError) -> HTTPResponse:
    """The response to a request that is refused, or failed (`Internal`)."""
    headers: tuple[Header, ...] = ()
    if isinstance(error, HTTPFault):
        status, headers = error.status, error.headers
    elif isinstance(error, NotLoggedIn):
        status, headers = 401, ((b"WWW-Authenticate", b'Bearer realm="pushgate"'),)
    elif isinstance(error, Refusal):
        status = STATUSES[error.code]
    else:
        assert isinstance(error, Internal)
        status = 500
    if status in RETRY_AFTER:
        seconds = max(1, ceil(getattr(error, "retry_after", None) or RETRY_AFTER[status]))
        headers = (*headers, (b"Retry-After", b"%d" % seconds))
    return HTTPResponse(status, json_line(error_fields(error)), JSON, headers)
