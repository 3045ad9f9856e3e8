"""The face of the linter: any bytes, and which service they are for."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.model.errors import Refusal
from pushgate.protocols.lint.draft import Draft
from pushgate.protocols.lint.flaw import Grade
from pushgate.protocols.lint.lint import lint
from pushgate.protocols.lint.services import OF_UPSTREAM, SERVICES, guess

WORDS = st.sampled_from(
    ["aps", "alert", "badge", "message", "data", "android", "ttl", "event", "notification", "apns", "payload", "headers",
     "mdm", "md5", "web_push", "content-available", "loc-args", "x", "1", "", "\ud800"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | WORDS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
XML = st.sampled_from(
    ["<toast", "<badge value='", ">", "</toast>", "<!DOCTYPE", "&", "<?xml", "'/>", "x", "\0"]
)


@st.composite
def payloads(draw):
    """Bytes, JSON like that of the services, and pieces of XML."""
    import json

    kind = draw(st.integers(0, 2))
    if kind == 0:
        return draw(st.binary(max_size=60))
    if kind == 1:
        return json.dumps(draw(JSON)).encode()
    return "".join(draw(st.lists(XML, max_size=8))).encode()


@given(
    payloads(), st.sampled_from(sorted(SERVICES)), st.none() | st.text(max_size=5) | st.sampled_from(["alert", "mdm"]),
    st.none() | st.integers(), st.none() | st.text(max_size=70), st.none() | st.text(max_size=5),
)  # fmt: skip
@example(b"1" * 5000, "apns", None, None, None, None)
@example(b'{"aps": {"badge": ' + b"1" * 5000 + b"}}", "apns", None, None, None, None)
@example(b"[" * 3000, "fcm", None, None, None, None)
@example(b'{"a":' * 900 + b"1" + b"}" * 900, "fcm", None, None, None, None)
@example(b'{"data": {"a": "\\ud800"}, "aps": 1e999}', "adm", None, None, "\ud800", None)
def test_nothing_is_raised(payload, service, push_type, priority, collapse_id, topic):
    """Whatever the bytes and the terms are, there is a report; and it guesses some service."""
    draft = Draft(
        payload=payload,
        service=service,
        push_type=push_type,
        priority=priority,
        collapse_id=collapse_id,
        topic=topic,
    )
    for flaw in lint(draft).flaws:
        assert flaw.what
        assert flaw.advice
        assert flaw.line >= 0
    name, platform = guess(payload)
    assert name in {*SERVICES, "template"}
    assert bool(platform) is (name == "template")


@given(payloads(), st.sampled_from(sorted(SERVICES)))
def test_what_the_gateway_refuses_is_wrong(payload, service):
    """Nothing is called right that no app of the service takes."""
    refused = 0
    for rules in SERVICES[service].rules:
        try:
            rules.payload(payload, rules.max_payload)
        except Refusal:
            refused += 1
    if refused == len(SERVICES[service].rules):
        assert lint(Draft(payload=payload, service=service)).count(Grade.ERROR)


@pytest.mark.parametrize(
    ("payload", "service"),
    [
        ('{"aps": {}}', "apns"),
        ('{"aps": {', "apns"),
        ('{"mdm": "x"}', "apns"),
        ('{"mine": 1}', "apns"),
        ("", "apns"),
        ('{"notification": {"title": "x"}}', "fcm"),
        ('{"message": {"apns": {}}}', "fcm"),
        ('{"data": {"a": "b"}, "consolidationKey": "x"}', "adm"),
        ('{"data": "x", "pushOptions": {}}', "hms"),
        ('{"title": "x", "pass_through": 0}', "xiaomi"),
        ('{"title": "x", "description": "y"}', "baidu"),
        ('{"web_push": 8030}', "webpush"),
        ("hello", "webpush"),
        ("<toast/>", "wns"),
        ("\ufeff <tile/>", "wns"),
        ('<wp:Notification xmlns:wp="WPNotification"/>', "mpns"),
    ],
)
def test_the_service_by_the_content(payload, service):
    """What a payload is for shows in keys that only this service's have."""
    assert guess(payload.encode()) == (service, "")


@pytest.mark.parametrize(
    ("payload", "platform"),
    [
        ('{"aps": {"alert": "$(message)"}}', "apns"),
        ('{"message": {"data": {"a": "{\'x\' + $(y)}"}}}', "fcmv1"),
        ("<toast><text>$(message)</text></toast>", "wns"),
        ('{"data": "$(x)", "pushOptions": {}}', "apns"),
    ],
)
def test_templates_by_the_content(payload, platform):
    """A value that is an expression makes a template of it."""
    assert guess(payload.encode()) == ("template", platform)


def test_every_upstream_has_its_service():
    """An app's payloads are examined as its upstream takes them."""
    assert set(OF_UPSTREAM.values()) == set(SERVICES)
    assert OF_UPSTREAM["fcm"] == "fcm"
