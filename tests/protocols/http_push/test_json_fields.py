"""Payloads to which fields are added."""

import msgspec
import pytest

from pushgate.protocols.http_push.json_fields import opened, raw, read_fields, write_fields


def test_the_rest_stays_as_it_is():
    """Numbers and texts are not written anew."""
    fields = read_fields(b'{"a": 1.50, "b": "\\u00fc"}')
    fields["c"] = raw(["x"])
    assert write_fields(fields) == b'{"a":1.50,"b":"\\u00fc","c":["x"]}'


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_object(payload):
    """It has no fields."""
    assert read_fields(payload) is None


@pytest.mark.parametrize("text", [b"{}", b" { } ", b'{"a":1}', b'{ "a" : 1 }\n'])
def test_a_field_is_appended(text):
    """An object with another field is an object, whether it had any before."""
    assert msgspec.json.decode(opened(text, 'to"ken') + b'"t"}') == msgspec.json.decode(text) | {
        'to"ken': "t"
    }
