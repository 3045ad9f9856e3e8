"""Starts several parts, all of them although one cannot be, so that each of those has its line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import CancelledError, maybeDeferred

from pushgate.gateway.gateway import Gateway
from pushgate.model.errors import CannotStart
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.sink_interface import IOutcomeSink


def start_sinks(
    gateway: Gateway,
    sinks: Mapping[str, tuple[IOutcomeSink, int]],
    started: Callable[[str], Any] = lambda _: None,
) -> None:
    """Start sinks of the configuration; raise `CannotStart` with every fault.

    :param sinks: by name: the sink, and the reports that may wait for it.
    :param started: called with the name of each that was.
    """
    faults: list[str] = []
    for name, (sink, buffer) in sinks.items():
        with _collected(faults):
            gateway.add_sink(name, sink, buffer)
            started(name)
    if faults:
        raise CannotStart(faults)


async def start_inputs(
    inputs: Mapping[str, IInput], starting: Callable[[str, IInput], Any] = lambda *_: None
) -> None:
    """Start inputs one after the other; raise `CannotStart` with every fault.

    Nothing comes of a start in which one had a fault: what takes its time is not waited for then. Those that
    are open by then are the caller's to close, unless the process ends.

    :param starting: called with the name of each, and the input, before it is started.
    """
    faults: list[str] = []
    for name, each in inputs.items():
        starting(name, each)
        try:
            with _collected(faults), error_boundary(f"inputs.{name}: its start"):
                started = maybeDeferred(each.start)
                if faults:
                    started.cancel()
                await started
        except CancelledError:
            if not faults:
                raise
    if faults:
        raise CannotStart(faults)


@contextmanager
def _collected(faults: list[str]) -> Iterator[None]:
    try:
        yield
    except CannotStart as error:
        faults += error.faults
