"""Counting notifications on their way."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from pushgate.cli.settle_wait import SettleWait
from pushgate.client import Record


class SettleCounter(SettleWait):
    """How many notifications were pushed, and how many have an outcome, by their ids."""

    def __init__(self, total: int, show: Callable[[int, int], None], clock: IReactorTime) -> None:
        super().__init__(total, show, clock)
        self._known: set[str] = set()

    def record(self, record: Record) -> None:
        """Take an outcome."""
        if record.id is not None:
            self._known.add(record.id)
            self.settled = len(self._known)
