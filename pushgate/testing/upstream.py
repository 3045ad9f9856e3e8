"""A fake upstream, for tests of the code that calls upstreams."""

from collections.abc import Sequence

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.errors import CannotStart
from pushgate.model.outcome import State, Verdict
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IUpstreamFactory
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import IUpstream, IWork, UpstreamState
from pushgate.protocols.apns_rules import APNS_RULES


@implementer(IUpstream)
class RecordingUpstream:
    """Takes work when a test says so, sends nothing, and settles it as the test says.

    :ivar history: the names of the methods that were called, in order, `wake` and `state` left out.
    :ivar wakes: the calls of `wake`.
    :ivar in_flight: the slices that were taken and have no verdict.
    :ivar holding: while true, the Deferred of `stop` waits for `abort`.
    """

    def __init__(self, work: IWork) -> None:
        self.work = work
        self.history: list[str] = []
        self.wakes = 0
        self.in_flight: list[BatchSlice] = []
        self.holding = False
        self.is_reachable = True
        self._stopping: Deferred[None] | None = None

    def start(self) -> None:
        self.history.append("start")

    def wake(self) -> None:
        self.wakes += 1

    def stop(self) -> Deferred[None]:
        self.history.append("stop")
        self._stopping = Deferred()
        if not self.holding:
            self._close()
        return self._stopping

    def abort(self) -> None:
        self.history.append("abort")
        self._close()

    def state(self) -> UpstreamState:
        return UpstreamState(
            connections={"ready": int(self.is_reachable)},
            window=sum(map(len, self.in_flight)),
            circuit="" if self.is_reachable else "network",
            circuit_open=not self.is_reachable,
        )

    def take(self, limit: int = 1 << 16) -> list[BatchSlice]:
        """Take work as if to write it."""
        spans = self.work.take(limit, not self.in_flight)
        written = [replace(span, attempts=span.attempts + 1) for span in spans]
        self.in_flight += written
        return written

    def settle(self, state: State, *spans: BatchSlice, status: int | None = None, reason: str = "") -> None:
        """Report a verdict on slices that are in flight; on all when none is named."""
        settled = spans or tuple(self.in_flight)
        self._forget(settled)
        self.work.settle([Verdict(span, state, status, reason) for span in settled])

    def reject(self, span: BatchSlice) -> None:
        """Report that the push service refused the one token of a slice as invalid."""
        self.settle(State.REJECTED, span, status=8, reason="InvalidToken")
        self.work.token_rejected(span.tokens()[0], first=False)

    def requeue(self, *spans: BatchSlice) -> None:
        """Give slices that are in flight back; all when none is named."""
        back = spans or tuple(self.in_flight)
        self._forget(back)
        self.work.requeue(back)

    def reachable(self, yes: bool) -> None:
        """Report whether the push service can be reached."""
        self.is_reachable = yes
        self.work.reachable(yes)

    def _forget(self, spans: Sequence[BatchSlice]) -> None:
        """Slices may be parts of those that were taken; what is left of these stays in flight."""
        for span in spans:
            of = next(each for each in self.in_flight if _covers(each, span))
            at = self.in_flight.index(of)
            rests = [(of.start, span.start), (span.stop, of.stop)]
            self.in_flight[at : at + 1] = [of.part(*rest) for rest in rests if rest[0] < rest[1]]

    def _close(self) -> None:
        if self.in_flight:
            self.requeue()
        if self._stopping is not None and not self._stopping.called:
            self._stopping.callback(None)


def _covers(whole: BatchSlice, part: BatchSlice) -> bool:
    return whole.batch.id == part.batch.id and whole.start <= part.start and part.stop <= whole.stop


@implementer(IUpstreamFactory)
class RecordingUpstreams:
    """Makes recording upstreams.

    :ivar made: by app.
    :ivar faults: those of the `CannotStart` that `upstream` raises while there are some.
    """

    name = "recording"
    description = "takes work and sends nothing"
    config = AppTable
    rules = APNS_RULES

    def __init__(self) -> None:
        self.made: dict[str, RecordingUpstream] = {}
        self.faults: list[str] = []

    def upstream(self, app: str, config: AppTable, work: IWork, context: Context) -> RecordingUpstream:
        if self.faults:
            raise CannotStart(self.faults)
        self.made[app] = RecordingUpstream(work)
        return self.made[app]
