"""A push to one device as it comes in, checked as Apple checks it.

From the tables of request headers and of reasons in "Sending notification requests to APNs" and "Handling
notification responses from APNs". These do not say in which order the checks run: here the way to the service
comes first (method, path), then the credential, then the headers in the order of Apple's table, then the
payload.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from pushgate.protocols.apns_http2.reasons import answer
from pushgate.protocols.apns_push_types import TYPES, USUAL_PAYLOAD, of_topic
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.protocols.http_push.answers import Answer

Header = tuple[bytes, bytes]
"""A name in lower case, and a value without blanks around it."""

DEVICE_PATH: Final = b"/3/device"
_DEVICE: Final = DEVICE_PATH + b"/"
MAX_COLLAPSE_ID: Final = 64
"""Bytes of a collapse id at most."""

_OTHERS: Final = frozenset({b"authorization"})
"""Headers that the service reads, beside those that begin with ``apns-``."""
_PRIORITIES: Final = {b"1": 1, b"5": 5, b"10": 10}
_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_SECONDS: Final = re.compile(rb"[0-9]{1,18}").fullmatch
_TOPIC: Final = re.compile(rb"[A-Za-z0-9._-]{1,255}").fullmatch
_HEX: Final = b"0123456789abcdefABCDEF"


class Refused(Exception):
    """A request is refused.

    :ivar answer: the row of the answer to give.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.reason}")
        self.answer = answer


def refusal(status: int, reason: str) -> Refused:
    """The exception for an answer of Apple's."""
    return Refused(answer(status, reason))


class PushRequest(msgspec.Struct, frozen=True):
    """The head of a push to one device. None stands for a header that was not there, or was empty.

    :param token: of the device.
    :param topic: with the suffix of its push type, where that has one.
    :param push_type: one of `TYPES`.
    :param priority: 1, 5 or 10. Clients leave it out where they mean 10.
    :param expiration: Unix seconds; 0: try once.
    :param collapse_id: at most `MAX_COLLAPSE_ID` bytes in UTF-8.
    :param apns_id: a UUID as it was written, in any case: the answer has the same letters.
    :param authorization: as it came; what it is worth has not been looked at.
    """

    token: bytes
    topic: str | None
    push_type: str | None
    priority: int | None
    expiration: int | None
    collapse_id: str | None
    apns_id: str | None
    authorization: bytes | None


def echoed_id(headers: Sequence[Header]) -> bytes | None:
    """The ``apns-id`` that every answer to a request repeats, byte for byte, None when there was none.

    Also one that is no UUID, and the first of several: clients find what an answer is to by it.
    """
    return next((value for name, value in headers if name == b"apns-id"), None)


def parse(
    method: bytes,
    target: bytes,
    headers: Sequence[Header],
    check_authorization: Callable[[bytes | None], object] | None = None,
) -> PushRequest:
    """The head of a push. Headers that the service does not know are ignored.

    :param target: path and query as they came.
    :param check_authorization: called with the ``authorization`` header when a push is meant and before
        its details are looked at, as Apple answers: a wrong credential does not learn whether a token is
        good. It may raise `Refused`.
    :raises Refused: 400, 403, 404 or 405, with the reason of the first thing that is wrong.
    """
    if method != b"POST":
        raise refusal(405, "MethodNotAllowed")
    token = _device_path(target)
    found = _only_once(headers)
    authorization = found.get(b"authorization") or None
    if check_authorization is not None:
        check_authorization(authorization)
    request = PushRequest(
        token=_token(token),
        apns_id=_apns_id(found.get(b"apns-id")),
        expiration=_expiration(found.get(b"apns-expiration")),
        priority=_priority(found.get(b"apns-priority")),
        push_type=_push_type(found.get(b"apns-push-type")),
        collapse_id=_collapse_id(found.get(b"apns-collapse-id")),
        topic=_topic(found.get(b"apns-topic")),
        authorization=authorization,
    )
    _check_priority(request)
    return request


def check_payload(request: PushRequest, payload: bytes, limit: int | None = None) -> None:
    """Check the size of a payload.

    :param limit: bytes at most; by default that of the push type, which the topic's suffix tells where the
        header does not.
    :raises Refused: it is empty, or too large.
    """
    if not payload:
        raise refusal(400, "PayloadEmpty")
    if len(payload) > (largest_payload(request) if limit is None else limit):
        raise refusal(413, "PayloadTooLarge")


def largest_payload(request: PushRequest) -> int:
    """Bytes of a payload at most, by the push type or by the topic."""
    push_type = request.push_type or of_topic(request.topic)
    return USUAL_PAYLOAD if push_type is None else TYPES[push_type].max_payload


def _device_path(target: bytes) -> bytes:
    """What stands behind `DEVICE_PATH`."""
    if target.startswith(_DEVICE):
        return target[len(_DEVICE) :]
    if target == DEVICE_PATH:
        return b""
    raise refusal(404, "BadPath")


def _only_once(headers: Sequence[Header]) -> dict[bytes, bytes]:
    """The headers by name; raise `Refused` when one that the service reads is there twice."""
    found = dict(headers)
    if len(found) < len(headers):
        names = [name for name, _ in headers if name in _OTHERS or name[:5] == b"apns-"]
        if len(set(names)) < len(names):
            raise refusal(400, "DuplicateHeaders")
    return found


def _token(text: bytes) -> bytes:
    """The device token. Apple writes it in lower case; its length is not fixed."""
    if not text:
        raise refusal(400, "MissingDeviceToken")
    if len(text) % 2 or len(text) > 2 * MAX_TOKEN or text.translate(None, _HEX):
        raise refusal(400, "BadDeviceToken")
    return bytes.fromhex(text.decode("ascii"))


def _apns_id(value: bytes | None) -> str | None:
    if not value:
        return None
    if not _UUID(value):
        raise refusal(400, "BadMessageId")
    return value.decode("ascii")


def _expiration(value: bytes | None) -> int | None:
    if not value:
        return None
    if not _SECONDS(value):
        raise refusal(400, "BadExpirationDate")
    return int(value)


def _priority(value: bytes | None) -> int | None:
    if not value:
        return None
    if value not in _PRIORITIES:
        raise refusal(400, "BadPriority")
    return _PRIORITIES[value]


def _push_type(value: bytes | None) -> str | None:
    if not value:
        return None
    push_type = value.decode("ascii", "replace")
    if push_type not in TYPES:
        raise refusal(400, "InvalidPushType")
    return push_type


def _collapse_id(value: bytes | None) -> str | None:
    if not value:
        return None
    if len(value) > MAX_COLLAPSE_ID:
        raise refusal(400, "BadCollapseId")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise refusal(400, "BadCollapseId") from None


def _topic(value: bytes | None) -> str | None:
    if not value:
        return None
    if not _TOPIC(value):
        raise refusal(400, "BadTopic")
    return value.decode("ascii")


def _check_priority(request: PushRequest) -> None:
    """Check that a priority that was given is one of its push type: 10 is an error with ``background``."""
    only = TYPES[request.push_type].priority if request.push_type is not None else None
    if only is not None and request.priority not in {None, only}:
        raise refusal(400, "BadPriority")
