"""Plug-ins in trouble for `bench.dashboards`: a sink that holds the reactor up, an upstream that raises."""

import time
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from pushgate.plugin import (
    AppTable,
    IUpstream,
    NotificationRules,
    Sink,
    SinkFactory,
    SinkTable,
    UpstreamFactory,
    UpstreamState,
)


class HeldUpTable(SinkTable):
    """Needs nothing."""


class HeldUp(Sink):
    """Waits now and then, where no plug-in may."""

    def __init__(self, *_: object) -> None:
        self._calls = 0

    def emit(self, reports: Any) -> None:
        self._calls += 1
        if self._calls % 20 == 0:
            time.sleep(1.2)


class RaisingTable(AppTable):
    """Needs nothing."""

    RULES = NotificationRules()


@implementer(IUpstream)
class Raising:
    """Raises when there is work."""

    def __init__(self, *_: object) -> None:
        """It keeps nothing."""

    def start(self) -> None:
        """There is nothing to connect to."""

    def wake(self) -> None:
        raise RuntimeError("as it is meant to")

    def stop(self) -> Deferred[None]:
        return succeed(None)

    def abort(self) -> None:
        """There is nothing to close."""

    def state(self) -> UpstreamState:
        return UpstreamState(connections={}, window=0)


held_up = SinkFactory("held-up", "holds the reactor up", HeldUpTable, HeldUp)
raising = UpstreamFactory("raising", "raises when there is work", RaisingTable, Raising)
