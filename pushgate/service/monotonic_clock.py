"""A reactor whose timers do not depend on the wall clock."""

import time
from typing import Any


def keep_steady(reactor: Any) -> None:
    """Have a reactor measure time by the monotonic clock, not by the wall clock as Twisted does.

    Otherwise every timer, time-out and watchdog ping would be late by as much as the clock was set back, and
    fire at once when it is set forward. To be called before anything is scheduled: times of another clock
    mean nothing, so a reactor with timers stays as it is.
    """
    if not reactor.getDelayedCalls():
        reactor.seconds = time.monotonic
