"""An upstream that needs nothing: a simulator in this process, spoken to over real TLS on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import Field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.finding import Finding, ok
from pushgate.model.notification import Batch
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.upstream_interface import IInFlight, IProving, IUpstream, IWork, UpstreamState
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import PlainEndpoint, SimulatorTable
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable, StreamTable
from pushgate.upstreams.apns_binary.upstream import ApnsBinaryUpstream
from pushgate.upstreams.common.client_certificate import load

_ANY_PORT: Final = "tcp:0:interface=127.0.0.1"


class EmbeddedTable(SimulatorTable):
    """A simulator inside the gateway: on free ports by default."""

    listen: PlainEndpoint = _ANY_PORT
    feedback_listen: PlainEndpoint = _ANY_PORT
    control_listen: PlainEndpoint = _ANY_PORT
    http2_listen: PlainEndpoint = _ANY_PORT
    services_listen: PlainEndpoint | None = None


class SimulatedTable(StreamTable):
    """An app on a simulator of its own."""

    simulator: EmbeddedTable = Field(default_factory=EmbeddedTable)


@implementer(IUpstream, IProving, IInFlight, IAddressed)
class SimulatedUpstream:
    """Starts its simulator, then a pool of connections to it.

    :raises CannotStart: when the simulator's ports or certificates cannot be had.
    """

    def __init__(self, app: str, config: SimulatedTable, work: IWork, context: Context) -> None:
        self._app, self._config, self._work, self._context = app, config, work, context
        self._temporary: TemporaryDirectory[str] | None = None
        if context.state_dir is not None:
            directory = context.state_dir / "simulator" / app
        else:
            self._temporary = TemporaryDirectory(prefix="pushgate-simulator-")
            directory = Path(self._temporary.name)
        table = config.simulator.model_copy(update={"state_dir": directory})
        self.simulator = Simulator(table, context.reactor, context.wall)
        self._upstream: ApnsBinaryUpstream | None = None

    def start(self) -> None:
        self.simulator.startService()
        shared = {key: getattr(self._config, key) for key in StreamTable.model_fields}
        table = ApnsStreamTable.model_construct(
            **shared,
            certificate=self.simulator.certificates.client,
            trust=self.simulator.certificates.ca,
            host="localhost",
            port=self.simulator.port,
            feedback_host="localhost",
            feedback_port=self.simulator.feedback_port,
        )
        self._upstream = ApnsBinaryUpstream(
            self._app, table, load(self._app, table), self._work, self._context
        )
        self._upstream.start()

    def wake(self) -> None:
        if self._upstream is not None:
            self._upstream.wake()

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._upstream is not None:
            await self._upstream.stop()
        await self.simulator.stop()
        self._clean_up()

    def abort(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
        self.simulator.stop()
        self._clean_up()

    def _clean_up(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def state(self) -> UpstreamState:
        return self._upstream.state() if self._upstream else UpstreamState(connections={}, window=0)

    def prove(self) -> Deferred[int] | None:
        return self._upstream.prove() if self._upstream else None

    def find(self, batch: Batch, index: int) -> BatchSlice | None:
        return self._upstream.find(batch, index) if self._upstream else None

    def addresses(self) -> list[str]:
        addresses = self.simulator.addresses()
        if self.simulator.control_port is not None:
            addresses["control"] = f"http://{addresses['control']}/"
        return [f"its simulator's {service}: {address}" for service, address in addresses.items()]


async def _diagnose(_: str, __: SimulatedTable, ___: Examination) -> AsyncIterator[Finding]:
    yield ok("simulator", "the push service is inside the gateway: no device gets anything")


plug_in = SimulatedTable, SimulatedUpstream, _diagnose
