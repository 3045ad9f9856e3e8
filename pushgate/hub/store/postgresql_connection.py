"""One connection to PostgreSQL, used by one thread."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Final, LiteralString, TypeVar

import msgspec
import psycopg
from psycopg import sql
from psycopg.errors import DeadlockDetected, ReadOnlySqlTransaction, SerializationFailure
from psycopg.types.numeric import Int8Dumper

from pushgate.database.interface import Row
from pushgate.database.remembered import Remembered

CONNECT: Final = 5
"""Seconds that connecting may take."""
SILENCE: Final = 10
"""Seconds without an acknowledgement after which a connection is given up."""
_CLOCK: Final = 10.0
"""Seconds after which the clock of the server is read again."""
_OPTIONS: Final = {
    "connect_timeout": CONNECT,
    "application_name": "pushgate",
    "client_encoding": "utf8",
    "keepalives_idle": SILENCE,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": SILENCE * 1000,
    # How many registrations have a tag differs so much that a plan made for any tag fits none. To compile
    # a plan takes longer than a page of targets.
    "options": "-c plan_cache_mode=force_custom_plan -c jit=off",
}
CONTENTION: Final = (SerializationFailure, DeadlockDetected)
"""The server gave up a transaction for the sake of another; the same can be tried again."""
LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction)
"""The server does not do what it should: it is away, or full, or a copy that only reads."""
ANALYZE: Final = 5000
"""Registrations that a connection has added when it has statistics made for the first time."""
T = TypeVar("T")


class FateUnclear(Exception):
    """The connection was lost while a transaction was committed.

    :param transaction: its number.
    :param result: what the work in it returned.
    """

    def __init__(self, transaction: str, result: Any) -> None:
        super().__init__("the connection was lost while a transaction was committed")
        self.transaction, self.result = transaction, result


class ServerAddress(msgspec.Struct, frozen=True):
    """Where the database is.

    :param url: ``postgresql://user@host/database``.
    :param schema: the schema of the hub in it.
    """

    url: str
    schema: str
    password: str | None = None


class PostgresqlSession:
    """The transactions of one connection. See `pushgate.database.interface.Session`."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self.connection = connection
        self.remembered = Remembered()
        self.used = False
        self._offset = self._read_at = 0.0
        self._grown, self._analyze_at = 0, ANALYZE

    @classmethod
    def connect(cls, address: ServerAddress) -> "PostgresqlSession":
        """Connect. Raises one of `LOST`."""
        options: dict[str, Any] = dict(_OPTIONS)
        if address.password is not None:
            options["password"] = address.password
        connection = psycopg.connect(
            address.url, autocommit=True, cursor_factory=psycopg.RawCursor, **options
        )
        connection.adapters.register_dumper(
            int, Int8Dumper
        )  # of one size: statements are kept by their types
        connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(address.schema)))
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return cls(connection)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        cursor = self.connection.execute(_translated(statement), values, binary=True)
        return cursor.fetchall() if cursor.description is not None else []

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)

    def now(self) -> float:
        if time.monotonic() - self._read_at > _CLOCK or not self._read_at:
            (now,) = self.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")[0]
            self._read_at = time.monotonic()
            self._offset = now - self._read_at
        return time.monotonic() + self._offset

    def read(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        """Run what changes nothing, over one state of the database."""
        self.connection.read_only = True
        with self._transaction():
            result = work(self, *arguments)
            self.connection.rollback()
        return result

    def write(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        """Run work in a transaction, and commit it.

        :raises FateUnclear: see there; whatever else is raised, nothing was done.
        """
        self.connection.read_only = False
        with self._transaction():
            result = work(self, *arguments)
            (number,) = self.execute("SELECT pg_current_xact_id_if_assigned()::text")[0]
            try:
                self.connection.commit()
            except LOST as error:
                if number is not None and self.connection.broken:
                    raise FateUnclear(number, result) from error
                raise
        self._analyze()
        return result

    def grown(self, rows: int) -> None:
        self._grown += rows

    def _analyze(self) -> None:
        """Have statistics made when much was added: each time when it is twice as much as the last time.

        The server does it by itself too, a minute later; until then it would take an index of a million rows
        for one of a few, and a page of targets would take seconds.
        """
        if self._grown < self._analyze_at:
            return
        self._analyze_at = 2 * self._grown
        with suppress(psycopg.Error), self._transaction():
            for table in ("device", "registration", "registration_tag"):
                self.execute(f"ANALYZE {table}")
            self.connection.commit()

    def fate(self, number: str) -> str | None:
        """Say what became of a transaction: ``committed``, ``aborted``, ``in progress``; None: forgotten."""
        return self.read(_fate, (number,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Undo what raises."""
        try:
            yield
        except BaseException:
            self.remembered = Remembered()
            try:
                self.connection.rollback()
            except psycopg.Error:
                self.connection.close()
            raise
        self.used = True

    def lock(self, number: int) -> None:
        """Take a lock of the server until the connection is closed, outside of transactions."""
        self.connection.autocommit = True
        self.connection.execute("SELECT pg_advisory_lock($1)", (number,))
        self.connection.autocommit = False

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def _fate(session: PostgresqlSession, number: str) -> str | None:
    rows: list[tuple[str | None]] = session.execute("SELECT pg_xact_status(?::text::xid8)", (number,))
    return rows[0][0]


@lru_cache(1024)
def _translated(statement: LiteralString) -> LiteralString:
    """A statement with the marks of the server: the driver need not look for its own. It is of constants."""
    first, *others = statement.split("?")
    return first + "".join([f"${number}{other}" for number, other in enumerate(others, 1)])
