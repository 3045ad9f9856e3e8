"""The sinks and inputs that run beside the gateway, and those that a reload took out and that still close."""

from collections.abc import Collection, Mapping

from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.gateway import Gateway
from pushgate.hub.hub import Hub
from pushgate.mdm.managed_devices import ManagedDevices
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.sink_interface import IOutcomeSink

_log = Logger()


class Parts:
    """The parts that a start opens, a reload replaces and a stop closes.

    :ivar sinks: by name: the sink, and the reports that may wait for it.
    :ivar inputs: by name.
    :ivar hubs: by name; they are there from the start to the end.
    :ivar devices: the enrolments of managed devices.
    :ivar drain_timeout: seconds the upstreams have to finish what is under way.
    """

    def __init__(
        self,
        gateway: Gateway,
        sinks: Mapping[str, tuple[IOutcomeSink, int]],
        inputs: Mapping[str, IInput],
        drain_timeout: float,
        hubs: Mapping[str, Hub] | None = None,
        devices: ManagedDevices | None = None,
    ) -> None:
        self.devices = devices
        self.gateway, self.drain_timeout, self.hubs = gateway, drain_timeout, dict(hubs or {})
        self.sinks, self.inputs = dict(sinks), dict(inputs)
        self._closing: set[Deferred[None]] = set()

    def named(self) -> dict[str, object]:
        """The objects that plug-ins made, by the names that logs use: ``"input drop"``."""
        kinds: dict[str, Mapping[str, object]] = {
            "input": self.inputs,
            "app": self.gateway.upstreams(),
            "sink": {name: sink for name, (sink, _) in self.sinks.items()},
            "hub": self.hubs,
        }
        return {f"{kind} {name}": part for kind, parts in kinds.items() for name, part in parts.items()}

    def at(self, section: str, name: str) -> object:
        """The input, sink or hub of a table of the configuration; None of other tables."""
        sink, _ = self.sinks.get(name, (None, 0))
        found = {"inputs": self.inputs.get(name), "sinks": sink, "hubs": self.hubs.get(name)}
        return found.get(section)

    def add(self, sinks: Mapping[str, tuple[IOutcomeSink, int]], inputs: Mapping[str, IInput]) -> None:
        """Take over sinks and inputs that were started already."""
        self.sinks.update(sinks)
        self.inputs.update(inputs)

    def remove(self, sinks: Collection[str], inputs: Collection[str]) -> None:
        """Close sinks and inputs in the background."""
        for name in inputs:
            self.close_input(name, self.inputs.pop(name))
        for name in sinks:
            self.close_sink(name)
            self.sinks.pop(name, None)

    def close_input(self, name: str, closed: IInput) -> None:
        """Close an input in the background."""
        self._close(f"input {name}", maybeDeferred(closed.stop))

    def close_sink(self, name: str) -> None:
        """Close a sink of the gateway in the background."""
        self._close(f"sink {name}", self.gateway.detach(name))

    def all_closed(self) -> Deferred[None]:
        """Wait for everything that closes in the background now; never fails."""
        return DeferredList(list(self._closing)).addCallback(lambda _: None)

    def _close(self, what: str, closing: Deferred[None]) -> None:
        self._closing.add(closing)
        closing.addErrback(not_stopped, what).addCallback(lambda _: self._closing.discard(closing))


def not_stopped(failure: Failure, what: str) -> None:
    """Log the failure of a stop, unless the stop was cut short."""
    if not failure.check(CancelledError):
        _log.failure("stopping, {what}", failure, what=what)
