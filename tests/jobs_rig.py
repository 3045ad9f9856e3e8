"""A runner of jobs over a database in memory, with registrations in a dictionary."""

import sqlite3
from contextlib import suppress

from msgspec.structs import replace
from twisted.internet.defer import execute, fail, succeed
from zope.interface import implementer

from pushgate.database.interface import IDatabase
from pushgate.hub.jobs.containers import Containers
from pushgate.hub.jobs.runner import JobRunner
from pushgate.hub.store.job_tables import JOB_TABLES
from pushgate.hub.store.together import alone
from pushgate.model.errors import Invalid
from pushgate.model.hub.errors import UnknownResource
from pushgate.model.hub.job import JobType
from pushgate.model.hub.registration import RegistrationPage
from pushgate.model.store_down import StoreDown
from pushgate.protocols.notification_hubs.blob_signature import ALL, Grant, Place, query
from pushgate.testing import context


class MemorySession:
    """A transaction, and the clock of the database."""

    def __init__(self, connection, wall):
        self._connection, self._wall = connection, wall

    def execute(self, statement, values=()):
        return self._connection.execute(statement, values).fetchall()

    def executemany(self, statement, rows):
        self._connection.executemany(statement, rows)

    def now(self):
        return self._wall()


@implementer(IDatabase)
class MemoryDatabase:
    """Does all at once.

    :ivar down: it is out of reach.
    :ivar before_commit: called when work is done, and may raise what a crash would leave undone.
    """

    def __init__(self, wall, registrar):
        self._wall, self._registrar = wall, registrar
        self.down, self.before_commit = False, lambda: None
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.execute(*JOB_TABLES)

    def start(self):
        """It is open."""

    def stop(self):
        return succeed(None)

    def read(self, work, *arguments):
        return self.write(work, *arguments)

    def write(self, work, *arguments):
        if self.down:
            return fail(StoreDown())
        return execute(self._write, work, *arguments)

    def write_together(self, work, argument):
        return self.write(alone, work, argument)

    def _write(self, work, *arguments):
        self._connection.execute("BEGIN")
        kept = dict(self._registrar.kept)
        try:
            found = work(MemorySession(self._connection, self._wall), *arguments)
            self.before_commit()
        except BaseException:
            self._connection.execute("ROLLBACK")
            self._registrar.kept = kept
            raise
        self._connection.execute("COMMIT")
        return found


class DictRegistrar:
    """Keeps registrations in a dictionary.

    :ivar calls: how often each import was told that its changes are safe.
    """

    def __init__(self):
        self.kept, self.calls, self._number = {}, [], 0

    def apply(self, session, kind, registration):
        if "refuse" in registration.tags:
            raise Invalid("Tags", "one that is refused", "another")
        number = registration.id
        if kind is JobType.CREATE or (kind is JobType.UPSERT and not number):
            self._number += 1
            number = f"{self._number}-1-1"
        elif kind is not JobType.UPSERT and number not in self.kept:
            raise UnknownResource("registration")
        if kind is JobType.DELETE:
            del self.kept[number]
        else:
            self.kept[number] = replace(registration, id=number)
        return number

    def page(self, session, after, limit):
        found = sorted(each for each in self.kept if each > after)
        last = found[limit - 1] if len(found) > limit else ""
        return RegistrationPage(tuple(self.kept[each] for each in found[:limit]), last)

    def total(self, session):
        return len(self.kept)

    def applied(self, kind, registrations):
        self.calls.append((kind, len(registrations)))
        return succeed(None)


class Gateway:
    """One gateway's runner, which can be killed and started again on the same database and files."""

    def __init__(self, clock, directory, *, owner="a", database=None, registrar=None):
        self.context = context(clock)
        self.clock, self.directory, self.owner = clock, directory, owner
        self.registrar = registrar or DictRegistrar()
        self.database = database or MemoryDatabase(self.context.wall, self.registrar)
        self.containers = Containers("main", directory)
        self.runner = JobRunner(
            "main",
            self.database,
            self.containers,
            self.registrar,
            self.context,
            owner=owner,
            keep=lambda: 86400.0,
        )
        self.runner.start()

    def restarted(self, owner=None):
        """Another program on the same state, while this one does nothing any more."""
        self.killed()
        return Gateway(
            self.clock,
            self.directory,
            owner=owner or self.owner,
            database=self.database,
            registrar=self.registrar,
        )

    def killed(self):
        """It does nothing any more, and has not said so."""
        self.runner._stopping = True
        with suppress(Exception):
            self.runner._timer.cancel()

    def address(self, container, name="", grant=ALL, life=3600.0, hub="main"):
        """A signed address."""
        signed = query(Place(hub, container), Grant(grant, self.context.wall() + life), self.containers.key())
        return f"https://localhost/{hub}/blobs/{container}{'/' if name else ''}{name}?{signed}"
