"""Reports as rows of the ledger, an outcome of a run of notifications each, and back."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Past
from pushgate.model.notification import MEMBER_BITS, Batch, Delivery, Terms
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.model.outcome_record import Tokens
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm

_HASH: Final = 8
"""Bytes of a token's hash: what records show of it."""

Row = tuple[float, bytes, int, int, bytes]
"""When it was reported, what the ids of its batch have in common, first member, end, and the rest.

Of a dead token the second is empty.
"""
Kept = tuple[int, int, bytes]
"""First member, end and the rest of a row that is kept."""


class _StoredBody(msgspec.Struct, array_like=True):
    """What a row has besides; later versions may append to it.

    :param tokens: of the members, each behind two length bytes; b"" when none are kept.
    :param form: how they are written as text. None: 0.1.0 wrote the row, with one length byte a token.
    :param replacement: the new target, as far as tokens are kept.
    """

    app: str
    origin: str
    accepted_at: float
    state: State
    status: int | None
    reason: str
    at: float
    upstream: str
    attempts: int
    recalled: bool
    past: Past
    tokens: bytes
    form: TargetForm | None = None
    unique_id: str = ""
    replacement: bytes = b""


class _StoredDeadToken(msgspec.Struct, array_like=True):
    """What the row of a dead token has."""

    app: str
    token: bytes
    since: int
    at: float
    upstream: str
    form: TargetForm


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredBody).decode
_decode_dead_token = msgspec.msgpack.Decoder(_StoredDeadToken).decode


def row(report: Report, tokens: Tokens) -> Row:
    """The row of a report.

    :param tokens: what is kept of the device tokens.
    """
    return _dead_token_row(report, tokens) if isinstance(report, DeadToken) else _outcome_row(report, tokens)


def report(stem: bytes, start: int, stop: int, body: bytes) -> Report:
    """The report that a row was made of, as far as it was kept."""
    if not stem:
        dead = _decode_dead_token(body)
        return DeadToken(dead.app, dead.token, dead.since, dead.at, dead.upstream, dead.form)
    of = _decode(body)
    prefix = 2 if of.form else 1
    tokens = _Run(of.tokens or bytes(prefix * (stop - start)), prefix, start)
    return _outcome(of, int.from_bytes(stem, "big") << MEMBER_BITS, tokens, start, stop)


def unreported(new: Row, kept: Iterable[Kept]) -> list[Row]:
    """The parts of a row that report what none of the kept ones about the same members does.

    After a crash a report may be given again, in other runs.
    """
    at, stem, start, stop, body = new
    same = [(first, end) for first, end, other in kept if _says_the_same(stem, other, body)]
    if not same:
        return [new]
    if not stem:
        return []
    of = _decode(body)
    rows = []
    for first, end in _gaps(start, stop, sorted(same)):
        tokens = of.tokens and Packed(of.tokens, 2).cut(first - start, end - start)
        rows.append((at, stem, first, end, _encode(replace(of, tokens=tokens))))
    return rows


def _says_the_same(stem: bytes, one: bytes, other: bytes) -> bool:
    return one == other if not stem else _record(_decode(one)) == _record(_decode(other))


def _record(of: _StoredBody) -> tuple[object, ...]:
    """What records show of it."""
    return of.app, of.state, of.status, of.reason, of.at, of.upstream, of.attempts, of.recalled


def _gaps(start: int, stop: int, runs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What `runs`, ascending, leave of a run."""
    for first, end in [*runs, (stop, stop)]:
        if start < first:
            yield start, first
        start = max(start, end)


def _dead_token_row(dead: DeadToken, tokens: Tokens) -> Row:
    token = _kept_token(dead.token, tokens)
    body = _StoredDeadToken(dead.app, token, dead.since, dead.at, dead.upstream, _form(dead.form, tokens))
    return dead.at, b"", 0, 1, _encode(body)


def _outcome_row(outcome: Outcome, tokens: Tokens) -> Row:
    span, batch = outcome.span, outcome.span.batch
    kept = Tokens.FULL if batch.form is TargetForm.CHANNEL else tokens  # a channel is no device
    body = _StoredBody(
        batch.app,
        batch.origin,
        batch.accepted_at,
        outcome.state,
        outcome.status,
        outcome.reason,
        outcome.at,
        outcome.upstream,
        span.attempts,
        span.recalled,
        span.past,
        _kept(span, kept),
        _form(batch.form, kept),
        outcome.unique_id,
        _kept_token(outcome.replacement, kept),
    )
    return outcome.at, stem(batch.id), span.start, span.stop, _encode(body)


def outcome(number: int, start: int, body: bytes) -> Outcome:
    """The outcome of the one notification with this id.

    :param start: the first member of the row.
    """
    of, index = _decode(body), number & ((1 << MEMBER_BITS) - 1)
    token = Packed(of.tokens, 2 if of.form else 1)[index - start] if of.tokens else b""
    alone = _Run(len(token).to_bytes(2, "big") + token, 2, index)
    return _outcome(of, number - index, alone, index, index + 1)


def stem(number: int) -> bytes:
    """What the ids of a batch have in common, as it is stored: SQLite's numbers are too short."""
    return (number >> MEMBER_BITS).to_bytes(14, "big")


class _Run(Packed):
    """The targets of a batch from member `first` on; those before it are not known."""

    __slots__ = ("_first",)

    def __init__(self, blob: bytes, prefix: int, first: int) -> None:
        super().__init__(blob, prefix)
        self._first = first

    def __len__(self) -> int:
        return self._first + self.count

    def __getitem__(self, index: int) -> bytes:
        return super().__getitem__(index - self._first)

    def slice(self, start: int, stop: int) -> list[bytes]:
        return super().slice(start - self._first, stop - self._first)

    def cut(self, start: int, stop: int) -> bytes:
        return super().cut(start - self._first, stop - self._first)


def _outcome(of: _StoredBody, number: int, tokens: Packed, start: int, stop: int) -> Outcome:
    """The outcome of members of the batch with this id."""
    batch = Batch(
        id=number,
        order=0,
        app=of.app,
        tokens=tokens,
        form=of.form or TargetForm.HEX,
        payload=b"",
        terms=Terms(),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=of.accepted_at,
        waiting_since=0.0,
        origin=of.origin,
    )
    span = BatchSlice(batch, start, stop, of.attempts, recalled=of.recalled, past=of.past)
    return Outcome(span, of.state, of.status, of.reason, of.at, of.upstream, of.unique_id, of.replacement)


def _kept(span: BatchSlice, tokens: Tokens) -> bytes:
    if tokens is Tokens.NONE:
        return b""
    if tokens is Tokens.FULL:
        return span.batch.tokens.cut(span.start, span.stop)
    return Packed.of([_hash(token) for token in span.tokens()], 2).blob


def _kept_token(token: bytes, tokens: Tokens) -> bytes:
    """What is kept of one token; b"" stays what it is."""
    if tokens is Tokens.NONE or not token:
        return b""
    return _hash(token) if tokens is Tokens.HASH else token


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()[:_HASH]


def _form(form: TargetForm, tokens: Tokens) -> TargetForm:
    """How what is kept of a target is written as text."""
    return TargetForm.HEX if tokens is Tokens.HASH else form
