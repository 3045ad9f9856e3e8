"""Messages around their targets, and what terms add to them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.history import Event, Step
from pushgate.model.notification import Priority
from pushgate.protocols.fcm.message import added, adds_something, frame
from pushgate.protocols.fcm.target import field
from tests.samples import span

ACCEPTED_AT = 1_700_000_000


def body(payload, more=None, **options):
    """The body of a message to the token T, decoded."""
    head, tail = frame(payload, more or {}, **options)
    return msgspec.json.decode(head + field(b"T") + tail)


class TestFrames:
    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            (b"{}", {}),
            (b" \n{ } ", {}),
            (b'{"data":{"a":"b"}}', {"data": {"a": "b"}}),
            (b'\t{ "data" : {"a":"b"} }\n', {"data": {"a": "b"}}),
            (b'{"message":{"data":{"a":"b"}}}', {"data": {"a": "b"}}),
            (b'{"message": { } }', {}),
        ],
    )
    def test_a_message_or_a_whole_body(self, payload, message):
        """Both are the same."""
        assert body(payload) == {"message": {"token": "T", **message}}

    def test_bytes_are_kept(self):
        """Without terms a message is not written anew."""
        head, tail = frame(b'{"data": {"a":  "\\u00e4"}}', {})
        assert (head, tail) == (b'{"message":{', b',"data": {"a":  "\\u00e4"}}}')

    @pytest.mark.parametrize(
        ("payload", "option"),
        [
            (b"{}", True),
            (b'{"validate_only":true,"message":{}}', False),
            (b'{"validateOnly":true,"message":{}}', False),
        ],
    )
    def test_to_nobody(self, payload, option):
        """The app says so, or a whole body."""
        assert body(payload, validate_only=option) == {"validate_only": True, "message": {"token": "T"}}

    @given(st.binary(max_size=40) | st.sampled_from([b"[" * 100_000, b'"text"', b"5", b"", b"{"]))
    def test_whatever_the_payload_is(self, payload):
        """Nothing is raised: the service refuses it."""
        assert frame(payload, added(span(expiration=5, collapse_id="c")))


class TestTerms:
    def test_nothing_is_added_that_is_not_given(self):
        """Google's defaults stand."""
        assert not adds_something(span(priority=None).batch.terms)
        assert added(span(priority=None)) == {}

    @pytest.mark.parametrize(
        ("terms", "expected"),
        [
            (
                {"expiration": ACCEPTED_AT + 60},
                {
                    "android": {"ttl": "60s"},
                    "webpush": {"headers": {"TTL": "60"}},
                    "apns": {"headers": {"apns-expiration": str(ACCEPTED_AT + 60)}},
                },
            ),
            (
                {"expiration": 0},
                {
                    "android": {"ttl": "0s"},
                    "webpush": {"headers": {"TTL": "0"}},
                    "apns": {"headers": {"apns-expiration": "0"}},
                },
            ),
            (
                {"expiration": ACCEPTED_AT + 100 * 86400},
                {
                    "android": {"ttl": "2419200s"},
                    "webpush": {"headers": {"TTL": "2419200"}},
                    "apns": {"headers": {"apns-expiration": str(ACCEPTED_AT + 100 * 86400)}},
                },
            ),
            ({"priority": Priority.URGENT}, {"android": {"priority": "HIGH"}}),
            ({"priority": Priority.BULK}, {"android": {"priority": "NORMAL"}}),
            ({"priority": Priority.LOW}, {"android": {"priority": "NORMAL"}}),
            (
                {"collapse_id": 'größe"'},
                {"android": {"collapse_key": 'größe"'}, "apns": {"headers": {"apns-collapse-id": 'größe"'}}},
            ),
        ],
    )
    def test_each(self, terms, expected):
        """Every platform has its own spelling."""
        sent = span(**{"priority": None, **terms})
        assert adds_something(sent.batch.terms)
        assert body(b'{"data":{}}', added(sent)) == {"message": {"token": "T", "data": {}, **expected}}

    def test_what_is_left_counts_from_when_it_is_written(self):
        """A notification that waited or is sent again does not live longer for it."""
        sent = span(expiration=ACCEPTED_AT + 60)
        later = replace(sent, past=(Step(Event.WRITTEN, ACCEPTED_AT + 50.5, 1),))
        assert added(later)["android"]["ttl"] == "9s"
        assert (
            added(replace(sent, past=(Step(Event.WRITTEN, ACCEPTED_AT + 90.0, 1),)))["android"]["ttl"] == "0s"
        )

    @pytest.mark.parametrize(
        "payload",
        [
            {"android": {"ttl": "5s", "priority": "normal", "collapseKey": "own"}},
            {"android": {"ttl": "5s", "priority": "normal", "collapse_key": "own"}},
            {"webpush": {"headers": {"ttl": "7"}}},
            {"apns": {"headers": {"Apns-Expiration": "0", "apns-collapse-id": "own"}, "payload": {"x": 1}}},
        ],
    )
    def test_the_payload_goes_before(self, payload):
        """Whatever it says is kept, in either spelling; the rest is added."""
        more = added(span(expiration=ACCEPTED_AT + 60, collapse_id="term", priority=Priority.URGENT))
        message = body(msgspec.json.encode(payload), more)["message"]
        [(section, fields)] = payload.items()
        assert message[section] == fields
        assert message.keys() == {"token", "android", "webpush", "apns"}

    def test_null_is_not_given(self):
        """Google takes null for a field that is not there."""
        payload = b'{"android":null,"webpush":{"headers":null},"apns":{"headers":{"apns-expiration":null}}}'
        message = body(payload, added(span(priority=None, expiration=0)))["message"]
        assert message == {
            "token": "T",
            "android": {"ttl": "0s"},
            "webpush": {"headers": {"TTL": "0"}},
            "apns": {"headers": {"apns-expiration": "0"}},
        }

    def test_what_is_no_object_is_left_alone(self):
        """The service refuses it with words of its own."""
        message = body(b'{"android":[5]}', added(span()))["message"]
        assert message == {"token": "T", "android": [5]}
