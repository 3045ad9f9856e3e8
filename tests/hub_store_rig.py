"""Both databases of a hub, for tests that hold for either; registrations to fill them with."""

import itertools
import time
from pathlib import Path

import msgspec
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.database.migrations import migrate
from pushgate.database.sqlite import SqliteDatabase, SqliteSession, _connect
from pushgate.hub.store.postgresql import PostgresqlDatabase
from pushgate.hub.store.postgresql_connection import PostgresqlSession, ServerAddress
from pushgate.hub.store.schema import HUB_SCHEMA, STEPS, for_postgresql
from pushgate.model.hub.installation import Installation, InstallationTemplate
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration, Template
from pushgate.testing.context import context

TABLES = ("registration_tag", "registration", "installation", "device", "tag", "registration_id")
_count = itertools.count()


def fresh_address(server):
    """An address on a server of a hub that there was none of before."""
    return ServerAddress(server.url, f"pushgate_test_{next(_count)}")


def sqlite_session(directory):
    """A session on a new file, without transactions, and with a clock that tests move: `clock`."""
    connection = _connect(Path(directory) / f"hub{next(_count)}.sqlite")
    connection.execute("PRAGMA synchronous = OFF")
    session = SqliteSession(connection, time.time)
    migrate(session, STEPS)
    return session


def postgresql_session(server):
    """The same in a new schema of a server."""
    address = fresh_address(server)
    server.sql(f"CREATE SCHEMA {address.schema}")
    session = PostgresqlSession.connect(address)
    session.connection.autocommit = True
    migrate(session, STEPS, for_postgresql)
    return session


def emptied(session):
    """The session, with nothing in its database."""
    for table in TABLES:
        session.execute(f"DELETE FROM {table}")
    session.remembered.clear()
    return session


def registration(handle=b"device", *tags, **fields):
    """A registration of an Apple device."""
    return Registration(**{"platform": Platform.APNS, "handle": handle, "tags": tags, **fields})


def template(body="{}", name="", **fields):
    """A template."""
    return Template(body=body, name=name, **fields)


def installation(name="phone", **fields):
    """An installation of an Apple device."""
    given = {"platform": Platform.APNS, "push_channel": "ab" * 8, "handle": b"\xab" * 8}
    return Installation(id=name, **{**given, **fields})


def installation_template(body="{}", *tags):
    """A template of an installation."""
    return InstallationTemplate(template=Template(body=body), tags=tags)


class DatabaseTestCase(TestCase):
    """Tests of databases with the real reactor: they have threads."""

    timeout = 60

    def setUp(self):
        self.context = msgspec.structs.replace(context(), reactor=reactor, wall=time.time)

    def sqlite(self, file=None):
        """A database in a file, started; stopped after the test."""
        return self.started(
            SqliteDatabase(file or Path(self.mktemp()) / "hub.sqlite", self.context, HUB_SCHEMA)
        )

    def postgresql(self, server, connections=3, address=None):
        """A database in a schema of its own, started; stopped after the test."""
        return self.started(
            PostgresqlDatabase(address or fresh_address(server), connections, self.context, HUB_SCHEMA)
        )

    def started(self, database):
        database.start()
        self.addCleanup(database.stop)
        return database
