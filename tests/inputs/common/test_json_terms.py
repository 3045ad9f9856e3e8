"""JSON of every input, decoded in one place."""

import msgspec
import pytest

from pushgate.inputs.amqp.message_body import NDJSON, read
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.schemas import decode_body, decode_notification
from pushgate.inputs.http.ndjson_parser import LinePieces
from pushgate.inputs.line.push import read_json
from pushgate.protocols.apns_rules import APNS_RULES

BOM = b"\xef\xbb\xbf"
ONE = b'{"token": "0a1b", "payload": {}}'


def rules_of(app: object) -> object:
    """Each app is one of Apple's."""
    return APNS_RULES


@pytest.mark.parametrize("decode", [decode_body, decode_notification])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_byte_order_mark(decode, kind):
    """What programs of Windows put before a body is read as if it were not there."""
    assert decoded(decode, kind(BOM + ONE), "body") == decoded(decode, kind(ONE), "body")


def test_a_mark_elsewhere():
    """Only one before the JSON is left out; anywhere else, and a second one, is what it was."""
    for body in (BOM + BOM + ONE, ONE + BOM, b" " + BOM + ONE):
        with pytest.raises(Exception, match="not JSON"):
            decoded(decode_notification, body, "body")


def submissions(asked):
    """How many notifications each submission of a message has, and of which tokens and payloads."""
    what = asked.what
    parts = list(what.parts) if hasattr(what, "parts") else [what]
    found = [part[0] if isinstance(part, tuple) else part for part in parts]
    return [
        (list(each.tokens), bytes(each.payload) if isinstance(each.payload, bytes) else list(each.payload))
        if hasattr(each, "tokens")
        else repr(each)
        for each in found
    ]


def test_messages_and_lines():
    """A RabbitMQ message of either type, and a line that pushes."""
    for content_type, body in ((None, ONE), (NDJSON, ONE + b"\n" + ONE)):
        marked, plain = (read(each, content_type, None, rules_of) for each in (BOM + body, body))
        assert submissions(marked) == submissions(plain)
    pieces = [LinePieces(APNS_RULES) for _ in range(2)]
    for parser, mark in zip(pieces, (BOM, b""), strict=True):
        assert parser.feed(mark + ONE + b"\n" + ONE) == []
    marked, plain = (parser.end() for parser in pieces)
    assert [len(draft.tokens) for draft in marked] == [len(draft.tokens) for draft in plain] == [2]
    assert not any(draft.faults for draft in marked)
    line = msgspec.json.encode({"app": "news", **msgspec.json.decode(ONE)})
    assert read_json(BOM + line, rules_of) == read_json(line, rules_of)
