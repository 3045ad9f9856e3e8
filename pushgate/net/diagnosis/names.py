"""Looking up the name of a host, all of its addresses."""

from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.net.address_policy import kind_of_private
from pushgate.plugin.examination import Examination

Address = IPv4Address | IPv6Address


@implementer(IResolutionReceiver)
class _Resolved:
    """What a name resolves to.

    :ivar addresses: fires with all of them.
    """

    def __init__(self) -> None:
        self.addresses: Deferred[list[Address]] = Deferred()
        self._found: list[Address] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:  # noqa: N803 - Twisted's
        """It ends by itself, even after the wait was given up."""

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, Address) and address not in self._found:
            self._found.append(address)

    def resolutionComplete(self) -> None:
        if not self.addresses.called:
            self.addresses.callback(self._found)


async def look_up(
    host: str, port: int, examination: Examination, prefix: str = ""
) -> tuple[list[Finding], list[Address]]:
    """Resolve a name; the addresses come with `port`.

    :param prefix: of the checks' identifiers.
    """
    if isIPAddress(host) or isIPv6Address(host):
        return [_pinned(host, prefix)], [_address(host, port)]
    resolved = _Resolved()
    reactor: Any = examination.reactor
    reactor.nameResolver.resolveHostName(resolved, host, port)
    try:
        found = await resolved.addresses.addTimeout(examination.timeout, reactor)
    except TimedOut:
        return [_slow(host, prefix, examination.timeout)], []
    if not found:
        return [_unknown(host, prefix)], []
    listed = ", ".join(sorted(each.host for each in found))
    return [ok(f"{prefix}name", f"{host} is at {listed}; looked up anew for each burst, none is kept")], found


def _address(host: str, port: int) -> Address:
    return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)


def _pinned(host: str, prefix: str) -> Finding:
    if kind_of_private(host):
        return ok(f"{prefix}name", f"{host} is an address of a network of your own")
    return warning(
        f"{prefix}address-pinned",
        f"{host} is an address, not a name",
        "push services move between addresses: this one may stop answering at any time",
        "use the service's name as host",
    )


def _slow(host: str, prefix: str, seconds: float) -> Finding:
    return failure(
        f"{prefix}name-timeout",
        f"the name servers said nothing of {host} within {seconds:g} s",
        "no connection can be made",
        "check the name servers in /etc/resolv.conf, and that a firewall lets UDP and TCP 53 out",
    )


def _unknown(host: str, prefix: str) -> Finding:
    return failure(
        f"{prefix}name",
        f"the name {host} has no address",
        "no connection can be made",
        f"check how host is spelled, and the name servers of this machine: getent hosts {host}",
    )
