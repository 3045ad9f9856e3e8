"""The durable spool: SQLite in WAL mode, each commit on disk before anybody is answered.

One thread owns the connection. It commits whatever gathered while the last commit ran: so the rate of commits
follows the disk and their size the load. The reactor hands it jobs and hears of their end once a commit.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.gateway.spool import batches, idempotency_keys, undelivered_reports
from pushgate.gateway.spool.dead_tokens import Burial, ConfirmDead, DropDead, KeepDead, page
from pushgate.gateway.spool.high_water_mark import FILE as MARK
from pushgate.gateway.spool.high_water_mark import REMEMBERED, HighWaterMark
from pushgate.gateway.spool.interface import ISpool, Kept, Undelivered
from pushgate.gateway.spool.job_queue import JobQueue
from pushgate.gateway.spool.memory import content_digest
from pushgate.gateway.spool.schema import NotASpool, check, migrate
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import CannotStart, Conflict, Overloaded
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.context import Context

FILE: Final = "spool.sqlite"
RETRY: Final = 1.0
"""Seconds until settled ranges that found no space on the disk are tried again."""
SYNC: Final = 5.0
"""Seconds between two writes of the mark to the disk at least: it outlives the process without."""
_PAGE_SIZE: Final = "PRAGMA page_size = 16384"  # few overflow pages for a batch of 60 kB
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -32768",
)


class _Append(msgspec.Struct, gc=False):
    batch: Batch
    key: str | None
    digest: bytes
    done: "Deferred[int]"

    @property
    def app_key(self) -> idempotency_keys.AppKey | None:
        """What its idempotency key is looked up by."""
        return None if self.key is None else (self.batch.app, self.key)


class _Intend(msgspec.Struct, gc=False):
    ranges: list[batches.Range]
    done: "Deferred[None]"


class _Settle(msgspec.Struct, gc=False):
    """`done` is None once it has fired: when the commit failed this is owed, and nothing waits for it."""

    ranges: list[batches.Range]
    number: int
    body: bytes
    done: "Deferred[None] | None"


class _Delivered(msgspec.Struct, gc=False):
    numbers: Sequence[int]
    finished: Sequence[int]


class _Forgo(msgspec.Struct, gc=False):
    ranges: list[batches.Range]


class _Read(msgspec.Struct, gc=False):
    read: Callable[[batches.View], Any]
    done: "Deferred[Any]"


class _Close(msgspec.Struct, gc=False):
    done: "Deferred[None]"


_Owed = _Settle | _Delivered | _Intend | _Forgo
"""What cannot be refused: it is owed until it is on the disk."""
_Job = _Append | _Owed | _Read | _Close | Burial
_URGENT: Final = (_Append, _Intend, _Read, _Close)
"""What is committed at once: an answer to a caller, a write, a start or a stop waits for it."""
_Results = list[tuple["Deferred[Any]", Any]]


@implementer(ISpool)
class SqliteSpool:
    """One file in the state directory, with a lock beside it that keeps a second gateway out."""

    log = Logger()
    pages: Final = True

    def __init__(self, directory: Path, context: Context) -> None:
        self._directory, self._file = directory, directory / FILE
        self._context, self._reactor = context, context.reactor
        self._jobs: JobQueue[_Job] = JobQueue(lambda job: isinstance(job, _URGENT))
        self._owed: list[_Owed] = []
        self._burials: list[Burial] = []
        self._trouble, self._restart = "", 0
        self._thread = threading.Thread(target=self._work, name="pushgate spool", daemon=True)
        self._lock: int
        self._connection: sqlite3.Connection

    # ISpool, in the reactor's thread

    def start(self) -> None:
        self._lock = _lock(self._directory)
        try:
            self._connection = _open(self._file)
        except CannotStart:
            os.close(self._lock)
            raise
        self._restart = batches.last_order(self._connection)
        try:
            self._compare()
        except sqlite3.Error as error:
            raise _fault(self._file, str(error)) from None

    def append(self, batch: Batch, key: str | None) -> "Deferred[int]":
        digest = content_digest(batch) if key is not None else b""
        done: Deferred[int] = Deferred()
        self._do(_Append(batch, key, digest, done))
        return done

    def settle(self, number: int, reports: Sequence[Report]) -> "Deferred[None]":
        outcomes = [report for report in reports if isinstance(report, Outcome)]
        # What corrects an outcome was settled before.
        ranges = _ranges([outcome.span for outcome in outcomes if not outcome.span.recalled])
        done: Deferred[None] = Deferred()
        self._do(_Settle(ranges, number, undelivered_reports.body(reports), done))
        return done

    def delivered(self, numbers: Sequence[int], finished: Sequence[int]) -> None:
        self._do(_Delivered(numbers, finished))

    def intend(self, spans: Sequence[BatchSlice]) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self._do(_Intend(_ranges(spans), done))
        return done

    def forgo(self, spans: Sequence[BatchSlice]) -> None:
        if spans:
            self._do(_Forgo(_ranges(spans)))

    def page(self, app: str, priority: int, after: int, limit: int) -> "Deferred[tuple[list[Kept], bool]]":
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
            undelivered_reports.read(self._connection, batch), tuple(batches.finished(self._connection))
        )

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
        if hasattr(self, "_connection"):
            self._do(_Close(done))
        else:
            done.callback(None)  # it was never opened
        return done

    def _read(self, read: Callable[[batches.View], Any]) -> "Deferred[Any]":
        done: Deferred[Any] = Deferred()
        self._do(_Read(read, done))
        return done

    def _do(self, job: _Job) -> None:
        if self._thread.ident is None:  # with the first job, long after a daemon left its parent process
            self._thread.start()
        self._jobs.put(job)

    def _finished(self, results: _Results, seconds: float, trouble: str) -> None:
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
        self._mark, self._commits = HighWaterMark(self._directory), batches.commits(self._connection)
        missing = self._mark.compare(self._commits, batches.last(self._connection, REMEMBERED))
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

    # in the spool's thread

    def _work(self) -> None:
        jobs: list[_Job] = []
        synced = 0.0
        while not any(isinstance(job, _Close) for job in jobs):
            jobs = self._jobs.gather(RETRY if self._owed or self._burials else None)
            began = time.perf_counter()
            results, trouble = self._do_all(jobs)
            seconds = time.perf_counter() - began
            if began - synced > SYNC:
                self._mark.sync()
                synced = began
            self._reactor.callFromThread(self._finished, results, seconds, trouble)
        self._connection.close()
        self._mark.close()
        os.close(self._lock)
        closed = [(close.done, None) for close in _only(_Close, jobs)]
        self._reactor.callFromThread(self._finished, closed, 0.0, trouble)

    def _do_all(self, jobs: list[_Job]) -> tuple[_Results, str]:
        """Do all jobs in one transaction; what cannot be refused is owed until it is on the disk."""
        self._owed += [job for job in jobs if isinstance(job, _Owed)]
        self._burials += [job for job in jobs if isinstance(job, Burial)]
        appends, trouble = _only(_Append, jobs), self._trouble
        grows = bool(appends or self._burials)
        try:
            results = self._commit(appends, self._burials)
            trouble = "" if grows else trouble
        except Exception as error:  # noqa: BLE001 - nothing may end this thread: everybody waits for it
            trouble = str(error)
            results = self._refuse(appends, trouble)
            if grows:  # what is settled makes room
                with contextlib.suppress(Exception):
                    results += self._commit([], [])
        results += self._settled()
        return results + [(job.done, self._answer(job)) for job in _only(_Read, jobs)], trouble

    def _commit(self, appends: list[_Append], burials: list[Burial]) -> _Results:
        owed = self._owed
        if not (appends or owed or burials):
            return []
        self._mark.done([order for each in _only(_Delivered, owed) for order in each.finished])
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            batches.count_commit(self._connection, self._commits + 1)
            results, fresh = self._keep(appends)
            for intend in _only(_Intend, owed):
                batches.intend(self._connection, intend.ranges)
                results.append((intend.done, None))
            for forgo in _only(_Forgo, owed):
                batches.forgo(self._connection, forgo.ranges)
            self._settle(_only(_Settle, owed), _only(_Delivered, owed))
            for burial in burials:
                burial.do(self._connection)
                results.append((burial.done, None))
        self._commits += 1
        self._mark.committed(self._commits, fresh)
        results += self._settled()
        self._owed = []
        burials.clear()
        return results

    def _settle(self, settles: list[_Settle], deliveries: list[_Delivered]) -> None:
        """Insert undelivered reports and delete delivered ones; what is both in one commit is not written."""
        delivered = {number for each in deliveries for number in each.numbers}
        done = {order for each in deliveries for order in each.finished}
        if ranges := [each for settle in settles for each in settle.ranges if each[0] not in done]:
            batches.settle(self._connection, ranges)
        fresh = {settle.number for settle in settles}
        undelivered_reports.insert(
            self._connection, [(each.number, each.body) for each in settles if each.number not in delivered]
        )
        if old := delivered - fresh:
            undelivered_reports.drop(self._connection, list(old))
        if done:
            batches.drop(self._connection, list(done))

    def _settled(self) -> _Results:
        """Fire the waiting Deferreds, once each: all is safe, or is tried again without end."""
        results: _Results = []
        for settle in _only(_Settle, self._owed):
            if settle.done is not None:
                results.append((settle.done, None))
                settle.done = None
        return results

    def _keep(self, appends: list[_Append]) -> tuple[_Results, list[tuple[int, int]]]:
        """Insert what is new; what came before under the same key has its first id, or is a conflict.

        Returns also order and notifications of each new batch.
        """
        wall = self._context.wall()
        used = idempotency_keys.known(
            self._connection, [key for each in appends if (key := each.app_key)], wall
        )
        fresh: list[_Append] = []
        new: list[tuple[idempotency_keys.AppKey, idempotency_keys.First]] = []
        results: _Results = []
        for each in appends:
            mine = (each.digest, each.batch.id)
            first = used.setdefault(each.app_key, mine) if each.app_key else mine
            if first is mine:
                fresh.append(each)
                if each.app_key:
                    new.append((each.app_key, mine))
            same = first[0] == each.digest
            results.append((each.done, first[1] if same else Failure(Conflict(first[1]))))
        batches.insert(self._connection, [each.batch for each in fresh])
        idempotency_keys.remember(self._connection, new, wall)
        return results, [(b.order, len(b) - len(b.refused)) for b in (each.batch for each in fresh)]

    def _refuse(self, appends: list[_Append], trouble: str) -> _Results:
        """A commit failed: nothing of it is on the disk."""
        text = f"spool: {self._file}: {trouble}; try again later"
        return [(each.done, Failure(Overloaded.from_text(text))) for each in appends]

    def _answer(self, job: _Read) -> Any:
        owed = [each for settle in _only(_Settle, self._owed) for each in settle.ranges]
        try:
            return job.read(batches.View(self._context.wall(), self._reactor.seconds(), owed, self._restart))
        except Exception:  # noqa: BLE001 - the Deferred fails with it
            return Failure()


_T = TypeVar("_T")


def _only(kind: type[_T], jobs: Sequence[_Job]) -> list[_T]:
    return [job for job in jobs if isinstance(job, kind)]


def _ranges(spans: Sequence[BatchSlice]) -> list[batches.Range]:
    return [(span.batch.order, span.start, span.stop) for span in spans]


def _lock(directory: Path) -> int:
    """Take the lock of the directory for the life of the process."""
    try:
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _fault(directory, f"{error.strerror}; must be a writable directory") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise _fault(directory, "in use by another gateway; each needs its own") from None
    return lock


def _open(file: Path) -> sqlite3.Connection:
    try:
        if not file.exists():
            _make(file)
        os.close(os.open(file, os.O_RDWR))
        if not file.stat().st_size:  # SQLite would take it for a new one, and remove the log beside it
            raise NotASpool("empty: it has lost what it kept")
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            check(reader)
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        migrate(connection)
    except OSError as error:  # the file is not to blame
        raise _fault(file, f"{error.strerror}; must be a file that this process can write") from None
    except UnicodeDecodeError:  # what SQLite says of it is no text either
        raise _fault(file, "damaged; nothing was changed: mend it, or move it away to start empty") from None
    except (sqlite3.Error, NotASpool) as error:
        raise _fault(file, f"{error}; nothing was changed: mend it, or move it away to start empty") from None
    return connection


def _make(file: Path) -> None:
    """Make a spool under another name, so that one that is empty has never been made so by us."""
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise NotASpool(f"missing, but its log {log.name} is there, which belongs to it")
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # it will hold tokens and payloads
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute(_PAGE_SIZE)
        migrate(connection)
    new.rename(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _fault(path: Path, why: str) -> CannotStart:
    return CannotStart([f"gateway.state_dir: {path}: {why}"])
