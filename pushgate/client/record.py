"""Outcome records as a client reads them."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one notification; docs/contract.md has the states.

    :param id: of the notification; None in the word of the feedback service that a token is dead.
    :param token: in hex.
    :param state: its `pushgate.model.outcome.State`, or a word that a later gateway may know.
    :param status: the push service's number, if it gave one.
    :param at: Unix seconds.
    :param batch: the id of its batch, whose member `index` it is.
    :param corrects: it takes back an earlier record, which said `presumed`.
    :param dead_since: Unix seconds, of a dead token.
    :param channel: where a broadcast went, which has no token.
    :param replacement: the device's new token, written as `token` is, when the state is `replaced`.
    """

    id: str | None
    app: str
    token: str | None
    state: str
    status: int | None
    reason: str
    at: float
    attempts: int
    batch: str | None
    index: int | None
    upstream: str
    corrects: bool
    dead_since: int | None = None
    channel: str | None = None
    replacement: str | None = None


_decoder = msgspec.json.Decoder(Record)
decode_record = _decoder.decode
"""A record from JSON."""
decode_records = _decoder.decode_lines
"""Records from JSON, one a line."""
