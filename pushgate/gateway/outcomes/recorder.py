"""The way back: outcomes are entered in the ledger, counted, kept, and told to sinks and followers."""

from collections import Counter
from collections.abc import Iterable, Sequence

from twisted.logger import Logger

from pushgate.gateway.outcomes.batch_callbacks import BatchCallbacks
from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.outcomes.tracker import OutcomeTracker
from pushgate.model.notification import Batch
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.interfaces import Context


class OutcomeRecorder:
    """Holds that each notification has one outcome, and that whoever is told is told the same."""

    log = Logger()

    def __init__(
        self, context: Context, ledger: OutcomeTracker, outbox: Outbox, followers: BatchCallbacks
    ) -> None:
        self._context, self._ledger = context, ledger
        self._outbox, self._followers = outbox, followers

    def enter(self, app: str, reports: Sequence[Report]) -> list[Batch]:
        """Enter reports, and tell all that do not contradict the ledger; the batches they finish."""
        finished: list[Batch] = []
        self.tell(app, [report for report in reports if self._enter(app, report, finished)], finished)
        return finished

    def tell(self, app: str, reports: Sequence[Report], finished: Sequence[Batch]) -> None:
        """Count reports, and have every sink and follower told."""
        for report in reports:
            if isinstance(report, Outcome):
                self._count(app, report)
        if reports:
            kept = self._outbox.publish(reports, [batch.order for batch in finished])
            if self._followers:
                kept.addCallback(lambda _: self._followers.tell(reports, finished))

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
        """Enter a report into the ledger; False when it contradicts it: then nobody is told of it."""
        if not isinstance(report, Outcome):
            return True
        try:
            if self._ledger.settle(report):
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
