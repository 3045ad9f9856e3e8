"""The ledger as a sink, and as what is asked for what the gateway has forgotten, or a reader has missed."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from msgspec.structs import replace
from pydantic import Field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.model.errors import CannotStart, SinkDown
from pushgate.model.finding import Finding, ok, warning
from pushgate.model.notification import MAX_BATCH
from pushgate.model.outcome import Outcome, Report
from pushgate.model.outcome_record import Tokens
from pushgate.net.diagnosis.written_file import check_written_file
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.factories import Sink
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.settings import Duration, SinkTable
from pushgate.plugin.sink_interface import IHistory, IOutcomeSink, IReplays, ReplayPage
from pushgate.sinks.common.worker_thread import WorkerThread
from pushgate.sinks.ledger.rows import Row, outcome, report, row, stem, unreported
from pushgate.sinks.ledger.store import ALL_MEMBERS, DAY, MEMBERS, NotALedger, Store

FILE: Final = "ledger.sqlite"
SWEEP: Final = 10.0
"""Seconds between two looks for what is too old."""


class LedgerTable(SinkTable):
    """The ledger's configuration.

    :param tokens: what is kept of the device tokens, which are most of what is kept.
    :param keep: seconds an outcome is kept.
    """

    ONE: ClassVar[bool] = True
    keep: Duration = Field(default=7 * DAY, gt=0)


@implementer(IOutcomeSink, IHistory, IReplays, IAddressed)
class LedgerSink:
    """Keeps one row for each run of notifications that ended together, in a thread of its own."""

    log = Logger()

    def __init__(self, name: str, file: Path, tokens: Tokens, keep: float, context: Context) -> None:
        self._name, self._file, self._tokens, self._keep = name, file, tokens, keep
        self._wall = context.wall
        self._thread = WorkerThread(f"sink-{name}", context.reactor)
        self._store: Store
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = context.reactor
        self._open = False
        self._started_at = 0.0
        self._followers: dict[object, Callable[[ReplayPage | None], None]] = {}

    def start(self) -> None:
        """Open the file; raise `CannotStart` when that cannot be done."""
        try:
            self._store = Store(self._file)
        except (OSError, sqlite3.Error, NotALedger) as error:
            why = getattr(error, "strerror", None) or error
            rule = "nothing was changed: mend it, or move it away to start empty"
            raise CannotStart([f"sinks.{self._name}: {self._file}: {why}; {rule}"]) from error
        self._thread.start()
        self._open, self._started_at = True, self._wall()
        self._sweeper.start(SWEEP)

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        """Keep the reports; fails with `SinkDown` when the disk is full or the like."""
        rows = [row(each, self._tokens) for each in reports]
        return self._thread.do(self._add, rows, reports).addCallback(self._tell)

    def outcomes(self, number: int) -> Deferred[list[Outcome]]:
        if not self._open:
            return succeed([])
        return self._thread.do(self._find, number)

    @property
    def epoch(self) -> str:
        return self._store.epoch

    def replay(self, after: int | None) -> Deferred[ReplayPage]:
        return self._thread.do(self._page, after)

    def follow(self, kept: Callable[[ReplayPage | None], None]) -> Callable[[], None]:
        follower = object()
        self._followers[follower] = kept
        return lambda: self._forget(follower)

    def _forget(self, follower: object) -> None:
        self._followers.pop(follower, None)

    def _tell(self, page: ReplayPage | None) -> None:
        for kept in list(self._followers.values()):
            kept(page)

    def reopen(self) -> None:
        """The file is never moved by another program."""

    def stop(self) -> Deferred[None]:
        """Close the file once all is written."""
        self._open = False
        self._tell(None)
        self._sweeper.stop()
        return self._thread.end(self._store.close)

    def addresses(self) -> list[str]:
        return [str(self._file)]

    def _sweep(self) -> Deferred[None]:
        """Forget what is too old, a little at a time: what is to be kept meanwhile gets its turn between."""
        return Deferred.fromCoroutine(self._purge()).addErrback(self._not_purged)

    async def _purge(self) -> None:
        more = True
        while more and self._open:
            now = self._wall()
            more = await self._thread.do(self._store.purge, now - self._keep, now + DAY)

    def _not_purged(self, failure: Failure) -> None:
        self.log.failure("sink {sink}: forgetting what is too old", failure, sink=self._name)

    # in the ledger's thread

    def _add(self, rows: list[Row], reports: Sequence[Report]) -> ReplayPage:
        """Keep rows; return the page that they are."""
        try:
            # What an earlier process reported comes again when it could not say that all sinks took it.
            new = [part for each in rows for part in self._unreported(each)]
            last = self._store.add(new)
        except sqlite3.Error as error:
            raise SinkDown(f"{self._file}: {error}") from error
        after = last << MEMBERS | ALL_MEMBERS
        if new != rows:
            return self._page(after)
        numbered = tuple((number << MEMBERS, each) for number, each in enumerate(reports, last + 1))
        return ReplayPage(after, last + len(new) << MEMBERS | ALL_MEMBERS, numbered)

    def _unreported(self, row: Row) -> list[Row]:
        """What is not kept yet of a row; only an old one can be."""
        at, *_ = row
        return unreported(row, self._store.find_equal(row)) if at < self._started_at else [row]

    def _page(self, after: int | None) -> ReplayPage:
        page = self._store.page(after)
        found: list[tuple[int, Report]] = []
        for number, stem_of, start, stop, body in page.rows:
            position = number << MEMBERS
            whole = report(stem_of, start, stop, body)
            if after is not None and after >= position:
                assert isinstance(whole, Outcome)
                skipped = after - position + 1
                whole = replace(whole, span=whole.span.part(start + skipped, stop))
                position += skipped
            found.append((position, whole))
        return ReplayPage(page.end if after is None else after, page.end, tuple(found), page.missing)

    def _find(self, number: int) -> list[Outcome]:
        rows = self._store.find(stem(number), number % MAX_BATCH)
        found = [outcome(number, start, body) for start, body in rows]
        # After a crash it may have been reported twice.
        return [each for at, each in enumerate(found) if each not in found[:at]]


class Forgetful(Sink):
    """The ledger of a gateway that keeps nothing."""

    log = Logger()

    def __init__(self, name: str) -> None:
        self._name = name

    def start(self) -> None:
        """Say so."""
        self.log.warn(
            'sink {sink}: gateway.state_dir is "memory", so it keeps nothing; a notification can be looked up'
            " only while the gateway remembers it",
            sink=self._name,
        )


def _sink(name: str, config: LedgerTable, _: IGateway, context: Context) -> IOutcomeSink:
    if context.state_dir is None:
        return Forgetful(name)
    return LedgerSink(name, context.state_dir / FILE, config.tokens, config.keep, context)


async def _diagnose(_name: str, _: LedgerTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether its file can be written, where there is to be one."""
    directory = examination.context.state_dir
    if directory is None:
        yield warning(
            "memory", 'gateway.state_dir is "memory", so it keeps nothing',
            "traces end with the process", "name a directory in state_dir, or leave the sink out",
        )  # fmt: skip
    elif not directory.is_dir():
        yield ok("file-writable", "its directory, state_dir, is made at the first start")
    else:
        for each in check_written_file("", directory / FILE):
            yield each


plug_in = LedgerTable, _sink, _diagnose
