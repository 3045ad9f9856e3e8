"""The books of the gateway are right, whatever happens in whatever order."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from pushgate.notification import Priority
from pushgate.outcome import Outcome, State, Verdict
from pushgate.span import Span
from tests.gateway_rig import GatewayRig, tokens_of
from tests.samples import token


class Life(RuleBasedStateMachine):
    """Anything an upstream, callers, the feedback service and time may do, in any order.

    The books must be right at every moment: whoever was accepted waits, is in flight, or was told once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rig = GatewayRig()
        self.upstream, self.work = self.rig.upstream, self.rig.upstream.work
        self.number = 0
        self.ids: list[int] = []
        self.presumed: list[Span] = []

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
        receipt = self.rig.submit(members, priority=priority, expiration=expiration).result
        self.ids += [receipt.id + index for index in range(count) if index not in bad]

    @rule(limit=st.integers(1, 8))
    def take(self, limit: int) -> None:
        """The upstream writes a run."""
        idle = not self.upstream.in_flight
        spans = self.upstream.take(limit)
        assert sum(map(len, spans)) <= limit
        assert idle or not any(span.alone for span in spans)
        told = {each: state for each, state, _ in self.rig.told()}
        for span in spans:
            states = {told.get(each) for each in span.tokens()}
            assert states == ({State.PRESUMED} if span.recalled else {None}), "sent after it was told"

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
            self.work.requeue([span])
        else:
            self.work.settle([Verdict(span, State.REJECTED, 8, "InvalidToken")])

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
            self.work.requeue([replace(rest, alone=alone)])

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

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A caller withdraws one: possible exactly when it waits."""
        number = data.draw(st.sampled_from(self.ids))
        waits = bytes.fromhex(self.rig.status(number)["token"]) in tokens_of(self.work.lane)
        assert self.rig.gateway.cancel(number) is waits

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def feed_back(self, data: st.DataObject) -> None:
        """Any token may turn out to be dead, wherever it is just then."""
        number = data.draw(st.integers(0, self.number - 1))
        self.work.token_died(token(number), int(self.rig.wall()))

    def drawn(self, data: st.DataObject) -> Span:
        """A span that is in flight."""
        return data.draw(st.sampled_from(self.upstream.in_flight))

    @invariant()
    def the_books_are_right(self) -> None:
        """Accepted = told + waiting + in flight; nobody is told twice; what is told is what is asked for."""
        told = {each: state for each, state, _ in self.rig.told()}
        reports = [each for each in self.rig.sink.reports if isinstance(each, Outcome)]
        first = [each for report in reports if not report.span.recalled for each in report.span.tokens()]
        assert len(first) == len(set(first)), "told twice"
        assert set(first) == set(told), "corrected before it was told"
        assert self.rig.gateway.left() == len(self.ids) - len(first)
        under_way = [span for span in (*self.work.lane, *self.upstream.in_flight) if not span.recalled]
        assert self.rig.gateway.left() == sum(map(len, under_way))
        assert self.work.depth() == sum(map(len, self.work.lane))
        for record in map(self.rig.status, self.ids):
            final = told.get(bytes.fromhex(record["token"]))
            assert record["state"] == final or (final is None and record["state"] in {"queued", "written"})
        counts = Counter(str(report.state) for report in reports for _ in range(len(report.span)))
        assert self.rig.gateway.stats()["outcomes"]["news"] == counts


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
LifeTests = Life.TestCase
