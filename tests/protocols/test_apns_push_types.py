"""Apple's push types: which one a payload is, and what each demands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import Priority, Terms
from pushgate.protocols.apns_push_types import (
    TYPES,
    check_combination,
    derived,
    event_of,
    full_topic,
    of_payload,
    of_topic,
    priority_of,
)

TOPIC = "com.example.news"


@pytest.mark.parametrize(
    ("payload", "push_type"),
    [
        ({"aps": {"alert": "Hi"}}, "alert"),
        ({"aps": {"badge": 0}}, "alert"),
        ({"aps": {"sound": "default"}}, "alert"),
        ({"aps": {"alert": "Hi", "content-available": 1}}, "alert"),
        ({"aps": {"content-available": 1}, "id": 7}, "background"),
        ({"aps": {"event": "update", "content-state": {}, "timestamp": 1}}, "liveactivity"),
        ({"aps": {"event": "start", "content-state": {}, "alert": {"title": "Go"}}}, "liveactivity"),
        ({"aps": {"content-changed": True}}, "widgets"),
        ({"mdm": "0A1B"}, "mdm"),
        ({"custom": 1}, "alert"),
        ({"aps": 5}, "alert"),
        ({}, "alert"),
    ],
)
def test_payloads(payload, push_type):
    """A payload that shows nothing is a background push; Live Activities, widgets and MDM have keys of their own."""
    assert of_payload(json.dumps(payload).encode()) == push_type


def test_a_deep_payload():
    """Objects in objects without end are none of ours to judge."""
    assert of_payload(b'{"aps":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001) == "alert"


@pytest.mark.parametrize("name", [name for name, each in TYPES.items() if each.suffix])
def test_topics_with_a_suffix(name):
    """The suffix of a topic names the push type, and is added once."""
    topic = full_topic(TOPIC, name)
    assert topic == TOPIC + TYPES[name].suffix
    assert of_topic(topic) == name
    assert full_topic(topic, name) == topic
    assert derived(Terms(), topic, b'{"aps":{"alert":"Hi"}}') == name


def test_what_is_given_comes_first():
    """A push type that was given counts, then a channel, the topic, and the payload last."""
    payload = b'{"aps":{"content-available":1}}'
    assert derived(Terms(push_type="alert", channel="YQ=="), TOPIC + ".voip", payload) == "alert"
    assert derived(Terms(channel="YQ=="), TOPIC + ".voip", payload) == "liveactivity"
    assert derived(Terms(), TOPIC, payload) == "background"
    assert derived(Terms(), None, payload) == "background"


@given(st.sampled_from(sorted(TYPES)), st.sampled_from([None, *Priority]))
def test_priorities(name, priority):
    """A background push has 5, whatever was said; any other has what was said, 10 by default."""
    expected = Priority.BULK if name == "background" else priority or Priority.URGENT
    assert priority_of(Terms(priority=priority), name) == expected


def test_a_background_push_is_not_urgent():
    """Both given, and not as Apple has it: refused with the rule. What was derived is not held against anybody."""
    with pytest.raises(Invalid, match=r"^priority: 10 with push_type background; background needs 5$"):
        check_combination(Terms(push_type="background", priority=Priority.URGENT), "background", b"{}")
    check_combination(Terms(push_type="background", priority=Priority.BULK), "background", b"{}")
    check_combination(Terms(push_type="background"), "background", b"{}")
    check_combination(Terms(priority=Priority.URGENT), "background", b"{}")


@pytest.mark.parametrize(
    ("terms", "name", "limit"),
    [(Terms(), "alert", 4096), (Terms(), "voip", 5120), (Terms(channel="YQ=="), "liveactivity", 5120)],
)
def test_sizes(terms, name, limit):
    """4,096 bytes; 5,120 of VoIP and of a broadcast."""
    check_combination(terms, name, b"x" * limit)
    with pytest.raises(TooLarge, match=str(limit)):
        check_combination(terms, name, b"x" * (limit + 1))


@pytest.mark.parametrize(
    ("payload", "event"),
    [(b'{"aps":{"event":"start"}}', "start"), (b'{"aps":{}}', None), (b"{}", None), (b'{"aps":1}', None)],
)
def test_events(payload, event):
    """What a Live Activity is to do, if the payload says it."""
    assert event_of(payload) == event
