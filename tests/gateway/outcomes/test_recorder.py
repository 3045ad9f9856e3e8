"""The books of the gateway are right, whatever happens in whatever order."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from pushgate.gateway.limits import Limits
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.notification import Delivery, Priority
from pushgate.model.outcome import Outcome, State, Verdict
from pushgate.testing import RecordingSpool
from tests.gateway_rig import GatewayRig, now, tokens_of
from tests.samples import token


class Life(RuleBasedStateMachine):
    """Anything an upstream, callers, the feedback service and time may do, in any order.

    The books must be right at every moment: whoever was accepted waits, is in flight, or was reported once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rig = self.make_rig()
        self.upstream, self.queue = self.rig.upstream, self.rig.queue
        self.number = 0
        self.ids: list[int] = []
        self.presumed: list[BatchSlice] = []

    delivery: Delivery | None = None

    def keep(self) -> None:
        """Have the spool keep what was submitted."""

    def make_rig(self) -> GatewayRig:
        """What is examined."""
        return GatewayRig()

    @rule(
        count=st.integers(1, 6),
        bad=st.sets(st.integers(0, 5), max_size=2),
        priority=st.sampled_from(Priority),
        expires_in=st.sampled_from([None, None, 0, 3, 900]),
    )
    def submit(self, count: int, bad: set[int], priority: Priority, expires_in: int | None) -> None:
        """A batch, perhaps with holes; each token is used once, to know notifications by it."""
        members = [b"" if index in bad else token(self.number + index) for index in range(count)]
        self.number += count
        expiration = int(self.rig.wall()) + expires_in if expires_in else expires_in
        answer = self.rig.submit(members, priority=priority, expiration=expiration, delivery=self.delivery)
        self.keep()
        receipt = answer.result
        self.ids += [receipt.id + index for index in range(count) if index not in bad]

    @rule(limit=st.integers(1, 8))
    def take(self, limit: int) -> None:
        """The upstream writes a run."""
        idle = not self.upstream.in_flight
        spans = self.upstream.take(limit)
        assert sum(map(len, spans)) <= limit
        assert idle or not any(span.alone for span in spans)
        reported = {each: state for each, state, _ in self.rig.reported()}
        for span in spans:
            states = {reported.get(each) for each in span.tokens()}
            assert states == ({State.PRESUMED} if span.recalled else {None}), "sent after it was reported"

    @precondition(lambda self: self.upstream.in_flight)
    @rule(
        data=st.data(), state=st.sampled_from([State.ACCEPTED, State.PRESUMED, State.UNKNOWN, State.FAILED])
    )
    def settle_some(self, data: st.DataObject, state: State) -> None:
        """Part of what is in flight is done."""
        span = self.drawn(data)
        stop = data.draw(st.integers(span.start + 1, span.stop))
        self.upstream.settle(state, span.part(span.start, stop))
        if state is State.PRESUMED:
            self.presumed.append(span.part(span.start, stop))

    @precondition(lambda self: self.presumed)
    @rule(again=st.booleans())
    def late_error(self, again: bool) -> None:
        """What was presumed proves not to be accepted: it was refused, or it goes again."""
        span = replace(self.presumed.pop(), recalled=True)
        if again:
            self.queue.requeue([span])
        else:
            self.queue.settle([Verdict(span, State.REJECTED, 8, "InvalidToken")])

    @precondition(lambda self: self.upstream.in_flight)
    @rule(data=st.data(), alone=st.integers(0, 1))
    def error(self, data: st.DataObject, alone: int) -> None:
        """The push service refuses one: all before it are accepted, all behind it go again."""
        span = self.drawn(data)
        at = data.draw(st.integers(span.start, span.stop - 1))
        if at > span.start:
            self.upstream.settle(State.ACCEPTED, span.part(span.start, at))
        self.upstream.reject(span.part(at, at + 1))
        if at + 1 < span.stop:
            rest = span.part(at + 1, span.stop)
            self.upstream._forget([rest])
            self.queue.requeue([replace(rest, alone=alone)])

    @rule()
    def lose_the_connection(self) -> None:
        """Everything in flight comes back."""
        self.upstream.requeue()

    @rule(yes=st.booleans())
    def reachable(self, yes: bool) -> None:
        """The push service comes and goes."""
        self.upstream.reachable(yes)

    @rule(seconds=st.sampled_from([1, 5, 60, 1000]))
    def pass_time(self, seconds: int) -> None:
        """The sweep looks in between."""
        self.rig.clock.advance(seconds)

    @precondition(lambda self: self.known())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A caller withdraws one: possible exactly when it waits."""
        number = data.draw(st.sampled_from(self.known()))
        record = self.rig.status(number)
        lane = tokens_of(self.queue._ready)
        waits = record["state"] == "queued" or bytes.fromhex(record["token"]) in lane
        assert now(self.rig.gateway.cancel(number)) is waits

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def feed_back(self, data: st.DataObject) -> None:
        """Any token may turn out to be dead, wherever it is just then."""
        number = data.draw(st.integers(0, self.number - 1))
        self.queue.tokens_died([DeadTokenEntry(token(number), int(self.rig.wall()), DeadReason.FEEDBACK)])

    def drawn(self, data: st.DataObject) -> BatchSlice:
        """A span that is in flight."""
        return data.draw(st.sampled_from(self.upstream.in_flight))

    def backlog(self) -> set[int]:
        """The ids of those that are in the spool only."""
        return set()

    def known(self) -> list[int]:
        """The ids whose status is known."""
        return self.ids

    @invariant()
    def the_books_are_right(self) -> None:
        """Accepted = reported + waiting + in flight; nothing is reported twice; what is reported is what is asked for."""
        reported = {each: state for each, state, _ in self.rig.reported()}
        reports = [each for each in self.rig.sink.reports if isinstance(each, Outcome)]
        first = [each for report in reports if not report.span.recalled for each in report.span.tokens()]
        assert len(first) == len(set(first)), "reported twice"
        assert set(first) == set(reported), "corrected before it was reported"
        assert self.rig.gateway.left() == len(self.ids) - len(first)
        backlog = self.backlog()
        under_way = [span for span in (*self.queue._ready, *self.upstream.in_flight) if not span.recalled]
        assert self.rig.gateway.left() == sum(map(len, under_way)) + len(backlog)
        assert self.queue.depth() == sum(map(len, self.queue._ready)) + len(backlog)
        for record in map(self.rig.status, self.known()):
            final = reported.get(bytes.fromhex(record["token"]))
            assert record["state"] == final or (final is None and record["state"] in {"queued", "written"})
        counts = Counter(str(report.state) for report in reports for _ in range(len(report.span)))
        assert self.rig.gateway.stats()["outcomes"]["news"] == counts


class PagedLife(Life):
    """The same with a spool that has what does not fit into memory, of which there is next to none.

    Of what is cancelled in the spool nobody knows the outcome later.
    """

    delivery = Delivery.AT_MOST_ONCE

    def make_rig(self) -> GatewayRig:
        self.spool = RecordingSpool()
        return GatewayRig(self.spool, Limits(held=4000, few=1))

    def keep(self) -> None:
        self.spool.release()

    @rule(holding=st.booleans())
    def hold(self, holding: bool) -> None:
        """The spool takes its time, or answers."""
        self.spool.holding = holding
        while not holding and self.spool._asked:
            self.spool.answer()

    def known(self) -> list[int]:
        if self.spool.holding:
            return []
        reported = {each for each, _, _ in self.rig.reported()}
        return [number for number in self.ids if self.has(number) or self.token_of(number) not in reported]

    def backlog(self) -> set[int]:
        """Kept, neither reported nor in memory."""
        reported = {each for each, _, _ in self.rig.reported()}
        return {each for each in self.ids if not self.has(each) and self.token_of(each) not in reported}

    def has(self, number: int) -> bool:
        """Whether the gateway has it in memory."""
        return self.rig.gateway._tracker.has(number)

    def token_of(self, number: int) -> bytes:
        """The token a notification goes to."""
        batch = next(each for each in self.spool.kept if each.id >> 16 == number >> 16)
        return batch.tokens[number - batch.id]


PagedLife.TestCase.settings = Life.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None
)
PagedLifeTests = PagedLife.TestCase
LifeTests = Life.TestCase
