"""A gateway with the app `news` on one of the simulator's services other than Apple's, over real TLS on loopback."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import State
from pushgate.model.packed import Packed
from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugin.gateway_interface import Receipt
from tests.rig import Rig

DEAD = "gone*"
"""Handles that begin so are dead."""


class ServiceRig(Rig):
    """Start it, push, wait for outcomes, stop it.

    :param credential: what the app's table needs besides, of a simulator that has started.
    :param simulator: settings of the simulator.
    """

    def __init__(
        self,
        directory: str,
        script: Sequence[dict[str, Any]] = (),
        *,
        simulator: dict[str, Any] | None = None,
        **app: Any,
    ) -> None:
        own = {"services_listen": "tcp:0:interface=127.0.0.1", "dead_handles": [DEAD]}
        super().__init__(directory, script, simulator={**own, **(simulator or {})}, **app)

    async def begin(self, factory: UpstreamFactory, table: Callable[["ServiceRig"], Any]) -> "ServiceRig":
        """Start the simulator, then the gateway with an app on it.

        :param table: makes what the app's table has besides; with a `host`, at the simulator's port.
        """
        await self.simulator.start()
        self._factory, self._more = factory, table(self)
        self.gateway.attach("audience", self.audience, 1_000_000)
        self.gateway.add_app("news", self.table(), factory)
        await self.gateway.start()
        return self

    def table(self) -> Any:
        """The app's configuration."""
        where = {} if "host" not in self._more else {"port": self.simulator.services_port}
        return self._factory.config.model_validate({
            "upstream": self._factory.name,
            "trust": self.simulator.certificates.ca,
            **where,
            **self._more,
        })  # fmt: skip

    async def send(self, handles: Sequence[str], payload: bytes, **terms: Any) -> Receipt:
        """Submit one batch."""
        tokens = Packed.of([handle.encode() for handle in handles], 2)
        submission = Submission(app="news", tokens=tokens, payload=payload, terms=Terms(**terms))
        receipt = await self.gateway.submit(submission, "test")
        self.pushed += len(handles) - len(receipt.refused)
        return receipt

    def handles(self) -> Counter[str]:
        """How often the service accepted each handle."""
        return Counter(entry.handle or "" for entry in self.simulator.received.entries())

    def outcomes(self) -> dict[str, tuple[State, int | None]]:
        """The last outcome of each handle."""
        return {token.decode(): found for token, found in self.audience.outcomes.items()}

    def dead(self) -> dict[str, str]:
        """Why each dead handle is dead."""
        return {each.token.decode(): each.reason for each in self.gateway.dead_tokens("news", b"", 1000)}


class ServiceCase(TestCase):
    """Tests of one upstream before the simulator."""

    timeout = 60

    def made(self, *script: dict[str, Any], **settings: Any) -> ServiceRig:
        """A rig that is stopped at the end."""
        rig = ServiceRig(self.mktemp(), script, **settings)
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        return rig

    async def until(self, rig: ServiceRig, condition: Any) -> None:
        """Wait for something that nothing reports."""
        while not condition():
            await rig.beat()
