"""Channels over AMP: made, listed, read and deleted."""

from typing import Final

import msgspec

from pushgate.inputs.amp.request import AmpRequest, LaterCommand
from pushgate.model.channel import Channel, parse_storage_policy
from pushgate.model.principals import Operation
from pushgate.plugin.upstream_interface import IChannels
from pushgate.protocols.amp import commands
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_CHANNELS


async def create(request: AmpRequest, app: str, message_storage_policy: int) -> Box:
    """The answer to `CreateChannel`."""
    policy = parse_storage_policy(message_storage_policy)
    made: str = await _of(request, app).create_channel(policy)
    return {b"channel": made.encode()}


async def page(request: AmpRequest, app: str, after: str | None) -> Box:
    """The answer to `Channels`."""
    return _page(await _of(request, app).list_channels(), after or "")


async def read(request: AmpRequest, app: str, channel: str) -> Box:
    """The answer to `Channel`."""
    found: Channel = await _of(request, app).read_channel(channel)
    return {b"channel": msgspec.json.encode(found)}


async def delete(request: AmpRequest, app: str, channel: str) -> Box:
    """The answer to `DeleteChannel`."""
    await _of(request, app).delete_channel(channel)
    return {b"deleted": b"True"}


def _of(request: AmpRequest, app: str) -> IChannels:
    channels: IChannels = request.connection.server.gateway.channels(app)
    return channels


def _page(channels: list[str], after: str) -> Box:
    behind = [channel for channel in channels if channel > after]
    more = len(behind) > MAX_CHANNELS
    return {
        b"channels": msgspec.json.encode(behind[:MAX_CHANNELS]),
        b"more": b"True" if more else b"False",
    }


COMMANDS: Final[tuple[LaterCommand, ...]] = (
    (commands.CreateChannel, Operation.ADMIN, create),
    (commands.Channels, Operation.READ, page),
    (commands.Channel, Operation.READ, read),
    (commands.DeleteChannel, Operation.ADMIN, delete),
)
