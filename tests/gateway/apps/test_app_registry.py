"""Apps that come, change and go while the gateway runs."""

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from zope.interface.verify import verifyObject

from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.interface import Kept
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import CannotStart, NotFound, TooLarge, UnknownApp
from pushgate.model.notification import Delivery
from pushgate.model.outcome import State
from pushgate.plugin.settings import AppTable
from pushgate.plugin.upstream_interface import IWork
from pushgate.testing import RecordingSpool, RecordingUpstream
from tests.gateway_rig import GatewayRig, GatewayTestCase, tokens_of
from tests.samples import batch, token

PATIENCE = 30.0
"""Seconds that an upstream has to close."""


class RosterCase(GatewayTestCase):
    def tearDown(self) -> None:
        """Whoever is still closing is closed."""
        for ending in self.rig.gateway._apps.endings():
            ending.cancel()

    def table(self, upstream: str = "recording", **app) -> AppTable:
        return AppTable(upstream=upstream, **app)

    def admitted(self, app: str = "news", **settings) -> RecordingUpstream:
        """Give an app an upstream made for these settings; the upstream."""
        candidate = self.rig.gateway.candidate(app, self.table(**settings), self.rig.factory)
        candidate.start()
        self.rig.gateway.admit(candidate, PATIENCE)
        return self.rig.factory.made[app]

    def stats(self, app: str = "news") -> dict:
        return self.rig.gateway.stats()["apps"][app]


class ReplacedTests(RosterCase):
    """An app gets another upstream."""

    def test_two_at_a_time(self) -> None:
        """The old one settles what it has in flight and gets nothing more; the new one has the queue at once."""
        self.accepted([token(0), token(1), token(2)])
        old = self.rig.upstream
        old.take(2)
        old.holding = True
        new = self.admitted()
        self.assertEqual((old.history, new.history), (["start", "stop"], ["start"]))
        self.assertEqual(old.take(), [])
        self.assertEqual((old.work.depth(), old.work.has_suspects()), (0, False))
        self.assertEqual(new.wakes, 1)
        self.assertEqual(tokens_of(new.take()), [token(2)])
        self.assertEqual(self.stats()["window"], 3)
        self.assertEqual(self.stats()["connections"], {"ready": 2})
        old.settle(State.PRESUMED)
        new.settle(State.ACCEPTED)
        old.abort()
        self.assertEqual(
            self.rig.states(),
            {token(0): State.PRESUMED, token(1): State.PRESUMED, token(2): State.ACCEPTED},
        )
        self.assertEqual(self.stats()["connections"], {"ready": 1})

    def test_what_comes_back(self) -> None:
        """What the old one gives back goes to its place in the queue, before what came later."""
        self.accepted([token(0)])
        old = self.rig.upstream
        old.take()
        old.holding = True
        new = self.admitted()
        self.accepted([token(1)])
        wakes = new.wakes
        old.requeue()
        self.assertGreater(new.wakes, wakes)
        self.assertEqual(tokens_of(new.take()), [token(0), token(1)])
        self.assertEqual(self.rig.counted("pushgate_resent_total", "news"), 1)

    def test_not_for_ever(self) -> None:
        """One that does not settle in time is closed, and what it had is sent again by the new one."""
        self.accepted(2)
        old = self.rig.upstream
        old.take()
        old.holding = True
        with capturedLogs() as events:
            new = self.admitted()
            self.rig.clock.advance(PATIENCE - 1)
            self.assertNotIn("abort", old.history)
            self.rig.clock.advance(1)
        self.assertIn("abort", old.history)
        self.assertEqual(sum(map(len, new.take())), 2)
        [line] = map(formatEvent, events)
        self.assertEqual(line, "news: the upstream that was replaced: not closed after 30.0 s; cut short")

    def test_one_that_fails_to_stop(self) -> None:
        """Why is logged; it is closed all the same."""
        old = self.rig.upstream
        old.stop = lambda: 1 / 0
        self.admitted()
        self.assertEqual(old.history[-1], "abort")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_whose_word_counts(self) -> None:
        """Whether the service is of use is what the upstream that has the queue says, also if it said so before."""
        self.accepted(expiration=None)
        old = self.rig.upstream
        old.holding = True
        candidate = self.rig.gateway.candidate("news", self.table(), self.rig.factory)
        self.rig.upstream.reachable(False)
        self.rig.gateway.admit(candidate, PATIENCE)
        old.reachable(True)
        self.rig.clock.pump([60] * 30)
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_a_repaired_service(self) -> None:
        """A new upstream starts with a clean sheet, whatever the old one says of its own connections."""
        self.accepted()
        old = self.rig.upstream
        old.reachable(False)
        old.holding = True
        self.admitted()
        old.reachable(False)
        self.rig.clock.pump([60] * 40)
        self.assertEqual(self.rig.states(), {})

    def test_dead_tokens_stay_known(self) -> None:
        """What is known of tokens stays, and what the old upstream still learns counts."""
        old = self.rig.upstream
        old.holding = True
        old.work.tokens_died([DeadTokenEntry(token(0), 1_700_000_000, DeadReason.FEEDBACK)])
        new = self.admitted()
        old.work.tokens_died([DeadTokenEntry(token(1), 1_700_000_000, DeadReason.FEEDBACK)])
        self.accepted([token(0), token(1), token(2)])
        self.assertEqual(tokens_of(new.take()), [token(2)])

    def test_outcomes_name_who_sent_it(self) -> None:
        """An outcome is of the kind of upstream that wrote the notification."""
        self.accepted([token(0)])
        old = self.rig.upstream
        old.take()
        old.holding = True
        new = self.admitted(upstream="other")
        self.accepted([token(1)])
        new.take()
        new.settle(State.ACCEPTED)
        old.settle(State.ACCEPTED)
        self.rig.reported()
        self.assertEqual([report.upstream for report in self.rig.sink.reports], ["other", "recording"])

    def test_one_that_cannot_be_made(self) -> None:
        """Then the old one goes on as if nothing had been asked."""
        self.rig.factory.faults = ["apps.news.certificate: no such file"]
        with self.assertRaises(CannotStart):
            self.admitted()
        self.accepted()
        self.assertEqual(sum(map(len, self.rig.upstream.take())), 1)

    def test_the_drain_waits_for_both(self) -> None:
        """A stop settles what the old upstream has in flight too, and cuts both short."""
        self.accepted(2)
        old = self.rig.upstream
        old.take()
        old.holding = True
        new = self.admitted()
        self.rig.gateway.refuse()
        drained = self.rig.gateway.drain()
        self.rig.clock.pump([0] * 3)
        self.assertIn("stop", new.history)
        self.assertNoResult(drained)
        drained.cancel()
        self.successResultOf(drained)
        self.assertEqual(old.history, ["start", "stop", "abort"])
        self.assertEqual(self.rig.gateway.left(), 2)

    def test_a_lease(self) -> None:
        """What an upstream has for its work is all that the interface says."""
        self.assertTrue(verifyObject(IWork, self.rig.upstream.work))


class AdjustedTests(RosterCase):
    """Settings that the upstream does not look at change under it."""

    def test_each_of_them(self) -> None:
        """Rate, payload limit and delivery hold from now on; what was accepted keeps its delivery."""
        self.rig = GatewayRig(rate=1, spool=RecordingSpool())
        spool = self.rig.gateway._spool
        self.rig.submit(100)
        spool.release()
        self.assertEqual(sum(map(len, self.rig.upstream.take())), 1)
        wakes = self.rig.upstream.wakes
        config = self.table(delivery=Delivery.AT_MOST_ONCE, max_payload=30)
        self.rig.gateway.adjust("news", config)
        self.assertGreater(self.rig.upstream.wakes, wakes)
        self.assertEqual(sum(map(len, self.rig.upstream.take())), 99)
        self.refused(TooLarge, 1, payload=b'{"aps":{"alert":"A longer one"}}')
        self.rig.submit(1)
        self.assertEqual(
            [each.delivery for each in spool.kept], [Delivery.AT_LEAST_ONCE, Delivery.AT_MOST_ONCE]
        )


class RemovedTests(RosterCase):
    """An app goes."""

    def removed(self) -> RecordingUpstream:
        upstream = self.rig.upstream
        upstream.holding = True
        self.rig.gateway.remove_app("news", PATIENCE)
        return upstream

    def durable(self) -> RecordingSpool:
        """A gateway over a spool that keeps, with one of two batches taken."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        for number in (0, 1):
            self.rig.submit([token(2 * number), token(2 * number + 1)])
            spool.release()
        self.rig.upstream.take(2)
        return spool

    def test_in_flight_first(self) -> None:
        """Nothing more is accepted; what is in flight is settled and can be asked for meanwhile."""
        receipt = self.accepted(1)
        self.rig.upstream.take()
        upstream = self.removed()
        self.refused(UnknownApp)
        self.assertNotIn("news", self.rig.gateway.stats()["apps"])
        self.assertEqual(self.rig.status(receipt.id)["state"], "written")
        self.assertFalse(self.rig.gateway.cancel(receipt.id))
        upstream.settle(State.ACCEPTED)
        upstream.abort()
        self.assertEqual(self.rig.states(), {token(0): State.ACCEPTED})
        self.assertEqual(self.rig.status(receipt.id)["state"], "accepted")
        self.assertNotIn("news", self.rig.gateway.stats()["outcomes"])

    def test_what_nothing_keeps_is_cancelled(self) -> None:
        """Over a spool that keeps nothing, what waits gets an outcome that says why."""
        self.accepted(3)
        self.rig.upstream.take(1)
        upstream = self.removed()
        self.assertEqual(self.rig.reported(), [])
        upstream.abort()
        self.assertEqual(self.rig.reported(), [(token(n), State.CANCELLED, "AppRemoved") for n in range(3)])
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_what_is_kept_stays(self) -> None:
        """Over a spool that keeps, what waits stays there without an outcome; the log says how much."""
        spool = self.durable()
        with capturedLogs() as events:
            upstream = self.removed()
            upstream.settle(State.ACCEPTED, *upstream.in_flight)
            upstream.abort()
        self.assertEqual(set(self.rig.states()), {token(0), token(1)})
        self.assertEqual(self.rig.gateway.left(), 0)
        self.assertIn(
            "2 notifications of news, which is not configured any more, stay in the spool",
            list(map(formatEvent, events)),
        )
        self.assertEqual(self.failureResultOf(self.rig.gateway.status(spool.kept[1].id)).type, NotFound)

    def test_added_again(self) -> None:
        """An app that comes back has what was left, before anything new, and each is sent once."""
        spool = self.durable()
        old = self.removed()
        old.settle(State.ACCEPTED, *old.in_flight)
        old.abort()
        new = self.admitted()
        self.assertEqual(self.rig.gateway.left(), 2)
        self.rig.submit([token(9)])
        spool.release()
        taken = tokens_of(new.take()) + tokens_of(new.take())
        self.assertEqual(taken, [token(2), token(3), token(9)])
        new.settle(State.ACCEPTED)
        self.assertEqual(set(self.rig.states().values()), {State.ACCEPTED})
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_a_new_one(self) -> None:
        """An app of a new name takes notifications as soon as it is there."""
        upstream = self.admitted("fresh")
        self.accepted(2, app="fresh")
        self.assertEqual(sum(map(len, upstream.take())), 2)

    def test_one_that_is_left_from_an_earlier_life(self) -> None:
        """What the spool had of an app that was not configured at the start is sent once it is."""
        of = replace(batch(2, order=1), app="fresh")
        self.rig = GatewayRig(RecordingSpool(Kept(of, ((1, 2),))))
        self.assertEqual(self.rig.gateway.left(), 0)
        upstream = self.admitted("fresh")
        self.assertEqual(tokens_of(upstream.take()), [token(1)])

    def test_not_while_it_is_closing(self) -> None:
        """An app cannot come back before it has left."""
        self.accepted()
        self.rig.upstream.take()
        self.removed()
        with self.assertRaises(CannotStart) as caught:
            self.admitted()
        self.assertIn("apps.news: ", caught.exception.faults[0])

    def test_what_the_spool_is_keeping_just_now(self) -> None:
        """Whoever waits for an answer gets it, and what it is for stays in the spool."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        answer = self.rig.submit(2)
        self.rig.gateway.remove_app("news", PATIENCE)
        self.rig.clock.advance(0.1)
        spool.release()
        self.successResultOf(answer)
        self.rig.clock.advance(0.1)
        self.assertEqual(self.rig.gateway.left(), 0)
        self.assertEqual(sum(map(len, self.admitted().take())), 2)

    def test_what_the_spool_kept_too_late(self) -> None:
        """The same when the app was not waited for any longer."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool)
        answer = self.rig.submit(2)
        self.rig.gateway.remove_app("news", PATIENCE)
        self.rig.clock.pump([1] * 31)
        spool.release()
        self.successResultOf(answer)
        self.assertEqual(self.rig.gateway.left(), 0)
        self.assertEqual(sum(map(len, self.admitted().take())), 2)

    def test_nothing_is_left_on_the_clock(self) -> None:
        """An app that has left costs no timer, also with a rate that was holding back."""
        self.rig = GatewayRig(rate=1)
        self.accepted(5)
        self.rig.upstream.take()
        self.removed().abort()
        drained = self.rig.gateway.drain()
        self.rig.clock.pump([0] * 3)
        self.successResultOf(drained)
        self.successResultOf(Deferred.fromCoroutine(self.rig.gateway.close()))
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])


class LimitTests(RosterCase):
    def test_queue(self) -> None:
        """Another limit of the queue holds at once."""
        self.rig.gateway.limit(Limits(queue=1))
        self.accepted()
        self.assertEqual(self.failureResultOf(self.rig.submit()).value.code, "OVERLOADED")


class CutShortTests(RosterCase):
    def test_a_stop_while_the_queue_is_read(self) -> None:
        """A stop during recovery connects nobody, waits for nothing, and forgets nothing."""
        source = RecordingSpool()
        self.rig = GatewayRig(spool=source)
        self.rig.submit(3)
        source.release()
        spool = RecordingSpool(*source.recovered)
        spool.holding = True
        self.rig = GatewayRig(spool=spool)
        self.assertNoResult(self.rig.started)
        self.rig.gateway.refuse()
        self.rig.started.cancel()
        self.failureResultOf(self.rig.started)
        self.rig.clock.advance(0)
        self.successResultOf(self.rig.gateway.drain())
        self.assertNotIn("start", self.rig.upstream.history)
        self.assertEqual(self.rig.gateway.left(), 3)
