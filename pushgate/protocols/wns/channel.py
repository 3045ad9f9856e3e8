"""Channel URIs of WNS.

Microsoft's "WNS overview": the domain is notify.windows.com, and a sender has to make sure of it before it
posts anything.
"""

from typing import Final

from pushgate.protocols.http_push.channel_uri import ChannelRules

CHANNELS: Final = ChannelRules(("notify.windows.com",))
"""Channels of the service itself."""


def channel_rules(hosts: tuple[str, ...] = ()) -> ChannelRules:
    """Which channels there are, if the only hosts are `hosts`; empty: those of the service."""
    return ChannelRules(CHANNELS.domains, hosts) if hosts else CHANNELS
