"""A fake sink, and reports to give to sinks."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.interfaces import (
    IOutcomeSink,
)
from pushgate.notification import Batch, Delivery, Terms
from pushgate.outcome import Outcome, Report, State
from pushgate.packed import Packed
from pushgate.span import Span


def outcome(
    state: State = State.ACCEPTED,
    *,
    app: str = "news",
    tokens: Sequence[bytes] = (bytes(range(32)),),
    status: int | None = None,
    reason: str = "",
    at: float = 1_700_000_000.0,
    order: int = 1,
    recalled: bool = False,
) -> Outcome:
    """An outcome of a whole batch, with one notification for each of `tokens`.

    :param order: counts batches; those of different order have different ids.
    """
    batch = Batch(
        id=0x018F_0000_0000_7000_8000_0000_0000_0000 + (order << 16),
        order=order,
        app=app,
        tokens=Packed.of(tokens, 1),
        payload=b'{"aps":{"alert":"Hi"}}',
        terms=Terms(),
        delivery=Delivery.AT_LEAST_ONCE,
        accepted_at=at,
        waiting_since=0.0,
    )
    span = Span(batch, 0, len(batch), attempts=1, recalled=recalled)
    return Outcome(span, state, status, reason, at, "apns-stream")


@implementer(IOutcomeSink)
class RecordingSink:
    """Keeps what it is given.

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
        """All it was given, in order."""
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
