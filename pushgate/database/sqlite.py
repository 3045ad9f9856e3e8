"""A database in one file: SQLite in WAL mode.

One thread writes. It commits what gathered while the last commit ran, so that many small writes share one
commit; each is in a savepoint of its own, and one that raises undoes nothing but itself. Other threads read,
each from a state of its own, and neither wait for the writer nor hold it up.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import msgspec
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.database.interface import A, IDatabase, Row, Session
from pushgate.database.migrations import NotOurs, migrate
from pushgate.database.remembered import Remembered
from pushgate.database.schema import Schema
from pushgate.model.errors import CannotStart
from pushgate.model.log_throttle import LogThrottle
from pushgate.model.store_down import StoreDown
from pushgate.plugin.context import Context

READERS: Final = 4
"""Threads that read: one that is quick is not to wait for one that counts everything."""
_TOGETHER: Final = 256
"""Writes of one commit at most."""
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA wal_autocheckpoint = 16384",  # what changes often is copied to the file less often
    "PRAGMA temp_store = MEMORY",
)
_WRITER_CACHE: Final = "PRAGMA cache_size = -131072"
"""128 MiB: the indexes of a million devices, which new ones are anywhere in."""
_READER_CACHE: Final = "PRAGMA cache_size = -16384"
T = TypeVar("T")


class _Job(msgspec.Struct, gc=False):
    """A call of `read` or `write`; or those of `write_together` that came at a time.

    :param done: the Deferred of each.
    :param together: the one argument of each, in place of `arguments`.
    """

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: "list[Deferred[Any]]"
    together: list[Any] | None = None

    def run(self, session: "SqliteSession") -> Any:
        """Do it; return what `_fire` is to be given."""
        if self.together is None:
            return self.work(session, *self.arguments)
        return self.work(session, self.together)


class SqliteSession:
    """A transaction on a connection. See `pushgate.database.interface.Session`."""

    def __init__(self, connection: sqlite3.Connection, wall: Callable[[], float]) -> None:
        self.connection, self.now = connection, wall
        self.remembered = Remembered()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return self.connection.execute(statement, values).fetchall()

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self.connection.executemany(statement, rows)

    def grown(self, rows: int) -> None:
        """SQLite keeps no statistics here: it joins in the order of the statements."""


@implementer(IDatabase)
class SqliteDatabase:
    """A database in a file.

    :param file: made when it is not there, with its directory.
    :param schema: brought up to date at the start.
    :param key: what names the file in the configuration, for `CannotStart`: ``"hubs.main.store"``.
    """

    log = Logger()

    def __init__(self, file: Path, context: Context, schema: Schema, key: str = "store") -> None:
        self._file, self._context, self._schema, self._key = file, context, schema, key
        self._writes: SimpleQueue[_Job | None] = SimpleQueue()
        self._reads: SimpleQueue[_Job | None] = SimpleQueue()
        self._open: list[sqlite3.Connection] = []
        self._stopped: list[Deferred[None]] = []
        self._running = False
        self._throttle = LogThrottle()

    # IDatabase, in the reactor's thread

    def start(self) -> None:
        try:
            _make(self._file, self._schema.application_id)
            self._open = [_connect(self._file) for _ in range(READERS + 1)]
            self._migrate(self._open[0])
        except OSError as error:
            raise self._fault(f"{error.strerror}; must be a file that this process can write") from None
        except (sqlite3.Error, NotOurs) as error:
            raise self._fault(
                f"{error}; nothing was changed: mend it, or move it away to start empty"
            ) from None
        self._running = True
        self._open[0].execute(_WRITER_CACHE)
        self._run("writer", self._write_jobs, self._open[0])
        for number, connection in enumerate(self._open[1:], 1):
            connection.execute(_READER_CACHE)
            connection.execute("PRAGMA query_only = 1")
            self._run(f"reader {number}", self._read_jobs, connection)

    def stop(self) -> "Deferred[None]":
        if self._running:
            self._running = False
            self._writes.put(None)
            for _ in range(READERS):
                self._reads.put(None)
        return gatherResults(self._stopped).addCallback(lambda _: None)

    def read(self, work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        return self._do(self._reads, work, arguments)

    def write(self, work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        return self._do(self._writes, work, arguments)

    def write_together(
        self, work: Callable[[Session, Sequence[A]], Sequence[T | Exception]], argument: A
    ) -> "Deferred[T]":
        return self._do(self._writes, work, (), [argument])

    def _do(
        self,
        queue: "SimpleQueue[_Job | None]",
        work: Callable[..., Any],
        arguments: tuple[Any, ...],
        together: list[Any] | None = None,
    ) -> "Deferred[Any]":
        done: Deferred[Any] = Deferred()
        if self._running:
            queue.put(_Job(work, arguments, [done], together))
        else:
            done.errback(StoreDown(f"{self._schema.what} is closed; nothing was done"))
        return done

    def _run(self, name: str, loop: Callable[[SqliteSession], None], connection: sqlite3.Connection) -> None:
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)

        def body() -> None:
            try:
                loop(SqliteSession(connection, self._context.wall))
            finally:
                connection.close()
                self._context.reactor.callFromThread(stopped.callback, None)

        threading.Thread(target=body, name=f"pushgate {self._file.stem} {name}", daemon=True).start()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            migrate(SqliteSession(connection, self._context.wall), self._schema.steps)
            connection.execute(f"PRAGMA application_id = {self._schema.application_id}")

    def _fault(self, why: str) -> CannotStart:
        return CannotStart([f"{self._key}: {self._file}: {why}"])

    # in the threads

    def _write_jobs(self, session: SqliteSession) -> None:
        while (first := self._writes.get()) is not None:
            jobs, last = _gather(self._writes, first)
            self._answer(self._commit(session, _joined(jobs)))
            if last:
                return

    def _read_jobs(self, session: SqliteSession) -> None:
        while (job := self._reads.get()) is not None:
            try:
                with _transaction(session.connection, "BEGIN"):
                    result = job.run(session)
            except Exception as error:  # noqa: BLE001 - the Deferred fails with it
                result = self._failure(error)
            self._answer([(job, result)])

    def _commit(self, session: SqliteSession, jobs: list[_Job]) -> list[tuple[_Job, Any]]:
        """Run writes in one transaction; return them with their results, after the commit."""
        if len(jobs) == 1:
            return [(jobs[0], self._alone(session, jobs[0]))]
        try:
            with _transaction(session.connection):
                return [(job, self._attempt(session, job)) for job in jobs]
        except sqlite3.Error as error:  # nothing of the transaction is left
            session.remembered = Remembered()
            failure = self._failure(error)
            return [(job, failure) for job in jobs]

    def _alone(self, session: SqliteSession, job: _Job) -> Any:
        """Run one write as a transaction: a savepoint would copy each page that it changes."""
        try:
            with _transaction(session.connection):
                return job.run(session)
        except Exception as error:  # noqa: BLE001 - the Deferred fails with it
            session.remembered = Remembered()
            return self._failure(error)

    def _attempt(self, session: SqliteSession, job: _Job) -> Any:
        """Run one write in a savepoint. Raises `sqlite3.Error` when the whole transaction is lost."""
        connection = session.connection
        connection.execute("SAVEPOINT job")
        try:
            result = job.run(session)
        except Exception as error:
            session.remembered = Remembered()
            if not connection.in_transaction:
                raise sqlite3.OperationalError(str(error)) from error
            connection.execute("ROLLBACK TO job")
            result = self._failure(error)
        connection.execute("RELEASE job")
        return result

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        ):
            self._log_failure(error)
            return Failure(StoreDown(f"{self._schema.what} failed: {error}; nothing was done"))
        return Failure(error)

    def _log_failure(self, error: Exception) -> None:
        count = self._throttle.happened(time.monotonic())
        if count:
            self.log.error(
                "{key}: {file}: {error}; {count} times since the last such line",
                key=self._key,
                file=str(self._file),
                error=str(error),
                count=count,
            )

    def _answer(self, results: list[tuple[_Job, Any]]) -> None:
        self._context.reactor.callFromThread(_fire, results)


def _fire(results: list[tuple[_Job, Any]]) -> None:
    for job, result in results:
        if job.together is None or isinstance(result, Failure):
            for done in job.done:
                done.callback(result)  # a Failure takes the way of errors
        else:
            for done, each in zip(job.done, result, strict=True):
                done.callback(Failure(each) if isinstance(each, Exception) else each)


def _joined(jobs: list[_Job]) -> list[_Job]:
    """Jobs of one commit, with those that are done together made one."""
    joined: list[_Job] = []
    by_work: dict[Callable[..., Any], _Job] = {}
    for job in jobs:
        first = None if job.together is None else by_work.setdefault(job.work, job)
        if first is None or first is job:
            joined.append(job)
        else:
            assert first.together is not None
            assert job.together is not None
            first.together += job.together
            first.done += job.done
    return joined


def _gather(queue: "SimpleQueue[_Job | None]", first: _Job) -> tuple[list[_Job], bool]:
    """The jobs that wait, and whether the last one was among them."""
    jobs = [first]
    with contextlib.suppress(Empty):
        for job in iter(partial(queue.get, False), None):
            jobs.append(job)
            if len(jobs) == _TOGETHER:
                return jobs, False
        return jobs, True
    return jobs, False


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Any:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _make(file: Path, application_id: int) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))  # it will hold the targets of devices
    if not file.stat().st_size:
        return
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as reader:
        (application,) = reader.execute("PRAGMA application_id").fetchone()
        (objects,) = reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if objects and application != application_id:
        raise NotOurs("an SQLite file of another program")


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=256
    )
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection
