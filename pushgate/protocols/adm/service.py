"""ADM as a `PushService`."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote_from_bytes

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.adm.message import completed
from pushgate.protocols.adm.reasons import answer
from pushgate.protocols.adm.rules import is_registration_id
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.json_body import read_object, word
from pushgate.protocols.http_push.plain_service import PlainService, each_once, text_of, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member

HOST: Final = "api.amazon.com"
_FIELDS: Final = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
    (b"x-amzn-type-version", b"com.amazon.device.messaging.ADMMessage@1.0"),
    (b"x-amzn-accept-type", b"com.amazon.device.messaging.ADMSendResult@1.0"),
)


class AdmService(PlainService):
    """See `PushService`."""

    def __init__(self, authority: str = HOST) -> None:
        super().__init__(authority)

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        bodies = each_once(span.payloads(), lambda payload: completed(payload, span))
        return [
            Member(index, b"/messaging/registrations/%s/messages" % _quoted(target), (), body)
            for index, target, body in zip(range(span.start, span.stop), span.tokens(), bodies, strict=True)
        ]

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of a slice have."""
        return _FIELDS

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer; it raises nothing."""
        found = read_object(body)
        return Reply(
            answer(status, word(found, "reason")),
            retry_after=wait_of(headers, wall),
            unique_id=text_of(headers, b"x-amzn-requestid"),
            handle=_handle(found) if 200 <= status < 300 else b"",
        )


def _quoted(target: bytes) -> bytes:
    return quote_from_bytes(target, safe="").encode()


def _handle(found: dict[str, Any] | None) -> bytes:
    """The registration id that the service has for the device, b"" when it says none that can be one."""
    said = (found or {}).get("registrationID")
    handle = said.encode("utf-8", "replace") if isinstance(said, str) else b""
    return handle if is_registration_id(handle) else b""
