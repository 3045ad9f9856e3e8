"""Where the requests of a notification go: the origin of its target."""

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """A server of a push service (RFC 6454, over ``https`` always).

    :param host: a name or an IP address, in small letters, IPv6 without brackets.
    """

    host: str
    port: int = 443

    @property
    def authority(self) -> str:
        """The value of ``:authority`` and ``Host``: with the port unless that is 443."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"https://{self.authority}"
