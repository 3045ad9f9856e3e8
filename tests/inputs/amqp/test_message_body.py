"""The bodies of messages: what is valid, and the refusals of what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.inputs.amqp.message_body import NDJSON, Many, MessagePart, Single, read, write
from pushgate.model.errors import Invalid, Refusal
from pushgate.model.notification import MAX_BATCH, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.protocols.apns_rules import APNS_RULES
from tests.samples import CHANNEL, OF_TEXT, XML

ONE = {"token": "0a", "payload": {}}


def rules_of(app):
    """Each app is one of Apple's."""
    return APNS_RULES


def refused(body: Any, content_type: str | None = None, encoding: str | None = None) -> str:
    """Why a body is refused."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Refusal) as caught:
        read(data, content_type, encoding, rules_of)
    return f"{caught.value.code} {caught.value}"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "INVALID body"),
        ([ONE], "INVALID body"),
        ({}, "INVALID body"),
        (ONE | {"tokens": ["0a"]}, "INVALID body"),
        ({"token": "0a"}, "INVALID payload: missing"),
        ({"token": "x", "payload": {}}, "INVALID token"),
        (ONE | {"priority": 7}, "INVALID priority"),
        (ONE | {"key": "k"}, "INVALID key"),
        ({"tokens": [], "payload": {}}, "INVALID tokens: none"),
        ({"notifications": []}, "INVALID notifications: none"),
        (ONE | {"push_magic": "x"}, "INVALID push_magic: with a payload"),
        ({"tokens": ["0a"], "push_magic": "x"}, "INVALID push_magic: with tokens"),
        ({"notifications": [ONE], "payload": {}}, "INVALID notifications"),
        ({"notifications": [ONE], "priority": 5}, "INVALID notifications"),
        ({"tokens": ["0a"] * (MAX_BATCH + 1), "payload": {}}, "TOO_LARGE tokens"),
    ],
)
def test_refused(body: Any, word: str) -> None:
    """The refusal names the field and the rule."""
    assert refused(body).startswith(word)


def test_kinds() -> None:
    """Only JSON and lines of JSON are read, not compressed; parameters of the type do not matter."""
    data = json.dumps(ONE).encode()
    assert isinstance(read(data, "Application/JSON; charset=utf-8", None, rules_of).what, Single)
    assert isinstance(read(data, NDJSON, None, rules_of).what, Many)
    assert refused(ONE, "text/plain").startswith("INVALID content_type")
    assert refused(ONE, None, "gzip").startswith("INVALID content_encoding")
    assert refused(b"{}\n{", NDJSON).startswith("INVALID")


def test_a_push_magic() -> None:
    """It takes the place of a payload; what is given back to the broker is the same push."""
    single = read(b'{"token": "0a", "push_magic": "47250C9C"}', None, None, rules_of).what
    assert isinstance(single, Single)
    assert (single.payload, single.terms) == (b'{"mdm":"47250C9C"}', Terms(push_type="mdm"))
    part = MessagePart(Packed.of([single.token], 2), single.payload, single.terms, {}, APNS_RULES)
    returned = read(write("news", part, [0]), None, None, rules_of).what
    assert isinstance(returned, Many)
    [again] = returned.parts
    assert (again.payload, again.terms) == (single.payload, single.terms)


def test_parts() -> None:
    """Members on other terms go apart; a bad one keeps its place."""
    members = [ONE, ONE | {"token": "x"}, ONE | {"priority": 5}, ONE | {"priority": 6}]
    what = read(json.dumps({"notifications": members, "app": "news"}).encode(), None, None, rules_of).what
    assert isinstance(what, Many)
    assert [(len(part), part.first, sorted(part.faults), part.terms.priority) for part in what.parts] == [
        (2, 0, [1], None), (2, 2, [1], 5),
    ]  # fmt: skip


@given(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from([Terms(), Terms(expiration=7, collapse_id="c")]),
    st.data(),
)
def test_what_is_written_can_be_read(
    tokens: list[bytes], shared: bool, terms: Terms, data: st.DataObject
) -> None:
    """What is given back of a batch says of each member what the batch said."""
    payloads = [b'{"n":%d}' % number for number in range(len(tokens))]
    payload = payloads[0] if shared else Packed.of(payloads, 2)
    members = sorted(data.draw(st.sets(st.sampled_from(range(len(tokens))), min_size=1)))
    asked = read(
        write("news", MessagePart(Packed.of(tokens, 1), payload, terms, {}, APNS_RULES), members),
        None,
        None,
        rules_of,
    )
    assert asked.app == "news"
    assert isinstance(asked.what, Many)
    [part] = asked.what.parts
    assert list(part.tokens) == [tokens[index] for index in members]
    assert part.terms == terms
    if shared:
        assert part.payload == payload
    else:
        assert list(part.payload) == [payloads[index] for index in members]  # type: ignore[call-overload]  # packed


@pytest.mark.parametrize("shared", [True, False])
def test_broadcasts_that_are_written_can_be_read(shared: bool) -> None:
    """The channel stands in place of the tokens."""
    target, bodies = CHANNEL.encode(), [b'{"n":1}', b'{"n":2}']
    payload = bodies[0] if shared else Packed.of(bodies, 2)
    written = write(
        "news",
        MessagePart(Packed.of([target] * 2, 2), payload, Terms(channel=CHANNEL), {}, APNS_RULES),
        [0, 1],
    )
    what = read(written, None, None, rules_of).what
    assert isinstance(what, Many)
    [part] = what.parts
    assert (list(part.tokens), part.terms, part.faults) == ([target] * 2, Terms(channel=CHANNEL), {})
    assert list(part.payload) == ([bodies[0]] * 2 if shared else bodies)  # type: ignore[call-overload]  # packed


def test_a_message_that_is_a_broadcast() -> None:
    """With a channel in place of the token."""
    what = read(json.dumps({"channel": CHANNEL, "payload": {}}).encode(), None, None, rules_of).what
    assert what == Single(CHANNEL.encode(), b"{}", Terms(channel=CHANNEL))
    assert refused(ONE | {"channel": CHANNEL}).startswith("INVALID body: token and channel")


BAD = {"token": "uri", "payload": "cut \ud83d"}


def test_texts_where_payloads_are_text() -> None:
    """Each stands for what it says; half of a surrogate pair refuses its notification, or the message."""
    one = {"token": "uri", "payload": XML}
    what = read(json.dumps(one).encode(), None, None, lambda app: OF_TEXT).what
    assert what == Single(b"uri", XML.encode(), Terms())
    for body in (BAD, {"tokens": ["uri"], "payload": 7}):
        with pytest.raises(Invalid, match=r"^payload: "):
            read(json.dumps(body).encode(), None, None, lambda app: OF_TEXT)
    lines = "\n".join(map(json.dumps, (one, BAD, one))).encode()
    many = read(lines, NDJSON, None, lambda app: OF_TEXT).what
    assert isinstance(many, Many)
    [part] = many.parts
    assert isinstance(part.payload, Packed)
    assert (list(part.payload), [*part.faults]) == ([XML.encode(), b"", XML.encode()], [1])


@pytest.mark.parametrize("rules", [OF_TEXT, APNS_RULES])
@pytest.mark.parametrize("shared", [True, False])
def test_what_is_written_of_texts(rules: NotificationRules, shared: bool) -> None:
    """It is JSON, and says the same: tokens and payloads as the app has them, what was refused is refused again."""
    token, payload = ("uri", XML) if rules is OF_TEXT else ("0a", {})
    several = {"notifications": [{"token": each, "payload": payload} for each in (token, "", token)]}
    body = {"tokens": [token, "", token], "payload": payload} if shared else several
    before, after = [], []
    for found, message in ((before, json.dumps(body).encode()), (after, None)):
        what = read(message or write("news", before[0], [0, 1, 2]), None, None, lambda app: rules).what
        assert isinstance(what, Many)
        found += what.parts
    assert [(part.tokens, part.payload, [*part.faults]) for part in after] == [
        (part.tokens, part.payload, [1]) for part in before
    ]
