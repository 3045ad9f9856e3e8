"""The examination of a plug-in for `pushgate doctor`."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from zope.interface import Interface

from pushgate.model.finding import Finding
from pushgate.plugin.context import Context
from pushgate.plugin.settings import Table


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of checks, which they use instead of globals; see `IDiagnosable`.

    :param context: as plug-ins have it. No gateway is running in this process, and its metrics are shown
        nowhere.
    :param timeout: seconds for each step on the network: a name, a connection, a handshake, an answer.
    :param offline: nothing may use the network.
    """

    context: Context
    timeout: float = 10.0
    offline: bool = False

    @property
    def reactor(self) -> Any:
        """The clock and the network."""
        return self.context.reactor

    @property
    def wall(self) -> Callable[[], float]:
        """Unix seconds."""
        return self.context.wall


class IDiagnosable(Interface):
    """Optional for factories of all kinds: their plug-in can be examined, for `pushgate doctor`.

    A factory that is made by `InputFactory`, `SinkFactory` or `UpstreamFactory` provides it.
    """

    def diagnose(name: str, config: Table, examination: Examination) -> AsyncIterator[Finding]:
        """The findings about one table of the configuration, in the order in which things are used.

        Nothing is started, and nothing may reach a device or take what a gateway needs. No finding may hold a
        secret. An exception becomes a finding, and ends the checks of this table; see `guarded`.

        :param name: of the table: of an app, sink or input.
        """
