"""The surroundings of a plug-in: its context, its table, the push service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from pushgate.model.metrics import Metrics
from pushgate.model.principals import Principals
from pushgate.plugin.config_errors import validated
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IPlugInFactory, IUpstreamFactory
from pushgate.plugin.hub_interface import IHub
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable
from pushgate.testing.network import MemoryNetwork

EPOCH = 1_700_000_000.0
"""The wall clock of tests by default, in Unix seconds."""


def context(
    clock: Clock | None = None,
    *,
    now: float = EPOCH,
    state_dir: Path | None = None,
    principals: Principals | None = None,
    hubs: dict[str, IHub] | None = None,
) -> Context:
    """A plug-in's context, with a clock that a test moves: ``context().reactor.advance(1)``.

    :param clock: by default a `MemoryNetwork`; the wall clock goes with it.
    :param now: the wall clock when the other one shows 0, in Unix seconds.
    """
    reactor = clock or MemoryNetwork()
    wall: Callable[[], float] = lambda: now + reactor.seconds()  # noqa: E731 - typed
    return Context(
        reactor=reactor,
        wall=wall,
        jitter=lambda: 0.0,
        metrics=Metrics(),
        state_dir=state_dir,
        principals=principals or Principals(),
        hubs=hubs or {},
    )


def table(factory: Any, **keys: object) -> Any:
    """A plug-in's table, checked as in a file: `keys` are all its keys but the one that names the plug-in.

    :raises CannotStart: one line for each fault.
    """
    assert IPlugInFactory.providedBy(factory), factory
    chooser = "upstream" if IUpstreamFactory.providedBy(factory) else "type"
    return validated(factory.config, {chooser: factory.name, **keys}, "test", (factory.name,))


def simulator(network: MemoryNetwork, directory: str | Path, **keys: object) -> Simulator:
    """The push service in `network`: the whole simulator with TLS, feedback and fault rules, and no socket.

    It listens on "localhost", 2195 and 2196. `certificates` has what a client needs: they are valid from the
    day on which they are made, so a client that checks the date needs a ``context(now=time.time())``.

    :param directory: for the certificates.
    :param keys: of its table: ``script=[…]``, ``dead=["dead"]``.
    """
    table = SimulatorTable.model_validate(keys).model_copy(update={"state_dir": Path(directory)})
    made = Simulator(table, network, lambda: EPOCH + network.seconds())
    made.startService()
    return made
