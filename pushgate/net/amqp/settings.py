"""The address of a broker in the configuration."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from urllib.parse import unquote

from pydantic import AfterValidator, Field

from pushgate.model.host_name import is_host_name
from pushgate.plugin.settings import Duration, FilePath, Table

_URL: Final = re.compile(r"(amqps?)://([^/@]+)(?:/([^/]*))?")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?")
_RULE: Final = (
    "amqp[s]://HOST[:PORT][,HOST[:PORT]...]/[VHOST]; username and password_file are keys of their own"
)
_PORTS: Final = {"amqp": 5672, "amqps": 5671}


class Address(NamedTuple):
    """A broker, or the nodes of a cluster of which any will do.

    :param tls: whether the connection is encrypted.
    :param nodes: host and port of each.
    """

    tls: bool
    nodes: tuple[tuple[str, int], ...]
    vhost: str

    @property
    def exposed(self) -> bool:
        """True if what is sent there, passwords too, can be read on the way."""
        return not self.tls and not all(_is_here(host) for host, _ in self.nodes)

    @property
    def hosts(self) -> str:
        """Host and port of each node."""
        return ",".join(f"{host}:{port}" for host, port in self.nodes)

    def __str__(self) -> str:
        return f"{'amqps' if self.tls else 'amqp'} {self.hosts} {self.vhost}"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_url(text: str) -> Address:
    """Parse a broker's URL; raise ValueError when it is not valid, or holds a password."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"must be {_RULE}")
    scheme, hosts, vhost = match.groups()
    return Address(
        scheme == "amqps",
        tuple(_node(host, _PORTS[scheme]) for host in hosts.split(",")),
        unquote(vhost) if vhost else "/",
    )


def _node(text: str, default: int) -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    port = int(match[2] or default) if match else 0
    host = match[1].strip("[]") if match else ""
    if not 1 <= port <= 65535 or not is_host_name(host):
        raise ValueError(f"must be {_RULE}")
    return host, port


def _checked(text: str) -> str:
    parse_url(text)
    return text


class BrokerTable(Table):
    """The broker, and the login to it.

    :param url: any of its nodes is used, another one when that is lost.
    :param password_file: holds the password in its first line; read at each connection. Without it the
        password is ``guest``, which a new broker accepts from its own machine only.
    :param trust: certificates that the broker's must be signed by, PEM; the system's when None.
    :param certificate: for a broker that asks for one, PEM.
    :param private_key: its key, when it is in another file.
    :param heartbeat: a connection is closed when nothing came in a whole period of this and five seconds.
    """

    url: Annotated[str, AfterValidator(_checked)] = "amqp://127.0.0.1:5672/"
    username: str = "guest"
    password_file: FilePath | None = None
    trust: FilePath | None = None
    certificate: FilePath | None = None
    private_key: FilePath | None = None
    heartbeat: Duration = Field(default=20.0, ge=1, le=600)

    def files(self) -> dict[str, Path]:
        return self.given("password_file", "trust", "certificate", "private_key")
