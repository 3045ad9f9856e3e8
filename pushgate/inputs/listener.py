"""Listening where a Twisted server endpoint string says, for doors."""

import os
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.python.failure import Failure

from pushgate.errors import CannotStart


class Listener:
    """One listening port.

    :param where: the key path of `description` in the configuration, for errors.
    :param description: such as ``"tcp:7215:interface=127.0.0.1"``.
    :raises CannotStart: when `description` makes no endpoint, or a certificate it names cannot be read.
    """

    def __init__(self, where: str, description: str, factory: IProtocolFactory, reactor: Any) -> None:
        self._where, self._description, self._factory = where, description, factory
        self._port: IListeningPort | None = None
        try:
            self._endpoint = serverFromString(reactor, description)
        except Exception as error:
            # Each kind of endpoint is a plug-in of Twisted with faults of its own.
            raise CannotStart([f"{where}: {description!r} is no server endpoint: {error}"]) from error

    def start(self) -> Deferred[None]:
        """Listen; fails with `CannotStart` when the address cannot be had."""
        listening: Deferred[IListeningPort] = self._endpoint.listen(self._factory)
        return listening.addCallbacks(self._listens, self._failed)

    def stop(self) -> Deferred[None]:
        """Take no further connections; those there are stay."""
        port, self._port = self._port, None
        return (
            succeed(None) if port is None else maybeDeferred(port.stopListening).addCallback(lambda _: None)
        )

    def addresses(self) -> list[str]:
        """Where it listens, for people."""
        if self._port is None:
            return []
        host, kind = self._port.getHost(), self._description.partition(":")[0]
        if isinstance(host, UNIXAddress):
            return [f"{kind} {os.fsdecode(host.name or b'')}"]
        assert isinstance(host, (IPv4Address, IPv6Address))
        return [f"{kind} {host.host}:{host.port}"]

    def _listens(self, port: IListeningPort) -> None:
        self._port = port

    def _failed(self, failure: Failure) -> None:
        failure.trap(CannotListenError, OSError)
        raise CannotStart([f"{self._where}: cannot listen: {failure.getErrorMessage()}"])
