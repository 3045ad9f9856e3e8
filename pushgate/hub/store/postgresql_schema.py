"""The schema of a hub in PostgreSQL: made, or brought up to date, before the first piece of work."""

import socket
import threading
import time
from typing import Final

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ConnectionTimeout

from pushgate.database.migrations import NotOurs, migrate
from pushgate.hub.store.postgresql_connection import (
    CONNECT,
    LOST,
    FateUnclear,
    PostgresqlSession,
    ServerAddress,
)
from pushgate.hub.store.schema import STEPS, for_postgresql

PAUSE: Final = 1.0
"""Seconds after a failure within which no other thread tries."""
_MIGRATION_LOCK: Final = 0x70676862


class SchemaOnce:
    """Prepares a schema once, whichever thread comes first.

    :ivar is_ready: it has been prepared.
    """

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._failure, self._again_at = "", 0.0
        self.is_ready = False

    def prepare(self) -> None:
        """Make the schema, or bring it up to date.

        :raises NotOurs: the database cannot be used.
        :raises psycopg.Error: likewise, or the server cannot be reached.
        :raises FateUnclear: the connection was lost; the same may be tried again.
        """
        session = PostgresqlSession.connect(self._address)
        try:
            session.lock(_MIGRATION_LOCK)
            session.write(_prepare, (self._address.schema,))
        finally:
            session.close()
        self.is_ready = True

    def ensure(self) -> bool:
        """Prepare it if it is not; return whether this call did.

        :raises psycopg.OperationalError: whatever was in the way: nothing can be done in the database yet.
        """
        if self.is_ready:
            return False
        with self._lock:
            if self.is_ready:
                return False
            if time.monotonic() < self._again_at:
                raise psycopg.OperationalError(self._failure)
            try:
                self.prepare()
            except (psycopg.Error, NotOurs, FateUnclear) as error:
                self._failure, self._again_at = str(error), time.monotonic() + PAUSE
                if isinstance(error, LOST):
                    raise
                raise psycopg.OperationalError(self._failure) from error
            return True


def is_away(url: str, error: psycopg.Error) -> bool:
    """Whether a connection failed because the server is away or takes none yet, which passes by itself.

    What is wrong in a configuration does not: a host name that does not exist, a certificate that is not
    trusted, a database, a user or a password that the server refuses. libpq has no code for why it failed; it
    can tell whether a server answers, and whether it takes connections at all. While it finds that out, for
    `CONNECT` seconds at most, no thread of the process runs: this is for the start.

    :param url: of `ServerAddress`.
    """
    if isinstance(error, ConnectionTimeout):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    ping = pq.PGconn.ping(make_conninfo(url, connect_timeout=CONNECT).encode())
    if ping != pq.Ping.NO_RESPONSE:
        return bool(ping == pq.Ping.REJECT)
    return not any(word in str(error) for word in ("certificate", "SSL was required")) and _has_hosts(url)


def _has_hosts(url: str) -> bool:
    """Whether one of the hosts is known by name, or may be when names can be looked up again."""
    given = conninfo_to_dict(url)
    hosts = str(given.get("hostaddr") or given.get("host") or "")
    return any(map(_is_known, hosts.split(",")))


def _is_known(host: str) -> bool:
    if host.startswith(("/", "@")) or not host:
        return True  # a socket of this machine
    try:
        socket.getaddrinfo(host, None)
    except socket.gaierror as error:
        return error.errno == socket.EAI_AGAIN
    return True


def _prepare(session: PostgresqlSession, schema: str) -> None:
    (encoding,) = session.execute("SHOW server_encoding")[0]
    if encoding != "UTF8":
        raise NotOurs(f"a database with the encoding {encoding}; it is to be UTF8")
    session.connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    migrate(session, STEPS, for_postgresql)
