"""What became of notifications, on its way to the sinks: kept before it is told, until everybody took it."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed

from pushgate.gateway.outcomes.sink_feeder import SinkFeeder
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.notification import MAX_BATCH, MEMBER_BITS
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.interfaces import Context, IHistory, IOutcomeSink


class _Undelivered(msgspec.Struct, gc=False):
    """Reports of one call of `publish`.

    :param sinks: how many have not taken them.
    :param orders: of the batches they are about.
    """

    sinks: int
    orders: set[int]


class Outbox:
    """The sinks, and between them and the gateway the spool.

    A report is told when the spool has it, and the spool forgets it when all sinks of the configuration
    took it; so after a crash they are given what they missed. Who only watches gets what happens meanwhile.
    """

    def __init__(self, context: Context, spool: ISpool) -> None:
        self._context, self._spool = context, spool
        self._outlets: dict[str, SinkFeeder] = {}
        self._keepers: set[SinkFeeder] = set()
        self._watching: set[SinkFeeder] = set()
        self._untold: dict[int, _Undelivered] = {}
        self._pending: dict[int, Sequence[Report]] = {}  # not kept yet, or not taken by every sink
        self._mentioned: Counter[int] = Counter()  # in how many untold reports a batch is, by order
        self._finished: set[int] = set()  # orders of batches that are done, and mentioned
        self._number = 0
        self._last: Deferred[None] = succeed(None)

    def attach(self, name: str, sink: IOutcomeSink, buffer: int, watches: bool) -> Callable[[], None]:
        """Start a sink and tell it what happens from now on, until the returned callable is called.

        :param watches: it does not want what happens while it is not there.
        :raises ValueError: a sink of this name is attached already.
        """
        if name in self._outlets:
            raise ValueError(f"a sink called {name} is attached already")
        context = self._context
        taken = None if watches or not self._spool.pages else self._taken
        outlet = SinkFeeder(name, sink, buffer, context.reactor, context.jitter, context.metrics, taken)
        outlet.start()
        self._outlets[name] = outlet
        if taken:
            self._keepers.add(outlet)
        if watches:
            self._watching.add(outlet)
        return lambda: self._detach(name, outlet)

    def detach(self, name: str) -> Deferred[None]:
        """Tell a sink nothing more; fires when it has taken what waits, and is closed."""
        outlet = self._outlets.pop(name)
        self._keepers.discard(outlet)
        return outlet.stop().addCallback(lambda _: outlet.release())

    def histories(self) -> list[SinkFeeder]:
        """Those of the sinks that can be asked."""
        return [outlet for outlet in self._outlets.values() if IHistory.providedBy(outlet.sink)]

    def untold(self, number: int) -> list[Outcome]:
        """The outcomes of the notification with this id that some sink may not know yet; looks at all."""
        stem, index = number >> MEMBER_BITS, number % MAX_BATCH
        return [
            report
            for reports in self._pending.values()
            for report in reports
            if isinstance(report, Outcome)
            and report.span.batch.id >> MEMBER_BITS == stem
            and report.span.start <= index < report.span.stop
        ]

    def lags(self) -> dict[str, int]:
        """How many notifications wait for each sink."""
        return {name: outlet.lag for name, outlet in self._outlets.items()}

    def caught_up(self) -> Deferred[None]:
        """Fires when every sink of the configuration has taken what it was told until now, or is down."""
        lasting = [outlet for outlet in self._outlets.values() if outlet not in self._watching]
        return DeferredList([outlet.caught_up() for outlet in lasting]).addCallback(lambda _: None)

    def recover(self) -> None:
        """Tell what was kept and not told before the process ended."""
        untold = self._spool.untold()
        for number, reports in untold.reports:
            self._number = number
            self._pending[number] = reports
            self._tell(number, reports, [])
        if untold.finished:
            self.publish((), untold.finished)

    def publish(self, reports: Sequence[Report], finished: Sequence[int]) -> Deferred[None]:
        """Have reports kept, then told; fires when they are kept.

        :param finished: orders of the batches that are done with them.
        """
        self._number += 1
        self._pending[self._number] = reports
        self._last = self._spool.settle(self._number, reports)
        return self._last.addCallback(self._kept, self._number, reports, finished)

    def reopen(self) -> None:
        """Have every sink open its files anew."""
        for outlet in self._outlets.values():
            outlet.reopen()

    async def close(self) -> None:
        """Give the sinks what is under way, and stop them; cancelled, it gives up what they did not take."""
        with suppress(CancelledError):
            await self._last
        outlets, self._outlets = self._outlets, {}
        await DeferredList([outlet.stop() for outlet in outlets.values()], consumeErrors=True)

    def _kept(self, _: object, number: int, reports: Sequence[Report], finished: Sequence[int]) -> None:
        self._tell(number, reports, finished)

    def _tell(self, number: int, reports: Sequence[Report], finished: Sequence[int]) -> None:
        if self._keepers:
            orders = {report.span.batch.order for report in reports if isinstance(report, Outcome)}
            orders.update(finished)
            self._mentioned.update(orders)
            self._finished.update(finished)
            self._untold[number] = _Undelivered(len(self._keepers), orders)
        else:
            del self._pending[number]
            self._spool.told([number], finished)
        for outlet in list(self._outlets.values()):
            outlet.report(reports, number)

    def _taken(self, number: int) -> None:
        """One more sink took the reports of this number."""
        untold = self._untold[number]
        untold.sinks -= 1
        if untold.sinks:
            return
        del self._untold[number], self._pending[number]
        self._mentioned.subtract(untold.orders)
        # What is done goes with the last report on it: without its batch a report cannot be told.
        done = [order for order in untold.orders if self._mentioned[order] <= 0]
        for order in done:
            del self._mentioned[order]
        gone = self._finished.intersection(done)
        self._finished -= gone
        self._spool.told([number], list(gone))

    def _detach(self, name: str, outlet: SinkFeeder) -> None:
        if self._outlets.get(name) is not outlet:
            return
        del self._outlets[name]
        self._keepers.discard(outlet)
        self._watching.discard(outlet)
        stopping = outlet.stop()
        if outlet.lag:
            stopping.cancel()  # whoever detaches a sink wants nothing more, what waits included
        outlet.release()
