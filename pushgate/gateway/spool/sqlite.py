"""The durable spool: SQLite in WAL mode, each commit on disk before a caller is answered.

The reactor hands jobs to the writer's thread, and hears of their end once a commit.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.gateway.spool import batches, undelivered_reports
from pushgate.gateway.spool.dead_tokens import ConfirmDead, DropDead, KeepDead, page
from pushgate.gateway.spool.high_water_mark import FILE as MARK
from pushgate.gateway.spool.high_water_mark import REMEMBERED, HighWaterMark
from pushgate.gateway.spool.interface import ISpool, Kept, Page, Undelivered
from pushgate.gateway.spool.jobs import (
    Append,
    Close,
    Delivered,
    Forgo,
    Intend,
    Job,
    Read,
    Results,
    Settle,
    Taken,
)
from pushgate.gateway.spool.memory import content_digest
from pushgate.gateway.spool.spool_file import FILE, fault, lock, open_spool
from pushgate.gateway.spool.writer import SpoolWriter
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import CannotStart
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.context import Context


@implementer(ISpool)
class SqliteSpool:
    """One file in the state directory, with a lock beside it that keeps a second gateway out."""

    log = Logger()
    pages: Final = True

    def __init__(self, directory: Path, context: Context) -> None:
        self._directory, self._file = directory, directory / FILE
        self._context, self._reactor = context, context.reactor
        self._trouble, self._restart = "", 0
        self._lock: int
        self._connection: sqlite3.Connection
        self._writer: SpoolWriter | None = None

    # ISpool, in the reactor's thread

    def start(self) -> None:
        self._lock = lock(self._directory)
        try:
            self._connection = open_spool(self._file)
        except CannotStart:
            os.close(self._lock)
            raise
        self._restart = batches.last_order(self._connection)
        try:
            self._compare()
        except sqlite3.Error as error:
            raise fault(self._file, str(error)) from None
        self._writer = SpoolWriter(
            self._file, self._connection, self._lock, self._mark, self._restart, self._context, self._finished
        )

    def append(self, batch: Batch, key: str | None) -> "Deferred[int]":
        digest = content_digest(batch) if key is not None else b""
        done: Deferred[int] = Deferred()
        self._do(Append(batch, key, digest, done))
        return done

    def settle(self, number: int, reports: Sequence[Report]) -> "Deferred[None]":
        outcomes = [report for report in reports if isinstance(report, Outcome)]
        # What corrects an outcome was settled before.
        ranges = _ranges([outcome.span for outcome in outcomes if not outcome.span.recalled])
        done: Deferred[None] = Deferred()
        self._do(Settle(ranges, number, undelivered_reports.body(reports), done))
        return done

    def delivered(self, numbers: Sequence[int], finished: Sequence[int]) -> None:
        self._do(Delivered(numbers, finished))

    def intend(self, spans: Sequence[BatchSlice]) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self._do(Intend(_ranges(spans), done))
        return done

    def forgo(self, spans: Sequence[BatchSlice]) -> None:
        if spans:
            self._do(Forgo(_ranges(spans)))

    def page(self, app: str, priority: int, after: int, limit: int) -> "Deferred[Page]":
        return self._read(lambda view: batches.page(self._connection, app, priority, after, limit, view))

    def find(self, number: int) -> "Deferred[Kept | None]":
        return self._read(lambda view: batches.find(self._connection, number, view))

    def waiting(self) -> dict[tuple[str, int], int]:
        """Called before the first job: nothing else uses the connection yet."""
        return batches.waiting(self._connection)

    def last_order(self) -> int:
        return self._restart

    def undelivered(self) -> Undelivered:
        view = batches.View(self._context.wall(), self._reactor.seconds())

        @cache
        def batch(order: int) -> Batch | None:
            return batches.without_payload(self._connection, order, view)

        return Undelivered(
            undelivered_reports.read(self._connection, batch),
            tuple(batches.finished(self._connection)),
            undelivered_reports.taken(self._connection),
        )

    def note_taken(self, numbers: Mapping[str, int]) -> None:
        self._do(Taken(numbers))

    def bury(self, app: str, deaths: Sequence[DeadTokenEntry]) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self._do(KeepDead(app, deaths, done))
        return done

    def unbury(self, app: str, tokens: Sequence[bytes]) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self._do(DropDead(app, tokens, done))
        return done

    def confirm(self, app: str) -> None:
        self._do(ConfirmDead(app, Deferred()))

    def dead(self, app: str, after: bytes, limit: int) -> "Deferred[list[DeadTokenEntry]]":
        return self._read(lambda _: page(self._connection, app, after, limit))

    def close(self) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        if self._writer is None:  # it was never opened
            done.callback(None)
        else:
            self._writer.put(Close(done))
        return done

    def _read(self, read: Callable[[batches.View], Any]) -> "Deferred[Any]":
        done: Deferred[Any] = Deferred()
        self._do(Read(read, done))
        return done

    def _do(self, job: Job) -> None:
        assert self._writer is not None  # it is started
        self._writer.put(job)

    def _finished(self, results: Results, seconds: float, trouble: str) -> None:
        """In the reactor's thread, after a commit."""
        self._context.metrics.observe("pushgate_spool_commit_seconds", seconds=seconds)
        if trouble != self._trouble:
            log = self.log.error if trouble else self.log.info
            log("spool {file}: {trouble}", file=str(self._file), trouble=trouble or "written again")
            self._trouble = trouble
        for done, result in results:
            done.callback(result)

    def _compare(self) -> None:
        """Say what the file has lost since its last commit, if it has."""
        self._mark, commits = HighWaterMark(self._directory), batches.commits(self._connection)
        missing = self._mark.compare(commits, batches.last(self._connection, REMEMBERED))
        if missing is not None:
            self.log.error(
                "spool {file}: its last {commits} commits are missing: it, or its log -wal, was deleted, "
                "damaged or replaced. {notifications} notifications that were accepted, in {batches} "
                "batches, are lost unless they had their outcome, and others may be sent again",
                file=str(self._file),
                **msgspec.structs.asdict(missing),
            )
            batches.doubt(self._connection)
        if self._mark.trouble:
            self.log.warn(
                "spool {file}: nothing would be said of a log that is lost, as there is no {mark}: {trouble}",
                file=str(self._file),
                mark=MARK,
                trouble=self._mark.trouble,
            )


def _ranges(spans: Sequence[BatchSlice]) -> list[batches.Range]:
    return [(span.batch.order, span.start, span.stop) for span in spans]
