"""Connecting a client endpoint, so that a cancelled attempt fails as every cancelled Deferred does."""

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint


async def connected(endpoint: IStreamClientEndpoint, factory: IProtocolFactory) -> Any:
    """Return the protocol once its transport is connected.

    Twisted's endpoints fail with `ConnectingCancelledError`, which is no `CancelledError`: `addTimeout` does
    not turn it into a time-out, and a caller that stops takes it for a failure of the peer.

    :raises CancelledError: the attempt was cancelled.
    """
    try:
        return await endpoint.connect(factory)
    except ConnectingCancelledError:
        raise CancelledError from None
