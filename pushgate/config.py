"""The configuration: one TOML file, read once, into one typed tree; every fault of the file at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, Field

from pushgate.errors import CannotStart
from pushgate.faults import fault, read_toml, shape, suggestion, validated
from pushgate.interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.kinds import INPUT, SINK, UPSTREAM, Kind
from pushgate.registry import NAME, NAME_RULE, Registry
from pushgate.settings import AppTable, DoorTable, Duration, SinkTable, Table

STATE_DIR: Final = Path("pushgate-state")
"""Where state is kept unless the configuration says otherwise; relative to the working directory."""

DEMO_DEAD: Final = "dead"
"""Tokens that begin so are dead in the embedded default, for trying out what then happens."""

_T = TypeVar("_T", bound=BaseModel)


def _state_dir(value: object) -> Path | None:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError('must be the path of a directory, or "memory"')
    # Absolute from here on: twistd changes its directory later when it becomes a daemon.
    return None if value == "memory" else Path(value).absolute()


class GatewayTable(Table):
    """``[gateway]``: everything has a default.

    :param state_dir: for the spool and the registers; None, written ``"memory"``, keeps nothing.
    :param expiry: seconds a notification waits for an unreachable push service at most.
    :param drain_timeout: seconds a stop may take.
    :param queue_limit: notifications waiting per app; beyond it submits are refused.
    """

    state_dir: Annotated[Path | None, BeforeValidator(_state_dir)] = Field(default_factory=STATE_DIR.absolute)
    expiry: Duration = Field(default=1800.0, gt=0)
    drain_timeout: Duration = 30.0
    queue_limit: int = Field(default=1_000_000, ge=1)


class Config(msgspec.Struct, frozen=True):
    """The typed tree. Apps, inputs and sinks by name: the factory that makes it, and its table."""

    gateway: GatewayTable
    apps: dict[str, tuple[IUpstreamFactory, AppTable]]
    inputs: dict[str, tuple[IInputFactory, DoorTable]]
    sinks: dict[str, tuple[IOutcomeSinkFactory, SinkTable]]


def read_config(file: Path, registry: Registry) -> Config:
    """The configuration in `file`.

    :raises CannotStart: with all its faults, one line each.
    """
    return config_from(read_toml(file), str(file), registry)


def embedded_default(registry: Registry, state_dir: Path = STATE_DIR) -> Config:
    """What runs without a file: an app ``demo`` on a simulator in this process, doors on loopback."""
    tree = {
        "gateway": {"state_dir": str(state_dir)},
        "apps": {
            "demo": {
                "upstream": "simulator",
                "response_timeout": "2s",  # the simulator is near: who tries things out need not wait longer
                "simulator": {"dead": [DEMO_DEAD]},
            }
        },
        "inputs": {"amp": {"type": "amp", "listen": "tcp:7215:interface=127.0.0.1"}},
        "sinks": {
            "log": {"type": "log"},
            "outcomes": {"type": "jsonl", "path": str(state_dir.absolute() / "outcomes.jsonl")},
            "metrics": {"type": "metrics", "listen": "tcp:7217:interface=127.0.0.1"},
        },
    }
    return config_from(tree, "(the embedded default)", registry)


def config_from(tree: Mapping[str, Any], file: str, registry: Registry) -> Config:
    """The configuration in the tables of a TOML file.

    :param file: what faults call it.
    :raises CannotStart: with all its faults, one line each.
    """
    reading = _Reading(file, registry)
    gateway = reading.table(GatewayTable, tree.get("gateway", {}), ("gateway",))
    apps, inputs, sinks = (reading.section(section, tree.get(section.key, {})) for section in _SECTIONS)
    known = ["gateway", *(section.key for section in _SECTIONS)]
    for key in sorted(tree.keys() - set(known)):
        reading.fault((key,), "unknown key", suggestion(key, known))
    if not tree.get("apps"):
        reading.fault(("apps",), "missing", "at least one [apps.NAME] is required")
        if not tree.get("inputs"):
            reading.fault(("inputs",), "missing", "an [inputs.NAME] is how notifications come in")
    if reading.faults or gateway is None:
        raise CannotStart(reading.faults)
    return Config(gateway, apps, inputs, sinks)


class _Section(NamedTuple):
    """A table of named tables, each of which chooses a plug-in.

    :param chooser: the key that names the plug-in.
    """

    key: str
    kind: Kind
    chooser: str


_SECTIONS: Final = (
    _Section("apps", UPSTREAM, "upstream"),
    _Section("inputs", INPUT, "type"),
    _Section("sinks", SINK, "type"),
)


class _Reading:
    """Reads the parts of one file and gathers what is wrong with them."""

    def __init__(self, file: str, registry: Registry) -> None:
        self._file, self._registry = file, registry
        self.faults: list[str] = []

    def fault(self, path: tuple[str, ...], wrong: str, allowed: str) -> None:
        self.faults.append(fault(self._file, path, wrong, allowed))

    def table(self, model: type[_T], data: object, path: tuple[str, ...]) -> _T | None:
        try:
            return validated(model, data, self._file, path)
        except CannotStart as error:
            self.faults += error.faults
            return None

    def section(self, section: _Section, data: object) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fault((section.key,), shape(data), f"must be tables [{section.key}.NAME]")
            return {}
        chosen = {name: self._named(section, name, data[name]) for name in data}
        return {name: each for name, each in chosen.items() if each is not None}

    def _named(self, section: _Section, name: str, data: object) -> tuple[Any, Any] | None:
        path = (section.key, name)
        if not NAME.fullmatch(name):
            self.fault(path, f"a name of length {len(name)}", f"must be {NAME_RULE}")
        if not isinstance(data, Mapping):
            self.fault(path, shape(data), "must be a table")
            return None
        where = (*path, section.chooser)
        factory = self._factory(section.kind, where, data.get(section.chooser))
        try:
            table = None if factory is None else self.table(factory.config, data, path)
        except CannotStart as error:
            known = ", ".join(sorted(self._registry.of(section.kind)))
            self.fault(where, error.faults[0], f"known: {known}")
            return None
        return None if table is None else (factory, table)

    def _factory(self, kind: Kind, where: tuple[str, ...], name: object) -> Any:
        known = self._registry.of(kind)
        if isinstance(name, str) and name in known:
            return known[name].factory
        if name is None:
            wrong = "missing"
        elif isinstance(name, str) and NAME.fullmatch(name):
            wrong = f'there is no {kind.word} "{name}"'
        else:
            wrong = shape(name)
        allowed = f"known: {', '.join(sorted(known)) or 'none'}"
        # One of these may be the plug-in that was meant.
        unusable = "".join(f"; not usable: {each}" for each in self._registry.broken)
        self.fault(where, wrong, allowed + (unusable if name is not None else ""))
        return None
