"""Callbacks for the outcomes of single batches, until each has all of its outcomes."""

from collections.abc import Sequence

from twisted.logger import Logger

from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.gateway_interface import Settled


class BatchCallbacks:
    """One callback at most for each batch; a batch without one costs nothing here."""

    log = Logger()

    def __init__(self) -> None:
        self._following: dict[int, Settled] = {}

    def __bool__(self) -> bool:
        return bool(self._following)

    def follow(self, batch: Batch, settled: Settled) -> None:
        """Have `settled` called with the outcomes of `batch`."""
        self._following[batch.id] = settled

    def call(self, reports: Sequence[Report], finished: Sequence[Batch]) -> None:
        """Call each callback with the outcomes of its batch; forget those whose batch is finished."""
        found: dict[int, list[Outcome]] = {}
        for report in reports:
            if not isinstance(report, Outcome) or report.span.recalled:
                continue  # what was recalled had its outcome already
            if report.span.batch.id in self._following:
                found.setdefault(report.span.batch.id, []).append(report)
        for number, outcomes in found.items():
            try:
                self._following[number](outcomes)
            except Exception:  # noqa: BLE001 - an input's fault must not reach the upstream that settles
                self.log.failure("reporting to an input the outcomes of its batch")
        for batch in finished:
            self._following.pop(batch.id, None)
