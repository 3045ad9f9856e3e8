"""Rows of the ledger, those of earlier versions included."""

import msgspec
import pytest
from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import Tokens, kept_lines, record
from pushgate.sinks.ledger.rows import outcome, report, row, unreported
from tests.samples import ID, batch, token


def test_a_row_of_0_1_0():
    """It has one length byte a token and no form: its tokens are device tokens, written in hex."""
    tokens = b"".join(b"\x20" + token(number) for number in (7, 8))
    body = msgspec.msgpack.encode(
        [
            "news",
            "amp",
            1_700_000_000.0,
            "rejected",
            8,
            "InvalidToken",
            1_700_000_001.0,
            "apns-stream",
            1,
            False,
            (),
            tokens,
        ]
    )
    found = outcome(ID + 4, 3, body)
    assert (found.state, found.span.tokens()) == (State.REJECTED, [token(8)])
    assert token(8).hex() in record(found)
    whole = report(bytes(14), 3, 5, body)
    assert [token(number).hex() in line for number, line in enumerate(kept_lines(whole), 7)] == [True, True]
    tokens = whole.span.batch.tokens
    assert (len(tokens), tokens[3], tokens[4]) == (5, token(7), token(8))
    assert tokens.hex(3, 5) == [member.hex() for member in tokens.slice(3, 5)]
    assert tokens.cut(4, 5) == b"\x20" + token(8)


TOLD = Outcome(
    BatchSlice(batch(3), 0, 3, 1), State.ACCEPTED, 200, "", 1.0, "adm", unique_id="u", replacement=b"new"
)


@pytest.mark.parametrize(
    ("fields", "unique_id", "replacement"), [(13, "", b""), (14, "u", b""), (15, "u", b"new")]
)
def test_rows_before_fields_were_added(fields, unique_id, replacement):
    """A row that an earlier version wrote has fewer fields, and says all it said then."""
    _, stem, start, stop, body = row(TOLD, Tokens.FULL)
    found = report(stem, start, stop, msgspec.msgpack.encode(msgspec.msgpack.decode(body)[:fields]))
    assert (found.unique_id, found.replacement) == (unique_id, replacement)
    assert kept_lines(found) == kept_lines(replace(TOLD, unique_id=unique_id, replacement=replacement))


def test_a_part_of_a_row():
    """What of a report was kept before a crash is left out; the rest says what it said."""
    new = row(TOLD, Tokens.FULL)
    (_, stem, start, stop, body), *others = unreported(new, [(0, 1, new[4])])
    assert (start, stop, others) == (1, 3, [])
    assert report(stem, start, stop, body).replacement == b"new"
