"""The surroundings of a plug-in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, maybeDeferred

from pushgate.model.metrics import Metrics
from pushgate.model.principals import Principals
from pushgate.plugin.hub_interface import IHub
from pushgate.plugin.mdm_interface import IManagedDevices

InThread = Callable[..., Deferred[Any]]
"""Calls a function with arguments; fires with what it returns, or fails with what it raises."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of a plug-in, which it uses instead of globals.

    :param reactor: the clock and the network; provides IReactorTime, IReactorTCP and the like.
    :param wall: Unix seconds.
    :param jitter: a number from 0 to 1, new at each call.
    :param state_dir: the directory for files; None when nothing outlives the process.
    :param principals: the permissions of callers; by default everything is permitted.
    :param files_scarce: whether so many files are open that an input must refuse further connections.
    :param hubs: the hubs of the configuration, by name.
    :param in_thread: calls what waits for a disk, in another thread than the reactor's; by default at once.
    :param managed_devices: the enrolments of apps that are for MDM.
    """

    reactor: Any
    wall: Callable[[], float]
    jitter: Callable[[], float]
    metrics: Metrics
    state_dir: Path | None = None
    principals: Principals = msgspec.field(default_factory=Principals)
    files_scarce: Callable[[], bool] = bool
    hubs: dict[str, IHub] = {}
    in_thread: InThread = maybeDeferred
    managed_devices: IManagedDevices | None = None
