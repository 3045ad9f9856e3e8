"""Those who want to know what becomes of a batch they submitted, until all of it is known."""

from collections.abc import Sequence

from twisted.logger import Logger

from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.interfaces import Settled


class BatchCallbacks:
    """One at most for each batch; a batch nobody follows costs nothing here."""

    log = Logger()

    def __init__(self) -> None:
        self._following: dict[int, Settled] = {}

    def __bool__(self) -> bool:
        return bool(self._following)

    def follow(self, batch: Batch, settled: Settled) -> None:
        """Have `settled` called with the outcomes of `batch`."""
        self._following[batch.id] = settled

    def tell(self, reports: Sequence[Report], finished: Sequence[Batch]) -> None:
        """Tell each follower the outcomes of its batch; forget those whose batch is finished."""
        told: dict[int, list[Outcome]] = {}
        for report in reports:
            if not isinstance(report, Outcome) or report.span.recalled:
                continue  # what was recalled had its outcome already
            if report.span.batch.id in self._following:
                told.setdefault(report.span.batch.id, []).append(report)
        for number, outcomes in told.items():
            try:
                self._following[number](outcomes)
            except Exception:  # noqa: BLE001 - a door's fault is not the fault of whoever settles
                self.log.failure("telling a door the outcomes of its batch")
        for batch in finished:
            self._following.pop(batch.id, None)
