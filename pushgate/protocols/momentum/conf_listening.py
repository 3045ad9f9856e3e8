"""The addresses of Momentum's listeners, as Twisted endpoint strings."""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple

_LABEL: Final = re.compile(r"(?P<host>.*):(?P<port>[0-9]{1,5})")
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - not bound here


class ListenAddress(NamedTuple):
    """An address to listen on."""

    host: str
    port: int

    @property
    def endpoint(self) -> str:
        """The address as an endpoint string."""
        kind = "tcp6" if ":" in self.host else "tcp"
        if self.host in _ANY:
            return f"{kind}:{self.port}"
        escaped = self.host.replace(":", "\\:")
        return f"{kind}:{self.port}:interface={escaped}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return ip_address(self.host).is_loopback

    def clashes(self, other: "ListenAddress") -> bool:
        """Return True if the two addresses cannot be used together."""
        overlap = self.host == other.host or not _ANY.isdisjoint({self.host, other.host})
        same_family = (":" in self.host) == (":" in other.host)
        return self.port == other.port and same_family and overlap


def listen_address(label: str) -> ListenAddress | None:
    """Return the address in the label of a `listen` stanza, ``ADDRESS:PORT``, or None if it is invalid."""
    match = _LABEL.fullmatch(label)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    host = match["host"].strip("[]")
    if host in {"", "*"}:
        host = "0.0.0.0"  # noqa: S104 - the meaning of the file
    try:
        return ListenAddress(str(ip_address(host)), int(match["port"]))
    except ValueError:
        return None
