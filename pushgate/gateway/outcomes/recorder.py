"""The way back: outcomes are entered in the tracker, counted, kept, and reported to sinks and callbacks."""

from collections import Counter
from collections.abc import Iterable, Sequence

from twisted.logger import Logger

from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.model.batch_slice import Runs
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.context import Context


class OutcomeRecorder:
    """Sees to it that each notification has one outcome, and that all who hear of it hear the same."""

    log = Logger()

    def __init__(
        self, context: Context, tracker: OutcomeTracker, outbox: Outbox, callbacks: BatchCallbacks
    ) -> None:
        self._context, self._tracker = context, tracker
        self._outbox, self._callbacks = outbox, callbacks

    def open(self, batch: Batch, live: Runs | None = None) -> None:
        """Track a batch from now on; see `OutcomeTracker.open`."""
        self._tracker.open(batch, live)

    def forget(self, app: str) -> None:
        """Drop what is under way of an app that is gone; the spool keeps it."""
        self._tracker.forget(app)

    def record(self, app: str, reports: Sequence[Report]) -> list[Batch]:
        """Enter reports, and report those that contradict no earlier one; return the batches they finish."""
        finished: list[Batch] = []
        self.report(app, [report for report in reports if self._enter(app, report, finished)], finished)
        return finished

    def report(self, app: str, reports: Sequence[Report], finished: Sequence[Batch]) -> None:
        """Count reports, and pass them to every sink and callback, without entering them."""
        for report in reports:
            if isinstance(report, Outcome):
                self._count(app, report)
        if reports:
            kept = self._outbox.publish(reports, [batch.order for batch in finished])
            if self._callbacks:
                kept.addCallback(lambda _: self._callbacks.call(reports, finished))

    @property
    def settled(self) -> int:
        """Outcomes so far, corrections included."""
        return sum(self._outcomes().values())

    def counts(self, apps: Iterable[str]) -> dict[str, dict[str, int]]:
        """How many outcomes each of these apps had, by state."""
        counts: dict[str, Counter[str]] = {app: Counter() for app in apps}
        for (app, state, _), count in self._outcomes().items():
            if app in counts:
                counts[app][state] += count
        return {app: dict(counter) for app, counter in counts.items()}

    def _enter(self, app: str, report: Report, finished: list[Batch]) -> bool:
        """Enter a report; return False when it contradicts an earlier one: then it is left out."""
        if not isinstance(report, Outcome):
            return True
        try:
            if self._tracker.settle(report):
                finished.append(report.span.batch)
        except ValueError:  # an upstream that settles twice is no reason to lose the outcomes beside this one
            self.log.failure("{app}: an outcome of its upstream was left out", app=app)
            return False
        return True

    def _count(self, app: str, report: Outcome) -> None:
        metrics, count = self._context.metrics, len(report.span)
        metrics.count("pushgate_outcomes_total", app, report.state, report.reason, times=count)
        waited = self._context.reactor.seconds() - report.span.batch.waiting_since
        metrics.observe("pushgate_settle_seconds", app, seconds=waited, times=count)

    def _outcomes(self) -> dict[tuple[str, ...], int]:
        return self._context.metrics.counts["pushgate_outcomes_total"]
