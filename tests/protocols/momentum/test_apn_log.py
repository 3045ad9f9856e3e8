"""The lines of `apn_logger`."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.model.history import Event, Step
from pushgate.model.outcome import TAKEN, State
from pushgate.model.outcome_record import Tokens, id_text
from pushgate.model.target import TargetForm
from pushgate.protocols.momentum.apn_log import (
    DELIVERY,
    HEARTBEAT,
    PERMFAIL,
    TEMPFAIL,
    LogFormat,
    LogFormats,
    entry_lines,
    heartbeat_line,
)
from pushgate.testing import outcome

FORMATS = LogFormats(LogFormat(DELIVERY), LogFormat(PERMFAIL), LogFormat(TEMPFAIL))
REFUSED = Step(Event.REFUSED, 1_600_000_000.5, 1, "Shutdown")


def lines(found, formats=FORMATS, tokens=Tokens.FULL):
    return list(entry_lines(found, formats, tokens))


def stepped(found, *steps):
    """An outcome with a past."""
    return replace(found, span=replace(found.span, past=steps))


def test_delivery():
    """Eleven fields, for each notification of the span."""
    found = outcome(tokens=[b"\x0a", b"\x0b"])
    first, second = (id_text(found.span.batch.id + index) for index in range(2))
    assert lines(found) == [
        f'1700000000@D@{first}@""@"0a"@news@default@default@apns-stream@22@{first}',
        f'1700000000@D@{second}@""@"0b"@news@default@default@apns-stream@22@{second}',
    ]


def test_permanent_failure():
    """Eleven fields, with status and its name."""
    found = outcome(State.REJECTED, tokens=[b"\x0a"], status=8, reason="InvalidToken")
    number = id_text(found.span.batch.id)
    assert lines(found) == [f'1700000000@P@{number}@""@"0a"@news@default@default@apns-stream@8@InvalidToken']


def test_given_up():
    """A notification that the gateway gave up has status 0 and the reason."""
    assert lines(outcome(State.EXPIRED))[0].endswith("@0@expired")
    assert lines(outcome(State.FAILED, reason="Attempts"))[0].endswith("@0@Attempts")


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED, State.WRITTEN, State.DEAD_TOKEN}))
def test_every_state(state):
    """Accepted notifications are D, all others P."""
    [line] = lines(outcome(state))
    assert line.split("@")[1] == ("D" if state in TAKEN else "P")


def test_temporary_failures():
    """Each temporary refusal has a line before the outcome, with its time and status; lost connections have none."""
    steps = (
        REFUSED,
        Step(Event.LOST, 1_600_000_001),
        Step(Event.REFUSED, 1_600_000_002, 1, "TooManyRequests"),
    )
    first, second, last = lines(stepped(outcome(tokens=[b"\x0a"]), *steps))
    assert first.startswith("1600000000@T@")
    assert len(first.split("@")) == 13
    assert first.endswith("@10@Shutdown")
    assert second.startswith("1600000002@T@")
    assert second.endswith("@255@TooManyRequests")
    assert "@D@" in last


def test_corrections():
    """A correction does not repeat temporary failures."""
    assert len(lines(stepped(outcome(recalled=True), REFUSED))) == 1


def test_left_out():
    """Kinds of entries can be left out."""
    nothing = LogFormats(None, None, None)
    for state in (State.ACCEPTED, State.REJECTED):
        assert lines(stepped(outcome(state), REFUSED), nothing) == []


def test_tokens():
    """Tokens are full, hashed, or left out."""
    formats = LogFormats(LogFormat("%dt %da"), None, None)
    found = outcome(tokens=[b"\x0a"])
    assert lines(found, formats, Tokens.NONE) == [" "]
    [line] = lines(found, formats, Tokens.HASH)
    assert re.fullmatch(r"([0-9a-f]{16}) \1", line)


def test_texts_cannot_leave_their_fields():
    """Quotation marks and line ends in untrusted text are escaped."""
    found = outcome(State.REJECTED, tokens=[b'{"a":\n"b"}'], reason='a"b\nc')
    text = replace(found.span.batch, form=TargetForm.TEXT, origin='x"y')
    found = replace(found, span=replace(found.span, batch=text))
    [line] = lines(found)
    assert '@"x%22y"@"{%22a%22:\\n%22b%22}"@' in line
    assert line.endswith("@a%22b\\nc")


def test_heartbeat():
    """Two fields."""
    assert heartbeat_line(LogFormat(HEARTBEAT), 12.9) == "12@M"
    assert heartbeat_line(LogFormat("%t %i %%"), 12.9) == "12  %"


@given(st.text("%tidgbHBSesa@x()", max_size=20))
def test_any_format(text):
    """Any format gives lines or is refused."""
    with contextlib.suppress(ValueError):
        assert len(lines(outcome(), LogFormats(LogFormat(text), None, None))) == 1


def test_unknown_macros():
    """The error lists the known macros."""
    with pytest.raises(ValueError, match="%sa"):
        LogFormat("%x")
