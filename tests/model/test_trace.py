"""The trace of one notification, as JSON."""

import json

from msgspec.structs import replace

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.model.outcome import Outcome, State
from pushgate.model.outcome_record import record
from pushgate.model.packed import Packed
from pushgate.model.trace import NotificationTrace
from tests.samples import batch, token

ACCEPTED_AT = 1_700_000_000.0


def reported(state, *steps, at=5.0, index=1, recalled=False, status=None, reason="", **of):
    """An outcome of the second of three."""
    whole = replace(batch(3), **{"origin": "amp", **of})
    span = BatchSlice(whole, index, index + 1, attempts=1, recalled=recalled, past=steps)
    return Outcome(span, state, status, reason, ACCEPTED_AT + at, "apns-stream")


def step(event, at, connection=0, reason=""):
    return Step(event, ACCEPTED_AT + at, connection, reason)


def events(text):
    """Each event as its name and what it says, without the time."""
    return [
        (event["event"], *[value for key, value in event.items() if key not in {"event", "at"}])
        for event in json.loads(text)["events"]
    ]


FIRST, BACK, SECOND = (
    step(Event.WRITTEN, 1, 3),
    step(Event.DISCARDED, 2, 3, "InvalidToken"),
    step(Event.WRITTEN, 3, 4),
)
BEGIN = [("submitted", "amp"), ("queued",)]


def test_the_whole_way():
    """Through which input, on which connections, why again, and the end."""
    text = NotificationTrace((reported(State.ACCEPTED, FIRST, BACK, SECOND),)).json()
    assert events(text) == [
        *BEGIN,
        ("written", 3),
        ("discarded", 3, "InvalidToken"),
        ("written", 4),
        ("outcome", "accepted", None, "", "apns-stream"),
    ]
    assert [event["at"] - ACCEPTED_AT for event in json.loads(text)["events"]] == [0, 0, 1, 2, 3, 5]


def test_it_begins_with_the_record():
    """The fields of a trace are those of the outcome record, and `events`."""
    outcome = reported(State.REJECTED, FIRST, status=8, reason="InvalidToken")
    fields = json.loads(NotificationTrace((outcome,)).json())
    del fields["events"]
    assert fields == json.loads(record(outcome))
    assert fields["token"] == token(1).hex()


def test_a_correction():
    """What was presumed stays in the trace; the record is the correction, and no step is reported twice."""
    presumed = reported(State.PRESUMED, FIRST)
    corrected = reported(
        State.REJECTED, FIRST, BACK, SECOND, at=9.0, recalled=True, status=8, reason="InvalidToken"
    )
    text = NotificationTrace((presumed, corrected)).json()
    assert [each[0] for each in events(text)[2:]] == [
        "written",
        "outcome",
        "discarded",
        "written",
        "correction",
    ]
    assert json.loads(text)["state"] == "rejected"


def test_on_its_way():
    """Without an outcome the record says where it is, and the trace ends with the last step."""
    for state in (State.QUEUED, State.WRITTEN):
        text = NotificationTrace((), reported(state, FIRST)).json()
        assert json.loads(text)["state"] == state
        assert events(text) == [*BEGIN, ("written", 3)]


def test_presumed_and_sent_again():
    """The record says what was reported last, until there is another outcome; the trace goes further."""
    text = NotificationTrace(
        (reported(State.PRESUMED, FIRST),), reported(State.QUEUED, FIRST, BACK, recalled=True)
    ).json()
    assert json.loads(text)["state"] == "presumed"
    assert [each[0] for each in events(text)[2:]] == ["written", "outcome", "discarded"]


def test_what_is_not_known():
    """A token that is not kept is null, and so is an input without a name; nothing is made up."""
    text = NotificationTrace((reported(State.CANCELLED, origin="", tokens=Packed.of([b""] * 3, 1)),)).json()
    assert json.loads(text)["token"] is None
    assert events(text)[0] == ("submitted", None)
