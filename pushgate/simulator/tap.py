"""``twistd -n --pidfile= pushgate-simulator``: the push service's side alone."""

from pathlib import Path
from typing import NoReturn

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.python import usage

from pushgate.model.errors import CannotStart
from pushgate.plugin.config_errors import read_toml, validated
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorFile


class SimulatorOptions(usage.Options):
    """The command line."""

    optParameters = [["config", "c", None, "TOML file with a [simulator] table; without it all is default"]]


class Standalone(Simulator):
    """A simulator that is the whole program."""

    def startService(self) -> None:
        try:
            super().startService()
        except CannotStart as error:
            _give_up(error)


Options = SimulatorOptions
"""The name that twistd looks for."""


def makeService(options: SimulatorOptions) -> IService:
    """The simulator for this command line; end the process with a line per fault of its configuration."""
    file = options["config"]
    try:
        config = validated(SimulatorFile, read_toml(Path(file)), file) if file else SimulatorFile()
    except CannotStart as error:
        _give_up(error)
    try:
        return Standalone(config.simulator, reactor)
    except CannotStart as error:
        _give_up(error, f"{file}: " if file else "")


def _give_up(error: CannotStart, where: str = "") -> NoReturn:
    """Say why and exit non-zero. Anything else would make twistd print a traceback or its whole usage."""
    raise SystemExit("\n".join(f"pushgate-simulator: {where}{fault}" for fault in error.faults)) from None
