"""What may be submitted for an app on Web Push."""

import pytest

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import Submission, Terms
from pushgate.model.packed import Packed
from pushgate.protocols.webpush.rules import WEBPUSH_RULES
from tests.protocols.webpush.browsers import subscription


def refused(payload=b"{}", *targets, **terms):
    """Which members of a submission are refused."""
    tokens = Packed.of(targets or [subscription()], 2)
    submission = Submission(app="news", tokens=tokens, payload=payload, terms=Terms(**terms))
    return [index for index, _ in WEBPUSH_RULES.refused_members(submission, 65535)]


@pytest.mark.parametrize("payload", [b"", b"\xff\0", b"text", b"[1]", b"x" * 3993])
def test_any_payload(payload):
    """It is for the page's own script alone."""
    assert refused(payload) == []


def test_a_payload_that_is_too_large():
    """With what encryption adds, it would not fit into what every service takes."""
    with pytest.raises(TooLarge, match="payload: 3994 bytes; at most 3993"):
        refused(b"x" * 3994)


def test_targets():
    """Only what is no subscription is refused."""
    assert refused(b"x", subscription(), b"token", subscription("http://h/")) == [1, 2]


@pytest.mark.parametrize("collapse_id", ["a", "A-Z_09", "x" * 32])
def test_topics(collapse_id):
    """What the header can have."""
    assert refused(collapse_id=collapse_id) == []


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"collapse_id": "x" * 33}, "collapse_id: text of 33 characters; for a Topic: 1 to 32 of"),
        ({"collapse_id": "a b"}, "collapse_id: text of 3 characters"),
        ({"collapse_id": "a\n"}, "collapse_id: text of 2 characters"),
        ({"collapse_id": "é"}, "collapse_id: text of 1 characters"),
        ({"topic": "x"}, "topic: given; Web Push has none"),
        ({"push_type": "alert"}, "push_type: given; Web Push has none"),
    ],
)
def test_terms_without_a_header(terms, text):
    """Told at the input."""
    with pytest.raises(Invalid) as caught:
        refused(**terms)
    assert str(caught.value).startswith(text)


def test_one_form():
    """A subscription is the same target however it is written; what is none stays as it is."""
    spaced = subscription().replace(b",", b" , ")
    one, same, none = WEBPUSH_RULES.in_canonical_form(Packed.of([subscription(), spaced, b"token"], 2))
    assert one == same != spaced
    assert none == b"token"
