"""A sample of the outcomes: a few of each kind, at next to no cost however many there are."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace
from zope.interface import implementer

from pushgate.model.outcome import DeadToken, Report, State
from pushgate.plugin.gateway_interface import IOutcomeSampler

MOST: Final = 512
"""Notifications of one interval at most: each keeps the batch that it is of in memory until it is taken."""
OF_ONE: Final = 5
"""Notifications of one report at most: a report may cover a whole batch, which would hide others."""


@implementer(IOutcomeSampler)
class OutcomeSampler:
    """Keeps the first outcomes of each app and state since they were taken last.

    :param limit: notifications of an app that came to one state in an interval.
    :param closed: called once, at the end, with this sampler.
    """

    def __init__(self, limit: int, closed: "Callable[[OutcomeSampler], None]") -> None:
        self._limit, self._closed = limit, closed
        self._kept: list[Report] = []
        self._left: dict[tuple[str, State], int] = {}
        self._room = MOST

    def offer(self, reports: Sequence[Report]) -> None:
        """Keep those of the reports for which there is room."""
        for report in reports:
            state = State.DEAD_TOKEN if isinstance(report, DeadToken) else report.state
            key = report.app, state
            if left := min(self._left.get(key, self._limit), self._room):
                self._keep(report, key, left)

    def take(self) -> list[Report]:
        kept, self._kept = self._kept, []
        self._left.clear()
        self._room = MOST
        return kept

    def close(self) -> None:
        self._closed(self)

    def _keep(self, report: Report, key: tuple[str, State], left: int) -> None:
        size = 1
        if not isinstance(report, DeadToken):
            span = report.span
            size = min(len(span), left, OF_ONE)
            report = replace(report, span=span.part(span.start, span.start + size))
        self._kept.append(report)
        self._left[key] = left - size
        self._room -= size
