"""Taking a running gateway from one configuration to another, whole or not at all."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.apps.app_registry import Candidate
from pushgate.gateway.limits import Limits
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.interfaces import Context, IInput, IOutcomeSink
from pushgate.plugin.settings import AppTable
from pushgate.service.assembly import Assembly
from pushgate.service.config.diff import Changes, compare
from pushgate.service.config.principal_grants import grants
from pushgate.service.config.reader import Config
from pushgate.service.parts import Parts

CHECK: Final = 60.0
"""Seconds between two checks for renewed files of apps, such as certificates."""

Digests = dict[str, bytes | None]
"""SHA-256 of files by the key that names them; None while one cannot be read."""


class Reloader:
    """Compares, builds and opens all that is new, and only then replaces what ran.

    :param config: the one that runs.
    :param files: the `digests` of its apps' files, taken before the upstreams read them.
    :param read: reads the configuration again; raises `CannotStart`.
    """

    log = Logger()

    def __init__(
        self,
        parts: Parts,
        context: Context,
        config: Config,
        files: dict[str, Digests],
        read: Callable[[], Config],
    ) -> None:
        self._parts, self._context, self._read = parts, context, read
        self._config, self._files = config, files
        self._unusable: dict[str, Digests] = {}
        self._lock = DeferredLock()
        self._running: Deferred[list[str]] | None = None
        self._stopped = False
        self._checking = LoopingCall(self.check)
        self._checking.clock = context.reactor

    def start(self) -> None:
        """Begin to check the files of apps."""
        self._checking.start(CHECK, now=False)

    def stop(self) -> None:
        """Refuse to reload from now on; a reload that is under way changes nothing."""
        self._stopped = True
        if self._checking.running:
            self._checking.stop()
        if self._running is not None:
            self._running.cancel()

    def run(self) -> Deferred[list[str]]:
        """See `IGateway.reload`; logs its result."""
        return self._lock.run(self._begin)

    def check(self) -> None:
        """Take up renewed files of apps; the configuration is not read."""
        for app in list(self._config.apps):
            try:
                self._check_app(app)
            except CannotStart as error:
                for fault in error.faults:
                    self.log.error("renewed, but not used: {fault}", fault=fault)
            except Exception:  # noqa: BLE001 - the other apps, and later checks, go on
                self.log.failure("checking the files of {app}", app=app)

    def _begin(self) -> Deferred[list[str]]:
        if self._stopped:
            raise ShuttingDown
        self._running = Deferred.fromCoroutine(self._run())
        return self._running.addBoth(self._ended)

    def _ended(self, result: list[str] | Failure) -> list[str] | Failure:
        self._running = None
        if isinstance(result, Failure):
            for fault in getattr(result.value, "faults", ()):
                self.log.error("not reloaded, nothing has changed: {fault}", fault=fault)
        else:
            for line in result or ["nothing has changed"]:
                self.log.info("reloaded: {line}", line=line)
        return result

    async def _run(self) -> list[str]:
        new = self._read()
        changes = compare(self._config, new)
        if changes.faults():
            raise CannotStart(changes.faults())
        files = {app: digests(table) for app, (_, table) in new.apps.items()}
        renewed = {
            app: _differences(self._files[app], files[app])
            for app in new.apps
            if app in self._files and app not in changes.replaced
        }
        with ExitStack() as undo:
            # Even for equal tables: the files they name may have changed. New inputs need the grants.
            undo.callback(self._context.principals.replace(grants(new.principals)))
            step = _Step(self._parts, self._context, new, undo)
            await step.prepare(changes, [app for app, keys in renewed.items() if keys])
            undo.pop_all()
        step.take(changes)
        self._warn_of_no_principals(new)
        self._config, self._files, self._unusable = new, files, {}
        return changes.lines() + [
            f"apps.{app}.{key}: the file was renewed" for app, keys in renewed.items() for key in keys
        ]

    def _warn_of_no_principals(self, new: Config) -> None:
        if self._config.principals and not new.principals:
            self.log.warn(
                "no principals any more: inputs on loopback accept every caller, others none until there are "
                "principals again"
            )

    def _check_app(self, app: str) -> None:
        factory, table = self._config.apps[app]
        files = digests(table)
        keys = _differences(self._files[app], files)
        if not keys or self._unusable.get(app) == files or self._lock.locked:
            return
        self._unusable[app] = files
        candidate = self._parts.gateway.candidate(app, table, factory)
        candidate.start()
        self._parts.gateway.admit(candidate, self._parts.drain_timeout)
        self._files[app] = files
        for key in keys:
            self.log.info("apps.{app}.{key}: the file was renewed, and is used from now on", app=app, key=key)


class _Step:
    """The parts that one reload builds.

    :param undo: closes what was opened when the reload fails.
    """

    def __init__(self, parts: Parts, context: Context, new: Config, undo: ExitStack) -> None:
        self._parts, self._context, self._new, self._undo = parts, context, new, undo
        self._candidates: list[Candidate] = []
        self._sinks: dict[str, tuple[IOutcomeSink, int]] = {}
        self._inputs: dict[str, IInput] = {}

    async def prepare(self, changes: Changes, renewed: list[str]) -> None:
        """Build everything, then open it: whatever can fail fails here.

        :param renewed: the apps that need another upstream although their tables are the same.
        :raises CannotStart: with every fault.
        """
        self._build(changes, renewed)
        gateway = self._parts.gateway
        for name, (sink, buffer) in self._sinks.items():
            gateway.add_sink(name, sink, buffer)
            self._undo.callback(self._parts.close_sink, name)
        for candidate in self._candidates:
            self._undo.callback(candidate.discard)
            candidate.start()
        for name, each in self._inputs.items():
            self._undo.callback(self._parts.close_input, name, each)
            with error_boundary(f"inputs.{name}: its start"):
                await maybeDeferred(each.start)

    def take(self, changes: Changes) -> None:
        """Put all of it in the place of the old parts, which are closed in the background."""
        parts, gateway, table = self._parts, self._parts.gateway, self._new.gateway
        parts.drain_timeout = table.drain_timeout
        gateway.limit(Limits(table.expiry, table.queue_limit))
        for app in changes.apps.removed:
            gateway.remove_app(app, table.drain_timeout)
        for app in changes.adjusted:
            gateway.adjust(app, self._new.apps[app][1])
        for candidate in self._candidates:
            gateway.admit(candidate, table.drain_timeout)
        parts.remove(changes.sinks.removed, changes.inputs.removed)
        parts.add(self._sinks, self._inputs)

    def _build(self, changes: Changes, renewed: list[str]) -> None:
        gateway = self._parts.gateway
        building = Assembly(gateway, self._context)
        for app in [*changes.apps.added, *changes.replaced, *renewed]:
            factory, table = self._new.apps[app]
            self._candidates.append(building.do(gateway.candidate, app, table, factory))
        self._sinks = building.sinks({name: self._new.sinks[name] for name in changes.sinks.added})
        self._inputs = building.inputs({name: self._new.inputs[name] for name in changes.inputs.added})
        building.check()


def digests(table: AppTable) -> Digests:
    """Return the digests of the files that an app's upstream is made from."""
    return {key: _digest(path) for key, path in table.files().items()}


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


def _differences(old: Digests, new: Digests) -> list[str]:
    return [key for key in new if key in old and old[key] != new[key]]
