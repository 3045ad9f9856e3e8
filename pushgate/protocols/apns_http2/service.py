"""Apple's provider API as a `PushService`: requests by `RequestRules`, answers by the table of `reasons`."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.printable import printable
from pushgate.protocols.apns_http2.answer_body import read
from pushgate.protocols.apns_http2.reasons import answer, documented
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.protocols.http_push.answers import LONGEST_REASON, Answer, Follows, Reply
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member

_UNIQUE: Final = b"apns-unique-id"
_ACCEPTED: Final = Reply(answer(200, ""))


class AppleService(msgspec.Struct, frozen=True):
    """See `PushService`.

    :param requests: of the app.
    """

    requests: RequestRules

    @property
    def pseudo(self) -> tuple[Header, ...]:
        return self.requests.pseudo

    def members(self, span: BatchSlice) -> list[Member]:
        return self.requests.members(span)

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        return self.requests.fields(span, kind)

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        unique_id = ""
        for name, value in headers:
            if name == _UNIQUE:
                unique_id = printable(value.decode("ascii", "replace"), LONGEST_REASON)
        if 200 <= status < 300:
            return Reply(_ACCEPTED.row, unique_id=unique_id) if unique_id else _ACCEPTED
        said = read(body)
        row = answer(status, said.reason)
        topic = sent[0].batch.terms.topic
        if row.reason == "TopicDisallowed" and topic not in {None, self.requests.topic}:
            row = msgspec.structs.replace(row, follows=Follows.REJECTED)  # not the app's
        since = None if said.timestamp is None else int(said.timestamp / 1000)
        return Reply(row, since=since, unique_id=unique_id)

    def read_goaway(self, debug: bytes) -> Answer:
        reason = read(debug).reason or printable(debug, LONGEST_REASON)
        return documented(403, reason) or Answer(403, reason, Follows.NEW_CONNECTION)
