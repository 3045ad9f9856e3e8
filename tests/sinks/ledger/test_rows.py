"""Rows of the ledger, those of earlier versions included."""

import msgspec

from pushgate.model.outcome import State
from pushgate.model.outcome_record import kept_lines, record
from pushgate.sinks.ledger.rows import outcome, report
from tests.samples import ID, token


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
