"""A fake sink, and reports to give to sinks."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.outcome import Outcome, Report, State
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.testing.batch import TOKEN, batch


def outcome(
    state: State = State.ACCEPTED,
    *,
    app: str = "news",
    tokens: Sequence[bytes] = (TOKEN,),
    status: int | None = None,
    reason: str = "",
    at: float = 1_700_000_000.0,
    order: int = 1,
    recalled: bool = False,
) -> Outcome:
    """An outcome of a whole batch, with one notification for each of `tokens`.

    :param order: counts batches; those of different order have different ids.
    """
    whole = batch(tokens, app=app, at=at, order=order)
    span = BatchSlice(whole, 0, len(whole), attempts=1, recalled=recalled)
    return Outcome(span, state, status, reason, at, "apns-stream")


@implementer(IOutcomeSink)
class RecordingSink:
    """Records the reports it is given.

    :ivar calls: the reports of each call of `emit`.
    :ivar history: the names of the methods that were called, in order.
    :ivar error: raised by every method while it is set.
    :ivar holding: while true, the Deferreds of `emit` and `stop` wait for `release` or `fail`.
    """

    def __init__(self) -> None:
        self.calls: list[list[Report]] = []
        self.history: list[str] = []
        self.error: Exception | None = None
        self.holding = False
        self._held: list[Deferred[None]] = []

    @property
    def reports(self) -> list[Report]:
        """All reports, in order."""
        return [report for call in self.calls for report in call]

    def start(self) -> None:
        self._called("start")

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        self.calls.append(list(reports))
        self._called("emit")
        return self._hold()

    def reopen(self) -> None:
        self._called("reopen")

    def stop(self) -> Deferred[None] | None:
        self._called("stop")
        return self._hold()

    def release(self) -> None:
        """Fire the Deferred that has been held longest."""
        self._held.pop(0).callback(None)

    def fail(self, error: Exception) -> None:
        """Let the Deferred that has been held longest fail."""
        self._held.pop(0).errback(error)

    def _called(self, method: str) -> None:
        self.history.append(method)
        if self.error is not None:
            raise self.error

    def _hold(self) -> Deferred[None] | None:
        if not self.holding:
            return None
        held: Deferred[None] = Deferred(self._held.remove)
        self._held.append(held)
        return held
