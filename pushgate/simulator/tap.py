"""``twistd -n --pidfile= pushgate-simulator``: the push service's side alone."""

from pathlib import Path
from typing import NoReturn

from twisted.application.service import IService
from twisted.internet import reactor
from twisted.python import usage

from pushgate.model.errors import CannotStart
from pushgate.net.log_output import OwnLog, check_format, log_observer
from pushgate.plugin.config_errors import read_toml, validated
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorFile


class SimulatorOptions(usage.Options):
    """The command line."""

    optParameters = [
        ["config", "c", None, "TOML file with a [simulator] table; without it all is default"],
        ["log-format", None, "text", "How the log's lines are written: text or json."],
    ]

    def postOptions(self) -> None:
        """Raise `UsageError` when there is no such format of the log."""
        check_format(self["log-format"])


class Standalone(OwnLog, Simulator):
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
        simulator = Standalone(config.simulator, reactor)
    except CannotStart as error:
        _give_up(error, f"{file}: " if file else "")
    simulator.log_observer = log_observer(options.parent, options["log-format"], reactor)
    return simulator


def _give_up(error: CannotStart, where: str = "") -> NoReturn:
    """Say why and exit non-zero. Anything else would make twistd print a traceback or its whole usage."""
    raise SystemExit("\n".join(f"pushgate-simulator: {where}{fault}" for fault in error.faults)) from None
