"""``twistd pushgate``: the composition of the process."""

import gc
import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python import usage

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.interface import ISpool
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.mdm.managed_devices import ManagedDevices
from pushgate.mdm.push_outcomes import INPUT_NAME
from pushgate.model.errors import CannotStart
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Principals
from pushgate.net.log_output import check_format, log_observer
from pushgate.plugin.context import Context
from pushgate.service.assembly import Assembly
from pushgate.service.config.cross_checks import warnings
from pushgate.service.config.embedded_default import DEMO_DEAD, embedded_default
from pushgate.service.config.named_files import all_digests
from pushgate.service.config.reader import Config, plug_ins_for, read_config
from pushgate.service.entropy import Entropy
from pushgate.service.exit_status import BAD_CONFIG, FAILED
from pushgate.service.lifecycle import HUB_BUFFER, Lifecycle
from pushgate.service.monotonic_clock import keep_steady
from pushgate.service.open_files import OpenFiles
from pushgate.service.parts import Parts
from pushgate.service.process_facts import ProcessFacts
from pushgate.service.reactor_watchdog import Watchdog
from pushgate.service.reload import Reloader
from pushgate.service.signals import end_once
from pushgate.service.systemd_notify import SystemdNotifier

_log = Logger()
_SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread must let another one run. The spool's thread releases the interpreter with
each statement, and a busy reactor would keep it for 5 ms, Python's default, each time."""


class NoStateDir(CannotStart):
    """The directory of the state cannot be used: its disk may be there at the next try."""


class Options(usage.Options):
    """The command line of ``twistd pushgate``."""

    longdesc = (
        "Without --config: an app `demo` on a simulator inside this process, inputs on loopback, "
        "state in ./pushgate-state."
    )
    optParameters = [
        ["config", "c", None, "Configuration file, TOML."],
        ["log-format", None, "text", "How the log's lines are written: text or json."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self["plugins"] = []

    def opt_plugins(self, directory: str) -> None:
        """Directory with drop-in plug-ins; may be given more than once."""
        self["plugins"].append(Path(directory))

    def postOptions(self) -> None:
        """Raise `UsageError` when there is no such format of the log."""
        check_format(self["log-format"])


def makeService(options: Options) -> Lifecycle:
    """The gateway as a service; end the process with a line per fault of its configuration."""
    keep_steady(reactor)
    try:
        # Absolute: a daemon may change its directory, and the file is read again.
        path = Path(options["config"]).absolute() if options["config"] else None
        registry = plug_ins_for(path, options["plugins"])
        for broken in registry.broken:
            _log.warn("plug-in not usable: {broken}", broken=str(broken))
        notifier = SystemdNotifier.of(os.environ, reactor, time.monotonic)
        if path:
            read = partial(read_config, path, registry)
            config = read()
            for line in warnings(config.inputs):
                _log.warn("{line}", line=line)
            service = compose(config, reactor, read=read, notifier=notifier)
        else:
            service = compose(embedded_default(registry), reactor, _hint(), notifier=notifier)
    except CannotStart as error:
        for fault in error.faults:
            sys.stderr.write(f"pushgate: {fault}\n")
        sys.exit(FAILED if isinstance(error, NoStateDir) else BAD_CONFIG)
    service.log_observer = log_observer(options.parent, options["log-format"], reactor)
    reactor.callWhenRunning(end_once)
    gc.freeze()  # the collector need not look again and again at what is there for good
    return service


def compose(
    config: Config,
    reactor: Any,
    hint: str = "",
    read: Callable[[], Config] | None = None,
    notifier: SystemdNotifier | None = None,
) -> Lifecycle:
    """Build everything a configuration asks for, and start nothing.

    :param hint: see `Lifecycle`, as for `notifier`.
    :param read: reads the configuration again, for a reload.
    :raises CannotStart: with every fault, one line each.
    """
    _make_state_dir(config.gateway.state_dir)
    open_files = OpenFiles()
    open_files.fit(config)
    context = _context(config, reactor, random.SystemRandom().random, open_files)
    files = all_digests(config)
    gateway = _gateway(config, context)
    assembly = Assembly(gateway, context)
    assembly.principals(config.principals)
    for app, (upstream, table) in config.apps.items():
        assembly.do(gateway.add_app, app, table, upstream)
    hubs = assembly.hubs(config.hubs)
    sinks, inputs = assembly.sinks(config.sinks), assembly.inputs(config.inputs)
    assembly.check()
    parts = Parts(gateway, sinks, inputs, config.gateway.drain_timeout, hubs, _devices(context))
    reloader = None if read is None else Reloader(parts, context, config, files, read, open_files.fit)
    watchdog = Watchdog(reactor, context.metrics, parts.named)
    return Lifecycle(parts, reactor, hint, reloader, watchdog, notifier)


def _devices(context: Context) -> ManagedDevices:
    devices = context.managed_devices
    assert isinstance(devices, ManagedDevices)
    return devices


def _gateway(config: Config, context: Context) -> Gateway:
    entropy, limits = Entropy(), Limits(config.gateway.expiry, config.gateway.queue_limit)
    gateway = Gateway(context, _spool(context), limits, lambda: entropy.bits(58))
    gateway.process = ProcessFacts(context.state_dir).read
    _devices(context).serve(gateway, lambda sink: gateway.add_sink(INPUT_NAME, sink, HUB_BUFFER))
    return gateway


def _context(config: Config, reactor: Any, jitter: Callable[[], float], open_files: OpenFiles) -> Context:
    context = Context(
        reactor=reactor,
        wall=time.time,
        jitter=jitter,
        metrics=Metrics(),
        state_dir=config.gateway.state_dir,
        principals=Principals(),
        files_scarce=open_files.scarce,
        hubs={},
        in_thread=lambda what, *given: deferToThreadPool(reactor, reactor.getThreadPool(), what, *given),
    )
    return replace(context, managed_devices=ManagedDevices(context))


def _make_state_dir(directory: Path | None) -> None:
    """Make the directory before anything opens a file in it; raise `NoStateDir` when that is impossible."""
    if directory is None:
        _log.warn('gateway.state_dir is "memory": what waits is lost when this process ends')
        return
    rule = 'must be a directory that can be made and written, or "memory"'
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoStateDir([f"gateway.state_dir: {directory}: {error.strerror}; {rule}"]) from error
    effective = os.access in os.supports_effective_ids
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective):
        user = f"the user of this process ({os.geteuid()})"
        raise NoStateDir([f"gateway.state_dir: {directory}: cannot be written by {user}; {rule}"])


def _spool(context: Context) -> ISpool:
    if context.state_dir is None:
        return MemorySpool(context.reactor)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    return SqliteSpool(context.state_dir, context)


def _hint() -> str:
    """Commands to try next. ``pushgate`` is often not on the PATH but beside the twistd that runs this."""
    beside = Path(sys.argv[0]).with_name("pushgate")
    command = "pushgate" if which("pushgate") or not beside.exists() else str(beside)
    return (
        "\n\nIn another terminal:"
        f"\n  {command} watch"
        f"\n  {command} send --app demo --token 0a1b2c3d --alert hello"
        f"\n  {command} send --app demo --token {DEMO_DEAD}4711 --alert 'to a dead token'"
        "\nCtrl-C ends it."
    )
