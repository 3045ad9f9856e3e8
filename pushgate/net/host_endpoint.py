"""Connecting to a host by its name or address."""

from typing import Any

from twisted.internet.endpoints import HostnameEndpoint


def host_endpoint(
    reactor: Any, host: str, port: int, timeout: float = 30.0, bind: str | None = None
) -> HostnameEndpoint:
    """An endpoint for a host; every `connect` of it resolves the name again.

    Twisted refuses names with an underscore, which the DNS has and which a compose file gives to containers.

    :param timeout: seconds for each address of the name.
    :param bind: the address to connect from.
    """
    endpoint = HostnameEndpoint(reactor, host, port, timeout, None if bind is None else (bind, 0))
    if "_" in host and host.isascii():
        endpoint._badHostname = False
    return endpoint
