"""Declarations of plug-ins whose code is imported when they are first used.

A drop-in module is imported whenever plug-ins are looked for, also by those who use another one. So it
names its factory as ``"package.module:factory"`` and imports nothing heavy itself::

    carrier_pigeon = LazyUpstream("pigeon", "by air, slowly", "pigeon.pushgate:factory")
"""

from importlib import import_module
from typing import Any, ClassVar

from twisted.plugin import IPlugin
from zope.interface import implementer

from pushgate.model.errors import CannotStart, reason
from pushgate.model.notification_rules import NotificationRules
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
from pushgate.plugin.kinds import INPUT, SINK, UPSTREAM, Kind, defect
from pushgate.plugin.settings import AppTable, InputTable, SinkTable


class LazyFactory:
    """The part all kinds share.

    :param name: what the configuration calls it; the target's own name is not looked at.
    :param description: one line.
    :param target: where the factory is: ``"package.module:name"``.
    :param needs: what to install when a module is missing: ``"pushgate[amqp]"``.
    """

    kind: ClassVar[Kind]

    def __init__(self, name: str, description: str, target: str, needs: str | None = None) -> None:
        self.name, self.description, self.target, self.needs = name, description, target, needs
        self._loaded: Any = None

    @property
    def config(self) -> Any:
        """The target's table; raises `CannotStart` like `load`."""
        return self.load().config

    def load(self) -> Any:
        """The factory itself, imported and verified at the first call.

        :raises CannotStart: it cannot be imported or is not a factory of its kind; one line says why.
        """
        if self._loaded is None:
            loaded = self._import()
            why = defect(self.kind, loaded)
            if why is not None:
                raise CannotStart([f'{self.kind.word} "{self.name}" ({self.target}): {why}'])
            self._loaded = loaded
        return self._loaded

    def _import(self) -> object:
        module, _, name = self.target.partition(":")
        try:
            return getattr(import_module(module), name)
        except Exception as error:  # what an import may raise has no bounds
            why = f"cannot be imported: {reason(error)}"
            if self.needs is not None and isinstance(error, ModuleNotFoundError):
                why = f"needs {error.name}: pip install '{self.needs}'"
            raise CannotStart([f'{self.kind.word} "{self.name}" ({self.target}) {why}']) from error


@implementer(IPlugin, IInputFactory)
class LazyInput(LazyFactory):
    """A door, declared."""

    kind = INPUT

    def input(self, name: str, config: InputTable, gateway: IGateway, context: Context) -> IInput:
        """See `IInputFactory`."""
        door: IInput = self.load().input(name, config, gateway, context)
        return door


@implementer(IPlugin, IOutcomeSinkFactory)
class LazySink(LazyFactory):
    """A sink, declared."""

    kind = SINK

    def sink(self, name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        """See `IOutcomeSinkFactory`."""
        sink: IOutcomeSink = self.load().sink(name, config, gateway, context)
        return sink


@implementer(IPlugin, IUpstreamFactory)
class LazyUpstream(LazyFactory):
    """An upstream, declared."""

    kind = UPSTREAM

    @property
    def rules(self) -> NotificationRules:
        """The target's rules; raises `CannotStart` like `load`."""
        rules: NotificationRules = self.load().rules
        return rules

    def upstream(self, app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        """See `IUpstreamFactory`."""
        upstream: IUpstream = self.load().upstream(app, config, work, context)
        return upstream
