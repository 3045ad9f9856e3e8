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
        # checked out, network, unenrolled, wiped, topic, token, magic, race
        ({}, "rppppppp"),
        ({"checked_in_at": AT + 1}, "rrrrrrrr"),
        (PUSHED, "rppprrpp"),
        (LATER, "rppprrpr"),
        (LATER | {"outcome": State.PRESUMED}, "rppppppr"),
        (LATER | {"checked_in_at": AT + 5}, "rppprrrr"),
        (LATER | {"checked_in_at": AT + 9}, "rrrrrrrr"),
        (LATER | {"pushed_at": AT + 2 * DAY}, "rppprrpr"),
        (LATER | {"outcome": State.REJECTED, "status": 410, "reason": "Unregistered"}, "rrpprcrr"),
        (LATER | {"outcome": State.REJECTED, "status": 400, "reason": "BadDeviceToken"}, "rrrrrcrr"),
        (LATER | {"outcome": State.REJECTED, "status": 400, "reason": "TopicDisallowed"}, "rrrrcrrr"),
        (LATER | {"outcome": State.EXPIRED, "status": None, "reason": "ExpirationPassed"}, "rrrrrrrr"),
        (LATER | {"topic": "com.apple.mgmt.old"}, "rpppcrpr"),
        ({"topic": "com.apple.mgmt.old"}, "rpppcppp"),
        ({"checked_out_at": AT + 5}, "crrrrrrr"),
        (LATER | {"checked_out_at": AT + 5}, "crrrrrrr"),
        (LATER | {"checked_out_at": AT + 5, "checked_in_at": AT + 9}, "crrrrrrr"),
        (LATER | {"checked_out_at": AT + 5, "outcome": State.REJECTED, "reason": "Unregistered"}, "crrrrrrr"),
        ({"checked_out_at": AT + 5, "topic": "com.apple.mgmt.old"}, "crrrrrrr"),
        (PUSHED | {"checked_out_at": AT + 5, "superseded_at": AT + 9}, "rppprrpp"),
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
        assert said[6] == "c"
        assert summary.startswith("superseded by a later enrolment, 72 h ago")


def test_why_a_check_out_is_no_cause():
    """None was reported, or the device has enrolled anew: each is said."""
    for fields, why in (
        ({}, "no CheckOut of it was reported"),
        ({"checked_out_at": AT + 5, "superseded_at": AT + 9}, "it has enrolled anew since its CheckOut"),
    ):
        facts = Facts(kept=(enrolment(**fields),), topic=TOPIC, now=AT + DAY)
        assert diagnose(b"t", facts)["causes"][0]["why"] == why


def test_unknown():
    """A token that never enrolled here is the first thing to look at."""
    assert verdicts() == ("pppppcpp", "not enrolled here")


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ({}, "enrolled, not pushed to yet"),
        (
            {"pushed_at": AT + 3 * DAY - 60, "waiting": True},
            "pushed to 1 min ago, no outcome yet; it has not called since",
        ),
        (PUSHED, "pushed to 72 h ago, accepted 200; it has not called since"),
        (
            LATER | {"checked_out_at": AT + 5, "checked_in_at": AT + 9},
            "it left management 72 h ago; it has to enrol again",
        ),
        (
            {"checked_out_at": AT + 5, "superseded_at": AT + 3 * DAY - 60},
            "superseded by a later enrolment, 1 min ago",
        ),
        (PUSHED | {"checked_in_at": AT + 2}, "it called after the last push, 72 h ago: nothing is wrong"),
    ],
)
def test_summary(fields, summary):
    """What happened, in a line."""
    assert verdicts(enrolment(**fields))[1] == summary
