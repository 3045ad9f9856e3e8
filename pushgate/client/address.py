"""The address of a gateway as a URL."""

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from pushgate.model.authority import authority

_PORTS: Final = {"amp": 7215, "amps": 7215, "http": 80, "https": 443}
_RULE: Final = "amp://HOST:PORT, amps://HOST:PORT, http://HOST:PORT or https://HOST:PORT"


class Address(msgspec.Struct, frozen=True):
    """Where a gateway listens.

    :param is_http: it is the HTTP input; otherwise the AMP input.
    :param is_tls: with TLS.
    """

    is_http: bool
    is_tls: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as HTTP's ``Host`` has them."""
        return authority(self.host, self.port)


def parse_address(url: str) -> Address:
    """The address that a URL means; raise ValueError when it is none, without repeating it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"no address of a gateway; must be {_RULE}") from None
    beside = parts.username or parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in _PORTS or not host or beside or not re.fullmatch(r"[\x21-\x7e]+", host):
        raise ValueError(f"no address of a gateway; must be {_RULE}")
    is_tls = parts.scheme in {"amps", "https"}
    return Address(parts.scheme.startswith("http"), is_tls, host, port or _PORTS[parts.scheme])
