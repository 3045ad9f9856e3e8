"""Taking a running gateway from one configuration to another, whole or not at all."""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.gateway.apps.app_registry import Candidate
from pushgate.gateway.limits import Limits
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.plugin.context import Context
from pushgate.plugin.guard import error_boundary
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IReadsFiles
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.service.assembly import Assembly
from pushgate.service.config.diff import Changes, compare
from pushgate.service.config.named_files import (
    Digests,
    Place,
    all_digests,
    differences,
    digests,
    renewed_files,
    renewed_line,
)
from pushgate.service.config.reader import Config
from pushgate.service.opening import start_inputs, start_sinks
from pushgate.service.parts import Parts

CHECK: Final = 60.0
"""Seconds between two checks for renewed files of apps, such as certificates."""


class Reloader:
    """Compares, builds and opens all that is new, and only then replaces what ran.

    :param config: the one that runs.
    :param files: the digests of its files, taken before they were read.
    :param read: reads the configuration again; raises `CannotStart`.
    :param taken: called with each new configuration that was taken up.
    """

    log = Logger()

    def __init__(
        self,
        parts: Parts,
        context: Context,
        config: Config,
        files: dict[Place, Digests],
        read: Callable[[], Config],
        taken: Callable[[Config], None] = lambda _: None,
    ) -> None:
        self._parts, self._context, self._read, self._taken = parts, context, read, taken
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
        files = all_digests(new)
        renewed = renewed_files(self._files, files)
        for app in changes.replaced:  # one more reason to replace it changes nothing
            renewed.pop(("apps", app), None)
        with ExitStack() as undo:
            step = _Step(self._parts, self._context, new, undo)
            await step.prepare(changes, renewed)
            undo.pop_all()
        step.take(changes)
        self._taken(new)
        self._warn_of_no_principals(new)
        self._config, self._files, self._unusable = new, files, {}
        return changes.lines() + [
            renewed_line(place, key) + self._later(place) for place, keys in renewed.items() for key in keys
        ]

    def _later(self, place: Place) -> str:
        """What to add to the line of a file that only the part itself can read again."""
        part = self._parts.at(*place)
        asked = part is None or IReadsFiles.providedBy(part)
        return "" if asked else ", and is read at the next start at the latest"

    def _warn_of_no_principals(self, new: Config) -> None:
        if self._config.principals and not new.principals:
            self.log.warn(
                "no principals any more: inputs on loopback accept every caller, others none until there are "
                "principals again"
            )

    def _check_app(self, app: str) -> None:
        factory, table = self._config.apps[app]
        place, files = ("apps", app), digests(table)
        keys = differences(self._files[place], files)
        if not keys or self._unusable.get(app) == files or self._lock.locked:
            return
        self._unusable[app] = files
        candidate = self._parts.gateway.candidate(app, table, factory)
        candidate.start()
        self._parts.gateway.admit(candidate, self._parts.drain_timeout)
        self._files[place] = files
        for key in keys:
            self.log.info("{line}, and is used from now on", line=renewed_line(place, key))


class _Step:
    """The parts that one reload builds.

    :param undo: closes what was opened when the reload fails.
    """

    def __init__(self, parts: Parts, context: Context, new: Config, undo: ExitStack) -> None:
        self._parts, self._context, self._new, self._undo = parts, context, new, undo
        self._candidates: list[Candidate] = []
        self._sinks: dict[str, tuple[IOutcomeSink, int]] = {}
        self._inputs: dict[str, IInput] = {}
        self._uses: list[Callable[[], None]] = []

    async def prepare(self, changes: Changes, renewed: Collection[Place]) -> None:
        """Build everything, then open it: whatever can fail fails here.

        :param renewed: the tables of which files have changed.
        :raises CannotStart: with every fault.
        """
        self._build(changes, renewed)
        gateway = self._parts.gateway
        undo, parts = self._undo, self._parts
        start_sinks(gateway, self._sinks, lambda name: undo.callback(parts.close_sink, name))
        for candidate in self._candidates:
            self._undo.callback(candidate.discard)
            candidate.start()
        await start_inputs(self._inputs, lambda name, each: undo.callback(parts.close_input, name, each))

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
        for use in self._uses:
            use()
        parts.remove(changes.sinks.removed, changes.inputs.removed)
        parts.add(self._sinks, self._inputs)

    def _build(self, changes: Changes, renewed: Collection[Place]) -> None:
        gateway = self._parts.gateway
        building = Assembly(gateway, self._context)
        # Even for equal tables: the files they name may have changed. New inputs need the grants.
        self._undo.callback(building.principals(self._new.principals))
        apps = [name for section, name in renewed if section == "apps"]
        for app in [*changes.apps.added, *changes.replaced, *apps]:
            factory, table = self._new.apps[app]
            self._candidates.append(building.do(gateway.candidate, app, table, factory))
        self._sinks = building.sinks({name: self._new.sinks[name] for name in changes.sinks.added})
        self._inputs = building.inputs({name: self._new.inputs[name] for name in changes.inputs.added})
        for name in changes.hubs.changed:
            self._uses.append(building.do(self._parts.hubs[name].configured, self._new.hubs[name]))
        for place in renewed:
            part = self._parts.at(*place)
            if IReadsFiles.providedBy(part):
                self._uses.append(building.do(_read_files, ".".join(place), part))
        building.check()


def _read_files(where: str, part: Any) -> Callable[[], None]:
    with error_boundary(f"{where}: reading its files"):
        use: Callable[[], None] = part.read_files()
    return use
