"""Finds the plug-ins, the built-in ones and all others by the same rule.

A plug-in is an object at the top of a module in the package `pushgate.plugins` that provides one of the
factory interfaces. Each module is imported, so there is no cache to be out of date, and what cannot be used
is one line with the file and the reason.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from zope.interface import Invalid
from zope.interface.verify import verifyObject

from pushgate import plugins
from pushgate.model.errors import CannotStart, reason
from pushgate.model.names import NAME, NAME_RULE
from pushgate.plugin.factories import KINDS, Factory, NotInstalled


class Found(NamedTuple):
    """A plug-in that can be used, and the file that declares it."""

    factory: Any
    origin: str


class Broken(NamedTuple):
    """A file that cannot be used, or with a plug-in that cannot, and in one line why.

    :ivar needs: the distribution that is not installed, when that is all: nothing is wrong with the file.
    """

    origin: str
    reason: str
    needs: str = ""

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


class Registry(NamedTuple):
    """The plug-ins that can be used, by the word of their kind and by name, and what cannot be used."""

    found: dict[str, dict[str, Found]]
    broken: list[Broken]


def find(directories: Sequence[Path] = (), load: bool = False) -> Registry:
    """The plug-ins of `pushgate.plugins`, of which the directories become part for the life of the process.

    :param load: load the code of the lazy ones too, to see whether it can be used.
    :raises CannotStart: a directory cannot be listed. A plug-in that cannot be used does not raise.
    """
    faults = [f"--plugins {each}: not a directory" for each in directories if not each.is_dir()]
    if faults:
        raise CannotStart(faults)
    places = [*plugins.__path__, *(str(each.absolute()) for each in directories)]
    plugins.__path__[:] = dict.fromkeys(places)
    importlib.invalidate_caches()
    registry = Registry({kind.word: {} for kind in KINDS}, [])
    for place in plugins.__path__:  # in the order in which modules hide one another
        for finder, name, _ in pkgutil.iter_modules([place], f"{plugins.__name__}."):
            spec = finder.find_spec(name, None)
            if spec is not None:
                registry.broken.extend(_read(name, str(spec.origin), load, registry.found))
    return registry


def _read(name: str, origin: str, load: bool, found: dict[str, dict[str, Found]]) -> list[Broken]:
    """Import a module and enter the factories at its top; return those that cannot be used."""
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's code; the reason is reported
        return [Broken(origin, f"cannot be imported: {reason(error)}")]
    if module.__file__ != origin:
        return [Broken(origin, f"hidden by {module.__file__}, which has the same module name")]
    broken = []
    for variable, factory in vars(module).items():
        for kind in (each for each in KINDS if each.interface.providedBy(factory)):
            try:
                _admit(kind, Found(factory, origin), load, found[kind.word])
            except CannotStart as error:
                needs = error.needs if isinstance(error, NotInstalled) else ""
                broken += [Broken(origin, each, needs) for each in error.faults]
            except Invalid as error:
                broken.append(Broken(origin, f"{variable}: {' '.join(str(error).split())}"))
            except Exception as error:  # noqa: BLE001 - a property of a plug-in's; the reason is reported
                broken.append(Broken(origin, f"{variable}: {reason(error)}"))
    return broken


def _admit(kind: type[Factory], new: Found, load: bool, found: dict[str, Found]) -> None:
    """Enter a factory, which may have several variables; raise an error when it cannot be used."""
    factory = new.factory
    if load or not (isinstance(factory, Factory) and factory.target):
        verifyObject(kind.interface, factory)
        if not (isinstance(factory.config, type) and issubclass(factory.config, kind.table)):
            raise Invalid(f"its config must be a class derived from pushgate.plugin.{kind.table.__name__}")
    if not (isinstance(factory.name, str) and NAME.fullmatch(factory.name)):
        raise Invalid(f"its name must be {NAME_RULE}")
    taken = found.setdefault(factory.name, new)
    if taken.factory is not factory:
        raise Invalid(f'the {kind.word} name "{factory.name}" is taken by {taken.origin}')
