"""Finds the plug-ins, the built-in ones and all others by the same rule.

A plug-in is an object at the top of a module in the package `pushgate.plugins` that provides one of the
factory interfaces. Each module is imported, so there is no cache to be out of date, and what cannot be used
is one line with the file and the reason.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from zope.interface import Invalid
from zope.interface.verify import verifyObject

from pushgate import plugins
from pushgate.model.errors import CannotStart, reason
from pushgate.plugin.factories import KINDS, Kind, LazyFactory
from pushgate.plugin.interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""The names that a plug-in, an app, an input or a sink may have."""
NAME_RULE: Final = "1 to 64 of A-Z a-z 0-9 . _ -"

_F = TypeVar("_F")


class Found(NamedTuple, Generic[_F]):
    """A plug-in that can be used.

    :param origin: the file that declares it.
    """

    factory: _F
    origin: str


class Broken(NamedTuple):
    """A module or plug-in that cannot be used.

    :param origin: the file.
    :param reason: one line.
    """

    origin: str
    reason: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


class Registry(msgspec.Struct, frozen=True):
    """The plug-ins there are, by name, and what could not be used."""

    inputs: dict[str, Found[IInputFactory]]
    sinks: dict[str, Found[IOutcomeSinkFactory]]
    upstreams: dict[str, Found[IUpstreamFactory]]
    broken: list[Broken]

    def of(self, kind: Kind) -> dict[str, Found[Any]]:
        """The plug-ins of one kind."""
        found: dict[str, Found[Any]] = getattr(self, f"{kind.word}s")
        return found

    def unloadable(self) -> list[Broken]:
        """The plug-ins that are declared but whose code cannot be loaded. Loads the code of all."""
        broken = []
        for kind in KINDS:
            for found in self.of(kind).values():
                try:
                    _ = found.factory.config
                except CannotStart as error:
                    broken.append(Broken(found.origin, error.faults[0]))
        return broken


def find(directories: Sequence[Path] = ()) -> Registry:
    """The plug-ins of `pushgate.plugins` and of the modules in `directories`.

    The directories become part of the package `pushgate.plugins` for the life of the process.

    :raises CannotStart: a directory cannot be listed. A plug-in that cannot be used does not raise.
    """
    _adopt(directories)
    registry = Registry({}, {}, {}, [])
    for name, origin in _modules():
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's code; the reason is reported
            registry.broken.append(Broken(origin, f"cannot be imported: {reason(error)}"))
            continue
        if module.__file__ == origin:
            _admit_all(module, origin, registry)
        else:
            why = f"hidden by {module.__file__}, which has the same module name"
            registry.broken.append(Broken(origin, why))
    return registry


def _adopt(directories: Sequence[Path]) -> None:
    faults = [f"--plugins {each}: not a directory" for each in directories if not each.is_dir()]
    if faults:
        raise CannotStart(faults)
    for directory in directories:
        place = str(directory.absolute())
        if place not in plugins.__path__:
            plugins.__path__.append(place)
    importlib.invalidate_caches()


def _modules() -> Iterator[tuple[str, str]]:
    """Name and file of each module of the package, in the order in which they hide one another."""
    for directory in plugins.__path__:
        for finder, name, _ in pkgutil.iter_modules([directory], f"{plugins.__name__}."):
            spec = finder.find_spec(name, None)
            if spec is not None:
                yield name, str(spec.origin)


def _admit_all(module: ModuleType, origin: str, registry: Registry) -> None:
    """Enter the factories at the top of a module, or the reasons why they cannot be used."""
    for variable, factory in vars(module).items():
        for kind in KINDS:
            if kind.interface.providedBy(factory):
                why = _defect(kind, factory) or _admit(kind, Found(factory, origin), registry)
                if why is not None:
                    registry.broken.append(Broken(origin, f"{variable}: {why}"))


def _defect(kind: Kind, factory: Any) -> str | None:
    """Return why `factory` cannot be used, in one line; None when it can."""
    try:
        if not isinstance(factory, LazyFactory):  # one of these checks its target when it is loaded
            verifyObject(kind.interface, factory)
            if not (isinstance(factory.config, type) and issubclass(factory.config, kind.table)):
                return f"its config must be a class derived from pushgate.plugin.{kind.table.__name__}"
        if not (isinstance(factory.name, str) and NAME.fullmatch(factory.name)):
            return f"its name must be {NAME_RULE}"
    except Invalid as error:
        return " ".join(str(error).split())
    except Exception as error:  # noqa: BLE001 - a property of a plug-in's; the reason is reported
        return reason(error)
    return None


def _admit(kind: Kind, found: Found[Any], registry: Registry) -> str | None:
    """Enter a factory, which may have several variables; return why not when its name is taken."""
    taken = registry.of(kind).setdefault(found.factory.name, found)
    if taken.factory is not found.factory:
        return f'the {kind.word} name "{found.factory.name}" is taken by {taken.origin}'
    return None
