"""Channels over AMP: made, listed, read and deleted."""

from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from pushgate.model.channel import Channel, parse_storage_policy
from pushgate.plugin.interfaces import IGateway
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_CHANNELS


def create(gateway: IGateway, app: str, message_storage_policy: int) -> Deferred[Box]:
    """The answer to `CreateChannel`."""
    policy = parse_storage_policy(message_storage_policy)
    made: Deferred[str] = gateway.channels(app).create_channel(policy)
    return made.addCallback(lambda channel: {b"channel": channel.encode()})


def page(gateway: IGateway, app: str, after: str | None) -> Deferred[Box]:
    """The answer to `Channels`."""
    listed: Deferred[list[str]] = gateway.channels(app).list_channels()
    return listed.addCallback(_page, after or "")


def read(gateway: IGateway, app: str, channel: str) -> Deferred[Box]:
    """The answer to `Channel`."""
    found: Deferred[Channel] = gateway.channels(app).read_channel(channel)
    return found.addCallback(lambda found: {b"channel": msgspec.json.encode(found)})


def delete(gateway: IGateway, app: str, channel: str) -> Deferred[Box]:
    """The answer to `DeleteChannel`."""
    deleted: Deferred[Any] = gateway.channels(app).delete_channel(channel)
    return deleted.addCallback(lambda _: {b"deleted": b"True"})


def _page(channels: list[str], after: str) -> Box:
    behind = [channel for channel in channels if channel > after]
    more = len(behind) > MAX_CHANNELS
    return {
        b"channels": msgspec.json.encode(behind[:MAX_CHANNELS]),
        b"more": b"True" if more else b"False",
    }
