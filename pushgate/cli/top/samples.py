"""The counters of a gateway over time: current rates, and their history."""

from collections import deque
from itertools import pairwise
from typing import Final

import msgspec

from pushgate.model.gateway_stats import GatewayStats

HISTORY: Final = 61
"""Looks that are kept: the most bars of a sparkline, and one."""
RECENT: Final = 5.0
"""Seconds over which a rate is computed; at least from one look to the next."""


class Rates(msgspec.Struct, frozen=True):
    """Notifications per second.

    :param submitted: notifications accepted from callers.
    :param settled: outcomes, including corrections.
    """

    submitted: float = 0.0
    settled: float = 0.0


class _Look(msgspec.Struct, frozen=True):
    at: float
    uptime: float | None
    submitted: dict[str, int]
    settled: dict[str, int]


class Samples:
    """The last looks at a gateway, one for each refresh."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=HISTORY)

    def add(self, stats: GatewayStats, now: float) -> None:
        """Add a look; if the gateway was restarted, drop the earlier ones.

        :param now: monotonic seconds.
        """
        if self._looks and (stats.uptime or 0.0) < (self._looks[-1].uptime or 0.0):
            self._looks.clear()
        submitted = {name: app.counts.submitted for name, app in stats.apps.items()}
        settled = {name: sum(states.values()) for name, states in stats.outcomes.items()}
        self._looks.append(_Look(now, stats.uptime, submitted, settled))

    def rates(self, app: str) -> Rates:
        """Return the current rates of an app."""
        if len(self._looks) < 2:
            return Rates()
        *earlier, last = self._looks
        since = next((look for look in earlier if last.at - look.at <= RECENT), earlier[-1])
        return Rates(
            _per_second(since, last, since.submitted, last.submitted, app),
            _per_second(since, last, since.settled, last.settled, app),
        )

    def history(self, app: str) -> list[float]:
        """Return the outcomes per second of an app, from each look to the next."""
        return [_per_second(one, two, one.settled, two.settled, app) for one, two in pairwise(self._looks)]


def _per_second(one: _Look, two: _Look, before: dict[str, int], after: dict[str, int], app: str) -> float:
    """Return a rate; an app that was added by a reload counts from its first look."""
    grown = after.get(app, 0) - before.get(app, after.get(app, 0))
    return max(0, grown) / (two.at - one.at) if two.at > one.at else 0.0
