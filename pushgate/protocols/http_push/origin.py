"""Where the requests of a notification go: the origin of its target."""

import msgspec

from pushgate.model.authority import authority, bracketed


class Origin(msgspec.Struct, frozen=True):
    """A server of a push service (RFC 6454, over ``https`` always).

    :param host: a name or an IP address, in small letters, IPv6 without brackets.
    """

    host: str
    port: int = 443

    @property
    def authority(self) -> str:
        """The value of ``:authority`` and ``Host``: with the port unless that is 443."""
        return bracketed(self.host) if self.port == 443 else authority(self.host, self.port)

    def __str__(self) -> str:
        return f"https://{self.authority}"
