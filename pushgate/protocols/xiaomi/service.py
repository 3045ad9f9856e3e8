"""Mi Push as a `PushService`: ``message/regid``, a form for each notification."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.json_body import read_object, word
from pushgate.protocols.http_push.plain_service import PlainService, each_once, explained, wait_of
from pushgate.protocols.http_push.sent import Sent, member
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.http_push.ttl import seconds_left
from pushgate.protocols.xiaomi.reasons import answer
from pushgate.protocols.xiaomi.rules import read_form

HOST: Final = "api.xmpush.xiaomi.com"
PATH: Final = b"/v3/message/regid"
LONGEST: Final = 14 * 86400
"""Seconds that a message is kept at most."""
_FIELDS: Final = ((b"content-type", b"application/x-www-form-urlencoded;charset=UTF-8"),)


class XiaomiService(PlainService):
    """See `PushService`.

    :param package: the name of the app's package, where payloads do not say; "" for none.
    """

    def __init__(self, package: str = "", authority: str = HOST) -> None:
        super().__init__(authority)
        self._common = {"restricted_package_name": package} if package else {}

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        heads = each_once(span.payloads(), lambda payload: self._head(payload, span))
        return [
            Member(index, PATH, (), head + quote_plus(target).encode())
            for index, target, head in zip(range(span.start, span.stop), span.tokens(), heads, strict=True)
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of a slice have."""
        return _FIELDS

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer; it raises nothing."""
        found = read_object(body)
        row = answer(status, found, member(sent).tokens()[0].decode("utf-8", "replace"))
        said = word(found, "reason") or word(found, "description")
        return Reply(
            explained(row, said if row.words else ""),
            retry_after=wait_of(headers, wall),
            unique_id=_unique_id(found),
        )

    def _head(self, payload: bytes, span: BatchSlice) -> bytes:
        """The form as far as the regid; of what is no form, taken under other rules, nothing else."""
        try:
            fields = read_form(payload)
        except ValueError:
            fields = {}
        return (urlencode(_lasting(span) | self._common | fields) + "&registration_id=").lstrip("&").encode()


def _lasting(span: BatchSlice) -> dict[str, str]:
    """How long the message is kept, in milliseconds."""
    left = seconds_left(span, LONGEST)
    return {} if left is None else {"time_to_live": str(max(1, left) * 1000)}


def _unique_id(found: dict[str, Any] | None) -> str:
    data = (found or {}).get("data")
    return word(data if isinstance(data, dict) else None, "id") or word(found, "trace_id")
