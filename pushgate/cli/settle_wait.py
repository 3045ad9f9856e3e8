"""Waiting until notifications have their outcomes."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from pushgate.model.errors import PushgateError

_TICK: Final = 0.1
"""Seconds between two looks."""
PATIENCE: Final = 60.0
"""Seconds without any progress after which the wait is over."""


class NoProgress(PushgateError):
    """Nothing happened for a long time."""


class SettleWait:
    """Waits as long as there is progress.

    :param total: how many outcomes there will be.
    :param show: called ten times a second with pushed and settled.
    :param patience: seconds without progress at most.
    :ivar pushed: how many notifications were pushed, counted by what pushes them.
    :ivar settled: likewise, how many have an outcome.
    :ivar done: fires when all have an outcome; fails with `NoProgress` when nothing happens for a long time,
        and with what `show` raises.
    """

    def __init__(
        self, total: int, show: Callable[[int, int], None], clock: IReactorTime, patience: float = PATIENCE
    ) -> None:
        self.total, self.pushed, self.settled = total, 0, 0
        self.done: Deferred[None] = Deferred()
        self._show, self._clock, self._patience = show, clock, patience
        self._progress, self._progress_at = 0, clock.seconds()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    def start(self) -> None:
        """Begin to look."""
        self._progress_at = self._clock.seconds()
        self._looking.start(_TICK).addErrback(self.fail)

    def stop(self) -> None:
        """Look no more; what there is to show is shown once more."""
        if self._looking.running:
            self._looking.stop()
            self._show(self.pushed, self.settled)

    def fail(self, failure: object) -> None:
        """Wait no longer: `done` fails with this failure."""
        if not self.done.called:
            self.done.errback(failure)  # type: ignore[arg-type]  # it is a Failure

    def _look(self) -> None:
        self._show(self.pushed, self.settled)
        now, progress = self._clock.seconds(), self.pushed + self.settled
        if progress != self._progress:
            self._progress, self._progress_at = progress, now
        if self.settled >= self.total and not self.done.called:
            self.done.callback(None)
        elif now - self._progress_at > self._patience:
            raise NoProgress(
                f"nothing happened for {self._patience:g} s: {self.pushed:,} pushed, {self.settled:,} settled"
            )
