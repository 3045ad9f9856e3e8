"""Channel URIs of MPNS."""

from typing import Final

from pushgate.protocols.http_push.channel_uri import ChannelRules

CHANNELS: Final = ChannelRules(("notify.live.net",), (), ("https", "http"))
"""Channels of the service itself."""


def channel_rules(hosts: tuple[str, ...] = ()) -> ChannelRules:
    """Which channels there are, if the only hosts are `hosts`; empty: those of the service."""
    return ChannelRules(CHANNELS.domains, hosts, CHANNELS.schemes) if hosts else CHANNELS
