"""An endpoint behind which nothing answers."""

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer


@implementer(IStreamClientEndpoint)
class UnconnectedEndpoint:
    """Never connects, and fails as Twisted's TCP endpoints do when that is cancelled.

    :ivar attempts: how often it was to connect.
    """

    def __init__(self) -> None:
        self.attempts = 0

    def connect(self, protocolFactory: object) -> Deferred[object]:  # noqa: N803 - the interface's name
        self.attempts += 1
        address = IPv4Address("TCP", "127.0.0.1", 5672)
        return Deferred(lambda connecting: connecting.errback(ConnectingCancelledError(address)))
