"""What the sinks are given over a crash: nothing is reported before it is kept, nothing forgotten before it is reported."""

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from pushgate.gateway.outcomes.outbox import Outbox
from pushgate.gateway.spool.interface import Kept
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.outcome import DeadToken, State
from pushgate.plugin.sink_interface import IOutcomeSink, IReplays
from pushgate.testing import RecordingSink, RecordingSpool, context
from tests.gateway_rig import GatewayRig
from tests.samples import batch, token


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.spool = RecordingSpool(Kept(batch(3, order=1), ((0, 3),)))
        self.rig = GatewayRig(self.spool)
        self.rig.upstream.take()

    def restart(self) -> None:
        """What the spool has is all that is left of the gateway before."""
        spool = RecordingSpool(*self.spool.recovered)
        spool.reports, spool.settled = self.spool.reports, self.spool.settled
        self.spool, self.rig = spool, GatewayRig(spool)

    def reported(self) -> list[tuple[bytes, State]]:
        return [(each, state) for each, state, _ in self.rig.reported()]

    def test_kept_before_it_is_told(self) -> None:
        """No outcome is reported that a crash could undo."""
        self.spool.busy = True
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.reported(), [])
        self.assertEqual(len(self.spool.reports), 1)
        self.spool.answer()
        self.assertEqual(len(self.reported()), 3)

    def test_forgotten_when_taken(self) -> None:
        """The spool keeps batch and reports until every sink of the configuration has taken them."""
        slow = RecordingSink()
        slow.holding = True
        self.rig.gateway.add_sink("slow", slow, 10)
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(len(self.reported()), 3)
        self.assertEqual((len(self.spool.reports), self.spool.finished), (1, []))
        slow.release()
        self.assertEqual((self.spool.reports, self.spool.finished), ([], [1]))

    def test_caught_up(self) -> None:
        """Whoever keeps something until the sinks know hears when they do; who only watches is not waited for."""
        slow, watcher = RecordingSink(), RecordingSink()
        slow.holding = watcher.holding = True
        self.rig.gateway.add_sink("slow", slow, 10)
        self.rig.gateway.attach("watcher", watcher, 10)
        self.rig.upstream.settle(State.ACCEPTED)
        caught_up = self.rig.gateway.caught_up()
        self.assertEqual(len(self.reported()), 3)
        self.assertNoResult(caught_up)
        slow.release()
        self.successResultOf(caught_up)

    def test_a_sample(self) -> None:
        """Who only looks on sees outcomes once they are kept, as long as it wants; nothing waits for it or is dropped."""
        sampler = self.rig.gateway.sampler(2)
        self.spool.busy = True
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(sampler.take(), [])
        self.spool.answer()
        [report] = sampler.take()
        self.assertEqual((report.state, len(report.span)), (State.ACCEPTED, 2))
        sampler.close()
        sampler.close()
        self.spool.busy = False
        self.rig.gateway.sampler(2)
        self.assertEqual(sampler.take(), [])

    def test_told_again(self) -> None:
        """What a sink had not taken when the process ended it gets at the next start, and that once."""
        self.rig.sink.holding = True
        [span] = self.rig.upstream.in_flight
        self.rig.upstream.settle(State.ACCEPTED, span.part(0, 1))
        self.rig.reported()
        self.rig.upstream.settle(State.REJECTED, span.part(1, 2), status=8, reason="InvalidToken")
        self.rig.reported()
        self.rig.sink.release()
        self.restart()
        self.assertEqual(self.reported(), [(token(1), State.REJECTED)])
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.reported()[1:], [(token(2), State.ACCEPTED)])
        self.restart()
        self.assertEqual(self.reported(), [])

    def test_killed_again(self) -> None:
        """A batch stays as long as a report on it is unreported, however often the process ends meanwhile."""
        self.rig.sink.holding = True
        self.rig.upstream.settle(State.ACCEPTED)
        for _ in range(3):
            self.restart()
            self.rig.sink.holding = True
            self.assertEqual(len(self.reported()), 3)
            self.assertEqual(self.spool.finished, [])
        self.rig.sink.release()
        self.assertEqual((self.spool.finished, self.spool.reports), ([1], []))

    def test_a_dead_token(self) -> None:
        """A dead token is reported after a crash too: the feedback service lists it once only."""
        self.rig.sink.holding = True
        self.rig.upstream.work.tokens_died([DeadTokenEntry(token(7), 5, DeadReason.FEEDBACK)])
        self.restart()
        self.rig.reported()
        [report] = self.rig.sink.reports
        assert isinstance(report, DeadToken)
        self.assertEqual((report.token, report.since), (token(7), 5))

    def test_a_watcher(self) -> None:
        """Who only watches holds nothing in the spool, and is given nothing of the time before."""
        watcher = RecordingSink()
        watcher.holding = True
        self.rig.gateway.attach("watcher", watcher, 10)
        self.rig.upstream.settle(State.ACCEPTED)
        self.rig.reported()
        self.assertEqual((len(watcher.reports), self.spool.reports), (1, []))

    def test_a_detached_sink(self) -> None:
        """A sink that nobody wants any more holds nothing in the spool."""
        slow = RecordingSink()
        slow.holding = True
        detach = self.rig.gateway.add_sink("slow", slow, 10)
        self.rig.upstream.settle(State.ACCEPTED)
        self.rig.reported()
        detach()
        self.assertEqual((self.spool.reports, self.spool.finished), ([], [1]))

    def test_the_sink_that_replays(self) -> None:
        """Inputs are given the first sink of the configuration that can replay, as long as it is there."""
        self.assertIsNone(self.rig.gateway.replays())
        ledger = RecordingSink()
        directlyProvides(ledger, IOutcomeSink, IReplays)
        detach = self.rig.gateway.add_sink("ledger", ledger, 10)
        self.assertIs(self.rig.gateway.replays(), ledger)
        detach()
        self.assertIsNone(self.rig.gateway.replays())

    def test_without_sinks(self) -> None:
        """Where there is no sink the spool forgets at once."""
        for kept in list(self.rig.gateway._outbox._keepers):
            self.rig.gateway._outbox._detach("sink", kept)
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual((self.spool.reports, self.spool.finished), ([], [1]))

    def test_the_last_outcomes(self) -> None:
        """A stop waits for what the spool is still keeping, and tells it."""
        self.spool.busy = True
        self.rig.upstream.settle(State.ACCEPTED)
        closing = Deferred.fromCoroutine(self.rig.gateway.close())
        self.spool.answer()
        self.rig.reported()
        self.successResultOf(closing)
        self.assertEqual((len(self.rig.sink.reports), self.spool.reports), (1, []))


class TakenTests(SynchronousTestCase):
    """Two sinks, of which one is down when the process ends."""

    def setUp(self) -> None:
        self.spool = RecordingSpool()
        self.restart()
        self.down.error = OSError("down")

    def restart(self, *names: str) -> None:
        """What the spool has is all that is left of the outbox before."""
        self.clock = Clock()
        self.outbox = Outbox(replace(context(), reactor=self.clock), self.spool)
        self.well, self.down = RecordingSink(), RecordingSink()
        for name, sink in zip(names or ("well", "down"), (self.well, self.down), strict=False):
            self.outbox.attach(name, sink, 1000, watches=False)
        self.outbox.recover()
        self.clock.pump([0] * 5)

    def publish(self, *members: int) -> None:
        for member in members:
            self.outbox.publish([DeadToken("news", token(member), 5, 0.0, "simulator")], [])
            self.clock.pump([0] * 5)

    def stop(self) -> None:
        """A stop in order, which does not wait for the one that is down."""
        closing = Deferred.fromCoroutine(self.outbox.close())
        closing.cancel()
        self.successResultOf(closing)

    def given(self, sink: RecordingSink) -> list[bytes]:
        return [report.token for report in sink.reports if isinstance(report, DeadToken)]

    def test_stopped(self) -> None:
        """After a stop the one that was down gets what it missed, and the other nothing twice."""
        self.publish(1, 2, 3)
        self.stop()
        self.restart()
        self.assertEqual((self.given(self.well), self.given(self.down)), ([], [token(1), token(2), token(3)]))
        self.assertEqual(self.spool.reports, [])

    def test_killed(self) -> None:
        """After a crash the other gets again what it took since it was noted last."""
        self.publish(1, 2)
        self.outbox.note_taken()
        self.publish(3)
        self.restart()
        self.assertEqual((self.given(self.well), len(self.given(self.down))), ([token(3)], 3))

    def test_stopped_again(self) -> None:
        """What comes after a start is new to both, however far they were before."""
        self.publish(1, 2)
        self.stop()
        self.restart()
        self.down.error = OSError("down again")
        self.publish(3)
        self.stop()
        self.restart()
        self.assertEqual((self.given(self.well), self.given(self.down)), ([], [token(3)]))
        self.restart()
        self.publish(4)
        self.assertEqual((self.given(self.well), self.given(self.down)), ([token(4)], [token(4)]))

    def test_a_sink_that_is_gone(self) -> None:
        """When the one that was down is configured no more, nothing is kept for it; a new one gets what is there."""
        self.publish(1)
        self.stop()
        self.restart("well", "new")
        self.assertEqual((self.given(self.well), self.given(self.down)), ([], [token(1)]))
        self.assertEqual(self.spool.reports, [])

    def test_nobody_left(self) -> None:
        """Reports that every sink there is has taken are forgotten."""
        self.publish(1)
        self.stop()
        self.restart("well")
        self.assertEqual((self.given(self.well), self.spool.reports), ([], []))

    def test_nothing_to_note(self) -> None:
        """Nothing is written while no sink is behind, and nothing again that was written."""
        self.down.error = None
        self.publish(1)
        self.outbox.note_taken()
        self.assertEqual(self.spool.taken, {})
        self.down.error = OSError("down")
        self.publish(2)
        self.outbox.note_taken()
        noted, self.spool.taken = self.spool.taken, {}
        self.assertEqual(noted, {"well": 2, "down": 1})
        self.outbox.note_taken()
        self.assertEqual(self.spool.taken, {})
