"""Payloads for browsers, Windows, Amazon's, Huawei's, Xiaomi's and Baidu's devices."""

import pytest

from pushgate.protocols.hms.rules import HARMONY_RULES
from tests.protocols.lint.examined import examined, found, paths

TOAST = '<toast><visual><binding template="ToastGeneric"><text>Hi</text></binding></visual></toast>'
MPNS = '<wp:Notification xmlns:wp="WPNotification"><wp:Toast><wp:Text1>Hi</wp:Text1></wp:Toast></wp:Notification>'
SHOWN = {"web_push": 8030, "notification": {"title": "x", "navigate": "https://example.com/"}}


@pytest.mark.parametrize(
    ("service", "payload", "terms"),
    [
        ("webpush", "any text", {}),
        ("webpush", b"\xff\x00", {}),
        ("webpush", "", {}),
        ("webpush", {"title": "x"}, {"collapse_id": "news"}),
        ("webpush", ["x"], {}),
        ("webpush", SHOWN, {}),
        ("wns", TOAST, {"collapse_id": "news1"}),
        ("wns", '<badge value="3"/>', {}),
        ("wns", "<badge value='alert'/>", {}),
        ("wns", "<tile><visual><binding template='x'/></visual></tile>", {"push_type": "tile"}),
        ("wns", "<any/>", {"push_type": "raw"}),
        ("wns", '{"raw": 1}', {}),
        ("mpns", MPNS, {"push_type": "toast"}),
        ("mpns", MPNS, {}),
        ("mpns", "raw", {}),
        ("adm", {"data": {"a": "b"}, "expiresAfter": 60, "consolidationKey": "x", "priority": "high"}, {}),
        ("adm", {"notification": {"title": "x"}}, {}),
        ("hms", {"android": {}, "data": "x"}, {}),
        ("hms", {"payload": {}, "pushOptions": {}}, {"push_type": "alert"}),
        ("xiaomi", {"title": "x", "pass_through": 0}, {}),
        ("baidu", {"title": "x", "custom_content": {}, "aps": {}}, {}),
    ],
)  # fmt: skip
def test_nothing_is_wrong(service, payload, terms):
    """What the services document passes."""
    assert found(payload, service, **terms) == []


@pytest.mark.parametrize(
    ("service", "payload", "terms", "expected"),
    [
        ("webpush", '{"a": 1,}', {}, ["?"]),
        ("webpush", '{"a": 1, "a": 2}', {}, ["a"]),
        ("webpush", {"endpoint": "x", "keys": {}}, {}, [""]),
        ("webpush", {**SHOWN, "web_push": 1}, {}, ["web_push"]),
        ("webpush", {"web_push": 8030, "notification": {"title": "x"}}, {}, ["notification"]),
        ("webpush", "x", {"collapse_id": "a b"}, ["--collapse-id"]),
        ("webpush", "x", {"push_type": "alert", "topic": "x"}, ["--push-type", "--topic"]),
        ("webpush", "x" * 3994, {}, [""]),
        ("wns", "<toast><visual></toast>", {}, ["", "?"]),
        ("wns", "<toast><visual/></toast>", {}, ["?"]),
        ("wns", TOAST, {"push_type": "tile"}, [""]),
        ("wns", TOAST, {"push_type": "alert"}, ["--push-type"]),
        ("wns", TOAST, {"collapse_id": "a b"}, ["--collapse-id"]),
        ("wns", '<badge value="lots"/>', {}, [""]),
        ("wns", "<badge/>", {}, [""]),
        ("wns", "<any/>", {}, ["?"]),
        ("wns", "", {}, [""]),
        ("wns", TOAST + " " * 5000, {}, [""]),
        ("mpns", MPNS[:-2], {}, [""]),
        ("mpns", TOAST, {"push_type": "toast"}, [""]),
        ("mpns", MPNS, {"push_type": "badge"}, ["--push-type"]),
        ("adm", {"data": {"a": 1}}, {}, ["data.a"]),
        ("adm", {"data": {"a": "x" * 6200}}, {}, ["data"]),
        ("adm", {"data": {"a": "b"}, "md5": "x"}, {}, ["md5"]),
        ("adm", {"data": {"a": "b"}, "expiresAfter": 5}, {}, ["expiresAfter"]),
        ("adm", {"data": {"a": "b"}, "consolidationKey": "x" * 65}, {}, ["consolidationKey"]),
        ("adm", {"data": {"a": "b"}, "expires": 5}, {}, ["expires?"]),
        ("adm", {}, {}, [""]),
        ("adm", r'{"data": {"a": "\ud800"}}', {}, ["data.a"]),
        ("adm", "{", {}, [""]),
        ("hms", {"data": "x", "token": ["y"]}, {}, ["token"]),
        ("hms", "x", {}, [""]),
        ("xiaomi", {"title": "x", "extra": {}}, {}, ["extra"]),
        ("xiaomi", {"topic": "x"}, {}, [""]),
        ("baidu", {"title": 5}, {}, ["title"]),
        ("baidu", {"title": "x"}, {"push_type": "alert"}, [""]),
        ("baidu", {"title": "x"}, {"priority": 7}, [""]),
    ],
)  # fmt: skip
def test_faults(service, payload, terms, expected):
    """Each fault is one flaw, at its place; a question mark is a warning."""
    assert sorted(paths(payload, service, **terms)) == expected


def test_places_in_xml():
    """A fault of XML has its line and column."""
    [flaw] = [
        each for each in examined("<toast>\n<binding/><x></toast>", "wns").flaws if each.grade == "error"
    ]
    assert (flaw.line, flaw.column) == (2, 16)
    [flaw] = examined('<!DOCTYPE x>\n<badge value="1"/>', "wns", push_type="badge").flaws
    assert (flaw.line, flaw.what) == (1, "a document type")
    [flaw] = examined('<?xml version="1.0" encoding="x-none"?><badge value="1"/>', "wns").flaws
    assert flaw.what == "not well-formed XML"
    [flaw] = examined("<!-- -->\n <other/>", "wns", push_type="badge").flaws[:1]
    assert (flaw.line, flaw.column) == (1, 1) or flaw.what.startswith("the root")


def test_rules_of_an_app():
    """An app on one version of Push Kit takes less than Push Kit does."""
    assert paths({"data": "x"}, "hms", rules=HARMONY_RULES) == [""]
    assert paths({"payload": {}}, "hms", rules=HARMONY_RULES, push_type="call") == []
    assert paths({"payload": {}}, "hms", rules=HARMONY_RULES, push_type="voip") == [""]


def test_what_a_payload_is():
    """The push type that the gateway takes it for is there where the service has some."""
    assert examined(TOAST, "wns").push_type == "toast"
    assert examined(MPNS, "mpns").push_type == "toast"
    assert examined({"data": {}}, "hms", push_type="call").push_type == "call"
    assert examined("x", "webpush").push_type == ""
