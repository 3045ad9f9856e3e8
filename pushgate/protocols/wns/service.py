"""WNS as a `PushService`: requests by `RequestRules`, answers by the table of `reasons`."""

from collections.abc import Sequence
from typing import Final

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.plain_service import PlainService, explained, text_of, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.wns.channel import CHANNELS
from pushgate.protocols.wns.reasons import answer
from pushgate.protocols.wns.requests import RequestRules

_LONGEST_WORDS: Final = 200


class WnsService(PlainService):
    """See `PushService`. One serves the channels of one host: what is sent with it has them for targets.

    :param authority: of these channels, see `Origin.authority`.
    :param cache_policy: see `RequestRules`.
    :param channels: which targets there are.
    """

    def __init__(self, authority: str, cache_policy: str = "", channels: ChannelRules = CHANNELS) -> None:
        super().__init__(authority)
        self.requests: Final = RequestRules(channels, cache_policy)

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        return self.requests.members(span)

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of one push type in a slice have."""
        return self.requests.fields(span, kind)

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer, which is in its headers; it raises nothing."""
        described = text_of(headers, b"x-wns-error-description", limit=_LONGEST_WORDS)
        row = answer(
            status, text_of(headers, b"x-wns-status", b"x-wns-notificationstatus").lower(), described
        )
        return Reply(
            explained(row, described),
            retry_after=wait_of(headers, wall),
            unique_id=text_of(headers, b"x-wns-msg-id", b"ms-cv"),
        )
