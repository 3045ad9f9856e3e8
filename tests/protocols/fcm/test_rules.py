"""What may be submitted for an app on FCM."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.notification import Submission, Terms
from pushgate.model.packed import Packed
from pushgate.protocols.fcm.rules import FCM_RULES, MAX_DATA, MAX_MESSAGE, check_payload

ALL = {
    "name": "x",
    "data": {"a": "b"},
    "notification": {"title": "t"},
    "android": {"ttl": "3.5s", "data": {"a": "b"}, "priority": "high", "notification": {"tag": "t"}},
    "webpush": {"headers": {"TTL": "5"}, "data": {"a": "b"}, "notification": {"x": [1]}},
    "apns": {"headers": {"apns-priority": "5"}, "payload": {"aps": {"alert": "x"}}},
    "fcm_options": {"analytics_label": "x"},
    "field_of_tomorrow": 5,
}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        ALL,
        {"message": ALL},
        {"message": ALL, "validate_only": True},
        {"validateOnly": False, "message": {}},
        {"data": None, "android": None, "webpush": None, "apns": None, "notification": None},
        {"android": {"ttl": "2419200s"}},
        {"android": {"ttl": "0s"}},
        {"data": {"gcm": "x", "google": "x", "notification": "x", "from_": "x"}},
        {"data": {"a" * 2048: "b" * 2048}},
    ],
)
def test_messages(payload):
    """The message, or the whole body; fields that are not known pass."""
    check_payload(msgspec.json.encode(payload))


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ([], "payload: 2 bytes; a JSON object in UTF-8"),
        ({"message": []}, "payload: no message of FCM (Expected `object`, got `array`)"),
        ({"message": {}, "data": {}}, "payload: fields beside message; either"),
        ({"token": "x"}, "payload: token in it; a message without target"),
        ({"fid": None}, "payload: fid in it"),
        ({"message": {"topic": "x"}}, "payload: topic in it"),
        ({"condition": "x"}, "payload: condition in it"),
        ({"data": {"n": 1}}, "payload: no message of FCM (Expected `str`, got `int` - at `$.data[...]`)"),
        ({"data": [1]}, "payload: no message of FCM (Expected `object"),
        ({"android": {"data": {"n": None}}}, "payload: no message of FCM"),
        ({"webpush": {"headers": {"TTL": 5}}}, "payload: no message of FCM"),
        ({"apns": {"headers": {"apns-priority": 5}}}, "payload: no message of FCM"),
        ({"apns": {"payload": "x"}}, "payload: no message of FCM"),
        ({"notification": "x"}, "payload: no message of FCM"),
        ({"android": {"ttl": 5}}, "payload: no message of FCM"),
        ({"android": {"ttl": "5"}}, "payload: no message of FCM"),
        ({"android": {"ttl": "-5s"}}, "payload: no message of FCM"),
        ({"android": {"ttl": "2419200.1s"}}, "payload: android.ttl of more than four weeks; 0s to 2419200s"),
        ({"data": {"from": "x"}}, "payload: a reserved key in data; from,"),
        ({"data": {"message_type": "x"}}, "payload: a reserved key in data"),
        ({"android": {"data": {"google.x": "x"}}}, "payload: a reserved key in data"),
        ({"webpush": {"data": {"gcm.notification.x\n": "x"}}}, "payload: a reserved key in data"),
    ],
)
def test_what_is_no_message(payload, text):
    """Told at the input, in words that quote nothing."""
    with pytest.raises(Invalid) as caught:
        check_payload(msgspec.json.encode(payload))
    assert str(caught.value).startswith(text)


def test_sizes():
    """Of data, keys and values together; the JSON as a whole may be larger."""
    with pytest.raises(TooLarge, match=r"payload.data: 4097 bytes; at most 4096"):
        check_payload(msgspec.json.encode({"data": {"ä": "a" * (MAX_DATA - 1)}}))
    assert FCM_RULES.max_payload == MAX_MESSAGE


def test_half_of_a_surrogate_pair():
    """It is no text that could be sent."""
    for text in (b"\\ud800", b"\\ud800 and more text behind it"):
        with pytest.raises(Invalid, match=r"^payload: "):
            check_payload(b'{"data":{"a":"%b"}}' % text)


@given(st.binary(max_size=60))
def test_any_bytes(payload):
    """Nothing but a refusal is raised."""
    with suppress(Refusal):
        check_payload(payload)


def submission(**more):
    """One notification."""
    return Submission(**{"app": "news", "tokens": Packed.of([b"T"], 2), "payload": b"{}", **more})


def test_the_rules_together():
    """Targets are text, of any kind; Apple's terms mean nothing."""
    tokens = Packed.of([b"T", b"topic:news", b"topic:a b"], 2)
    [(index, fault)] = FCM_RULES.refused_members(submission(tokens=tokens), 4096)
    assert (index, fault.code) == (2, "INVALID")
    assert FCM_RULES.parse_target("topic:news") == b"topic:news"
    with pytest.raises(Invalid, match=r"^topic: given; a topic of FCM is a target"):
        FCM_RULES.refused_members(submission(terms=Terms(topic="news")), 4096)
    with pytest.raises(Invalid, match=r"^push_type: given; FCM has none"):
        FCM_RULES.refused_members(submission(terms=Terms(push_type="alert")), 4096)
    with pytest.raises(Invalid, match=r"^channel: given"):
        FCM_RULES.refused_members(submission(terms=Terms(channel="news")), 4096)
