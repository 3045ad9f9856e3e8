"""FCM's HTTP v1 API as a `PushService`: requests by `FcmRequests`, answers by the table of `reasons`."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.printable import printable
from pushgate.protocols.fcm.error_body import read as read_error
from pushgate.protocols.fcm.reasons import ANSWERS, answer
from pushgate.protocols.fcm.requests import FcmRequests
from pushgate.protocols.fcm.target import parse
from pushgate.protocols.http_push.answers import LONGEST_REASON, Reply
from pushgate.protocols.http_push.plain_service import PlainService, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member

_ACCEPTED: Final = Reply(ANSWERS[0])


class _Success(msgspec.Struct):
    name: str = ""


_decode: Final = msgspec.json.Decoder(_Success).decode


class FcmService(PlainService):
    """See `PushService`.

    :param authority: host, and port if it is not 443.
    :param requests: of the app.
    :param message_ids: what FCM calls each notification is kept. Then no two have the same outcome, and each
        is reported by itself, which doubles what one costs.
    """

    def __init__(self, authority: str, requests: FcmRequests, message_ids: bool = False) -> None:
        super().__init__(authority)
        self._requests, self._message_ids = requests, message_ids

    def members(self, span: BatchSlice) -> list[Member]:
        """See `PushService`."""
        return self._requests.members(span)

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """See `PushService`."""
        return self._requests.fields()

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """See `PushService`. A message's name is what the service calls the notification."""
        if 200 <= status < 300:
            unique_id = _message_id(body) if self._message_ids else ""
            return Reply(_ACCEPTED.row, unique_id=unique_id) if unique_id else _ACCEPTED
        said = read_error(body)
        kind, _ = parse(sent[0].batch.tokens[sent[1]])
        wait = wait_of(headers, wall)
        return Reply(answer(status, said, kind), said.retry_delay if wait is None else wait)


def _message_id(body: bytes) -> str:
    """The last part of the message's name, ``projects/P/messages/ID``; "" when it cannot be read."""
    try:
        name = _decode(body).name
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return printable(name.rpartition("/")[2], LONGEST_REASON)
