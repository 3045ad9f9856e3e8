"""Connecting by TCP to each address of a name, and what a firewall would look like."""

from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import (
    ConnectionRefusedError,  # noqa: A004 - Twisted's
    TCPTimedOutError,
    TimeoutError,  # noqa: A004 - Twisted's
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.net.connecting import Once
from pushgate.net.diagnosis.names import Address
from pushgate.plugin.examination import Examination

MOST: Final = 8
"""Addresses of a name that are tried at most."""
_PORTS: Final = {
    2195: "; Apple's binary service has 2195 to send and 2196 for feedback",
    2196: "; Apple's binary service has 2195 to send and 2196 for feedback",
}
"""What else may be said of a port that cannot be reached."""
_NONE: Final = {
    "refused": (
        "port {port} of {host} refuses connections",
        "nothing listens there, or a firewall answers in its place",
        "check host and port; ask who runs the firewall for TCP to port {port}",
    ),
    "timeout": (
        "port {port} of {host} does not answer within {seconds:g} s",
        "a firewall drops the packets: this is what one looks like from inside",
        "open TCP to port {port} for this machine; or set proxy, where a proxy is the way out",
    ),
    "unreachable": (
        "there is no route to port {port} of {host}",
        "this machine has no network that leads there",
        "check the network, and its default route: ip route",
    ),
}
"""Of an address that does not accept connections: what was found, what it means, what to do."""


class _Touch(Protocol):
    """Is connected, and closes."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


async def touch(
    host: str, addresses: list[Address], examination: Examination, prefix: str = ""
) -> tuple[list[Finding], bool]:
    """Connect to each address, and close at once; return whether one accepted.

    :param addresses: of `host`, with the port.
    """
    tried = addresses[:MOST]
    results = await gatherResults([_touch(each, examination) for each in tried])
    refused = {each.host: why for each, why in zip(tried, results, strict=True) if why}
    port = tried[0].port
    if not refused:
        count = "its address accepts" if len(tried) == 1 else f"all {len(tried)} addresses accept"
        return [ok(f"{prefix}tcp", f"port {port}: {count} connections")], True
    if len(refused) < len(tried):
        return [_partly(host, port, refused, len(tried), prefix)], True
    kinds = set(refused.values())
    kind = next(each for each in ("refused", "timeout", "unreachable") if each in kinds)
    return [_none(host, port, kind, examination.timeout, prefix)], False


def _touch(address: Address, examination: Examination) -> Deferred[str]:
    kind = TCP4ClientEndpoint if isinstance(address, IPv4Address) else TCP6ClientEndpoint
    endpoint = kind(examination.reactor, address.host, address.port, examination.timeout)
    return endpoint.connect(Once(_Touch())).addCallbacks(lambda _: "", _why)


def _why(failed: Failure) -> str:
    if failed.check(ConnectionRefusedError):
        return "refused"
    return "timeout" if failed.check(TCPTimedOutError, TimeoutError) else "unreachable"


def _partly(host: str, port: int, refused: dict[str, str], count: int, prefix: str) -> Finding:
    which = ", ".join(f"{address} ({why})" for address, why in sorted(refused.items()))
    if all(":" in address for address in refused):
        return ok(
            f"{prefix}tcp", f"port {port}: {count - len(refused)} of {count} addresses accept; not {which}"
        )
    return warning(
        f"{prefix}tcp-partly",
        f"port {port}: {len(refused)} of {count} addresses of {host} do not accept: {which}",
        "connections are made to the others; a service in trouble looks like this, or a firewall with "
        "a list of addresses that does not have them all",
        "allow the whole network of the service, not single addresses",
    )


def _none(host: str, port: int, kind: str, seconds: float, prefix: str) -> Finding:
    words = {"host": host, "port": port, "seconds": seconds}
    what, meaning, advice = (text.format_map(words) for text in _NONE[kind])
    return failure(f"{prefix}tcp-{kind}", what, meaning, advice + _PORTS.get(port, ""))
