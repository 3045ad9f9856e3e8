"""The configuration: one TOML file, read once, into one typed tree; every fault of the file at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, Field

from pushgate.hub.settings import HubTable
from pushgate.model.errors import CannotStart
from pushgate.model.names import NAME, NAME_RULE
from pushgate.model.principals import ANONYMOUS
from pushgate.plugin.config_errors import fault, read_toml, shape, suggestion, validated
from pushgate.plugin.factories import Factory, InputFactory, SinkFactory, UpstreamFactory
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, Duration, InputTable, PrincipalTable, SinkTable, Table
from pushgate.service.config import cross_checks
from pushgate.service.config.certificate_subject import SUBJECT_RULE, is_subject
from pushgate.service.plugin_registry import Registry, find

STATE_DIR: Final = Path("pushgate-state")
"""The directory of the state by default; relative to the working directory."""

_T = TypeVar("_T", bound=BaseModel)


def _state_dir(value: object) -> Path | None:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError('must be the path of a directory, or "memory"')
    # Absolute from here on: twistd changes its directory later when it becomes a daemon.
    return None if value == "memory" else Path(value).absolute()


def _is_directory(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # such as a name that is too long
        return False


def _plug_in_directory(value: object) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not _is_directory(value):
        raise ValueError("must be the path of a directory that is there")
    return Path(value).absolute()


class GatewayTable(Table):
    """``[gateway]``: everything has a default.

    :param state_dir: for the spool and the dead tokens; None, written ``"memory"``, keeps nothing.
    :param expiry: seconds a notification waits for an unreachable push service at most.
    :param drain_timeout: seconds that the upstreams may go on sending at a stop.
    :param queue_limit: notifications waiting per app; beyond it submits are refused.
    :param plugins: directories of plug-ins, as with ``--plugins``; see `plug_ins_for`.
    """

    state_dir: Annotated[Path | None, BeforeValidator(_state_dir)] = Field(default_factory=STATE_DIR.absolute)
    expiry: Duration = Field(default=1800.0, gt=0)
    drain_timeout: Duration = 30.0
    queue_limit: int = Field(default=1_000_000, ge=1)
    plugins: list[Annotated[Path, BeforeValidator(_plug_in_directory)]] = []


class Config(msgspec.Struct, frozen=True):
    """The typed tree. Apps, inputs and sinks by name: the factory that makes it, and its table."""

    gateway: GatewayTable
    apps: dict[str, tuple[IUpstreamFactory, AppTable]]
    inputs: dict[str, tuple[IInputFactory, InputTable]]
    sinks: dict[str, tuple[IOutcomeSinkFactory, SinkTable]]
    principals: dict[str, PrincipalTable] = {}
    hubs: dict[str, HubTable] = {}


def plug_ins_for(file: Path | None, directories: Sequence[Path] = (), load: bool = False) -> Registry:
    """The plug-ins there are for a configuration: those of `directories`, and of its ``gateway.plugins``.

    An entry of that key that is no directory is left out here, and a fault of the file when that is read.

    :param file: None: a gateway that is started without one.
    :param load: see `find`.
    :raises CannotStart: the file or one of `directories` cannot be read.
    """
    tree = {} if file is None else read_toml(file)
    gateway = tree.get("gateway")
    named = gateway.get("plugins") if isinstance(gateway, Mapping) else None
    paths = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    return find([*directories, *(Path(each) for each in paths if _is_directory(each))], load)


def read_config(file: Path, registry: Registry) -> Config:
    """The configuration in `file`.

    :raises CannotStart: with all its faults, one line each.
    """
    return config_from(read_toml(file), str(file), registry)


def config_from(tree: Mapping[str, Any], file: str, registry: Registry) -> Config:
    """The configuration in the tables of a TOML file.

    :param file: its name in faults.
    :raises CannotStart: with all its faults, one line each.
    """
    config, faults = readable_part(tree, file, registry)
    if faults:
        raise CannotStart(faults)
    return config


def readable_part(tree: Mapping[str, Any], file: str, registry: Registry) -> tuple[Config, list[str]]:
    """The tables without a fault in the tables of a TOML file, and the faults, one line each."""
    names = {
        key: sorted(tree.get(key, ()))
        for key in ("apps", "hubs", "principals")
        if isinstance(tree.get(key, {}), Mapping)
    }
    reader = _Reader(file, registry, names)
    gateway = reader.table(GatewayTable, tree.get("gateway", {}), ("gateway",))
    apps, inputs, sinks = (reader.section(section, tree.get(section.key, {})) for section in _SECTIONS)
    reader.check_alone(sinks)
    principals = reader.principals(tree.get("principals", {}))
    hubs = reader.plain_tables("hubs", HubTable, tree.get("hubs", {}))
    known = ["gateway", "hubs", "principals", *(section.key for section in _SECTIONS)]
    reader.check_keys(tree, known)
    reader.cross(cross_checks.faults(inputs, sinks, open_to_all=not tree.get("principals")))
    reader.cross(cross_checks.hub_faults(hubs, apps, gateway is None or gateway.state_dir is not None))
    config = Config(gateway or GatewayTable(), apps, inputs, sinks, principals, hubs)
    return config, reader.faults


class _Section(NamedTuple):
    """A table of named tables, each of which chooses a plug-in.

    :param chooser: the key that names the plug-in.
    """

    key: str
    kind: type[Factory]
    chooser: str


_SECTIONS: Final = (
    _Section("apps", UpstreamFactory, "upstream"),
    _Section("inputs", InputFactory, "type"),
    _Section("sinks", SinkFactory, "type"),
)


class _Reader:
    """Reads the sections of one file and collects the faults."""

    def __init__(self, file: str, registry: Registry, names: Mapping[str, Collection[str]]) -> None:
        self._file, self._registry, self._names = file, registry, names
        self.faults: list[str] = []

    def fault(self, path: tuple[str, ...], wrong: str, allowed: str) -> None:
        self.faults.append(fault(self._file, path, wrong, allowed))

    def cross(self, lines: Iterable[str]) -> None:
        """Take over faults between tables."""
        self.faults += [f"{self._file}: {line}" for line in lines]

    def check_keys(self, tree: Mapping[str, Any], known: Collection[str]) -> None:
        """Find tables that there are not, and those that are required and missing."""
        for key in sorted(tree.keys() - set(known)):
            self.fault((key,), "unknown key", suggestion(key, known))
        if not tree.get("apps"):
            self.fault(("apps",), "missing", "at least one [apps.NAME] is required")
            if not tree.get("inputs"):
                self.fault(("inputs",), "missing", "an [inputs.NAME] is how notifications come in")

    def table(self, model: type[_T], data: object, path: tuple[str, ...]) -> _T | None:
        try:
            return validated(model, data, self._file, path, self._names)
        except CannotStart as error:
            self.faults += error.faults
            return None

    def section(self, section: _Section, data: object) -> dict[str, Any]:
        chosen = {name: self._chosen(section, name, table) for name, table in self._tables(section.key, data)}
        return {name: each for name, each in chosen.items() if each is not None}

    def check_alone(self, sinks: Mapping[str, tuple[Any, SinkTable]]) -> None:
        """Find second sinks of a type of which there may be one only."""
        first: dict[str, str] = {}
        for name, (_, table) in sinks.items():
            if table.ONE and first.setdefault(table.type, name) != name:
                wrong = f'a second "{table.type}"'
                self.fault(("sinks", name, "type"), wrong, f"there may be one: sinks.{first[table.type]}")

    def plain_tables(
        self,
        key: str,
        model: type[_T],
        data: object,
        check: Callable[[tuple[str, str], _T], None] | None = None,
    ) -> dict[str, _T]:
        """The tables of a section that choose no plug-in, by name.

        :param check: finds further faults of a table.
        """
        found = {}
        for name, each in self._tables(key, data):
            table = self.table(model, each, (key, name))
            if table is not None:
                found[name] = table
                if check is not None:
                    check((key, name), table)
        return found

    def principals(self, data: object) -> dict[str, PrincipalTable]:
        """The tables of principals."""
        return self.plain_tables("principals", PrincipalTable, data, self._check_proof)

    def _check_proof(self, path: tuple[str, str], table: PrincipalTable) -> None:
        given = [key for key in ("secret_file", "certificate") if getattr(table, key) is not None]
        if path[1] == ANONYMOUS and given:
            allowed = (
                f"{ANONYMOUS} stands for callers that have not logged in; give the principal another name"
            )
            self.fault((*path, given[0]), "nothing can prove it", allowed)
        elif path[1] != ANONYMOUS and not given:
            self.fault(path, "nothing proves it", "secret_file or certificate is required")
        if table.certificate is not None and not is_subject(table.certificate):
            self.fault((*path, "certificate"), shape(table.certificate), f"must be {SUBJECT_RULE}")

    def _tables(self, key: str, data: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The tables under a key, by name; all others are faults."""
        if not isinstance(data, Mapping):
            self.fault((key,), shape(data), f"must be tables [{key}.NAME]")
            return
        for name, table in data.items():
            if not NAME.fullmatch(name):
                self.fault((key, name), f"a name of length {len(name)}", f"must be {NAME_RULE}")
            if isinstance(table, Mapping):
                yield name, table
            else:
                self.fault((key, name), shape(table), "must be a table")

    def _chosen(self, section: _Section, name: str, data: Mapping[str, Any]) -> tuple[Any, Any] | None:
        path = (section.key, name)
        where = (*path, section.chooser)
        factory = self._factory(section.kind, where, data.get(section.chooser))
        try:
            table = None if factory is None else self.table(factory.config, data, path)
        except CannotStart as error:
            known = ", ".join(sorted(self._registry.found[section.kind.word]))
            self.fault(where, error.faults[0], f"known: {known}")
            return None
        return None if table is None else (factory, table)

    def _factory(self, kind: type[Factory], where: tuple[str, ...], name: object) -> Any:
        known = self._registry.found[kind.word]
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
