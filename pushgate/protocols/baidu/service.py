"""Baidu's push as a `PushService`: ``push/single_device``, a signed form for each notification."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Terms
from pushgate.protocols.baidu.reasons import answer
from pushgate.protocols.baidu.rules import PUSH_TYPES
from pushgate.protocols.baidu.signature import form, sign
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.json_body import read_object, word
from pushgate.protocols.http_push.plain_service import PlainService, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.http_push.ttl import seconds_left

HOST: Final = "api.tuisong.baidu.com"
PATH: Final = "/rest/3.0/push/single_device"
ANDROID, IOS = 3, 4
"""Values of ``device_type``."""
LONGEST: Final = 7 * 86400
"""Seconds that a message is kept at most."""
_FIELDS: Final = (
    (b"content-type", b"application/x-www-form-urlencoded;charset=utf-8"),
    (b"user-agent", b"BCCS_SDK/3.0 (pushgate)"),  # the samples say that there must be one of this kind
)
_OF_NOTIFICATIONS: Final = frozenset({"title", "description", "aps"})


class BaiduService(PlainService):
    """See `PushService`.

    :param api_key: of the app.
    :param secret: of the app; it signs.
    :param wall: tells Unix seconds: a signature is good for ten minutes.
    :param device_type: `ANDROID` or `IOS`.
    :param deploy_status: for `IOS` 1 for development or 2 for production; 0: not said.
    """

    def __init__(
        self,
        api_key: str,
        secret: str,
        wall: Callable[[], float],
        authority: str = HOST,
        scheme: str = "https",
        device_type: int = ANDROID,
        deploy_status: int = 0,
    ) -> None:
        super().__init__(authority, scheme)
        self._secret, self._wall = secret, wall
        self._url: Final = f"{scheme}://{authority}{PATH}"
        self._common = {"apikey": api_key, "device_type": str(device_type)}
        if deploy_status:
            self._common["deploy_status"] = str(deploy_status)

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        return [
            Member(index, PATH.encode(), (), body)
            for index, body in zip(range(span.start, span.stop), self._bodies(span), strict=True)
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of a slice have."""
        return _FIELDS

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer; it raises nothing."""
        found = read_object(body)
        return Reply(answer(status, found), retry_after=wait_of(headers, wall), unique_id=_unique_id(found))

    def _bodies(self, span: BatchSlice) -> Iterator[bytes]:
        common = self._common | {"timestamp": str(int(self._wall()))} | _expiry(span)
        for target, payload in zip(span.tokens(), span.payloads(), strict=True):
            fields = common | {
                "channel_id": target.rpartition(b"+")[2].decode("utf-8", "replace"),  # 3.0 has no user id
                "msg_type": str(message_type(span.batch.terms, payload)),
                "msg": payload.decode("utf-8", "replace"),
            }
            yield form(fields | {"sign": sign("POST", self._url, fields, self._secret)})


def message_type(terms: Terms, payload: bytes) -> int:
    """0 for a message that the app shows, 1 for a notification that the device does."""
    said = PUSH_TYPES.get(terms.push_type or "")
    if said is not None:
        return said
    return int(not _OF_NOTIFICATIONS.isdisjoint(read_object(payload) or {}))


def _expiry(span: BatchSlice) -> dict[str, str]:
    left = seconds_left(span, LONGEST)
    return {} if left is None else {"msg_expires": str(left)}


def _unique_id(found: dict[str, Any] | None) -> str:
    params = (found or {}).get("response_params")
    return word(params if isinstance(params, dict) else None, "msg_id") or word(found, "request_id")
