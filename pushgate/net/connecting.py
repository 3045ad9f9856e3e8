"""Connecting by a client endpoint: a cancelled attempt fails as every cancelled Deferred does."""

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory

from pushgate.net.tcp_loss import notice_loss


class Once(Factory):
    """A factory of the one protocol it was given, of which the log says nothing."""

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        return self._protocol


async def connected(endpoint: IStreamClientEndpoint, factory: IProtocolFactory) -> Any:
    """Return the protocol once its transport is connected; the kernel notices when the peer vanishes.

    Twisted's endpoints fail with `ConnectingCancelledError`, which is no `CancelledError`: `addTimeout` does
    not turn it into a time-out, and a caller that stops takes it for a failure of the peer.

    :raises CancelledError: the attempt was cancelled.
    """
    try:
        protocol: Any = await endpoint.connect(factory)
    except ConnectingCancelledError:
        raise CancelledError from None
    notice_loss(protocol.transport)
    return protocol
