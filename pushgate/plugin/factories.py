"""Declarations of plug-ins: a name, a line of description, a table, and the callable that makes the thing.

::

    count = SinkFactory("count", "how many ended in which state", CountTable, CountSink)

Every module with plug-ins is imported at each look for plug-ins. One whose code is heavy says where its
table and callable are, and they are imported when they are first used::

    pigeon = LazyUpstream("pigeon", "by air, slowly", "pigeon.upstream:plug_in")

with ``plug_in = PigeonTable, Pigeon`` in ``pigeon/upstream.py``.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface, implementer

from pushgate.model.errors import CannotStart, reason
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
from pushgate.plugin.settings import AppTable, InputTable, SinkTable, Table


class Kind(NamedTuple):
    """One kind of plug-in.

    :param word: its name in messages.
    :param interface: the interface of its factories.
    :param table: the base class of its tables.
    """

    word: str
    interface: type[Interface]
    table: type[AppTable] | type[InputTable] | type[SinkTable]


INPUT: Final = Kind("input", IInputFactory, InputTable)
SINK: Final = Kind("sink", IOutcomeSinkFactory, SinkTable)
UPSTREAM: Final = Kind("upstream", IUpstreamFactory, AppTable)
KINDS: Final = (INPUT, SINK, UPSTREAM)

_Input = TypeVar("_Input", bound=InputTable)
_Sink = TypeVar("_Sink", bound=SinkTable)
_App = TypeVar("_App", bound=AppTable)
_Table = TypeVar("_Table", bound=Table)
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Factory(Generic[_Table, _Given, _Made]):
    """The part that all declarations share.

    :param name: its name in the configuration.
    :param description: one line.
    :param make: called with name, table, gateway (of an upstream: work) and context; may be a class.
    """

    def __init__(
        self,
        name: str,
        description: str,
        config: type[_Table],
        make: Callable[[str, _Table, _Given, Context], _Made],
    ) -> None:
        self.name, self.description, self._parts = name, description, (config, make)

    @property
    def config(self) -> type[_Table]:
        """The class of its table; raises `CannotStart` like `load`."""
        return self.load()[0]

    def load(self) -> tuple[type[_Table], Callable[[str, _Table, _Given, Context], _Made]]:
        """The class of its table, and the callable."""
        return self._parts

    def make(self, name: str, config: Table, given: _Given, context: Context) -> _Made:
        """Make one for a table of the configuration."""
        table, make = self.load()
        assert isinstance(config, table)
        return make(name, config, given, context)


@implementer(IInputFactory)
class InputFactory(Factory[_Input, IGateway, IInput]):
    """Declares an input."""

    def input(self, name: str, config: InputTable, gateway: IGateway, context: Context) -> IInput:
        return self.make(name, config, gateway, context)


@implementer(IOutcomeSinkFactory)
class SinkFactory(Factory[_Sink, IGateway, IOutcomeSink]):
    """Declares a sink."""

    def sink(self, name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        return self.make(name, config, gateway, context)


@implementer(IUpstreamFactory)
class UpstreamFactory(Factory[_App, IWork, IUpstream]):
    """Declares an upstream."""

    @property
    def rules(self) -> NotificationRules:
        """What its table says of the push service; raises `CannotStart` like `load`."""
        return self.config.RULES

    def upstream(self, app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        return self.make(app, config, work, context)


class LazyFactory(Factory[Any, Any, Any]):
    """A declaration whose table and callable are imported when they are first used.

    :param target: the pair of them: ``"package.module:name"``.
    :param needs: the distribution to install when a module is missing: ``"pika<2"``, as pip takes it.
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str, description: str, target: str, needs: str | None = None) -> None:
        self.name, self.description, self._target, self._needs = name, description, target, needs
        self._loaded: Any = None

    def load(self) -> Any:
        """The class of its table and the callable, imported and checked at the first call.

        :raises CannotStart: they cannot be imported or are something else; one line says why.
        """
        if self._loaded is None:
            loaded = self._import()
            match loaded:
                case (type() as table, make) if issubclass(table, self.kind.table) and callable(make):
                    self._loaded = loaded
                case _:
                    base = f"pushgate.plugin.{self.kind.table.__name__}"
                    raise self._fault(f"is not a pair: a class derived from {base}, and a callable")
        return self._loaded

    def _import(self) -> object:
        module, _, name = self._target.partition(":")
        try:
            return getattr(import_module(module), name)
        except Exception as error:  # what an import may raise has no bounds
            if self._needs is not None and isinstance(error, ModuleNotFoundError):
                raise self._fault(f"needs {error.name}: pip install '{self._needs}'") from error
            raise self._fault(f"cannot be imported: {reason(error)}") from error

    def _fault(self, why: str) -> CannotStart:
        return CannotStart([f'{self.kind.word} "{self.name}" ({self._target}) {why}'])


class LazyInput(LazyFactory, InputFactory[Any]):
    """Declares an input whose code is imported when it is first used."""

    kind = INPUT


class LazySink(LazyFactory, SinkFactory[Any]):
    """Declares a sink whose code is imported when it is first used."""

    kind = SINK


class LazyUpstream(LazyFactory, UpstreamFactory[Any]):
    """Declares an upstream whose code is imported when it is first used."""

    kind = UPSTREAM


@implementer(IOutcomeSink)
class Sink:
    """A sink with nothing to open, reopen or close: derive from it and write `emit`."""

    def start(self) -> None:
        """Nothing to open."""

    def emit(self, reports: Sequence[Report]) -> "Deferred[None] | None":
        """Forget the reports; see `IOutcomeSink`."""

    def reopen(self) -> None:
        """Nothing is kept open."""

    def stop(self) -> "Deferred[None] | None":
        """Nothing to close."""
