"""Templates of hubs, examined before they are registered."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.hub.templates.lint import lint_template
from pushgate.model.hub.platform import Platform
from pushgate.protocols.lint.draft import TEMPLATE, Draft

PIECES = st.sampled_from(
    ['{"aps": {"alert": "', "$(a)", "{'x' + ", "}", '"}}', "#(n)", "<toast>", "</toast>", "é", "\\u00e4"]
)


def examined(payload, platform="apns"):
    """The report on a template; what is no text is written as JSON."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return lint_template(Draft(payload=body.encode(), service=TEMPLATE, platform=platform))


def flaws(payload, platform="apns"):
    """Path, line, column and advice of each flaw."""
    return [(flaw.path, flaw.line, flaw.column, flaw.advice) for flaw in examined(payload, platform).flaws]


@pytest.mark.parametrize(
    ("payload", "platform", "properties"),
    [
        ({"aps": {"alert": "$(message)", "badge": "#(Count)"}}, "apns", ("count", "message")),
        ({"aps": {"alert": "{'Hi ' + $(name, 7)}"}}, "apns", ("name",)),
        ({"notification": {"title": "$(title)"}}, "fcmv1", ("title",)),
        ({"data": {"n": "#(n)"}}, "gcm", ("n",)),
        ("<toast><visual><binding template='x'><text>$(a)</text></binding></visual></toast>", "wns", ("a",)),
        ('<badge value="$(n)"/>', "wns", ("n",)),
        ("$(all)", "browser", ("all",)),
        ({"title": "$(a)"}, "browser", ("a",)),
    ],
)
def test_nothing_is_wrong(payload, platform, properties):
    """A good template has its properties named; what they become may be anything."""
    report = examined(payload, platform)
    assert report.flaws == ()
    assert report.properties == properties
    assert (report.service, report.platform) == ("template", platform)


@pytest.mark.parametrize(
    ("payload", "platform", "expected"),
    [
        ('{"aps":\n {"alert": "$(a b)", "sound": "$(x"}}', "apns",
         [("aps.alert", 2, 12, "a property's name: letters A to Z, digits and _"), ("aps.sound", 2, 31, ") is expected here")]),
        ({"aps": {"alert": "Hello $(name)"}}, "apns", [("aps.alert", 1, 19, "join the parts: {'Hello ' + $(name)}")]),
        ({"aps": {"alert": "$(a)", "Badge": "$(n)"}}, "apns", [("aps.Badge", 1, 27, "write badge")]),
        ({"aps": {"alert": {"loc-args": ["$("], "loc-key": "x"}}}, "apns",
         [("aps.alert.loc-args[0]", 1, 33, "a property's name: letters A to Z, digits and _")]),
        ('{"aps": {"alert": "$(a)",}}', "apns", [("", 1, 26, "a key in double quotes; no comma behind the last member")]),
        ("<toast><visual><binding/>\n<text>$(a</text></visual></toast>", "wns", [("", 2, 7, ") is expected here")]),
        ("<toast>", "wns", [("", 0, 0, "the template as its platform has it: JSON, or XML for wns and mpns")]),
        ("<toast/>", "apns", [("", 0, 0, "the template as its platform has it: JSON, or XML for wns and mpns")]),
        ("$(a", "browser", [("", 1, 1, ") is expected here")]),
    ],
)  # fmt: skip
def test_faults_have_places(payload, platform, expected):
    """A bad expression has its place, every one of them; so has what is wrong around expressions."""
    assert sorted(flaws(payload, platform)) == sorted(expected)


def test_sizes():
    """What is the same for all is measured; what is too large without its properties is wrong."""
    report = examined({"aps": {"alert": "x" * 4096, "sound": "$(a)"}})
    assert report.size == len(json.dumps({"aps": {"alert": "x" * 4096, "sound": ""}}))
    assert report.flaws[0].what.startswith(f"{report.size} bytes; apns-http2")
    assert examined("{").sizes == ()


@given(
    st.binary(max_size=40) | st.lists(PIECES, max_size=6).map("".join).map(str.encode),
    st.sampled_from(list(Platform)),
)
def test_nothing_is_raised(payload, platform):
    """Whatever the bytes are, there is a report."""
    lint_template(Draft(payload=payload, service=TEMPLATE, platform=platform))
