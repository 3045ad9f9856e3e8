"""Directories of plug-ins for tests, and the source of plug-ins in them."""

import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pushgate import plugins
from pushgate.service.plugin_registry import Registry, find

SINK = """
from zope.interface import implementer

from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.settings import SinkTable


@implementer(IOutcomeSinkFactory)
class Factory:
    name = "pigeon"
    description = "by air, slowly"
    config = SinkTable

    def sink(self, name, config, gateway, context):
        raise NotImplementedError


pigeon = Factory()
"""
"""A module with a sink called ``pigeon``."""


class PlugInTestCase(SynchronousTestCase):
    """Forgets the directories and modules that a test added to the package of plug-ins."""

    def setUp(self) -> None:
        self._path, self._modules = list(plugins.__path__), set(sys.modules)
        self.addCleanup(self.forget)

    def forget(self) -> None:
        """Be as a process in which nothing was looked for yet."""
        plugins.__path__[:] = self._path
        for name in set(sys.modules) - self._modules:
            if name.startswith(f"{plugins.__name__}."):
                del sys.modules[name]
                vars(plugins).pop(name.rpartition(".")[2], None)

    def directory(self, **modules: str) -> Path:
        """A new directory with these modules: their names and their sources."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir(parents=True)
        for name, source in modules.items():
            (directory / f"{name}.py").write_text(source)
        return directory

    def found(self, *directories: Path) -> Registry:
        return find(directories)
