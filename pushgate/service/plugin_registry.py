"""Finds the plug-ins: the built-in ones and a stranger's by the same rule.

A plug-in is an object at the top of a module in the package `pushgate.plugins` that provides
`twisted.plugin.IPlugin` and one of our factory interfaces; `getPlugins` finds it. But `getPlugins` leaves out
what it cannot import with no more than a traceback in the log, believes a ``dropin.cache`` that is out of
date, and does not say where a plug-in came from. An operator needs a line for each of these, so every module
is imported and looked into here. `getPlugins` is asked afterwards, about its cache, and only when there is no
module on which it would print a traceback.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from twisted.logger import Logger
from twisted.plugin import IPlugin, getPlugins

from pushgate import plugins
from pushgate.model.errors import CannotStart, reason
from pushgate.plugin.interfaces import IInputFactory, IOutcomeSinkFactory, IPlugInFactory, IUpstreamFactory
from pushgate.plugin.kinds import KINDS, Kind, defect
from pushgate.plugin.lazy import LazyFactory

NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a plug-in, an app, an input or a sink may be called."""
NAME_RULE: Final = "1 to 64 of A-Z a-z 0-9 . _ -"

_F = TypeVar("_F")
_log = Logger()


class Found(NamedTuple, Generic[_F]):
    """A plug-in that can be used.

    :param origin: the file that declares it.
    """

    factory: _F
    origin: str


class Broken(NamedTuple):
    """Something that looks like a plug-in and cannot be used.

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
        by_word: dict[str, dict[str, Found[Any]]] = {
            "input": self.inputs,
            "sink": self.sinks,
            "upstream": self.upstreams,
        }
        return by_word[kind.word]

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
    modules = [module for spec in _specs() if (module := _imported(spec, registry)) is not None]
    offered = None if registry.broken else _offered()
    for module in modules:
        _admit_module(module, offered, registry)
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


def _offered() -> set[int]:
    """The identities of the factories that `getPlugins` yields."""
    try:
        return {id(each) for each in getPlugins(IPlugInFactory, plugins)}
    except Exception:  # noqa: BLE001 - whatever a stale cache or a plug-in raises must not stop the start
        _log.failure("looking for plug-ins")
        return set()


def _specs() -> Iterator[ModuleSpec]:
    """The modules of the package in the order in which they hide one another."""
    for directory in plugins.__path__:
        for finder, name, _ in pkgutil.iter_modules([directory], f"{plugins.__name__}."):
            spec = finder.find_spec(name, None)
            if spec is not None:
                yield spec


def _imported(spec: ModuleSpec, registry: Registry) -> ModuleType | None:
    """The module, or None and a line in the registry why it cannot be used."""
    origin = str(spec.origin)
    try:
        module = importlib.import_module(spec.name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code; the reason is reported
        registry.broken.append(Broken(origin, f"cannot be imported: {reason(error)}"))
        return None
    if module.__file__ != origin:
        registry.broken.append(Broken(origin, f"hidden by {module.__file__}, which has the same module name"))
        return None
    return module


def _admit_module(module: ModuleType, offered: set[int] | None, registry: Registry) -> None:
    """Take in a module's factories.

    :param offered: what `_offered` says; None when it was not asked.
    """
    origin = str(module.__file__)
    for variable, factory in _factories(module):
        if offered is not None and id(factory) not in offered and IPlugin.providedBy(factory):
            _log.warn(
                "{origin}: {variable} is not in dropin.cache, which is out of date; delete it",
                origin=origin,
                variable=variable,
            )
        for kind in KINDS:
            if kind.interface.providedBy(factory):
                _admit(kind, Found(factory, origin), variable, registry)


def _factories(module: ModuleType) -> list[tuple[str, object]]:
    """Each factory at the top of a module once, with the name of its variable."""
    found: dict[int, tuple[str, object]] = {}
    for variable, value in vars(module).items():
        if IPlugInFactory.providedBy(value):
            found.setdefault(id(value), (variable, value))
    return list(found.values())


def _admit(kind: Kind, found: Found[Any], variable: str, registry: Registry) -> None:
    """Take in a factory, unless something is wrong with it or its name is taken."""
    known = registry.of(kind)
    why = _objection(kind, found.factory)
    if why is None and found.factory.name in known:
        why = f'the {kind.word} name "{found.factory.name}" is taken by {known[found.factory.name].origin}'
    if why is None:
        known[found.factory.name] = found
    else:
        registry.broken.append(Broken(found.origin, f"{variable}: {why}"))


def _objection(kind: Kind, factory: Any) -> str | None:
    marked: bool = IPlugin.providedBy(factory)
    if not marked:
        return "provides no twisted.plugin.IPlugin"
    try:
        # A lazy one is verified when it is loaded.
        why = None if isinstance(factory, LazyFactory) else defect(kind, factory)
        if why is None and not (isinstance(factory.name, str) and NAME.fullmatch(factory.name)):
            why = f"its name must be {NAME_RULE}"
    except Exception as error:  # noqa: BLE001 - a stranger's property; the reason is reported
        why = reason(error)
    return why
