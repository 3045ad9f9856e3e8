"""Why a device that was pushed to has not called."""

import pytest

from pushgate.mdm.diagnosis import CAUSES, Facts, diagnose
from pushgate.model.outcome import State
from tests.mdm.test_schedule import AT, enrolment

TOPIC = "com.apple.mgmt.1"
PUSHED = {"pushes": 1, "pushed_at": AT + 1, "outcome": State.ACCEPTED, "status": 200, "outcome_at": AT + 1}
LATER = PUSHED | {"pushes": 2, "pushed_at": AT + 7}
DAY = 86400


def verdicts(*kept, of_device=(), topic=TOPIC):
    """The verdict of each cause, by a letter: certain, possible, ruled out."""
    said = diagnose(b"t", Facts(kept=kept, of_device=of_device, topic=topic, now=AT + 3 * DAY))
    assert [each["cause"] for each in said["causes"]] == list(CAUSES)
    assert all(each["why"] and each["means"] for each in said["causes"])
    assert "push_magic" not in str(said)
    return "".join(each["verdict"][0] for each in said["causes"]), said["summary"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # network, unenrolled, wiped, topic, token, magic, race
        ({}, "ppppppp"),
        ({"checked_in_at": AT + 1}, "rrrrrrr"),
        (PUSHED, "ppprrpp"),
        (LATER, "ppprrpr"),
        (LATER | {"outcome": State.PRESUMED}, "ppppppr"),
        (LATER | {"checked_in_at": AT + 5}, "ppprrrr"),
        (LATER | {"checked_in_at": AT + 9}, "rrrrrrr"),
        (LATER | {"pushed_at": AT + 2 * DAY}, "ppprrpr"),
        (LATER | {"outcome": State.REJECTED, "status": 410, "reason": "Unregistered"}, "rpprcrr"),
        (LATER | {"outcome": State.REJECTED, "status": 400, "reason": "BadDeviceToken"}, "rrrrcrr"),
        (LATER | {"outcome": State.REJECTED, "status": 400, "reason": "TopicDisallowed"}, "rrrcrrr"),
        (LATER | {"outcome": State.EXPIRED, "status": None, "reason": "ExpirationPassed"}, "rrrrrrr"),
        (LATER | {"topic": "com.apple.mgmt.old"}, "pppcrpr"),
        ({"topic": "com.apple.mgmt.old"}, "pppcppp"),
    ],
)
def test_causes(fields, expected):
    """Each answer of the push service, and each call of the device, rules out what it proves not to be."""
    assert verdicts(enrolment(**fields))[0] == expected


def test_superseded():
    """A push magic that a later enrolment has replaced is wrong, whether it was pushed to or not."""
    newer = enrolment(id=2, enrolled_at=AT + 5)
    old = {"superseded_at": AT + 5}
    for fields in (PUSHED, {}):
        said, summary = verdicts(enrolment(**fields | old), of_device=(newer,))
        assert said[5] == "c"
        assert summary.startswith("superseded by a later enrolment, 72 h ago")


def test_unknown():
    """A token that never enrolled here is the first thing to look at."""
    assert verdicts() == ("ppppcpp", "not enrolled here")


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ({}, "enrolled, not pushed to yet"),
        (
            {"pushed_at": AT + 3 * DAY - 60, "waiting": True},
            "pushed to 1 min ago, no outcome yet; it has not called since",
        ),
        (PUSHED, "pushed to 72 h ago, accepted 200; it has not called since"),
        (PUSHED | {"checked_in_at": AT + 2}, "it called after the last push, 72 h ago: nothing is wrong"),
    ],
)
def test_summary(fields, summary):
    """What happened, in a line."""
    assert verdicts(enrolment(**fields))[1] == summary
