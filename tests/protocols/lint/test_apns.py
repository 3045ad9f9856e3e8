"""Payloads for Apple's service."""

import pytest

from tests.protocols.lint.examined import examined, found, paths

LIVE = {"timestamp": 1_700_000_000, "event": "update", "content-state": {"score": 3}}
START = {
    **LIVE,
    "event": "start",
    "attributes-type": "Game",
    "attributes": {},
    "alert": {"title": "x", "body": "y"},
}


@pytest.mark.parametrize(
    ("payload", "terms"),
    [
        ({"aps": {"alert": "hello"}}, {}),
        ({"aps": {"alert": {"title": "x", "loc-key": "k", "loc-args": ["1"]}, "badge": 0, "sound": "a"}, "mine": {}}, {}),
        ({"aps": {"alert": "x", "sound": {"critical": 1, "name": "a", "volume": 0.5}, "mutable-content": 1}}, {}),
        ({"aps": {"alert": "x", "content-available": 1, "interruption-level": "passive", "relevance-score": 1}}, {}),
        ({"aps": {"content-available": 1}}, {"priority": 5}),
        ({"aps": {"content-available": 1}, "mine": 1}, {"push_type": "background"}),
        ({"aps": LIVE}, {"topic": "com.example.news"}),
        ({"aps": START}, {"push_type": "liveactivity", "priority": 10}),
        ({"aps": {"timestamp": 1, "event": "end", "dismissal-date": 1_700_000_000}}, {"push_type": "liveactivity"}),
        ({"aps": {**LIVE, "relevance-score": 75, "alert": {"title": {"loc-key": "k"}, "sound": "x"}}}, {}),
        ({"aps": LIVE}, {"channel": "dHN0LXNyY2gtY2hubA=="}),
        ({"aps": {"content-changed": True}}, {"push_type": "widgets"}),
        ({"mdm": "47250C9C-1B37-4381-98A9-0B8315A441C7"}, {"topic": "com.apple.mgmt.External.x"}),
        ({"call": 1}, {"push_type": "voip", "topic": "com.example.news.voip"}),
        ({"aps": {"alert": "x"}}, {"collapse_id": "x" * 64, "priority": 1}),
    ],
)  # fmt: skip
def test_nothing_is_wrong(payload, terms):
    """What Apple documents passes."""
    assert found(payload, **terms) == []


@pytest.mark.parametrize(
    ("payload", "path", "advice"),
    [
        ({"aps": {"alert": "x", "Badge": 1}}, "aps.Badge", "write badge"),
        ({"aps": {"alert": "x", "content_available": 1}}, "aps.content_available", "write content-available"),
        ({"aps": {"alert": "x", "content-available": True}}, "aps.content-available", "write 1"),
        ({"aps": {"alert": "x", "content-available": "1"}}, "aps.content-available", "write 1, without quotes"),
        ({"aps": {"alert": "x", "content-available": "true"}}, "aps.content-available", "write 1"),
        ({"aps": {"alert": "x", "content-available": 2}}, "aps.content-available", "write the number 1"),
        ({"aps": {"alert": "x", "mutable-content": False}}, "aps.mutable-content", "write the number 1"),
        ({"aps": {"alert": "x", "badge": "5"}}, "aps.badge", "write 5, without quotes"),
        ({"aps": {"alert": "x", "badge": -1}}, "aps.badge", "write a whole number, 0 to remove the badge"),
        ({"aps": {"alert": "x", "badge": None}}, "aps.badge", "write a whole number, 0 to remove the badge"),
        ({"aps": {"alert": 5}}, "aps.alert", 'write "5", in quotes'),
        ({"aps": {"alert": {"body": "x", "loc-args": "y", "loc-key": "k"}}}, "aps.alert.loc-args", "write an array, each item a text"),
        ({"aps": {"alert": {"loc-key": "k", "loc-args": [1]}}}, "aps.alert.loc-args[0]", 'write "1", in quotes'),
        ({"aps": {"alert": {"tittle": "x"}}}, "aps.alert.tittle", "write title"),
        ({"aps": {"alert": "x", "title": "y"}}, "aps.title", "put it into alert, an object"),
        ({"aps": {"alert": "x", "mine": "y"}}, "aps.mine?", "take it away, or put it where it is read"),
        ({"aps": {"alert": "x", "interruption-level": "Passive"}}, "aps.interruption-level", 'write "passive"'),
        ({"aps": {"alert": "x", "relevance-score": 5}}, "aps.relevance-score", "write a number from 0 to 1"),
        ({"aps": {"alert": "x", "sound": {"volume": "0.5"}}}, "aps.sound.volume", "write 0.5, without quotes"),
        ({"aps": {"alert": "x", "sound": {"critical": True}}}, "aps.sound.critical", "write 1"),
        ({"aps": {"alert": {"body": "x", "summary-arg-count": 1.5}}}, "aps.alert.summary-arg-count", "write a whole number"),
        ({"aps": {"alert": "x"}, "badge": 1}, "badge?", "put it into aps, if Apple's badge is meant"),
        ({"aps": {"alert": "x"}, "mdm": "y"}, "mdm", 'exactly {"mdm": "PUSH MAGIC"}'),
        ({"aps": {}}, "aps?", 'an alert: {"aps": {"alert": {"title": "…", "body": "…"}}}'),
        ({"aps": {"alert": "x", "event": "update"}}, "aps.event?", "event and content-state together, and push type liveactivity"),
        ({"aps": {"badge": 1, "mutable-content": 1}}, "aps.mutable-content?", "an alert, which the extension may then change"),
        ({"aps": {"alert": {"body": "x", "title-loc-args": ["1"]}}}, "aps.alert.title-loc-args?", "title-loc-key beside it"),
        ({"aps": "x"}, "aps", "write an object"),
        ({"aps": {**LIVE, "timestamp": 1_700_000_000_000}}, "aps.timestamp", "write Unix seconds, no milliseconds and no text"),
        ({"aps": {**LIVE, "event": "updated"}}, "aps.event", "write one of start, update, end"),
        ({"aps": {**LIVE, "dismissal-date": 1}}, "aps.dismissal-date?", 'event "end", or no dismissal-date'),
        ({"aps": {**LIVE, "attributes": {}}}, "aps.attributes?", 'event "start", or take it away'),
        ({"aps": {**LIVE, "relevance-score": "x"}}, "aps.relevance-score", "write a number"),
        ({"aps": {**LIVE, "content-state": []}}, "aps.content-state", "write an object"),
        ({"mdm": "x", "call": 1}, "call", "take it away, or put it where it is read"),
        ({"mdm": ""}, "mdm", "write a text of 1 to 255 bytes, as the device gave it"),
        ({"mdm": 5}, "mdm", 'write "5", in quotes'),
    ],
)  # fmt: skip
def test_one_fault(payload, path, advice):
    """Each fault is one flaw, at its place, with what to write; a question mark is a warning."""
    assert found(payload) == [(path, advice)]


@pytest.mark.parametrize(
    ("payload", "terms", "expected"),
    [
        ({"aps": {"content-available": 1, "sound": ""}}, {"push_type": "background"}, ["aps.sound"]),
        ({"aps": {"alert": "x", "badge": 1}}, {"push_type": "background"}, ["aps", "aps.alert", "aps.badge"]),
        ({"aps": {"content-available": 1, "category": "x"}}, {"push_type": "background"}, ["aps.category?"]),
        ({"aps": {"content-available": 1}}, {"push_type": "background", "priority": 10}, ["--priority"]),
        ({"aps": {"content-available": 1}}, {"priority": 10}, ["--priority"]),
        ({"aps": {"content-available": 1}}, {"push_type": "alert"}, ["aps.content-available?"]),
        ({"aps": {"alert": "x"}}, {"priority": 7}, ["--priority"]),
        ({"aps": {"alert": "x"}}, {"push_type": "alarm"}, ["--push-type"]),
        ({"aps": {"alert": "x"}}, {"collapse_id": "ä" * 33}, ["--collapse-id"]),
        ({"aps": {"alert": "x"}}, {"topic": "com.example.news.voip", "push_type": "alert"}, ["--topic"]),
        ({"aps": {"alert": "x"}}, {"topic": "com example"}, ["--topic"]),
        ({"mdm": "x"}, {"topic": "com.example.news"}, ["--topic"]),
        ({"aps": {"alert": "x"}}, {"push_type": "mdm"}, [""]),
        ({"call": 1}, {}, [""]),
        ({"Aps": {"alert": "x"}}, {}, ["", "Aps"]),
        (["aps"], {}, [""]),
        ({"aps": {"event": "update"}}, {"push_type": "liveactivity"}, ["aps", "aps"]),
        ({"aps": {"event": "start"}}, {"push_type": "liveactivity"}, ["aps"] * 5),
        ({"aps": {}}, {"push_type": "liveactivity"}, ["aps"] * 3),
        ({"aps": {}}, {"push_type": "widgets"}, ["aps"]),
        ({"aps": {"content-changed": False}}, {"push_type": "controls"}, ["aps.content-changed"]),
        ({"aps": START}, {"channel": "x"}, ["aps.event"]),
        ({"aps": {**LIVE, "mine": 1}}, {}, ["aps.mine?"]),
        ({"aps": {"alert": "x"}}, {"channel": ""}, ["aps", "aps", "aps", "aps.alert"]),
    ],
)  # fmt: skip
def test_what_goes_together(payload, terms, expected):
    """Rules about several fields, and about fields and terms; what is given as an option is named as one."""
    assert sorted(paths(payload, **terms)) == sorted(expected)


def test_a_payload_that_only_devices_read_otherwise():
    """What Apple's payload is for is taken from its topic or its content, as the gateway does."""
    assert examined({"aps": {"alert": "x"}}, topic="com.example.news.voip").push_type == "voip"
    assert examined({"aps": {"content-available": 1}}).push_type == "background"
    assert examined("{").push_type == "alert"
    assert examined({"aps": LIVE}).push_type == "liveactivity"


def test_sizes():
    """Each limit is there; the one of the push type counts."""
    report = examined({"aps": {"alert": "x" * 4080}})
    assert [(check.limit, check.fits, check.counts) for check in report.sizes] == [
        (4096, False, True), (5120, True, False), (2048, False, False), (256, False, False),
    ]  # fmt: skip
    assert report.flaws[0].what == "4102 bytes; apns-http2: at most 4096"
    assert paths({"call": "x" * 4500}, push_type="voip") == []
    assert paths({"aps": {"alert": "x"}}, max_payload=20) == [""]
    assert examined({"aps": {**LIVE, "x": "y" * 5200}}, channel="x").flaws[0].what.startswith("5293 bytes")


def test_blanks():
    """When leaving the blanks out would do, that is the advice."""
    [(_, advice)] = found('{"aps": {"alert": "x"}}' + " " * 4096)
    assert advice == "leave out the blanks between its parts: 21 bytes"
    assert all("blanks" not in advice for _, advice in found("[" * 5000))
