"""Push Kit as a `PushService`: v1 for Android, v3 for HarmonyOS."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.hms.message import android_head, harmony_head
from pushgate.protocols.hms.reasons import answer
from pushgate.protocols.hms.rules import PUSH_TYPES
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.json_body import read_object, word
from pushgate.protocols.http_push.plain_service import PlainService, each_once, wait_of
from pushgate.protocols.http_push.sent import Sent, member
from pushgate.protocols.http_push.service import Header, Member

HOST: Final = "push-api.cloud.huawei.com"
_CONTENT: Final = (b"content-type", b"application/json; charset=UTF-8")


class HmsService(PlainService):
    """See `PushService`. Version 1, for Android.

    :param app_id: the client id of the app.
    """

    def __init__(self, app_id: str, authority: str = HOST) -> None:
        super().__init__(authority)
        self._path = f"/v1/{quote(app_id, safe='')}/messages:send".encode()
        self._end = b"]}}"

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        heads = each_once(span.payloads(), lambda payload: self._head(payload, span))
        return [
            Member(index, self._path, (), head + _json(target) + self._end)
            for index, target, head in zip(range(span.start, span.stop), span.tokens(), heads, strict=True)
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of a slice have."""
        return (_CONTENT,)

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer; it raises nothing."""
        found = read_object(body)
        target = _text(member(sent).tokens()[0])
        return Reply(
            answer(status, found, target),
            retry_after=wait_of(headers, wall),
            unique_id=word(found, "requestId"),
        )

    def _head(self, payload: bytes, span: BatchSlice) -> bytes:
        return android_head(payload, span)


class HarmonyService(HmsService):
    """See `PushService`. Version 3, for HarmonyOS.

    :param project_id: the project of the app.
    """

    def __init__(self, project_id: str, authority: str = HOST) -> None:
        super().__init__(project_id, authority)
        self._path = f"/v3/{quote(project_id, safe='')}/messages:send".encode()

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of a slice have."""
        number = PUSH_TYPES.get(span.batch.terms.push_type or "alert", 0)
        return _CONTENT, (b"push-type", b"%d" % number)

    def _head(self, payload: bytes, span: BatchSlice) -> bytes:
        return harmony_head(payload, span)


def _text(target: bytes) -> str:
    return target.decode("utf-8", "replace")


def _json(target: bytes) -> bytes:
    return msgspec.json.encode(_text(target))
