"""Reports that the sinks have not taken, as rows of the durable spool. Everything here runs in its thread."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from pushgate.gateway.spool.batches import batch_of, stem
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Past
from pushgate.model.notification import Batch, Delivery, Terms
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm

_AT_ONCE: Final = 64
"""Rows of one INSERT, for the reason that batches go in few statements."""


class _Of(msgspec.Struct, array_like=True):
    """What of a batch a correction needs: its row may be gone."""

    stem: bytes
    app: str
    tokens: list[bytes]
    accepted_at: float = 0.0
    origin: str = ""
    form: TargetForm = TargetForm.HEX


class _Outcome(msgspec.Struct, array_like=True, tag=0):
    order: int
    start: int
    stop: int
    state: State
    status: int | None
    reason: str
    at: float
    upstream: str
    attempts: int
    of: _Of | None
    past: Past = ()
    unique_id: str = ""
    replacement: bytes = b""


class _DeadToken(msgspec.Struct, array_like=True, tag=1):
    app: str
    token: bytes
    since: int
    at: float
    upstream: str
    form: TargetForm = TargetForm.HEX


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[_Outcome | _DeadToken, ...]).decode


def body(reports: Sequence[Report]) -> bytes:
    """Reports as one value."""
    return _encode([_line(report) for report in reports])


def insert(connection: sqlite3.Connection, entries: Sequence[tuple[int, bytes]]) -> None:
    """Keep reports under their numbers."""
    for at in range(0, len(entries), _AT_ONCE):
        part = entries[at : at + _AT_ONCE]
        values = [value for entry in part for value in entry]
        connection.execute(f"INSERT INTO report VALUES {', '.join(['(?, ?)'] * len(part))}", values)  # noqa: S608 - constants


def drop(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Forget those of these numbers."""
    wanted = msgspec.json.encode(numbers).decode()
    connection.execute("DELETE FROM report WHERE number IN (SELECT value FROM json_each(?))", (wanted,))


def note_taken(connection: sqlite3.Connection, numbers: Mapping[str, int]) -> None:
    """Keep up to which number each sink has taken the reports."""
    connection.executemany("INSERT OR REPLACE INTO taken VALUES (?, ?)", list(numbers.items()))


def taken(connection: sqlite3.Connection) -> dict[str, int]:
    """Up to which number each sink has taken the reports."""
    return dict(connection.execute("SELECT sink, number FROM taken"))


def read(
    connection: sqlite3.Connection, batch: Callable[[int], Batch | None]
) -> tuple[tuple[int, tuple[Report, ...]], ...]:
    """All that are kept, by number.

    :param batch: the batch of an order, None when there is none: then its reports cannot be made.
    """
    rows = connection.execute("SELECT number, body FROM report ORDER BY number")
    return tuple(
        (number, tuple(report for line in _decode(text) if (report := _report(line, batch)) is not None))
        for number, text in rows.fetchall()
    )


def _line(report: Report) -> _Outcome | _DeadToken:
    if isinstance(report, DeadToken):
        return _DeadToken(report.app, report.token, report.since, report.at, report.upstream, report.form)
    span = report.span
    return _Outcome(
        span.batch.order,
        span.start,
        span.stop,
        report.state,
        report.status,
        report.reason,
        report.at,
        report.upstream,
        span.attempts,
        _of(span) if span.recalled else None,
        span.past,
        report.unique_id,
        report.replacement,
    )


def _of(span: BatchSlice) -> _Of:
    batch = span.batch
    return _Of(stem(batch.id), batch.app, span.tokens(), batch.accepted_at, batch.origin, batch.form)


def _report(line: _Outcome | _DeadToken, batch: Callable[[int], Batch | None]) -> Report | None:
    if isinstance(line, _DeadToken):
        return DeadToken(line.app, line.token, line.since, line.at, line.upstream, line.form)
    of = batch(line.order) if line.of is None else _stand_in(line.order, line.start, line.of)
    if of is None:
        return None
    span = BatchSlice(of, line.start, line.stop, line.attempts, recalled=line.of is not None, past=line.past)
    return Outcome(
        span,
        line.state,
        line.status,
        line.reason,
        line.at,
        line.upstream,
        line.unique_id,
        line.replacement,
    )


def _stand_in(order: int, start: int, of: _Of) -> Batch:
    """A batch with these tokens at their place."""
    return Batch(
        id=batch_of(of.stem),
        order=order,
        app=of.app,
        tokens=Packed.of([b""] * start + of.tokens, 2),
        form=of.form,
        payload=b"",
        terms=Terms(),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=of.accepted_at,
        waiting_since=0.0,
        origin=of.origin,
    )
