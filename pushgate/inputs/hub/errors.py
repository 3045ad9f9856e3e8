"""The answers to requests that are refused: the statuses of notification hubs, and their errors in XML."""

from math import ceil
from typing import Final

from pushgate.model.errors import Internal, NotLoggedIn, PushgateError, Refusal
from pushgate.model.hub.errors import EtagMismatch, Gone
from pushgate.model.store_down import StoreDown
from pushgate.net.http.responses import MAX_DETAIL, RETRY_AFTER, STATUSES, Header, HTTPFault, HTTPResponse
from pushgate.protocols.notification_hubs.xml_text import escape

XML: Final = b"application/xml; charset=utf-8"
_BY_KIND: Final[dict[type[PushgateError], int]] = {
    Gone: 410, EtagMismatch: 412, StoreDown: 503, NotLoggedIn: 401,
}  # fmt: skip
"""The status of those refusals whose code does not say it."""


class Unauthorized(NotLoggedIn):
    """The signature of a request does not permit it.

    :param text: what is wrong with it, and what is needed.
    """


def status_of(error: PushgateError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HTTPFault):
        return error.status
    for kind, status in _BY_KIND.items():
        if isinstance(error, kind):
            return status
    return STATUSES[error.code] if isinstance(error, Refusal) else 500


def error_body(status: int, text: str) -> bytes:
    """The body of an error: its parts in this order, and in no namespace, as .NET's reader needs them."""
    detail = text[:MAX_DETAIL].encode(errors="replace").decode()
    return f"<Error><Code>{status}</Code><Detail>{escape(detail)}</Detail></Error>".encode()


def error_answer(error: PushgateError, tracking_id: str) -> HTTPResponse:
    """The response to a request that is refused, or failed (`Internal`).

    :param tracking_id: of the answer; the detail ends with it, as operators search for it.
    """
    status, headers = status_of(error), tuple[Header, ...]()
    assert isinstance(error, Refusal | HTTPFault | Internal)
    if isinstance(error, HTTPFault):
        headers = error.headers
    elif status == 401:
        headers = ((b"www-authenticate", b"SharedAccessSignature"),)
    if status in RETRY_AFTER:
        seconds = max(1, ceil(getattr(error, "retry_after", None) or RETRY_AFTER[status]))
        headers = (*headers, (b"retry-after", b"%d" % seconds))
    return HTTPResponse(status, error_body(status, f"{error} TrackingId:{tracking_id}"), XML, headers)
