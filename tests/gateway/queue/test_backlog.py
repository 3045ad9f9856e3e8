"""The gateway over a spool that keeps: what comes back after a restart, and what waits outside memory."""

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import capturedLogs, formatEvent

from pushgate.gateway.limits import Limits
from pushgate.gateway.queue.write_intents import MOST
from pushgate.gateway.spool.interface import Kept
from pushgate.model.errors import CannotStart, NotFound, Overloaded
from pushgate.model.notification import Delivery, Priority
from pushgate.model.outcome import State
from pushgate.testing import RecordingSpool
from tests.gateway_rig import GatewayRig, GatewayTestCase, now, tokens_of
from tests.samples import batch, token

ONCE = Delivery.AT_MOST_ONCE


class BacklogCase(GatewayTestCase):
    """A gateway with room for two batches in memory."""

    limits = Limits(queue=100, held=3000, few=0)

    def setUp(self) -> None:
        self.restarted()

    def restarted(self, *kept: Kept) -> None:
        self.spool = RecordingSpool(*kept)
        self.rig = GatewayRig(self.spool, self.limits)

    def accepted(self, *arguments, **terms):
        answer = self.rig.submit(*arguments, **terms)
        self.spool.release()
        return self.successResultOf(answer)

    def lane(self) -> list[bytes]:
        return tokens_of(self.rig.queue._ready)


class RecoveryTests(BacklogCase):
    limits = Limits()

    def test_it_goes_on_in_its_order(self) -> None:
        """What was left waits in its order, urgent first, before anything new; new batches come behind it."""
        bulk = batch(1, order=1, tokens=[token(1)], priority=Priority.BULK)
        first, second = batch(4, order=2), batch(1, order=3, tokens=[token(9)])
        self.restarted(Kept(bulk, ((0, 1),)), Kept(first, ((0, 1), (2, 4))), Kept(second, ((0, 1),)))
        self.accepted([token(10)])
        self.assertEqual(self.rig.gateway.left(), 6)
        self.assertEqual([self.spool.kept[0].order], [4])
        taken = tokens_of(self.rig.upstream.take())
        self.assertEqual(taken, [token(0), token(2), token(3), token(9), token(10), token(1)])
        self.rig.upstream.settle(State.ACCEPTED)
        self.rig.reported()
        self.assertEqual({*self.spool.finished}, {1, 2, 3, 4})
        self.assertEqual(self.rig.gateway.left(), 0)

    def test_what_was_settled_before(self) -> None:
        """Of a member that had its outcome in an earlier life nothing is known any more."""
        of = batch(3, order=1)
        self.restarted(Kept(of, ((0, 1),)))
        self.assertEqual(self.rig.status(of.id)["state"], "queued")
        self.failureResultOf(self.rig.gateway.status(of.id + 1), NotFound)
        self.assertFalse(now(self.rig.gateway.cancel(of.id + 1)))

    def test_pages_of_which_nothing_is_left(self) -> None:
        """Batches that are done, and that a sink has not taken, are passed over: the gateway starts all the same."""
        done = [Kept(batch(2, order=order), ()) for order in (1, 2)]
        self.restarted(*done, Kept(batch(2, order=3), ((0, 2),)), Kept(batch(2, order=4), ()))
        self.assertEqual(
            [after for *_, after in self.spool.pages_asked if _[1] == Priority.URGENT], [0, 1, 2, 3]
        )
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(1)])

    def test_in_doubt(self) -> None:
        """What may have been written under at-most-once is not sent again, and reported to be unknown."""
        of = batch(5, order=1)
        self.restarted(Kept(of, ((0, 2), (3, 5)), ((1, 4),)))
        self.assertEqual(
            self.rig.reported(),
            [(token(index), State.UNKNOWN, "GatewayRestarted") for index in (1, 3)],
        )
        self.assertEqual(tokens_of(self.rig.upstream.take()), [token(0), token(4)])
        self.assertEqual(self.rig.status(of.id + 1)["state"], "unknown")

    def test_an_app_that_is_gone(self) -> None:
        """What waits for an app that is not configured any more stays where it is, and a line says so."""
        with capturedLogs() as events:
            self.restarted(Kept(replace(batch(3, order=1), app="gone"), ((0, 3),)))
        [line] = map(formatEvent, events)
        self.assertIn("3 notifications of gone, which is not configured any more", line)
        self.assertEqual((self.rig.gateway.left(), self.spool.settled), (0, []))
        self.failureResultOf(self.rig.gateway.status(self.spool.recovered[0].batch.id), NotFound)

    def test_the_inputs_wait(self) -> None:
        """The start is over, and the upstreams begin, once what was kept is queued."""
        self.restarted()
        spool = RecordingSpool(Kept(batch(2, order=1), ((0, 2),)))
        spool.holding = True
        rig = GatewayRig(spool, self.limits)
        self.assertEqual(rig.upstream.history, [])
        spool.holding = False
        spool.answer()
        self.assertEqual((rig.upstream.history, len(rig.upstream.take()[0])), (["start"], 2))

    def test_a_spool_that_cannot_start(self) -> None:
        """Its reason is the gateway's."""
        spool = RecordingSpool()
        spool.faults = ["gateway.state_dir: x: in use"]
        rig = GatewayRig(spool)
        self.failureResultOf(rig.started, CannotStart)


class OutsideMemoryTests(BacklogCase):
    def test_what_does_not_fit_waits_in_the_spool(self) -> None:
        """It counts as queued, is brought in when there is room, and goes in the order of acceptance."""
        for number in range(5):
            self.accepted([token(number)])
        self.assertEqual(self.lane(), [token(0), token(1)])
        self.assertEqual(self.rig.gateway.stats()["apps"]["news"]["queue"], 5)
        self.assertEqual((self.rig.gateway.left(), self.rig.upstream.work.depth()), (5, 5))
        sent = []
        while taken := self.rig.upstream.take():
            sent += tokens_of(taken)
            self.accepted([token(10)]) if len(sent) == 2 else None
            self.rig.upstream.settle(State.ACCEPTED)
        self.assertEqual(sent, [*map(token, range(5)), token(10)])
        self.rig.reported()
        self.assertEqual((self.rig.gateway.left(), len(self.spool.finished)), (0, 6))
        self.assertEqual(len(self.rig.reported()), 6)

    def test_the_limit_counts_it(self) -> None:
        """The queue's limit is about all that waits."""
        for number in range(10):
            self.accepted([token(number * 10 + index) for index in range(10)])
        self.refused(Overloaded, 1)

    def test_urgent_passes(self) -> None:
        """A full queue of bulk keeps no urgent one out of memory."""
        for number in range(5):
            self.accepted([token(number)], priority=Priority.BULK)
        self.accepted([token(9)])
        self.assertEqual(tokens_of(self.rig.upstream.take(2)), [token(9), token(0)])

    def test_status_and_cancel(self) -> None:
        """A notification in the spool has a status, and can be withdrawn there; its neighbours go."""
        for number in range(3):
            self.accepted([token(number)])
        last = self.accepted([token(7), token(8)]).id
        self.assertEqual(self.rig.status(last + 1)["state"], "queued")
        self.assertIs(now(self.rig.gateway.cancel(last + 1)), True)
        self.assertIs(now(self.rig.gateway.cancel(last + 1)), False)
        self.failureResultOf(self.rig.gateway.cancel(last + 2), NotFound)
        self.assertEqual((self.rig.gateway.left(), self.spool.finished), (4, []))
        self.assertIs(now(self.rig.gateway.cancel(last)), True)
        self.rig.reported()
        self.assertEqual(len(self.spool.finished), 1)
        self.assertEqual(self.rig.states(), {token(7): State.CANCELLED, token(8): State.CANCELLED})
        self.assertEqual(self.rig.counted("pushgate_outcomes_total", "news", "cancelled", ""), 2)

    def test_cancelled_while_it_comes(self) -> None:
        """One that is just being brought in is withdrawn from memory: it is not sent."""
        numbers = [self.accepted([token(number)]).id for number in range(3)]
        self.spool.holding = True
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        done: Deferred[bool] = self.rig.gateway.cancel(numbers[2])
        while self.spool._asked:
            self.spool.answer()
        self.assertTrue(self.successResultOf(done))
        self.assertEqual(self.rig.upstream.take(), [])

    def test_a_page_that_cannot_be_read(self) -> None:
        """Why is logged, and it is tried again."""
        for number in range(3):
            self.accepted([token(number)])
        page, self.spool.page = self.spool.page, lambda *_: 1 / 0
        self.rig.upstream.take()
        self.rig.upstream.settle(State.ACCEPTED)
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 0)
        self.spool.page = page
        self.rig.clock.advance(1)
        self.assertEqual(self.lane(), [token(2)])

    def test_stopping(self) -> None:
        """What is in the spool only when the drain is cut short stays there, and is counted as left."""
        for number in range(5):
            self.accepted([token(number)])
        drained = self.rig.gateway.drain()
        self.rig.clock.pump([0] * 3)
        self.assertNoResult(drained)
        drained.cancel()
        self.rig.clock.pump([0] * 3)
        self.successResultOf(drained)
        self.rig.clock.advance(5)
        self.assertEqual((self.rig.gateway.left(), len(self.lane())), (5, 2))


class AtMostOnceTests(BacklogCase):
    limits = Limits()

    def test_on_record_first(self) -> None:
        """It is taken only once the spool has it on record that it will be written."""
        self.spool.holding = True
        number = self.accepted(3, delivery=ONCE).id
        self.assertEqual(self.rig.upstream.take(), [])
        self.assertEqual(self.rig.status(number)["state"], "queued")
        self.assertEqual(tokens_of(self.spool.intended), [token(0), token(1), token(2)])
        wakes = self.rig.upstream.wakes
        self.spool.answer()
        self.assertEqual((self.rig.upstream.wakes, len(self.rig.upstream.take()[0])), (wakes + 1, 3))

    def test_the_others_do_not_wait(self) -> None:
        """Under at-least-once nothing is put on record."""
        self.accepted(3)
        self.assertEqual((self.spool.intended, len(self.rig.upstream.take()[0])), ([], 3))

    def recorded(self) -> int:
        """How many are on record and were not taken."""
        return sum(len(span) for span in self.rig.queue._ready if span.cleared)

    def test_only_what_is_asked_for(self) -> None:
        """Nothing is put on record for an upstream that does not ask; then what it asked for, and little more."""
        self.accepted(5000, delivery=ONCE)
        self.assertEqual(self.spool.intended, [])
        self.assertEqual(self.rig.upstream.take(300), [])
        self.assertEqual(self.recorded(), 300)
        self.assertEqual(sum(map(len, self.rig.upstream.take(300))), 300)
        self.assertLess(self.recorded(), 100)

    def test_all_of_it_goes(self) -> None:
        """An upstream that takes again when it is woken gets everything, each put on record once."""
        self.accepted(5000, delivery=ONCE)
        taken = wakes = 0
        while wakes < self.rig.upstream.wakes:
            wakes = self.rig.upstream.wakes
            while spans := self.rig.upstream.take(256):
                taken += sum(map(len, spans))
        self.assertEqual((taken, sum(map(len, self.spool.intended))), (5000, 5000))

    def run_for(self, seconds: float, a_second: int, commit: float) -> None:
        """Take at this rate from a spool whose commits take so long."""
        self.spool.holding = True
        commits = LoopingCall(self.spool.answer)
        takes = LoopingCall(self.rig.upstream.take, a_second // 1000)
        for call, interval in ((commits, commit), (takes, 0.001)):
            call.clock = self.rig.clock
            call.start(interval)
        self.rig.clock.pump([0.001] * int(1000 * seconds))
        commits.stop()
        takes.stop()

    def test_as_far_ahead_as_a_commit_needs(self) -> None:
        """What is taken while a commit runs is on record before it; at most twice that much ever is."""
        for a_second, commit in ((10_000, 0.05), (15_000, 0.03), (3000, 0.1)):
            self.restarted()
            self.accepted(60_000, delivery=ONCE)
            self.run_for(2, a_second, commit)
            before = sum(map(len, self.rig.upstream.in_flight))
            self.run_for(1, a_second, commit)
            taken = sum(map(len, self.rig.upstream.in_flight)) - before
            self.assertGreater(taken, 0.8 * a_second)
            self.assertLessEqual(self.recorded(), 2.5 * a_second * commit)

    def test_no_further_than_ever(self) -> None:
        """However much is taken, and however long a commit takes, there is a bound."""
        self.accepted(60_000, delivery=ONCE)
        self.run_for(1, 40_000, 0.2)
        self.assertLessEqual(self.recorded(), MOST)

    def test_taken_back(self) -> None:
        """What waits at the end was not written, whatever is on record; what is in flight may have been."""
        self.accepted(4, delivery=ONCE)
        self.accepted(1, app="chat")
        self.assertEqual((self.rig.upstream.take(1), len(self.rig.upstream.take(1))), ([], 1))
        drained = self.rig.gateway.drain()
        self.rig.upstream._close = lambda: None
        drained.cancel()
        self.assertEqual(tokens_of(self.spool.forgone), [token(1), token(2), token(3)])
