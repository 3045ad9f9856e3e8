"""When a managed device is pushed to next."""

import pytest

from pushgate.mdm.schedule import AWAKE, is_dead, next_push
from pushgate.model.enrolment import Enrolment
from pushgate.model.outcome import State

AT = 1_700_000_000.0


def enrolment(**fields):
    """An enrolment at `AT`."""
    usual = {
        "id": 1, "app": "news", "token": b"t", "push_magic": "m", "topic": "com.apple.mgmt.1", "device": None,
        "keep_awake": False, "enrolled_at": AT,
    }  # fmt: skip
    return Enrolment(**usual | fields)


ACCEPTED = {"outcome": State.ACCEPTED}
PUSHED = {"pushes": 1, "pushed_at": AT + 1, "outcome_at": AT + 2, **ACCEPTED}
ALL = {"pushes": 3, "pushed_at": AT + 36, "outcome_at": AT + 37, **ACCEPTED}


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({}, 1),
        ({"pushes": 1, "pushed_at": AT + 1, "waiting": True}, None),
        (PUSHED, 2 + 5),
        (PUSHED | {"outcome": State.PRESUMED}, 1 + 5),
        (PUSHED | {"outcome_at": None, "outcome": None}, 1 + 5),
        ({"pushes": 2, "pushed_at": AT + 7, "outcome_at": AT + 7.2, **ACCEPTED}, 7.2 + 30),
        (ALL, None),
        (PUSHED | {"checked_in_at": AT + 3}, None),
        (PUSHED | {"superseded_at": AT + 3}, None),
        (PUSHED | {"checked_out_at": AT + 3}, None),
        (ALL | {"keep_awake": True, "checked_in_at": AT + 50, "checked_out_at": AT + 90}, None),
        (PUSHED | {"outcome": State.REJECTED, "status": 410, "reason": "Unregistered"}, None),
        (PUSHED | {"outcome": State.REJECTED, "status": 400, "reason": "BadExpirationDate"}, 2 + 5),
        (PUSHED | {"outcome": State.SUPPRESSED}, None),
        (ALL | {"keep_awake": True}, 37 + AWAKE),
        (PUSHED | {"keep_awake": True, "checked_in_at": AT + 100}, 100 + AWAKE),
        ({"keep_awake": True, "checked_in_at": AT + 0.5}, 0.5 + AWAKE),
        (ALL | {"keep_awake": True, "outcome": State.SUPPRESSED}, None),
    ],
)
def test_next(fields, after):
    """1 s after the enrolment, then 5 s and 30 s after each push; every 26 h where that is asked for."""
    assert next_push(enrolment(**fields)) == (None if after is None else AT + after)


def test_the_repair_can_work():
    """Two pushes to a silent device are further apart than the 25 h that a device waits."""
    assert AWAKE > 25 * 3600
    assert not is_dead(enrolment())
