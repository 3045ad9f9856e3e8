"""A real gateway on real streams before a model of the push service, all in memory, on clocks that are stepped.

Any sequence of submissions, writes, readings, errors, shutdowns, silent ends, crashes, waits and steps of the wall
clock. The oracle is what the service took.
"""

from collections import Counter, defaultdict
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace
from twisted.internet.task import Clock

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Delivery, Priority
from pushgate.model.outcome import Outcome, State
from pushgate.protocols.apns_binary.connection import Stream
from pushgate.protocols.apns_binary.connection_end import End, Ending
from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder
from pushgate.testing import RecordingSpool
from tests.gateway_rig import GatewayRig
from tests.samples import token

TIMEOUT = 5.0


class Connection:
    """The service's side of one stream: reads when asked, in order, and takes all until its end."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.decoder = FrameDecoder()
        self.unread: list[Frame] = []
        self.written: set[int] = set()
        self.last = 0


class Faults(RuleBasedStateMachine):
    """One app, up to three connections, notifications that are known by their tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.spool = RecordingSpool()
        self.entropy = count(1)
        self.rig = self.started(self.spool)
        self.links: list[Connection] = []
        self.number = 0
        self.delivery: dict[int, Delivery] = {}
        self.ids: dict[int, int] = {}
        self.took: Counter[int] = Counter()
        self.doubtful: set[int] = set()
        self.refused: set[int] = set()
        self.reported: dict[int, list[Outcome]] = defaultdict(list)
        self.crashed = False

    def started(self, spool: RecordingSpool) -> GatewayRig:
        rig = GatewayRig(spool)
        rig.gateway._admission._entropy = self.entropy.__next__
        return rig

    # callers and time

    @rule(size=st.integers(1, 30), priority=st.sampled_from(Priority), delivery=st.sampled_from(Delivery))
    def submit(self, size: int, priority: Priority, delivery: Delivery) -> None:
        """A batch; each token is used once."""
        numbers = range(self.number, self.number + size)
        self.number += size
        answer = self.rig.submit([*map(token, numbers)], priority=priority, delivery=delivery)
        self.spool.release()
        first = answer.result.id
        self.delivery |= dict.fromkeys(numbers, delivery)
        self.ids |= {number: first + index for index, number in enumerate(numbers)}

    @rule(seconds=st.sampled_from([0.05, 0.2, 1.0, 6.0, 70.0]))
    def wait(self, seconds: float) -> None:
        """The service has read long before silence means anything, as long as its connection lives."""
        for link in list(self.links):
            self.read(link, len(link.unread))
        self.rig.clock.advance(seconds)
        for link in self.links:
            self.work.settle(link.stream.quiet(self.now))

    @rule(hours=st.sampled_from([-72.0, -1.0, 1.0, 72.0]))
    def step_the_wall_clock(self, hours: float) -> None:
        """Somebody sets the clock."""
        self.rig.epoch += 3600 * hours

    # connections

    @precondition(lambda self: len(self.links) < 3)
    @rule()
    def connect(self) -> None:
        self.links.append(Connection(Stream(50, TIMEOUT, self.now)))

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 2), limit=st.integers(1, 40))
    def write(self, which: int, limit: int) -> None:
        """A link takes work and writes it."""
        link = self.links[which % len(self.links)]
        spans = self.work.take(min(limit, link.stream.room(self.now)), not link.stream.in_flight)
        if spans:
            link.written |= {number for span in spans for number in numbers(span)}
            for frame in link.decoder.feed(b"".join(link.stream.write(spans, self.now))):
                assert isinstance(frame, Frame)
                link.unread.append(frame)

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 2), count=st.integers(1, 40))
    def take_some(self, which: int, count: int) -> None:
        """The service reads on and says nothing."""
        self.read(self.links[which % len(self.links)], count)

    @precondition(lambda self: any(link.unread for link in self.links))
    @rule(
        which=st.integers(0, 2), skip=st.integers(0, 20),
        status=st.sampled_from([1, 7, 8, 77, 255]), lost=st.booleans(), cut=st.integers(0, 6),
    )  # fmt: skip
    def refuse(self, which: int, skip: int, status: int, lost: bool, cut: int) -> None:
        """One is refused, what comes after it discarded; the error arrives in two pieces, or in part."""
        link = self.reading(which)
        self.read(link, min(skip, len(link.unread) - 1))
        frame = link.unread[0]
        self.refused.add(number_of(frame))
        answer = encode(ErrorResponse(status, frame.identifier or 0))
        if lost:
            self.end(link, answer[: min(cut, 5)])
        else:
            self.end(link, answer[:cut], answer[cut:])

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 2), count=st.integers(0, 20))
    def shut_down(self, which: int, count: int) -> None:
        """Status 10, naming the last one taken."""
        link = self.links[which % len(self.links)]
        self.read(link, count)
        self.end(link, encode(ErrorResponse(10, link.last)))

    @precondition(lambda self: self.links)
    @rule(
        which=st.integers(0, 2), count=st.integers(0, 20),
        noise=st.sampled_from([b"", b"\x09", encode(ErrorResponse(8, 0)), encode(ErrorResponse(10, 0xFFFFFFF0))]),
    )  # fmt: skip
    def die(self, which: int, count: int, noise: bytes) -> None:
        """The end without a word, or with one that makes no sense."""
        link = self.links[which % len(self.links)]
        self.read(link, count)
        self.end(link, noise)

    @rule()
    def crash(self) -> None:
        """The process is gone, and another one starts from the spool; what was written may still be read."""
        for link in self.links:
            self.read(link, len(link.unread))
            self.doubtful |= link.written
        self.hear()
        self.crashed, self.links = True, []
        kept = [self.spool._now(each) for each in self.spool.recovered]
        settled = {outcome.span.batch.order for outcome in self.spool.settled}
        assert {*self.spool.finished} <= settled
        restart = RecordingSpool(*(self.with_intentions(each) for each in kept if each.left))
        restart.reports = self.spool.reports
        epoch, seconds = self.rig.epoch, self.rig.clock.seconds()
        self.spool, self.rig = restart, self.started(restart)
        self.rig.epoch = epoch + seconds

    def with_intentions(self, kept: Any) -> Any:
        spans = [span for span in self.spool.intended if span.batch.id == kept.batch.id]
        return replace(kept, intended=(*kept.intended, *((span.start, span.stop) for span in spans)))

    # the machinery

    @property
    def work(self) -> Any:
        return self.rig.upstream.work

    @property
    def now(self) -> float:
        clock: Clock = self.rig.clock
        return float(clock.seconds())

    def reading(self, which: int) -> Connection:
        links = [link for link in self.links if link.unread]
        return links[which % len(links)]

    def read(self, link: Connection, count: int) -> None:
        """The service takes the next ones."""
        taken, link.unread = link.unread[:count], link.unread[count:]
        self.took.update(map(number_of, taken))
        link.last = (taken[-1].identifier or 0) if taken else link.last

    def end(self, link: Connection, *pieces: bytes) -> None:
        """The connection ends with these last words; what is unread is never taken."""
        self.links.remove(link)
        ending: Ending | None = None
        for piece in pieces:
            ending = ending or link.stream.received(piece)
        ending = ending or link.stream.lost()
        assert ending is not None
        if ending.end is End.UNTOLD:
            self.doubtful |= link.written
        self.work.settle(ending.verdicts)
        self.work.requeue(ending.requeue)

    def hear(self) -> None:
        """Take down what was reported since the last time."""
        self.rig.reported()
        for report in self.rig.sink.reports:
            assert isinstance(report, Outcome)
            for number in numbers(report.span):
                self.reported[number].append(report)
        self.rig.sink.calls.clear()

    @invariant()
    def what_is_told_is_true(self) -> None:
        """At every moment: one outcome each, none that is wrong, nothing twice without doubt."""
        self.hear()
        for number, reports in self.reported.items():
            states = [report.state for report in reports]
            firsts = [report for report in reports if not report.span.recalled]
            assert len(firsts) == 1, f"reported twice: {states}"
            assert len(reports) <= 2, f"corrected twice: {states}"
            if len(reports) == 2:
                assert states[0] is State.PRESUMED
            if states[-1] is State.ACCEPTED:
                assert self.took[number], "accepted, and never taken"
            if states[-1] is State.UNKNOWN:
                assert self.delivery[number] is Delivery.AT_MOST_ONCE
            if states[-1] is State.REJECTED:
                assert number in self.refused
        for number, times in self.took.items():
            assert times == 1 or number in self.doubtful, "sent twice without doubt"
            assert times == 1 or self.delivery[number] is Delivery.AT_LEAST_ONCE, "twice under at-most-once"

    @invariant()
    def ids_differ(self) -> None:
        assert len(set(self.ids.values())) == len(self.ids)

    def teardown(self) -> None:
        """All is well again: everything ends, and nothing is lost."""
        for _ in range(1000):
            if not self.rig.gateway.left():
                break
            if not self.links:
                self.connect()
                self.rig.clock.advance(1.0)
            self.write(0, 1000)
            self.wait(6.0)
        self.what_is_told_is_true()
        for number in range(self.number):
            assert self.reported[number], "no outcome"
            if self.reported[number][-1].state in {State.ACCEPTED, State.PRESUMED}:
                assert self.took[number], f"lost: {self.reported[number][-1].state}"


def numbers(span: BatchSlice) -> list[int]:
    return [int.from_bytes(each, "big") for each in span.tokens()]


def number_of(frame: Frame) -> int:
    return int.from_bytes(frame.token, "big")


Faults.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
FaultsTests = Faults.TestCase
