"""Transactional outbox: reports are kept before the sinks get them, until every sink took them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed

from pushgate.gateway.outcomes.sampler import OutcomeSampler
from pushgate.gateway.outcomes.sink_feeder import SinkFeeder
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.notification import MAX_BATCH, MEMBER_BITS
from pushgate.model.outcome import Outcome, Report
from pushgate.plugin.context import Context
from pushgate.plugin.sink_interface import IHistory, IOutcomeSink, IReplays


class _Undelivered(msgspec.Struct, gc=False):
    """Reports of one call of `publish`.

    :param sinks: how many have not taken them.
    :param orders: of the batches they are about.
    """

    sinks: int
    orders: set[int]


class Outbox:
    """The sinks, and between them and the gateway the spool.

    A report goes to the sinks when the spool has it, and the spool forgets it when all sinks of the
    configuration took it; so after a crash they are given what they missed. Transient sinks (watchers)
    receive only reports published while they are attached. The spool keeps, now and then and at a stop,
    how far each sink is: otherwise one that is down would have the others given twice what they took.
    """

    def __init__(self, context: Context, spool: ISpool) -> None:
        self._context, self._spool = context, spool
        self._feeders: dict[str, SinkFeeder] = {}
        self._keepers: set[SinkFeeder] = set()
        self._watching: set[SinkFeeder] = set()
        self._samplers: list[OutcomeSampler] = []
        self._undelivered: dict[int, _Undelivered] = {}
        self._pending: dict[int, Sequence[Report]] = {}  # not kept yet, or not taken by every sink
        self._mentioned: Counter[int] = Counter()  # in how many undelivered reports a batch is, by order
        self._finished: set[int] = set()  # orders of batches that are done, and mentioned
        self._noted: Mapping[str, int] = {}
        self._number = 0
        self._last: Deferred[None] = succeed(None)

    def attach(self, name: str, sink: IOutcomeSink, buffer: int, watches: bool) -> Callable[[], None]:
        """Start a sink and report to it from now on, until the returned callable is called.

        :param watches: it does not want what happens while it is not there.
        :raises ValueError: a sink of this name is attached already.
        """
        if name in self._feeders:
            raise ValueError(f"a sink called {name} is attached already")
        context = self._context
        taken = None if watches or not self._spool.pages else self._taken
        feeder = SinkFeeder(name, sink, buffer, context.reactor, context.jitter, context.metrics, taken)
        feeder.start()
        self._feeders[name] = feeder
        if taken:
            self._keepers.add(feeder)
        if watches:
            self._watching.add(feeder)
        return lambda: self._detach(name, feeder)

    def detach(self, name: str) -> Deferred[None]:
        """Report nothing more to a sink; fires when it has taken what waits, and is closed."""
        feeder = self._feeders.pop(name)
        self._keepers.discard(feeder)
        return feeder.stop().addCallback(lambda _: feeder.release())

    def histories(self) -> list[SinkFeeder]:
        """Those of the sinks that can be asked."""
        return [feeder for feeder in self._feeders.values() if IHistory.providedBy(feeder.sink)]

    def replays(self) -> IReplays | None:
        """The sink that can replay."""
        return next((each.sink for each in self._feeders.values() if IReplays.providedBy(each.sink)), None)

    def undelivered(self, number: int) -> list[Outcome]:
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

    def stats(self) -> dict[str, dict[str, Any]]:
        """How each sink is doing, ready for JSON; of what watches only how much waits for it."""
        wall = self._context.wall()
        return {
            name: {"lag": feeder.lag, "watches": True} if feeder in self._watching else feeder.stats(wall)
            for name, feeder in self._feeders.items()
        }

    def sampler(self, limit: int) -> OutcomeSampler:
        """See `IGateway.sampler`."""
        sampler = OutcomeSampler(limit, self._close_sampler)
        self._samplers.append(sampler)
        return sampler

    def caught_up(self) -> Deferred[None]:
        """Fires when every sink of the configuration has taken what was reported until now, or is down."""
        lasting = [feeder for feeder in self._feeders.values() if feeder not in self._watching]
        return DeferredList([feeder.caught_up() for feeder in lasting]).addCallback(lambda _: None)

    def recover(self) -> None:
        """Report what was kept and not delivered before the process ended."""
        entry = self._spool.undelivered()
        self._noted = entry.taken
        self._number = max(entry.taken.values(), default=0)  # what comes is beyond what any sink has taken
        for number, reports in entry.reports:
            self._number = max(self._number, number)
            self._pending[number] = reports
            self._report(number, reports, [], entry.taken)
        if entry.finished:
            self.publish((), entry.finished)

    def note_taken(self) -> None:
        """Have the spool keep how far each sink is: called now and then, for a crash that may come."""
        self._note_taken(self._feeders)

    def _note_taken(self, feeders: Mapping[str, SinkFeeder]) -> None:
        if not self._undelivered:
            return  # whatever comes is new to all
        taken = {name: feeder.taken_to for name, feeder in feeders.items() if feeder in self._keepers}
        if changed := {name: number for name, number in taken.items() if self._noted.get(name, 0) < number}:
            self._noted = {**self._noted, **changed}
            self._spool.note_taken(changed)

    def publish(self, reports: Sequence[Report], finished: Sequence[int]) -> Deferred[None]:
        """Keep reports, then pass them to the sinks; fires when they are kept.

        :param finished: orders of the batches that are done with them.
        """
        self._number += 1
        self._pending[self._number] = reports
        self._last = self._spool.settle(self._number, reports)
        return self._last.addCallback(self._kept, self._number, reports, finished)

    def reopen(self) -> None:
        """Have every sink open its files anew."""
        for feeder in self._feeders.values():
            feeder.reopen()

    async def close(self) -> None:
        """Give the sinks what is under way, and stop them; cancelled, it gives up what they did not take."""
        with suppress(CancelledError):
            await self._last
        feeders, self._feeders = self._feeders, {}
        await DeferredList([feeder.stop() for feeder in feeders.values()], consumeErrors=True)
        self._note_taken(feeders)

    def _kept(self, _: object, number: int, reports: Sequence[Report], finished: Sequence[int]) -> None:
        self._report(number, reports, finished)

    def _report(
        self, number: int, reports: Sequence[Report], finished: Sequence[int], taken: Mapping[str, int] = {}
    ) -> None:
        feeders = [feeder for name, feeder in self._feeders.items() if taken.get(name, 0) < number]
        if keepers := self._keepers.intersection(feeders):
            orders = {report.span.batch.order for report in reports if isinstance(report, Outcome)}
            orders.update(finished)
            self._mentioned.update(orders)
            self._finished.update(finished)
            self._undelivered[number] = _Undelivered(len(keepers), orders)
        else:
            del self._pending[number]
            self._spool.delivered([number], finished)
        for feeder in feeders:
            feeder.report(reports, number)
        for sampler in self._samplers:
            sampler.offer(reports)

    def _close_sampler(self, sampler: OutcomeSampler) -> None:
        if sampler in self._samplers:
            self._samplers.remove(sampler)

    def _taken(self, number: int) -> None:
        """One more sink took the reports of this number."""
        entry = self._undelivered[number]
        entry.sinks -= 1
        if entry.sinks:
            return
        del self._undelivered[number], self._pending[number]
        self._mentioned.subtract(entry.orders)
        # What is done goes with the last report on it: without its batch a report cannot be made.
        done = [order for order in entry.orders if self._mentioned[order] <= 0]
        for order in done:
            del self._mentioned[order]
        gone = self._finished.intersection(done)
        self._finished -= gone
        self._spool.delivered([number], list(gone))

    def _detach(self, name: str, feeder: SinkFeeder) -> None:
        if self._feeders.get(name) is not feeder:
            return
        del self._feeders[name]
        self._keepers.discard(feeder)
        self._watching.discard(feeder)
        stopping = feeder.stop()
        if feeder.lag:
            stopping.cancel()  # a sink that is detached gets nothing more, what waits included
        feeder.release()
