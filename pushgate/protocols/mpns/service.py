"""MPNS as a `PushService`."""

from collections.abc import Sequence

from pushgate.model.batch_slice import BatchSlice
from pushgate.protocols.http_push.answers import Reply
from pushgate.protocols.http_push.channel_uri import ChannelRules
from pushgate.protocols.http_push.plain_service import PlainService, explained, text_of, wait_of
from pushgate.protocols.http_push.sent import Sent
from pushgate.protocols.http_push.service import Header, Member
from pushgate.protocols.mpns import requests
from pushgate.protocols.mpns.channel import CHANNELS
from pushgate.protocols.mpns.reasons import answer


class MpnsService(PlainService):
    """See `PushService`. One serves the channels of one host: what is sent with it has them for targets.

    :param authority: of these channels, see `Origin.authority`.
    :param scheme: of these channels.
    :param channels: which targets there are.
    """

    def __init__(self, authority: str, scheme: str = "https", channels: ChannelRules = CHANNELS) -> None:
        super().__init__(authority, scheme)
        self._channels = channels

    def members(self, span: BatchSlice) -> list[Member]:
        """What each member of a slice has for itself, in order."""
        return requests.members(span, self._channels)

    def fields(self, span: BatchSlice, kind: str) -> tuple[Header, ...]:
        """The headers that all members of one push type in a slice have."""
        return requests.fields(span, kind)

    def read(self, sent: Sent, status: int, headers: Sequence[Header], body: bytes, wall: float) -> Reply:
        """Read an answer, which is in its headers; it raises nothing."""
        row = answer(status, text_of(headers, b"x-notificationstatus").lower())
        connection = text_of(headers, b"x-deviceconnectionstatus")
        return Reply(
            explained(row, f"the device is {connection.lower()}" if row.words and connection else ""),
            retry_after=wait_of(headers, wall),
        )
