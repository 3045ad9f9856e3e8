"""An upstream with many origins: each notification goes to its own, and none holds up another's."""

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pushgate.model.errors import Invalid
from pushgate.model.outcome import State
from pushgate.plugin.upstream_interface import IInFlight, IUpstream, RouteState, UpstreamState
from pushgate.protocols.http_push.origin import Origin
from pushgate.testing import MemoryNetwork, RecordingQueue, context
from pushgate.upstreams.common.http_push.routed_upstream import (
    CALM,
    ENOUGH,
    FEW,
    IDLE,
    MOST,
    SWEEP,
    RoutedUpstream,
)
from pushgate.upstreams.common.http_push.settings import MOST_ROUTES


@implementer(IUpstream)
class Way:
    """Stands for the upstream of one origin: it takes when a test says so.

    :ivar sent: what was taken.
    :ivar told: what it was called for.
    """

    def __init__(self, origin, work):
        self.origin, self.work = origin, work
        self.sent, self.told = [], []
        self.stopped = Deferred()
        self.shown = UpstreamState(connections={"ready": 1}, window=0)

    def start(self):
        self.told.append("start")

    def wake(self):
        self.told.append("wake")

    def take(self, count):
        self.sent += self.work.take(count, idle=True)

    def tokens(self):
        return [token for each in self.sent for token in each.tokens()]

    def stop(self):
        self.told.append("stop")
        return self.stopped

    def abort(self):
        self.told.append("abort")
        if not self.stopped.called:
            self.stopped.callback(None)

    def state(self):
        return self.shown

    def find(self, batch, index):
        return next((each for each in self.sent if each.batch.order == batch.order), None)


def origin_of(target):
    """``host/rest``; what begins otherwise has none."""
    host, slash, _ = target.decode().partition("/")
    if not slash:
        raise Invalid("token", f"{len(target)} bytes", "HOST/REST")
    return Origin(host)


class Rig:
    def __init__(self, careful=False):
        self.clock, self.work, self.ways = Clock(), RecordingQueue(), {}
        surroundings = replace(context(MemoryNetwork()), reactor=self.clock)
        self.upstream = RoutedUpstream(origin_of, self.make, self.work, surroundings, careful)
        self.work.upstream = self.upstream
        self.upstream.start()

    def make(self, origin, work):
        way = self.ways[origin.host] = Way(origin, work)
        return way

    def put(self, *targets):
        made = self.work.put(*targets)
        self.run()
        return made

    def run(self, turns=5):
        for _ in range(turns):
            self.clock.advance(0)


@pytest.fixture
def rig():
    return Rig()


def targets(host, count):
    return [f"{host}/{number}".encode() for number in range(count)]


def test_interfaces(rig):
    """It is an upstream, whose slices in flight can be looked up."""
    verifyObject(IUpstream, rig.upstream)
    verifyObject(IInFlight, rig.upstream)


def test_each_goes_to_its_own(rig):
    """Members of one batch are parted; each route gets its own, in order."""
    rig.put(b"a/1", b"a/2", b"b/1", b"a/3")
    for way in rig.ways.values():
        assert way.told == ["start", *["wake"] * (2 if way.origin.host == "a" else 1)]
        way.take(9)
    assert rig.ways["a"].tokens() == [b"a/1", b"a/2", b"a/3"]
    assert rig.ways["b"].tokens() == [b"b/1"]


def test_a_target_without_origin(rig):
    """It was accepted when the app had another upstream: it fails, its neighbours do not."""
    rig.put(b"a/1", b"nowhere", b"a/2")
    assert rig.work.states() == {b"nowhere": State.FAILED}


def test_a_slow_origin_holds_up_no_other(rig):
    """What waits for one does not keep what comes behind it from another."""
    rig.put(*targets("slow", 5000))
    rig.put(b"fast/1")
    rig.run(40)
    rig.ways["fast"].take(9)
    assert rig.ways["fast"].tokens() == [b"fast/1"]


def test_no_more_is_taken_than_can_wait(rig):
    """With one route that writes nothing the app's queue keeps the rest: it counts there, and is safe there."""
    for _ in range(10):
        rig.put(*targets("slow", 2000))
    rig.run(100)
    assert CALM <= rig.ways["slow"].work.depth() < CALM + ENOUGH
    rig.ways["slow"].take(CALM)
    rig.run(100)
    assert rig.work.depth() < 20_000 - CALM


def test_little_is_taken_of_what_must_not_be_sent_twice():
    """After a crash all that was taken is unknown: no more of it waits than is needed."""
    rig = Rig(careful=True)
    rig.put(*targets("slow", 2000))
    rig.run(100)
    assert FEW <= rig.ways["slow"].work.depth() <= 2 * FEW
    rig.ways["slow"].take(FEW)
    rig.run(100)
    assert FEW <= rig.ways["slow"].work.depth() <= 2 * FEW


def test_the_bound_of_all(rig):
    """While another route could write, more is taken, up to a bound."""
    rig.put(b"fast/1")
    rig.ways["fast"].take(1)
    for _ in range(53):
        rig.put(*targets("slow", 2000))
    rig.run(400)
    assert MOST <= rig.ways["slow"].work.depth() < MOST + ENOUGH


def test_the_service_is_reachable_while_one_route_is(rig):
    """Only when every origin is down does the app's queue count it as unreachable."""
    rig.put(b"a/1", b"b/1")
    rig.ways["a"].work.reachable(False)
    assert rig.work.is_reachable is True
    rig.ways["b"].work.reachable(False)
    assert rig.work.is_reachable is False
    rig.ways["b"].work.reachable(True)
    assert rig.work.is_reachable is True


def test_what_waits_for_a_dead_origin_expires(rig):
    """The queue of a route that is down is looked at now and then."""
    rig.put(b"a/1")
    rig.ways["a"].work.reachable(False)
    rig.work.is_expired = lambda span: True
    rig.clock.advance(SWEEP)
    assert rig.work.states() == {b"a/1": State.EXPIRED}


def test_an_idle_route_is_given_up(rig):
    """It is stopped, and made anew for the next notification."""
    rig.put(b"a/1")
    first = rig.ways["a"]
    first.take(1)
    first.shown = UpstreamState(connections={}, window=1)
    rig.clock.pump([SWEEP] * round(IDLE / SWEEP + 1))
    assert "stop" not in first.told
    first.shown = UpstreamState(connections={}, window=0)
    rig.clock.advance(SWEEP)
    assert first.told[-1] == "stop"
    rig.put(b"a/2")
    assert rig.ways["a"] is not first


def test_too_many_origins(rig):
    """What is for one more waits until a route is free; nothing is lost."""
    rig.put(*[f"host{number}/1".encode() for number in range(MOST_ROUTES + 1)])
    assert len(rig.ways) == MOST_ROUTES
    for way in rig.ways.values():
        way.take(1)
    rig.clock.pump([SWEEP] * round(IDLE / SWEEP + 2))
    assert len(rig.ways) == MOST_ROUTES + 1
    assert rig.upstream.find(rig.ways["host0"].sent[0].batch, MOST_ROUTES) is not None


def test_find(rig):
    """A member that waits for its origin is found, and one that is in flight there."""
    made = rig.put(b"a/1", b"b/1")
    assert rig.upstream.find(made.batch, 1).tokens() == [b"b/1"]
    rig.ways["a"].take(1)
    assert rig.upstream.find(made.batch, 0).tokens() == [b"a/1"]


def test_stop(rig):
    """What waits goes back to the app's queue, what is in flight is settled by its route, then it is closed."""
    rig.put(b"a/1", b"a/2", b"b/1")
    rig.ways["a"].take(1)
    closed = []
    rig.upstream.stop().addCallback(closed.append)
    assert [token for each in rig.work.requeued for token in each.tokens()] == [b"a/2", b"b/1"]
    rig.ways["a"].work.requeue(rig.ways["a"].sent)
    assert rig.work.in_flight == []
    rig.ways["a"].stopped.callback(None)
    assert closed == []
    rig.ways["b"].stopped.callback(None)
    assert closed == [None]
    assert rig.clock.getDelayedCalls() == []


def test_stopped_before_its_start():
    """A gateway that is stopped while it starts stops upstreams that it has not started yet."""
    surroundings = replace(context(MemoryNetwork()), reactor=Clock())
    upstream = RoutedUpstream(origin_of, Way, RecordingQueue(), surroundings)
    assert upstream.stop().called
    upstream.abort()


def test_abort(rig):
    """All routes are closed at once; harmless when that was done before."""
    rig.put(b"a/1", b"b/1")
    rig.upstream.abort()
    rig.upstream.abort()
    assert all("abort" in way.told for way in rig.ways.values())
    assert rig.clock.getDelayedCalls() == []
    assert rig.upstream.stop().called


def test_state(rig):
    """Operators see the sum, and each origin's trouble."""
    rig.put(b"a/1", b"b/1", b"b/2")
    rig.ways["a"].shown = UpstreamState(
        connections={"ready": 2}, window=3, circuit="refused", circuit_open=True
    )
    rig.ways["b"].shown = UpstreamState(connections={"ready": 1}, window=1, delayed=4)
    state = rig.upstream.state()
    assert (state.connections, state.window, state.delayed) == ({"ready": 3}, 4, 7)
    assert (state.circuit, state.circuit_open) == ("refused", False)
    assert state.routes == {"https://a": RouteState("refused", True)}


def test_state_while_a_route_closes(rig):
    """Its successor at the same origin says how that is doing; what the old one has open still counts."""
    rig.put(b"a/1")
    old = rig.ways["a"]
    old.take(1)
    for _ in range(int(IDLE / SWEEP) + 1):
        rig.clock.advance(SWEEP)
    rig.put(b"a/2")
    assert rig.ways["a"] is not old
    old.shown = UpstreamState(connections={"draining": 1}, window=1, circuit="refused", circuit_open=True)
    state = rig.upstream.state()
    assert (state.connections, state.window) == ({"ready": 1, "draining": 1}, 1)
    assert (state.circuit, state.circuit_open, state.routes) == ("", False, {})
