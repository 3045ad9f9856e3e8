"""Fake channels of a push service."""

from base64 import b64encode

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.errors import NotFound
from pushgate.plugin.upstream_interface import IChannels


@implementer(IChannels)
class MemoryChannels:
    """Keeps channels in memory.

    :ivar kept: the channels by id.
    :ivar error: everything fails with it while it is set.
    """

    def __init__(self) -> None:
        self.kept: dict[str, Channel] = {}
        self.error: Exception | None = None
        self._made = 0

    def create_channel(self, policy: StoragePolicy) -> Deferred[str]:
        if self.error is not None:
            return fail(self.error)
        self._made += 1
        name = b64encode(self._made.to_bytes(16, "big")).decode()
        self.kept[name] = Channel(name, int(policy), "LiveActivity")
        return succeed(name)

    def list_channels(self) -> Deferred[list[str]]:
        return succeed(sorted(self.kept)) if self.error is None else fail(self.error)

    def read_channel(self, channel: str) -> Deferred[Channel]:
        error = self._missing(channel)
        return succeed(self.kept[channel]) if error is None else fail(error)

    def delete_channel(self, channel: str) -> Deferred[None]:
        error = self._missing(channel)
        if error is not None:
            return fail(error)
        del self.kept[channel]
        return succeed(None)

    def _missing(self, channel: str) -> Exception | None:
        if self.error is not None or channel in self.kept:
            return self.error
        return NotFound.from_text("channel: ChannelNotRegistered; there is no such channel")
