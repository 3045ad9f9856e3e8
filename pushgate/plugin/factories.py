"""What a plug-in is declared with: a name, a line of description, its table, and what makes the thing.

::

    count = SinkFactory("count", "how many ended in which state", CountTable, CountSink)
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.plugin import IPlugin
from zope.interface import implementer

from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Report
from pushgate.plugin.interfaces import (
    Context,
    IGateway,
    IInput,
    IInputFactory,
    IOutcomeSink,
    IOutcomeSinkFactory,
    IUpstream,
    IUpstreamFactory,
    IWork,
)
from pushgate.plugin.settings import AppTable, InputTable, SinkTable

_ANY = NotificationRules()
_Door = TypeVar("_Door", bound=InputTable)
_Sink = TypeVar("_Sink", bound=SinkTable)
_App = TypeVar("_App", bound=AppTable)


@implementer(IPlugin, IInputFactory)
class InputFactory(Generic[_Door]):
    """A door, declared.

    :param make: given name, table, gateway and context; may be the door's class.
    """

    def __init__(
        self,
        name: str,
        description: str,
        config: type[_Door],
        make: Callable[[str, _Door, IGateway, Context], IInput],
    ) -> None:
        self.name, self.description, self.config, self._make = name, description, config, make

    def input(self, name: str, config: InputTable, gateway: IGateway, context: Context) -> IInput:
        assert isinstance(config, self.config)
        return self._make(name, config, gateway, context)


@implementer(IPlugin, IOutcomeSinkFactory)
class SinkFactory(Generic[_Sink]):
    """A sink, declared.

    :param make: given name, table, gateway and context; may be the sink's class.
    """

    def __init__(
        self,
        name: str,
        description: str,
        config: type[_Sink],
        make: Callable[[str, _Sink, IGateway, Context], IOutcomeSink],
    ) -> None:
        self.name, self.description, self.config, self._make = name, description, config, make

    def sink(self, name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        assert isinstance(config, self.config)
        return self._make(name, config, gateway, context)


@implementer(IPlugin, IUpstreamFactory)
class UpstreamFactory(Generic[_App]):
    """An upstream, declared.

    :param make: given app, table, work and context; may be the upstream's class.
    :param rules: what the push service takes; by default targets are text, and payloads are JSON objects.
    """

    def __init__(
        self,
        name: str,
        description: str,
        config: type[_App],
        make: Callable[[str, _App, IWork, Context], IUpstream],
        rules: NotificationRules = _ANY,
    ) -> None:
        self.name, self.description, self.config, self._make = name, description, config, make
        self.rules = rules

    def upstream(self, app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        assert isinstance(config, self.config)
        return self._make(app, config, work, context)


@implementer(IOutcomeSink)
class Sink:
    """A sink with nothing to open, reopen or close: `emit` is all that is left to write."""

    def start(self) -> None:
        """Nothing to open."""

    def emit(self, reports: Sequence[Report]) -> "Deferred[None] | None":
        """See `IOutcomeSink`; a sink that does not say otherwise forgets everything."""

    def reopen(self) -> None:
        """Nothing is kept open."""

    def stop(self) -> "Deferred[None] | None":
        """Nothing to close."""
