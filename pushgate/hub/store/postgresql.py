"""A hub's database in PostgreSQL, which several gateways share.

Each of a few threads has a connection, and takes the next piece of work that waits. A transaction sees one
state of the database; where two change the same, the server gives up one of them, which is tried again. So
what reads a row and then writes it needs no lock.

A connection that is lost is made anew with the next piece of work. If it is lost while a transaction is
committed, the server is asked afterwards what became of that. One that is away when the hub starts
is no other case than one that goes away later.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import msgspec
import psycopg
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.database.interface import A, IDatabase, Session
from pushgate.database.migrations import NotOurs
from pushgate.hub.store.postgresql_connection import (
    CONTENTION,
    LOST,
    FateUnclear,
    PostgresqlSession,
    ServerAddress,
)
from pushgate.hub.store.postgresql_schema import SchemaOnce, is_away
from pushgate.hub.store.together import alone
from pushgate.model.errors import CannotStart, Invalid, reason
from pushgate.model.log_throttle import LogThrottle
from pushgate.model.store_down import StoreDown
from pushgate.plugin.context import Context

TRIES: Final = 20
"""How often a transaction is tried that the server gives up for the sake of others."""
FATE: Final = 15.0
"""Seconds in which it is to be found out what became of a transaction."""
_PAUSE: Final = 0.01
"""Seconds before a transaction is tried again, at most, times the number of tries."""
T = TypeVar("T")


class _Job(msgspec.Struct, gc=False):
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: "Deferred[Any]"
    writes: bool


@implementer(IDatabase)
class PostgresqlDatabase:
    """A hub's database in a schema of its own.

    :param connections: how many; as many threads.
    :param key: what names the address in the configuration, for `CannotStart`: ``"hubs.main.store"``.
    """

    log = Logger()

    def __init__(
        self, address: ServerAddress, connections: int, context: Context, key: str = "store"
    ) -> None:
        self._address, self._connections = address, connections
        self._context, self._key = context, key
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._stopped: list[Deferred[None]] = []
        self._schema = SchemaOnce(address)
        self._running = False
        self._throttle = LogThrottle()

    # IDatabase, in the reactor's thread

    def start(self) -> None:
        """Raise `CannotStart` for what does not pass by itself; a server that is away is waited for."""
        try:
            self._schema.prepare()
        except (psycopg.Error, NotOurs, FateUnclear, UnicodeError) as error:  # the last: no name of a host
            if not (isinstance(error, psycopg.Error) and is_away(self._address.url, error)):
                raise CannotStart([f"{self._key}: {reason(error)}"]) from None
            self._lost(error)
        self._running = True
        for number in range(self._connections):
            self._run(number)

    def stop(self) -> "Deferred[None]":
        if self._running:
            self._running = False
            for _ in range(self._connections):
                self._jobs.put(None)
        return gatherResults(self._stopped).addCallback(lambda _: None)

    def read(self, work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        return self._do(work, arguments, writes=False)

    def write(self, work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        return self._do(work, arguments, writes=True)

    def write_together(
        self, work: Callable[[Session, Sequence[A]], Sequence[T | Exception]], argument: A
    ) -> "Deferred[T]":
        """See `IDatabase`. Each by itself: the connections do several at a time."""
        return self.write(alone, work, argument)

    def _do(self, work: Callable[..., T], arguments: tuple[Any, ...], writes: bool) -> "Deferred[T]":
        done: Deferred[T] = Deferred()
        if self._running:
            self._jobs.put(_Job(work, arguments, done, writes))
        else:
            done.errback(StoreDown("the hub's database is closed; nothing was done"))
        return done

    def _run(self, number: int) -> None:
        stopped: Deferred[None] = Deferred()
        self._stopped.append(stopped)

        def body() -> None:
            try:
                _Worker(self._address, self._ready, self._lost).run(self._jobs, self._answer)
            finally:
                self._context.reactor.callFromThread(stopped.callback, None)

        threading.Thread(target=body, name=f"pushgate hub database {number}", daemon=True).start()

    def _ready(self) -> None:
        """Prepare the schema if the start could not; raise one of `LOST`."""
        if self._schema.ensure():
            self.log.info("{key}: the database is reached, and the hub is served", key=self._key)

    def _lost(self, error: BaseException) -> None:
        """Log that the server is away; once a while, however many threads and calls find it so."""
        count = self._throttle.happened(time.monotonic())
        if count:
            self.log.error(
                "{key}: {error}; {count} times since the last such line; it is tried again",
                key=self._key,
                error=reason(error),
                count=count,
            )

    def _answer(self, job: _Job, result: Any) -> None:
        self._context.reactor.callFromThread(job.done.callback, result)  # a Failure takes the way of errors


class _Worker:
    """A thread with its connection.

    :param ready: called before one is made; raises one of `LOST`.
    :param lost: called with the reason when the server cannot be used.
    """

    def __init__(
        self, address: ServerAddress, ready: Callable[[], None], lost: Callable[[BaseException], None]
    ) -> None:
        self._address, self._ready, self._lost = address, ready, lost
        self._session: PostgresqlSession | None = None

    def run(self, jobs: "SimpleQueue[_Job | None]", answer: Callable[[_Job, Any], None]) -> None:
        """Do jobs until there is None."""
        while (job := jobs.get()) is not None:
            answer(job, self._attempt(job))
        if self._session is not None:
            self._session.close()

    def _attempt(self, job: _Job) -> Any:
        try:
            return self._tried(job)
        except FateUnclear as unclear:
            return self._settled(unclear)
        except LOST as error:
            self._lost(error)
            return Failure(StoreDown("the hub's database cannot be reached; nothing was done"))
        except psycopg.DataError:
            return Failure(Invalid("text", "characters that the database does not take", "no NUL characters"))
        except Exception:  # noqa: BLE001 - the Deferred fails with it
            return Failure()

    def _tried(self, job: _Job) -> Any:
        """Do a job as often as it takes: another transaction was in its way, or the connection was stale."""
        for count in range(1, TRIES):
            session = self._connected()
            stale = session.used
            try:
                return self._once(session, job)
            except CONTENTION:
                time.sleep(random.random() * _PAUSE * count)  # noqa: S311 - no secret
            except LOST:
                if not (session.connection.closed and stale):
                    raise
        return self._once(self._connected(), job)

    def _once(self, session: PostgresqlSession, job: _Job) -> Any:
        if not job.writes:
            return session.read(job.work, job.arguments)
        return session.write(job.work, job.arguments)

    def _connected(self) -> PostgresqlSession:
        if self._session is None or self._session.connection.closed:
            self._ready()
            self._session = PostgresqlSession.connect(self._address)
        return self._session

    def _settled(self, unclear: FateUnclear) -> Any:
        """Find out what became of a transaction, and answer accordingly."""
        end = time.monotonic() + FATE
        while time.monotonic() < end:
            try:
                fate = self._connected().fate(unclear.transaction)
            except LOST:
                time.sleep(0.2)
                continue
            except psycopg.Error as error:  # it is another server now, which knows of no such transaction
                self._lost(error)
                break
            if fate == "committed":
                return unclear.result
            if fate == "aborted":
                return Failure(StoreDown("the hub's database cannot be reached; nothing was done"))
            time.sleep(0.1)
        return Failure(StoreDown("the hub's database went away; whether it was done is not known"))
