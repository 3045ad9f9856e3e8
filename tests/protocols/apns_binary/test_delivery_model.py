"""A model of the service against the real stream: what is reported is what the service did.

Discrete time; frames and answers are delayed at random; the service rejects, shuts down, closes without a
word, and loses error responses, at random. The oracle is the service's own record.
"""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pushgate.gateway.queue.priority_queue import PriorityQueue
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State, Verdict
from pushgate.protocols.apns_binary.connection import Stream
from pushgate.protocols.apns_binary.connection_end import Ending
from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder
from pushgate.protocols.apns_binary.window import IDENTIFIERS
from tests.samples import batch, token

LATENCY = 8
NOTIFICATIONS = 60


class Service:
    """One connection's far side: takes frames in order, answers late, discards after its answer."""

    def __init__(
        self, chance: Random, faults: dict[str, float], bad: set[int], record: dict[int, int]
    ) -> None:
        self.chance, self.faults, self.bad, self.record = chance, faults, bad, record
        self.frames: list[tuple[int, Frame]] = []
        self.answers: list[tuple[int, bytes | None]] = []
        self.decoder, self.last, self.ended = FrameDecoder(), 0, False

    def write(self, now: int, data: bytes) -> None:
        at = now + self.chance.randint(1, LATENCY)
        at = max([at, *(due for due, _ in self.frames[-1:])])
        for frame in self.decoder.feed(data):
            assert isinstance(frame, Frame)
            self.frames.append((at, frame))

    def step(self, now: int) -> list[bytes | None]:
        """Process what is due; return what arrives at the gateway now: bytes, or None for the end."""
        while self.frames and self.frames[0][0] <= now and not self.ended:
            self.take(now, self.frames.pop(0)[1])
        due = [answer for at, answer in self.answers if at <= now]
        self.answers = [each for each in self.answers if each[0] > now]
        return due

    def take(self, now: int, frame: Frame) -> None:
        index = int.from_bytes(frame.token, "big")
        roll = self.chance.random()
        if index in self.bad:
            self.end(now, ErrorResponse(8, frame.identifier or 0))
        elif roll < self.faults["silent"]:
            self.end(now, None)
        elif roll < self.faults["silent"] + self.faults["shutdown"]:
            self.end(now, ErrorResponse(10, self.last))
        else:
            self.record[index] = self.record.get(index, 0) + 1
            self.last = frame.identifier or 0

    def end(self, now: int, error: ErrorResponse | None) -> None:
        self.ended = True
        at = now + self.chance.randint(1, LATENCY)
        if error is not None and self.chance.random() >= self.faults["lost"]:
            data = encode(error)
            cut = self.chance.randint(0, 6)
            self.answers += [(at, data[:cut]), (at + 1, data[cut:])]
        self.answers.append((at + 2, None))


class Run:
    """Sends NOTIFICATIONS through as many connections as it takes, one at a time."""

    def __init__(self, seed: int, grace: int, policy: Delivery, first: int = 0, **faults: float) -> None:
        self.chance = Random(seed)
        self.faults = {"silent": 0.0, "shutdown": 0.0, "lost": 0.0, "bad": 0.05, **faults}
        self.bad = {i for i in range(NOTIFICATIONS) if self.chance.random() < self.faults["bad"]}
        self.record: dict[int, int] = {}
        self.settled: dict[int, list[Verdict]] = {i: [] for i in range(NOTIFICATIONS)}
        self.doubtful: set[int] = set()
        self.grace, self.first, self.queue = grace, first, PriorityQueue()
        tokens = [token(index) for index in range(NOTIFICATIONS)]
        sent = replace(batch(NOTIFICATIONS, tokens=tokens), delivery=policy)
        self.queue.put(BatchSlice(sent, 0, NOTIFICATIONS))
        self.now = 0

    def settle(self, verdicts: list[Verdict] | tuple[Verdict, ...]) -> None:
        for verdict in verdicts:
            for index in range(verdict.span.start, verdict.span.stop):
                self.settled[index].append(verdict)

    def finish(self) -> "Run":
        while self.queue.depth or not all(self.settled.values()):
            assert self.now < 50_000, "no progress"
            self.connection()
        return self

    def connection(self) -> None:
        stream = Stream(25, self.grace, ready_at=self.now - 100, first_place=self.first)
        service = Service(self.chance, self.faults, self.bad, self.record)
        while not stream.ending and (self.queue.depth or stream.in_flight):
            self.now += 1
            self.write(stream, service)
            in_flight = stream._window.spans()
            for answer in service.step(self.now):
                ending = stream.lost() if answer is None else stream.received(answer)
                if ending is not None:
                    self.draw_conclusions(ending, in_flight)
                    return
            self.settle(stream.quiet(self.now))

    def write(self, stream: Stream, service: Service) -> None:
        room = min(self.chance.randint(0, 6), stream.room(self.now))
        if room and not stream.in_flight and self.queue.has_suspects:
            spans = self.queue.take_suspects()
        else:
            taken = self.queue.take(room) if room else None
            spans = [] if taken is None else [taken]
        if spans:
            service.write(self.now, b"".join(stream.write(spans, self.now)))

    def draw_conclusions(self, ending: Ending, in_flight: list[BatchSlice]) -> None:
        if ending.status is None or ending.end.name == "UNTOLD":
            self.doubtful |= {i for each in in_flight for i in range(each.start, each.stop)}
        self.settle(ending.verdicts)
        self.queue.requeue(ending.requeue)

    def audit(self) -> None:
        """The invariants that hold whatever happens."""
        for index, verdicts in self.settled.items():
            assert len(verdicts) == 1 or verdicts[-1].span.recalled, "one outcome each, or a correction (I8)"
            state, took = verdicts[-1].state, self.record.get(index, 0)
            assert took <= 1 or index in self.doubtful, "duplicates only where the outcome was unknown"
            if state is State.ACCEPTED:
                assert took >= 1, "accepted means that the service took it (I1, I9)"
            if state is State.REJECTED:
                assert index in self.bad
                assert took == 0
            if index in self.bad:
                assert took == 0


SCENARIOS = {
    "rejections": {},
    "shutdowns": {"shutdown": 0.03},
    "silent closes": {"shutdown": 0.03, "silent": 0.02},
    "errors lost": {"lost": 0.5, "bad": 0.02},
    "all": {"shutdown": 0.03, "silent": 0.02, "lost": 0.2},
}


@pytest.mark.parametrize("first", [0, IDENTIFIERS - 5], ids=["from 1", "wrapping"])
@pytest.mark.parametrize("faults", SCENARIOS.values(), ids=SCENARIOS.keys())
@pytest.mark.parametrize("policy", list(Delivery))
def test_what_is_reported_is_what_happened(policy: Delivery, faults: dict[str, float], first: int) -> None:
    """With a grace above twice the latency: nothing lost, nothing doubled where the service spoke."""
    for seed in range(40):
        run = Run(seed, 2 * LATENCY + 4, policy, first, **faults).finish()
        run.audit()
        final = {index: verdicts[-1].state for index, verdicts in run.settled.items()}
        if policy is Delivery.AT_MOST_ONCE:
            assert all(took == 1 for took in run.record.values()), "at most once: no duplicates at all"
        if not (faults.get("silent") or faults.get("lost")):
            good = {State.ACCEPTED, State.PRESUMED}
            assert {i for i in final if final[i] in good} == set(run.record)
            assert {i for i in final if final[i] is State.REJECTED} == run.bad
        elif policy is Delivery.AT_LEAST_ONCE:
            given_up = {i for i in final if final[i] is State.FAILED}
            assert set(range(NOTIFICATIONS)) - run.bad - given_up <= set(run.record), "none is lost"


@given(
    seed=st.integers(0, 2**32), grace=st.integers(1, 30), silent=st.floats(0, 0.05),
    shutdown=st.floats(0, 0.1), lost=st.floats(0, 1), bad=st.floats(0, 0.3), policy=st.sampled_from(Delivery),
)  # fmt: skip
def test_no_sequence_of_faults_breaks_an_invariant(
    seed: int, grace: int, policy: Delivery, **faults: float
) -> None:
    """Even a grace shorter than the latency, which makes `presumed` wrong, never makes `accepted` wrong."""
    Run(seed, grace, policy, **faults).finish().audit()
