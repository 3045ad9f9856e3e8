"""``twistd pushgate``: the one place where everything is put together."""

import random
import sys
import time
from pathlib import Path
from shutil import which
from typing import Any

from twisted.internet import reactor
from twisted.logger import Logger
from twisted.python import usage

from pushgate.config import DEMO_DEAD, Config, embedded_default, read_config
from pushgate.errors import CannotStart
from pushgate.gateway import Gateway, Limits
from pushgate.house import House
from pushgate.interfaces import Context, ISpool
from pushgate.registry import find
from pushgate.spool.memory import MemorySpool
from pushgate.spool.sqlite import SqliteSpool
from pushgate.tally import Tally

_log = Logger()
_SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread must let another one run. The spool's thread gives the interpreter up with
each statement, and a busy reactor would keep it for 5 ms each time."""


class Options(usage.Options):
    """The command line of ``twistd pushgate``."""

    longdesc = (
        "Without --config: an app `demo` on a simulator inside this process, doors on loopback, "
        "state in ./pushgate-state."
    )
    optParameters = [["config", "c", None, "Configuration file, TOML."]]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self["plugins"] = []

    def opt_plugins(self, directory: str) -> None:
        """Directory with drop-in plug-ins; may be given more than once."""
        self["plugins"].append(Path(directory))


def makeService(options: Options) -> House:
    """The gateway as a service; end the process with a line per fault of its configuration."""
    try:
        registry = find(options["plugins"])
        for broken in registry.broken:
            _log.warn("plug-in not usable: {broken}", broken=str(broken))
        file = options["config"]
        if file:
            return compose(read_config(Path(file), registry), reactor)
        return compose(embedded_default(registry), reactor, _hint())
    except CannotStart as error:
        for fault in error.faults:
            sys.stderr.write(f"pushgate: {fault}\n")
        sys.exit(1)


def compose(config: Config, reactor: Any, hint: str = "") -> House:
    """Build everything a configuration asks for, and start nothing.

    :param hint: see `House`.
    :raises CannotStart: with every fault, one line each.
    """
    _make_state_dir(config.gateway.state_dir)
    chance = random.SystemRandom()
    context = Context(
        reactor=reactor,
        wall=time.time,
        jitter=chance.random,
        tally=Tally(),
        state_dir=config.gateway.state_dir,
    )
    limits = Limits(config.gateway.expiry, config.gateway.queue_limit)
    gateway = Gateway(context, _spool(context), limits, lambda: chance.getrandbits(58))
    building = _Building()
    for app, (upstream, table) in config.apps.items():
        building.do(gateway.add_app, app, table, upstream)
    sinks = [
        (name, building.do(factory.sink, name, table, gateway, context), table.buffer)
        for name, (factory, table) in config.sinks.items()
    ]
    inputs = {
        name: building.do(factory.input, name, table, gateway, context)
        for name, (factory, table) in config.inputs.items()
    }
    building.check()
    return House(gateway, sinks, inputs, config.gateway.drain_timeout, reactor, hint)


def _make_state_dir(directory: Path | None) -> None:
    """Make the directory before anything asks for a place in it; raise `CannotStart` when that cannot be."""
    if directory is None:
        _log.warn('gateway.state_dir is "memory": what waits is lost when this process ends')
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        rule = 'a directory that can be made and written, or "memory"'
        raise CannotStart([f"gateway.state_dir: {directory}: {error.strerror}; must be {rule}"]) from error


def _spool(context: Context) -> ISpool:
    if context.state_dir is None:
        return MemorySpool(context.reactor)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    return SqliteSpool(context.state_dir, context)


def _hint() -> str:
    """What to type next. The command is often not on the PATH but beside the twistd that runs this."""
    beside = Path(sys.argv[0]).with_name("pushgate")
    command = "pushgate" if which("pushgate") or not beside.exists() else str(beside)
    return (
        "\n\nIn another terminal:"
        f"\n  {command} watch"
        f"\n  {command} send --app demo --token 0a1b2c3d --alert hello"
        f"\n  {command} send --app demo --token {DEMO_DEAD}4711 --alert 'to a dead token'"
        "\nCtrl-C ends it."
    )


class _Building:
    """Calls what builds a part, and gathers every fault."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    def do(self, build: Any, *args: Any) -> Any:
        """What `build` returns; None when it cannot."""
        try:
            return build(*args)
        except CannotStart as error:
            self._faults += error.faults
            return None

    def check(self) -> None:
        """Raise `CannotStart` when there was a fault."""
        if self._faults:
            raise CannotStart(self._faults)
