"""Timers that hold when somebody sets the wall clock."""

import time
from typing import Any


def keep_steady(reactor: Any) -> None:
    """Have a reactor measure time by a clock that nobody sets, not by the wall clock as Twisted does.

    Else every timer, time-out and sign of life would be late by as much as the clock was set back, and
    come at once when it is set forward. To be called before anything is scheduled: times of another clock
    mean nothing, so a reactor with timers stays as it is.
    """
    if not reactor.getDelayedCalls():
        reactor.seconds = time.monotonic
