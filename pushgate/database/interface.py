"""What is asked of a database; `sqlite` provides it, and for hubs PostgreSQL too. The SQL on top is shared.

Statements are written with ``?`` for values, in the SQL that both understand (``ON CONFLICT``,
``RETURNING``), and have no other question or percent marks. Values are int, float, str, bytes and None.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

from pushgate.database.remembered import Remembered

Row = tuple[Any, ...]
T = TypeVar("T")
A = TypeVar("A")


class Session(Protocol):
    """One transaction, in a thread of the database.

    :ivar remembered: what work found or made in earlier transactions. Emptied when a transaction, or a part
        of one, is undone.
    """

    remembered: Remembered

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement; return its rows, all of them: a query is to have a limit."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""

    def now(self) -> float:
        """Unix seconds by the clock that all gateways on this database share."""

    def grown(self, rows: int) -> None:
        """Note that so many were added at once: a database that plans by statistics may need new ones."""


class IDatabase(Interface):
    """A database. Its methods are called in the reactor's thread; work runs in threads of its own."""

    def start() -> None:
        """Open it, bring its schema up to date. Raises `CannotStart`.

        One on a server that is only away is opened as soon as that is there; until then all fails with
        `StoreDown`.
        """

    def stop() -> "Deferred[None]":
        """Finish what was asked for, then close it; fires when that is done. Never fails."""

    def read(work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        """Run ``work(session, *arguments)``, which changes nothing; fires with what it returns.

        It sees one state of the database. Fails with what it raises, and with `StoreDown`.
        """

    def write(work: Callable[..., T], *arguments: Any) -> "Deferred[T]":
        """Run ``work(session, *arguments)`` in a transaction; fires with what it returns once that is safe.

        Calls at the same time may share a commit; one that raises undoes its own changes alone. May be run
        more than once, if the database gave up the transaction: so it has no effect outside of it.
        Fails with what it raises, and with `StoreDown`: then nothing was done.
        """

    def write_together(
        work: "Callable[[Session, Sequence[A]], Sequence[T | Exception]]", argument: A
    ) -> "Deferred[T]":
        """As `write`, for what many callers do alike: what comes at a time is done with few statements.

        ``work(session, arguments)`` is given the arguments of calls with the same `work`, in their order, and
        returns for each what its call fires or fails with; of a call that fails it has changed nothing.
        """
