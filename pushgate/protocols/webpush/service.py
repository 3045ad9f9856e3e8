"""One push service of Web Push as a `PushService`: what goes to its origin, and what it answers.

Requests as in RFC 8030 5: POST to the subscription, with ``TTL``, ``Urgency`` and ``Topic``.
"""

from collections.abc import Callable, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Priority
from pushgate.model.printable import printable
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.origin import Origin
from pushgate.protocols.http_push.plain_service import PlainService, value_of, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.http_push.ttl import FOUR_WEEKS, seconds_left
from pushgate.protocols.webpush.answer_body import is_of_another_key, reason
from pushgate.protocols.webpush.encryption import encrypt
from pushgate.protocols.webpush.reasons import ANSWERS, answer
from pushgate.protocols.webpush.subscription import parse

URGENCIES: Final = ("very-low", "low", "normal", "high")
"""RFC 8030 5.3, the least first."""
LONGEST_ID: Final = 255
"""Characters of a message's id that are kept; Mozilla's have about 200."""
_BY_PRIORITY: Final = {Priority.LOW: "low", Priority.BULK: "normal", Priority.URGENT: "high"}
_CODING: Final = "aes128gcm"
_ENCODED: Final = (
    (b"content-encoding", _CODING.encode()),
    (b"content-type", b"application/octet-stream"),
)
_ACCEPTED: Final = Reply(ANSWERS[0])


class WebPushService(PlainService):
    """See `PushService`. All targets that it is given are subscriptions of its origin.

    A member's kind is its TTL in seconds, and behind a blank the coding of its body, if it has one.

    :param new_key: makes a private key on P-256, another one each time.
    :param salt: makes 16 random bytes.
    :param ttl: seconds that a notification without an expiration may be kept.
    :param urgency: of one without a priority, from `URGENCIES`.
    :param message_ids: what the service calls each notification is kept; each is reported by itself then.
    """

    def __init__(
        self,
        origin: Origin,
        new_key: Callable[[], EllipticCurvePrivateKey],
        salt: Callable[[], bytes],
        ttl: int = FOUR_WEEKS,
        urgency: str = "normal",
        message_ids: bool = False,
    ) -> None:
        super().__init__(origin.authority)
        self._new_key, self._salt = new_key, salt
        self._ttl, self._urgency, self._message_ids = ttl, urgency, message_ids

    def members(self, span: BatchSlice) -> list[Member]:
        """See `PushService`. Each body is encrypted by itself, every time that it is sent."""
        left = seconds_left(span)
        ttl = str(self._ttl if left is None else left)
        return [
            self._member(index, target, payload, ttl)
            for index, (target, payload) in enumerate(
                zip(span.tokens(), span.payloads(), strict=True), span.start
            )
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """See `PushService`."""
        terms = span.batch.terms
        ttl, _, coding = kind.partition(" ")
        urgency = self._urgency if terms.priority is None else _BY_PRIORITY[terms.priority]
        found: tuple[Header, ...] = ((b"ttl", ttl.encode()), (b"urgency", urgency.encode()))
        if terms.collapse_id is not None:
            found = (*found, (b"topic", terms.collapse_id.encode()))
        return (*found, *_ENCODED) if coding else found

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """See `PushService`. The last part of ``Location`` is what the service calls the notification."""
        if 200 <= status < 300:
            unique_id = _message_id(value_of(headers, b"location")) if self._message_ids else ""
            return Reply(_ACCEPTED.row, unique_id=unique_id) if unique_id else _ACCEPTED
        return Reply(answer(status, reason(headers, body), is_of_another_key(body)), wait_of(headers, wall))

    def _member(self, index: int, target: bytes, payload: bytes, ttl: str) -> Member:
        to = parse(target)
        if not payload:  # RFC 8291 4: nothing to encrypt
            return Member(index, to.path, (), b"", ttl)
        body = encrypt(payload, to.public, to.auth, self._new_key(), self._salt())
        return Member(index, to.path, (), body, f"{ttl} {_CODING}")


def _message_id(location: bytes) -> str:
    text = location.decode("latin-1").rstrip("/").rpartition("/")[2]
    return printable(text, LONGEST_ID)[:LONGEST_ID]
