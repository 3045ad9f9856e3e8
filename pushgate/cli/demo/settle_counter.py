"""Counting notifications on their way."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from pushgate.cli.demo.process import DemoFailed
from pushgate.client import Record

_TICK: Final = 0.1
"""Seconds between two looks."""
PATIENCE: Final = 60.0
"""Seconds without any progress after which the demonstration has failed."""


class SettleCounter:
    """How many notifications were pushed, and how many have an outcome.

    :param total: how many there will be.
    :param show: called ten times a second with pushed and settled.
    :ivar done: fires when all have an outcome; fails with `DemoFailed` when nothing happens for a long time,
        and with what `show` raises.
    """

    def __init__(self, total: int, show: Callable[[int, int], None], clock: IReactorTime) -> None:
        self.total, self.pushed = total, 0
        self.done: Deferred[None] = Deferred()
        self._show, self._clock = show, clock
        self._settled: set[str] = set()
        self._progress, self._progress_at = 0, clock.seconds()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    @property
    def settled(self) -> int:
        """Notifications with an outcome."""
        return len(self._settled)

    def start(self) -> None:
        """Begin to look."""
        self._looking.start(_TICK).addErrback(self._failed)

    def stop(self) -> None:
        """Look no more; what there is to show is shown once more."""
        if self._looking.running:
            self._looking.stop()
            self._show(self.pushed, self.settled)

    def record(self, record: Record) -> None:
        """Take an outcome."""
        if record.id is not None:
            self._settled.add(record.id)

    def _look(self) -> None:
        self._show(self.pushed, self.settled)
        now, progress = self._clock.seconds(), self.pushed + self.settled
        if progress != self._progress:
            self._progress, self._progress_at = progress, now
        if self.settled >= self.total and not self.done.called:
            self.done.callback(None)
        elif now - self._progress_at > PATIENCE:
            raise DemoFailed(
                f"nothing happened for {PATIENCE:g} s: {self.pushed:,} pushed, {self.settled:,} settled"
            )

    def _failed(self, failure: object) -> None:
        if not self.done.called:
            self.done.errback(failure)  # type: ignore[arg-type]  # it is a Failure
