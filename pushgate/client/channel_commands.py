"""The commands about channels for broadcasts as methods."""

import msgspec
from twisted.internet.defer import Deferred

from pushgate.client.asking import Asking
from pushgate.model.channel import Channel
from pushgate.protocols.amp import commands


class ChannelCommands:
    """Part of `Client`."""

    _asking: Asking

    def create_channel(self, app: str, message_storage_policy: int) -> Deferred[str]:
        """Make a channel for broadcasts; fires with its id.

        :param message_storage_policy: 0: a broadcast reaches only devices that are there; 1: the push service
            keeps the last one for the others.
        """
        asked = self._asking.command(
            commands.CreateChannel, False, app=app, message_storage_policy=message_storage_policy
        )
        return asked.addCallback(lambda answer: str(answer["channel"]))

    def channels(self, app: str) -> Deferred[list[str]]:
        """The ids of all channels of an app, in their order as text."""

        async def listed() -> list[str]:
            found: list[str] = []
            more = True
            while more:
                after = found[-1] if found else None
                answer = await self._asking.command(commands.Channels, True, app=app, after=after)
                found += msgspec.json.decode(answer["channels"], type=list[str])
                more = answer["more"]
            return found

        return Deferred.fromCoroutine(listed())

    def channel(self, app: str, channel: str) -> Deferred[Channel]:
        """The channel with this id; fails with `NotFound` when there is none."""
        asked = self._asking.command(commands.Channel, True, app=app, channel=channel)
        return asked.addCallback(lambda answer: msgspec.json.decode(answer["channel"], type=Channel))

    def delete_channel(self, app: str, channel: str) -> Deferred[None]:
        """Delete a channel: nothing can be sent to it any more. Fails with `NotFound` when there is none."""
        asked = self._asking.command(commands.DeleteChannel, False, app=app, channel=channel)
        return asked.addCallback(lambda _: None)
