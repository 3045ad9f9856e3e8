"""Every refusal is one word on the wire and one sentence for people."""

import pytest

from pushgate.model.errors import (
    REFUSALS,
    CannotStart,
    Conflict,
    FateUnknown,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    Overloaded,
    PushgateError,
    Refusal,
    ShuttingDown,
    TooLarge,
    UnknownApp,
    Unreachable,
    reason,
)


def test_the_codes_are_those_of_the_contract():
    """The words on the wire are fixed: other programs branch on them."""
    assert set(REFUSALS) == {
        "UNKNOWN_APP",
        "INVALID",
        "TOO_LARGE",
        "OVERLOADED",
        "SHUTTING_DOWN",
        "FORBIDDEN",
        "CONFLICT",
        "NOT_FOUND",
        "SERVICE_FAILED",
    }


def test_every_kind_of_refusal_is_found_by_its_code():
    """No refusal exists that an input could not name to its caller."""
    assert set(REFUSALS.values()) == set(Refusal.__subclasses__())
    assert all(kind.code == code for code, kind in REFUSALS.items())


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (UnknownApp("nwes"), "app: 'nwes' is not configured"),
        (Invalid("token", "31 bytes", "32 bytes"), "token: 31 bytes; 32 bytes"),
        (TooLarge("payload", 2049, 2048), "payload: 2049 bytes; at most 2048"),
        (TooLarge("line", 9, 8, unit="characters"), "line: 9 characters; at most 8"),
        (Overloaded("app news", 10, 10), "app news: 10 waiting; at most 10, try again later"),
        (ShuttingDown(), "the gateway is shutting down; try another, or later"),
        (Conflict(), "key: used within 24 hours with other content; use a new key"),
        (NotFound(), "id: not known, or its outcome is no longer kept"),
        (Forbidden("app: not yours"), "app: not yours"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(refusal, text):
    """The text names the field, what was found and the rule; nothing else is needed to mend the request."""
    assert str(refusal) == text


def test_a_long_app_name_is_not_repeated_whole():
    """An error stays short whatever a caller sends as the app's name."""
    assert len(str(UnknownApp("x" * 100_000))) < 150


def test_refusals_carry_their_data():
    """A caller in the same process reads fields rather than parsing a sentence."""
    invalid, large, full = Invalid("token", "a", "b"), TooLarge("payload", 2, 1), Overloaded("app", 3, 2)
    assert (invalid.field, invalid.shape, invalid.rule) == ("token", "a", "b")
    assert (large.field, large.size, large.limit) == ("payload", 2, 1)
    assert (full.queued, full.limit) == (3, 2)
    assert UnknownApp("news").app == "news"


@pytest.mark.parametrize("kind", REFUSALS.values())
def test_a_refusal_told_by_another_process(kind):
    """What came over a wire is of the same kind and has the same text; its fields are there, and empty."""
    refusal = kind.from_text("the text as it was sent")
    assert isinstance(refusal, kind)
    assert str(refusal) == "the text as it was sent"
    data = [getattr(refusal, name) for name in ("app", "field", "shape", "rule", "size", "queued", "limit")
            if hasattr(kind, name)]  # fmt: skip
    assert not any(data)


def test_failures_that_are_no_refusals():
    """The gateway failed, or its answer never came: no refusal, for a refusal queues nothing."""
    for failure in (Internal(), Unreachable("no connection for 30 s"), FateUnknown("no answer for 30 s")):
        assert isinstance(failure, PushgateError)
        assert not isinstance(failure, Refusal)
    assert str(Internal()) == "the gateway failed; its log says why"
    assert str(Internal("x")) == "x"


def test_a_start_that_fails_tells_every_fault():
    """All faults of a configuration are reported at once, one line each; it is no answer to a caller."""
    fault = CannotStart(["a.toml: apps.news.port: 0; 1 to 65535", "a.toml: sinks.x.type: missing"])
    assert str(fault).splitlines() == fault.faults
    assert isinstance(fault, PushgateError)
    assert not isinstance(fault, Refusal)


def test_an_exception_in_a_line():
    """Of a syntax error the file and the line that it is in, of others the first line of what they say, and always the type."""
    assert (
        reason(SyntaxError("invalid syntax", ("a.py", 3, 1, "x =")))
        == "SyntaxError in a.py, line 3: invalid syntax"
    )
    assert reason(SyntaxError("x", ("", 3, 1, ""))) == "SyntaxError in line 3: x"
    assert reason(OSError("first\nsecond")) == "OSError: first"
    assert reason(KeyError()) == "KeyError"
