"""When a managed device is pushed to next: values and times in, a time out."""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.model.enrolment import Enrolment
from pushgate.model.outcome import State

AFTER_ENROLMENT: Final = (1.0, 5.0, 30.0)
"""Seconds: from the enrolment to the first push, and from each push to the next, until the device calls.

For up to 0.7 s after its ``TokenUpdate`` the push service may not know the device yet, and a push is lost
without a word. An MDM push that is not answered within several seconds should be repeated.
"""
AWAKE: Final = 26 * 3600.0
"""Seconds between two pushes to a silent device: it mends a wrong push magic at the second wrong push, when
that comes 25 h after the first or later."""
_DEAD: Final = frozenset(DeadReason)


def next_push(enrolment: Enrolment) -> float | None:
    """Unix seconds of the next push; None: none follows until something happens.

    At most one push waits for its outcome. There is none to an enrolment that was superseded, to a device
    that left management, nor to a token that the push service calls dead.
    """
    if enrolment.superseded_at is not None or enrolment.checked_out_at is not None:
        return None
    if enrolment.waiting or is_dead(enrolment):
        return None
    if not enrolment.has_checked_in and enrolment.pushes < len(AFTER_ENROLMENT):
        return _sent_at(enrolment) + AFTER_ENROLMENT[enrolment.pushes]
    if not enrolment.keep_awake:
        return None
    return max(_sent_at(enrolment), enrolment.checked_in_at or 0.0) + AWAKE


def is_dead(enrolment: Enrolment) -> bool:
    """Whether the last outcome says that there is no such device any more."""
    if enrolment.outcome is State.SUPPRESSED:
        return True
    return enrolment.outcome is State.REJECTED and enrolment.reason in _DEAD


def _sent_at(enrolment: Enrolment) -> float:
    """When the last push left; at first, when the device enrolled.

    A push may have waited in the queue, which its outcome shows, unless that is only presumed: then silence
    was waited for.
    """
    pushed, outcome_at = enrolment.pushed_at, enrolment.outcome_at
    if not enrolment.pushes or pushed is None:
        return enrolment.enrolled_at
    if outcome_at is None or enrolment.outcome is State.PRESUMED:
        return pushed
    return max(pushed, outcome_at)
