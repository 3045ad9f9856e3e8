"""Declarations of plug-ins: a name, a line of description, a table, and the callable that makes the thing.

::

    count = SinkFactory("count", "how many ended in which state", CountTable, CountSink)
    pigeon = LazyUpstream("pigeon", "by air, slowly", "pigeon.upstream:plug_in")

Every module with plug-ins is imported at each look for plug-ins. What a lazy one names is imported when it is
first used: ``plug_in = PigeonTable, Pigeon`` in ``pigeon/upstream.py``, or ``PigeonTable, Pigeon, diagnose``
with the checks of `IDiagnosable`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar, Final, Self, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface, implementer

from pushgate.model.errors import CannotStart, reason
from pushgate.model.finding import Finding
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Report
from pushgate.plugin.checks import without_checks
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination, IDiagnosable
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, SinkTable, Table
from pushgate.plugin.sink_interface import IOutcomeSink

_Table = TypeVar("_Table", bound=Table)
_Make = Callable[[str, _Table, Any, Context], Any]
_Diagnose = Callable[[str, _Table, Examination], AsyncIterator[Finding]]


class NotInstalled(CannotStart):
    """What a plug-in is declared to need is not installed.

    :param needs: the distribution to install: ``"pushgate[amqp]"``.
    """

    def __init__(self, fault: str, needs: str) -> None:
        super().__init__([fault])
        self.needs = needs


@implementer(IDiagnosable)
class Factory:
    """A declared plug-in; the subclasses are the kinds.

    :param description: one line for `pushgate plugins`.
    :param make: called with name, table, gateway (of an upstream: work) and context; may be a class.
    :param diagnose: see `IDiagnosable`; None when it has no checks.
    :cvar word: the kind's name in messages.
    :cvar interface: what its factories provide.
    :cvar table: the base class of its tables.
    :ivar target: see `lazy`, as for `needs`; "" of one that is not lazy.
    """

    word: ClassVar[str]
    interface: ClassVar[type[Interface]]
    table: ClassVar[type[Table]]

    target, needs = "", ""

    def __init__(
        self,
        name: str,
        description: str,
        config: type[_Table],
        make: _Make[_Table],
        diagnose: _Diagnose[_Table] | None = None,
    ) -> None:
        self.name, self.description, self._parts = name, description, (config, make, diagnose)

    @classmethod
    def lazy(cls, name: str, description: str, target: str, needs: str = "") -> Self:
        """Declare one whose table and callable are imported when they are first used.

        :param target: the pair of them, or with its checks the three: ``"package.module:name"``.
        :param needs: the distribution to install when a module is missing: ``"pushgate[amqp]"``.
        """
        declared = cls.__new__(cls)
        declared.name, declared.description = name, description
        declared.target, declared.needs = target, needs
        return declared

    @property
    def config(self) -> Any:
        """The class of its table; raises `CannotStart` like `load`."""
        return self.load()[0]

    def load(self) -> tuple[Any, Any, Any]:
        """The class of its table, the callable, and the one that diagnoses or None.

        :raises CannotStart: with the reason, when there are none; `NotInstalled` where installing helps.
        """
        if not self.target:
            return self._parts
        module, _, variable = self.target.partition(":")
        whose = f'{self.word} "{self.name}" ({self.target})'
        try:
            match getattr(import_module(module), variable):
                case (type() as table, make, *checks) if self._fits(table, make, checks):
                    return table, make, checks[0] if checks else None
            why = f"is not a pair: a class derived from pushgate.plugin.{self.table.__name__}, and a callable"
        except Exception as error:  # noqa: BLE001 - what an import may raise has no bounds
            if self.needs and isinstance(error, ModuleNotFoundError):
                fault = f"{whose} needs {error.name}: pip install '{self.needs}'"
                raise NotInstalled(fault, self.needs) from None
            why = f"cannot be imported: {reason(error)}"
        raise CannotStart([f"{whose} {why}"])

    def make(self, name: str, table: Any, given: Any, context: Context) -> Any:
        """Make one for a table of the configuration; raises `CannotStart`."""
        return self.load()[1](name, table, given, context)

    def diagnose(self, name: str, config: Any, examination: Examination) -> AsyncIterator[Finding]:
        """See `IDiagnosable`; raises `CannotStart` like `load`."""
        checks = self.load()[2]
        if checks is None:
            return without_checks(f'{self.word} "{self.name}"')
        found: AsyncIterator[Finding] = checks(name, config, examination)
        return found

    def _fits(self, table: type, make: Any, checks: list[Any]) -> bool:
        """Whether what was loaded is what a target names."""
        callables = [make, *checks]
        return issubclass(table, self.table) and len(callables) <= 2 and all(map(callable, callables))


@implementer(IInputFactory)
class InputFactory(Factory):
    """Declares an input."""

    word, interface, table = "input", IInputFactory, InputTable
    input = Factory.make


@implementer(IOutcomeSinkFactory)
class SinkFactory(Factory):
    """Declares a sink."""

    word, interface, table = "sink", IOutcomeSinkFactory, SinkTable
    sink = Factory.make


@implementer(IUpstreamFactory)
class UpstreamFactory(Factory):
    """Declares an upstream."""

    word, interface, table = "upstream", IUpstreamFactory, AppTable
    upstream = Factory.make

    @property
    def rules(self) -> NotificationRules:
        """What its table says of the push service; raises `CannotStart` like `config`."""
        rules: NotificationRules = self.config.RULES
        return rules


KINDS: Final = (InputFactory, SinkFactory, UpstreamFactory)
LazyInput = InputFactory.lazy
"""Declares an input whose code is imported when it is first used: see `Factory.lazy`."""
LazySink = SinkFactory.lazy
"""Declares a sink likewise."""
LazyUpstream = UpstreamFactory.lazy
"""Declares an upstream likewise."""


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
