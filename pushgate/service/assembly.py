"""Makes the parts that a configuration asks for."""

from collections.abc import Callable, Mapping
from typing import Any

from pushgate.hub.hub import Hub
from pushgate.hub.settings import HubTable
from pushgate.model.errors import CannotStart
from pushgate.model.principals import Grant
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.guard import checked, error_boundary
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.settings import InputTable, PrincipalTable, SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.service.config.principal_grants import grants


class Assembly:
    """Calls the factories and collects every fault; starts nothing."""

    def __init__(self, gateway: IGateway, context: Context) -> None:
        self._gateway, self._context = gateway, context
        self._faults: list[str] = []

    def do(self, build: Any, *args: Any) -> Any:
        """Return what `build` returns, or None after a `CannotStart`."""
        try:
            return build(*args)
        except CannotStart as error:
            self._faults += error.faults
            return None

    def sinks(
        self, tables: Mapping[str, tuple[IOutcomeSinkFactory, SinkTable]]
    ) -> dict[str, tuple[IOutcomeSink, int]]:
        """The sinks, by name, each with the reports that may wait for it."""
        return {
            name: (self.do(self._sink, name, factory, table), table.buffer)
            for name, (factory, table) in tables.items()
        }

    def hubs(self, tables: Mapping[str, HubTable]) -> dict[str, Hub]:
        """The hubs, by name; inputs find them in the context."""
        made = {
            name: self.do(Hub, name, table, self._gateway, self._context) for name, table in tables.items()
        }
        self._context.hubs.update(made)
        return made

    def inputs(self, tables: Mapping[str, tuple[IInputFactory, InputTable]]) -> dict[str, IInput]:
        """The inputs, by name."""
        return {name: self.do(self._input, name, factory, table) for name, (factory, table) in tables.items()}

    def principals(self, tables: Mapping[str, PrincipalTable]) -> Callable[[], None]:
        """Give every principal its grant; returns what undoes it."""
        # After a fault that there are some still counts: inputs are not to be found unguarded as well.
        granted = self.do(grants, tables) or {name: Grant() for name in tables}
        return self._context.principals.replace(granted)

    def check(self) -> None:
        """Raise `CannotStart` when there was a fault."""
        if self._faults:
            raise CannotStart(self._faults)

    def _sink(self, name: str, factory: IOutcomeSinkFactory, table: SinkTable) -> IOutcomeSink:
        what = f'sinks.{name}: sink "{factory.name}"'
        with error_boundary(what):
            sink = factory.sink(name, table, self._gateway, self._context)
        return checked(sink, IOutcomeSink, what)

    def _input(self, name: str, factory: IInputFactory, table: InputTable) -> IInput:
        what = f'inputs.{name}: input "{factory.name}"'
        with error_boundary(what):
            made = factory.input(name, table, self._gateway, self._context)
        return checked(made, IInput, what)
