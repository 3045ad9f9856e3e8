"""Reaching a gateway's AMP input from the command line."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from pushgate.cli import gateway_address
from tests.steady_reactor import SteadyReactor


class Silent(Protocol):
    """Whoever it is, it says nothing."""

    factory: Any

    def connectionMade(self) -> None:
        self.ended: Deferred[None] = Deferred()
        self.factory.seen.append(self)

    def connectionLost(self, reason: Failure) -> None:
        self.ended.callback(None)


class AnotherPortTests(TestCase):
    async def test_somebody_else(self) -> None:
        """Each command that meets somebody who does not answer as a gateway does says what to look at."""
        factory: Any = Factory.forProtocol(Silent)
        factory.seen = []
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        where = f"127.0.0.1:{port.getHost().port}"
        for ask in ("reload", "watch"):
            with self.assertRaisesRegex(
                gateway_address.NotReached, f"; is {where} the AMP input of a gateway[?]$"
            ):
                async with gateway_address.reach(
                    SteadyReactor(), gateway_address.GatewayAddress(where), timeout=0.05
                ) as gateway:
                    await getattr(gateway, ask)()
        await port.stopListening()
        for each in factory.seen:
            await each.ended
