"""Dead tokens in the durable spool. Everything here runs in the spool's thread."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred

from pushgate.model.dead_token import DeadReason, DeadTokenEntry

_AT_ONCE: Final = 500
"""Rows of one statement; see `rows`."""
_REASONS: Final = {str(reason): reason for reason in DeadReason}


class KeepDead(msgspec.Struct, gc=False):
    """Keep deaths; of two times of one token the later stands."""

    app: str
    deaths: Sequence[DeadTokenEntry]
    done: "Deferred[None]"

    def do(self, connection: sqlite3.Connection) -> None:
        """Do it within a transaction."""
        for at in range(0, len(self.deaths), _AT_ONCE):
            part = self.deaths[at : at + _AT_ONCE]
            values: list[Any] = []
            for death in part:
                values += (self.app, death.token, death.since, str(death.reason), death.doubted)
            connection.execute(
                f"INSERT INTO dead VALUES {', '.join(['(?, ?, ?, ?, ?)'] * len(part))}"  # noqa: S608 - constants
                " ON CONFLICT DO UPDATE SET since = excluded.since, reason = excluded.reason,"
                " doubted = excluded.doubted WHERE excluded.since >= since",
                values,
            )


class DropDead(msgspec.Struct, gc=False):
    """Forget tokens."""

    app: str
    tokens: Sequence[bytes]
    done: "Deferred[None]"

    def do(self, connection: sqlite3.Connection) -> None:
        """Do it within a transaction."""
        for at in range(0, len(self.tokens), _AT_ONCE):
            part = self.tokens[at : at + _AT_ONCE]
            connection.execute(
                f"DELETE FROM dead WHERE app = ? AND token IN ({', '.join('?' * len(part))})",  # noqa: S608 - constants
                (self.app, *part),
            )


class ConfirmDead(msgspec.Struct, gc=False):
    """Note that what was in doubt is certain."""

    app: str
    done: "Deferred[None]"

    def do(self, connection: sqlite3.Connection) -> None:
        """Do it within a transaction."""
        connection.execute("UPDATE dead SET doubted = 0 WHERE app = ? AND doubted", (self.app,))


Burial = KeepDead | DropDead | ConfirmDead


def page(connection: sqlite3.Connection, app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
    """At most `limit` deaths in the order of their tokens, beginning behind `after`."""
    found = connection.execute(
        "SELECT token, since, reason, doubted FROM dead WHERE app = ? AND token > ? ORDER BY token LIMIT ?",
        (app, after, limit),
    ).fetchall()
    return [
        # A word that only a later version knows has come from elsewhere.
        DeadTokenEntry(token, since, _REASONS.get(reason, DeadReason.IMPORTED), bool(doubted))
        for token, since, reason, doubted in found
    ]
