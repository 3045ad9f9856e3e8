"""Outcomes as rows of the ledger, a run of notifications each, and back."""

import hashlib
from typing import Final

import msgspec

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Past
from pushgate.model.notification import MEMBER_BITS, Batch, Delivery, Terms
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import Tokens
from pushgate.model.packed import Packed
from pushgate.model.target import TargetForm

_HASH: Final = 8
"""Bytes of a token's hash: what records show of it."""

Row = tuple[float, bytes, int, int, bytes]
"""When it was reported, what the ids of its batch have in common, first member, end, and the rest."""


class _StoredBody(msgspec.Struct, array_like=True):
    """What a row has besides; later versions may append to it.

    :param tokens: of the members, each behind two length bytes; b"" when none are kept.
    :param form: how they are written as text. None: 0.1.0 wrote the row, with one length byte a token.
    """

    app: str
    door: str
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


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredBody).decode


def row(outcome: Outcome, tokens: Tokens) -> Row:
    """The row of an outcome.

    :param tokens: what is kept of the device tokens.
    """
    span, batch = outcome.span, outcome.span.batch
    body = _StoredBody(
        batch.app,
        batch.door,
        batch.accepted_at,
        outcome.state,
        outcome.status,
        outcome.reason,
        outcome.at,
        outcome.upstream,
        span.attempts,
        span.recalled,
        span.past,
        _kept(span, tokens),
        batch.form,
        outcome.unique_id,
    )
    return outcome.at, stem(batch.id), span.start, span.stop, _encode(body)


def outcome(number: int, start: int, body: bytes) -> Outcome:
    """The outcome of the one notification with this id.

    :param start: the first member of the row.
    """
    of, index = _decode(body), number & ((1 << MEMBER_BITS) - 1)
    token = Packed(of.tokens, 2 if of.form else 1)[index - start] if of.tokens else b""
    batch = Batch(
        id=number - index,
        order=0,
        app=of.app,
        tokens=Packed(b"\0\0" * index + len(token).to_bytes(2, "big") + token, 2),
        form=of.form or TargetForm.HEX,
        payload=b"",
        terms=Terms(),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=of.accepted_at,
        waiting_since=0.0,
        door=of.door,
    )
    span = BatchSlice(batch, index, index + 1, of.attempts, recalled=of.recalled, past=of.past)
    return Outcome(span, of.state, of.status, of.reason, of.at, of.upstream, of.unique_id)


def stem(number: int) -> bytes:
    """What the ids of a batch have in common, as it is stored: SQLite's numbers are too short."""
    return (number >> MEMBER_BITS).to_bytes(14, "big")


def _kept(span: BatchSlice, tokens: Tokens) -> bytes:
    if tokens is Tokens.NONE:
        return b""
    if tokens is Tokens.FULL:
        return span.batch.tokens.cut(span.start, span.stop)
    return Packed.of([hashlib.sha256(token).digest()[:_HASH] for token in span.tokens()], 2).blob
