"""A target that is a URI to which requests are posted: which hosts it may name, and what of it goes where.

The caller of the gateway chooses it: one that named any host would let him post into the operator's own
network.
"""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from pushgate.model.errors import Invalid
from pushgate.protocols.http_push.origin import Origin

MAX_URI: Final = 1024
"""Bytes of a channel URI at most."""
_is_plain: Final = re.compile(rb"[!-~]+").fullmatch
_is_host: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*").fullmatch


class Channel(msgspec.Struct, frozen=True):
    """A channel URI in its parts.

    :param origin: where it is connected to, over TLS whatever its scheme.
    :param path: with the query, as it stands in ``:path``.
    """

    origin: Origin
    path: bytes


class ChannelRules(msgspec.Struct, frozen=True):
    """Which URIs are channels of a service.

    :param domains: those that hosts are or stand in: ``("notify.windows.com",)``.
    :param hosts: if any, the only hosts, in place of `domains`.
    :param schemes: of ``https`` and ``http``.
    """

    domains: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("https",)

    def parse(self, target: bytes) -> Channel:
        """The channel that a target is.

        :raises Invalid: it is none, or of another service's host.
        """
        if len(target) > MAX_URI:
            raise Invalid("token", f"{len(target)} bytes", f"a channel URI of at most {MAX_URI} bytes")
        channel = _parts(target, self.schemes)
        if channel is None:
            raise Invalid("token", "no channel URI", self._rule())
        if not self._is_allowed(channel.origin.host):
            raise Invalid("token", "a URI of another host", self._rule())
        return channel

    def check(self, target: bytes) -> None:
        """Raise `Invalid` for a target that is no channel; see `NotificationRules.check_target`."""
        self.parse(target)

    def path(self, target: bytes) -> bytes:
        """The path of a channel; ``/`` of what is none, which a service refuses.

        What was taken under other rules may wait in the queue: it is refused like any other.
        """
        try:
            return self.parse(target).path
        except Invalid:
            return b"/"

    def _is_allowed(self, host: str) -> bool:
        if self.hosts:
            return host in self.hosts
        return any(host == domain or host.endswith(f".{domain}") for domain in self.domains)

    def _rule(self) -> str:
        where = ", ".join(self.hosts) if self.hosts else ", ".join(f"*.{each}" for each in self.domains)
        return f"a channel URI: {' or '.join(self.schemes)}, host {where}, without a user or a fragment"


def _parts(target: bytes, schemes: tuple[str, ...]) -> Channel | None:
    """The parts of a URI; None for one that two programs could read differently."""
    if not _is_plain(target) or b"\\" in target or b"#" in target:
        return None
    try:
        found = urlsplit(target.decode("ascii"))
        host, port = found.hostname, found.port
    except ValueError:  # brackets without an address, a port that is none
        return None
    if found.scheme not in schemes or not host or not _is_host(host) or "@" in found.netloc or port == 0:
        return None
    path = (found.path or "/") + (f"?{found.query}" if found.query else "")
    is_plain_http = found.scheme == "http" and port in {None, 80}
    return Channel(Origin(host, 443 if port is None or is_plain_http else port), path.encode())
