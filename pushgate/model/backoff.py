"""How long to wait before the next attempt."""

from collections.abc import Callable

Jitter = Callable[[], float]
"""A number from 0 to 1, new at each call."""


def delay(failures: int, *, first: float, cap: float, jitter: Jitter) -> float:
    """Seconds to wait after `failures` failures in a row: doubling from `first`, capped, half of it chance.

    Half is certain, so that attempts never bunch at zero; half is chance, so that many gateways that lost
    the same push service do not come back together.

    :param failures: at least 1.
    """
    whole = min(cap, first * 2.0 ** min(failures - 1, 60))
    return whole * (0.5 + 0.5 * jitter())
