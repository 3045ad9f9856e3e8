"""A fake queue, for upstreams."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.notification import Terms
from pushgate.model.outcome import State, Verdict
from pushgate.plugin.upstream_interface import IUpstream, IWork
from pushgate.testing.batch import batch

_WRITTEN: Final = (State.ACCEPTED, State.REPLACED, State.PRESUMED, State.REJECTED)
"""The states of notifications that were written."""


@implementer(IWork)
class RecordingQueue:
    """Holds what a test puts into it, and records the verdicts of the upstream.

    :ivar upstream: woken when there is something to take, once a test has set it.
    :ivar waiting: the slices that can be taken.
    :ivar suspects: those of them that must be alone.
    :ivar in_flight: the slices that were taken and did not come back.
    :ivar verdicts: all verdicts, in order.
    :ivar requeued: the slices that were given back, in order.
    :ivar dead: the tokens that the feedback service listed.
    :ivar rejected: the tokens that were refused as dead; `deaths` has why and since when, too.
    :ivar is_reachable: the last value that the upstream reported; None before.
    :ivar suspicious: the result of `token_rejected`.
    :ivar is_expired: whether a slice is settled by `expire`; by default none is.
    """

    def __init__(self, app: str = "news") -> None:
        self._app, self._order = app, 0
        self.upstream: IUpstream | None = None
        self.waiting: list[BatchSlice] = []
        self.suspects: list[BatchSlice] = []
        self.in_flight: list[BatchSlice] = []
        self.verdicts: list[Verdict] = []
        self.requeued: list[BatchSlice] = []
        self.dead: list[DeadTokenEntry] = []
        self.rejected: list[bytes] = []
        self.is_reachable: bool | None = None
        self.suspicious = False
        self.is_expired: Callable[[BatchSlice], bool] = lambda _: False
        self.deaths: list[tuple[bytes, DeadReason, int | None]] = []

    def put(self, *tokens: bytes, payload: bytes = b"{}", alone: bool = False, **terms: object) -> BatchSlice:
        """Queue one batch, and wake the upstream.

        :param alone: it must be the only one in flight.
        :param terms: as of `Terms`: ``expiration=…``.
        """
        self._order += 1
        whole = batch(
            tokens,
            app=self._app,
            payload=payload,
            order=self._order,
            terms=Terms(**terms),  # type: ignore[arg-type]  # checked by `Terms`
        )
        span = BatchSlice(whole, 0, len(whole))
        (self.suspects if alone else self.waiting).append(span)
        self._wake()
        return span

    def states(self) -> dict[bytes, State]:
        """The last verdict on each token."""
        return {token: verdict.state for verdict in self.verdicts for token in verdict.span.tokens()}

    def take(self, limit: int, idle: bool) -> list[BatchSlice]:
        spans = [self.suspects.pop(0)] if idle and self.suspects else self._next(limit)
        self.in_flight += spans
        return spans

    def depth(self) -> int:
        return sum(map(len, self.waiting + self.suspects))

    def has_suspects(self) -> bool:
        return bool(self.suspects)

    def settle(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.state in _WRITTEN and not verdict.span.attempts:
                raise ValueError(f"{verdict.state}, but its attempts were not counted when it was written")
            if not verdict.span.recalled:
                self._back(verdict.span)
        self.verdicts += verdicts

    def requeue(self, spans: Sequence[BatchSlice]) -> None:
        for span in spans:
            self._back(span)
        self.requeued += spans
        self.suspects += [span for span in spans if span.alone]
        self.waiting += [span for span in spans if not span.alone]
        self.waiting.sort(key=lambda span: span.place)
        self._wake()

    def expire(self, spans: Sequence[BatchSlice], down_since: float | None) -> list[BatchSlice]:
        expired = [span for span in spans if self.is_expired(span)]
        self.settle([Verdict(span, State.EXPIRED, reason="ExpirationPassed") for span in expired])
        return [span for span in spans if not self.is_expired(span)]

    def tokens_died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        self.dead += deaths
        return succeed(None)

    def token_rejected(
        self,
        token: bytes,
        first: bool,
        reason: DeadReason = DeadReason.INVALID_TOKEN,
        since: int | None = None,
    ) -> bool:
        self.rejected.append(token)
        self.deaths.append((token, reason, since))
        return self.suspicious

    def reachable(self, yes: bool) -> None:
        self.is_reachable = yes

    def _next(self, limit: int) -> list[BatchSlice]:
        spans: list[BatchSlice] = []
        while limit > 0 and self.waiting:
            first = self.waiting.pop(0)
            if len(first) > limit:
                self.waiting.insert(0, first.part(first.start + limit, first.stop))
                first = first.part(first.start, first.start + limit)
            spans.append(first)
            limit -= len(first)
        return spans

    def _wake(self) -> None:
        if self.upstream is not None:
            self.upstream.wake()

    def _back(self, span: BatchSlice) -> None:
        """Note that a slice, perhaps a part of one that was taken, is not in flight any more."""
        for index, of in enumerate(self.in_flight):
            if of.batch.id == span.batch.id and of.start <= span.start and span.stop <= of.stop:
                rests = [(of.start, span.start), (span.stop, of.stop)]
                self.in_flight[index : index + 1] = [of.part(*rest) for rest in rests if rest[0] < rest[1]]
                return
        raise ValueError(f"not in flight: {span.start} to {span.stop} of batch {span.batch.order}")
