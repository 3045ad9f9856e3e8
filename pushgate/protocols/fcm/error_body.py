"""The body of an answer that is no success: Google's ``{"error": {…}}`` with its details, each by its type.

From Google's "Errors" (``google.rpc.Status`` in JSON) and the reference of FCM's ``ErrorCode``. What the
types of the details mean here:

=====================================  ===================================================================
``google.firebase.fcm.v1.FcmError``    ``errorCode``: FCM's own word, which goes before ``status``
``google.firebase.fcm.v1.ApnsError``   ``statusCode``, ``reason``: what Apple answered to Google
``google.rpc.BadRequest``              ``fieldViolations[].field``: which field of the request is wrong
``google.rpc.QuotaFailure``            ``violations[].subject``, ``.description``: whose quota is used up
``google.rpc.RetryInfo``               ``retryDelay``: ``"12.5s"``
``google.rpc.ErrorInfo``               ``reason``: of an error that is not FCM's
=====================================  ===================================================================
"""

import re
from typing import Final

import msgspec
from msgspec import Raw

from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import LONGEST_REASON

MOST: Final = 16
"""Details, and violations of each, that are looked at."""
_LONGEST_MESSAGE: Final = 500
_is_delay: Final = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,9})?)s").fullmatch
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Violation(msgspec.Struct):
    field: str = ""
    subject: str = ""
    description: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    type: str = msgspec.field(default="", name="@type")
    error_code: str = ""
    status_code: int = 0
    reason: str = ""
    retry_delay: str = ""
    field_violations: list[_Violation] = []
    violations: list[_Violation] = []


class _Error(msgspec.Struct):
    status: str = ""
    message: str = ""
    details: list[Raw] = []


class _Body(msgspec.Struct):
    error: _Error


class ErrorBody(msgspec.Struct):
    """What it says; every text is printable and short.

    :ivar code: FCM's own, or else Google's status; "" when there is neither.
    :ivar is_fcm: it is FCM's own.
    :ivar message: for people.
    :ivar apns_status: that Apple answered, 0 when Apple was not asked.
    :ivar apns_reason: that Apple gave.
    :ivar fields: of the request that are wrong.
    :ivar quota: whose quota is used up, in Google's words.
    :ivar info: the reason of an error that is not FCM's.
    :ivar retry_delay: seconds; None when it gives none.
    """

    code: str = ""
    is_fcm: bool = False
    message: str = ""
    apns_status: int = 0
    apns_reason: str = ""
    fields: tuple[str, ...] = ()
    quota: str = ""
    info: str = ""
    retry_delay: float | None = None


_decode_body: Final = msgspec.json.Decoder(_Body).decode
_decode_detail: Final = msgspec.json.Decoder(_Detail).decode


def read(body: bytes) -> ErrorBody:
    """Read a body; one that is not Google's JSON gives nothing, nor does a detail of another shape."""
    try:
        error = _decode_body(body).error
    except _FAULTS:
        return ErrorBody()
    found = ErrorBody(_short(error.status), message=printable(error.message, _LONGEST_MESSAGE))
    for raw in error.details[:MOST]:
        try:
            detail = _decode_detail(raw)
        except _FAULTS:
            continue
        _note(found, detail)
    return found


def _note(found: ErrorBody, detail: _Detail) -> None:
    kind = detail.type.rpartition(".")[2]
    if kind == "FcmError" and detail.error_code:
        found.code, found.is_fcm = _short(detail.error_code), True
    elif kind == "ApnsError":
        found.apns_status, found.apns_reason = detail.status_code, _short(detail.reason)
    elif kind == "BadRequest":
        found.fields += tuple(_short(each.field) for each in detail.field_violations[:MOST])
    elif kind == "QuotaFailure":
        words = (f"{each.subject} {each.description}" for each in detail.violations[:MOST])
        found.quota = printable(" ".join(words), _LONGEST_MESSAGE)
    elif kind == "ErrorInfo":
        found.info = _short(detail.reason)
    elif kind == "RetryInfo":
        match = _is_delay(detail.retry_delay)
        found.retry_delay = float(match[1]) if match else None


def _short(text: str) -> str:
    return printable(text, LONGEST_REASON)
