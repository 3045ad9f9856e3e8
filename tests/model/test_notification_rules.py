"""What a push service takes, declared by its upstream."""

import msgspec
import pytest
from msgspec.structs import replace

from pushgate.model.errors import Invalid
from pushgate.model.notification import Priority, Submission, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.model.target import MAX_TARGET
from tests.samples import CHANNEL, OF_TEXT, WITH_CHANNELS

LONG = b"https://push.example.com/" + b"x" * 1000


def submission(targets, payload=b"{}", **terms):
    """A submission with a payload for all."""
    return Submission(app="web", tokens=Packed.of(targets, 2), payload=payload, terms=Terms(**terms))


def test_targets_of_any_length_that_the_service_takes():
    """By default a target has up to 4,096 bytes; each member is judged by itself."""
    targets = [LONG, b"x" * MAX_TARGET, b"x" * (MAX_TARGET + 1), b"", b"x"]
    assert [index for index, _ in NotificationRules().refused_members(submission(targets), 2048)] == [2, 3]


def test_a_target_that_is_checked():
    """A service says by itself which targets it has; the others go through."""

    def https(target):
        if not target.startswith(b"https:"):
            raise Invalid("token", f"{len(target)} bytes", "an https URI")

    rules = NotificationRules(check_target=https)
    refused = rules.refused_members(submission([LONG, b"http://x", b""]), 2048)
    assert [(index, refusal.code) for index, refusal in refused] == [(1, "INVALID"), (2, "INVALID")]


def test_targets_with_one_form():
    """A service may have several ways to write a target; by default there is one."""
    targets = Packed.of([b"A", b"b"], 2)
    assert list(NotificationRules(canonical=bytes.lower).in_canonical_form(targets)) == [b"a", b"b"]
    assert NotificationRules().in_canonical_form(targets) is targets


def test_the_smaller_limit_of_a_payload_holds():
    """The service's limit holds whatever the app's says, and the app's whatever the service's says."""
    for service, app in ((5, 2048), (2048, 5)):
        with pytest.raises(Exception, match="at most 5"):
            NotificationRules(max_payload=service).refused_members(submission([b"x"], b'{"a":1}'), app)


def test_a_payload_of_another_kind():
    """A service may take what is no JSON."""
    rules = NotificationRules(check_payload=lambda payload: None)
    assert rules.refused_members(submission([b"x"], b"<toast/>"), 2048) == []


@pytest.mark.parametrize(
    ("json", "payload"),
    [
        (rb'"<a b=\"\u00e9\">\ud83d\ude00</a>"', '<a b="é">😀</a>'),
        ('"é"', "é"),
        ('""', ""),
        (' "x"\n', "x"),
        ('{"t": "\\ud83d\\ude00é" }', '{"t": "\\ud83d\\ude00é" }'),
        ("[1,  {}]", "[1,  {}]"),
    ],
)
def test_a_payload_that_is_text(json, payload):
    """A JSON text stands for what it says, an object or array for itself; written again, it is the same."""
    json = json if isinstance(json, bytes) else json.encode()
    assert OF_TEXT.payload_of(json) == payload.encode()
    assert (
        OF_TEXT.payload_of(msgspec.json.encode(OF_TEXT.payload_as_json(payload.encode()))) == payload.encode()
    )
    assert NotificationRules().payload_of(json) is json
    assert msgspec.json.encode(NotificationRules().payload_as_json(json)) == json


@pytest.mark.parametrize(
    "json",
    [
        rb'"\ud83d"', rb'"\ude00\ud83d"', b'"\xed\xa0\xbd"', b'{"t":"\xed\xa0\xbd"}', rb'["\ud83d"]', b"7", b"true", b"null",
        b"<a/>", b'"x" y', b"{x}", b"", b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_payload_that_no_text_stands_for(json):
    """Half of a surrogate pair, a value that is neither text nor structure, and what is no JSON."""
    with pytest.raises(Invalid, match=r"^payload: \d+ bytes; a JSON text, object or array"):
        OF_TEXT.payload_of(json)


def test_terms_of_the_service():
    """Push types and priorities that a service does not know refuse the whole submission; any type may be allowed."""
    bulk = NotificationRules(priorities=frozenset({Priority.BULK}), push_types=frozenset({"alert"}))
    bulk.check_terms(Terms(priority=Priority.BULK, push_type="alert"))
    for terms, field in ((Terms(), "priority"), (Terms(priority=Priority.BULK, push_type="x"), "push_type")):
        with pytest.raises(Invalid, match=f"^{field}: "):
            bulk.check_terms(terms)
    with pytest.raises(Invalid, match="none: this service has no push types"):
        NotificationRules(push_types=frozenset()).check_terms(Terms(push_type="alert"))
    NotificationRules().check_terms(Terms(push_type="whatever"))


def test_a_target_is_a_token_or_a_channel():
    """One of the two; a channel's target is its id, whatever the form of tokens is."""
    assert WITH_CHANNELS.find_target("0a", None) == b"\x0a"
    assert WITH_CHANNELS.find_target(None, CHANNEL) == CHANNEL.encode()
    for token, channel, fault in ((None, None, "token: missing"), ("0a", CHANNEL, "channel: with a token")):
        with pytest.raises(Invalid, match=f"^{fault}"):
            WITH_CHANNELS.find_target(token, channel)


def test_headers_are_those_of_the_service():
    """One that it does not know is refused; the rule names those it takes."""
    terms = Terms(headers=(("x-wns-group", "g"),))
    NotificationRules(headers=frozenset({"x-wns-group"})).check_terms(terms)
    with pytest.raises(Invalid, match=r"^headers: .*; none: "):
        NotificationRules().check_terms(terms)
    with pytest.raises(Invalid, match=r"^headers: .*; some of a, b$"):
        NotificationRules(headers=frozenset("ab")).check_terms(terms)


@pytest.mark.parametrize("value", ["", " a", "a ", "a\n", "é", "a" * 256])
def test_what_no_header_can_hold(value):
    """It is refused when the terms are made, whatever service they are for."""
    with pytest.raises(Invalid, match=r"^x-wns-group: "):
        Terms(headers=(("x-wns-group", value),))


def test_a_service_without_channels():
    """A submission for a channel is refused as a whole."""
    with pytest.raises(Invalid, match=r"^channel: given for an app without channels"):
        NotificationRules().refused_members(submission([CHANNEL.encode()], channel=CHANNEL), 2048)


def test_the_targets_of_a_channel():
    """Each is the channel: a token beside one is refused by its index, of whatever length."""
    given = submission([CHANNEL.encode(), b"", b"\x0a" * 20], channel=CHANNEL)
    assert [index for index, _ in WITH_CHANNELS.refused_members(given, 2048)] == [1, 2]
    long = "A" * 200  # longer than Apple's device tokens
    assert WITH_CHANNELS.refused_members(submission([long.encode()], channel=long), 2048) == []


def test_a_combination_that_is_refused():
    """A payload that cannot be sent on its terms is refused by its index, and its neighbours are not."""

    def check(terms, payload):
        if terms.channel is not None and b"start" in payload:
            raise Invalid("payload", "event start with a channel", "another one")

    rules = replace(WITH_CHANNELS, check_combination=check)
    payloads = Packed.of([b"{}", b'{"event":"start"}', b"{}"], 2)
    given = submission([CHANNEL.encode()] * 3, payloads, channel=CHANNEL)
    assert [index for index, _ in rules.refused_members(given, 2048)] == [1]
