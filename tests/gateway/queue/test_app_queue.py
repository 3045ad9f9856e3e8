"""One app's queue as its upstream meets it: what expires, what is suppressed, what is held back, what returns."""

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.dead_tokens.environment_guard import GUARD, PROVEN_GUARD
from pushgate.gateway.limits import Limits
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import Invalid, NotFound, UnknownApp
from pushgate.model.outcome import State, Verdict
from pushgate.testing import RecordingSpool
from tests.gateway_rig import EPOCH, GatewayRig, tokens_of
from tests.samples import token

HALF_AN_HOUR = 1800
PASSED, UNREACHABLE = "ExpirationPassed", "PushServiceUnreachable"


class WorkCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.use()

    def use(self, **app) -> None:
        """Have an app with these settings."""
        self.rig = GatewayRig(**app)
        self.upstream, self.clock = self.rig.upstream, self.rig.clock

    def accepted(self, *arguments, **terms) -> int:
        """The id of a batch that must be accepted."""
        return self.successResultOf(self.rig.submit(*arguments, **terms)).id

    def taken(self, limit: int = 1000) -> list[bytes]:
        """The tokens that the upstream may write now."""
        return tokens_of(self.upstream.take(limit))

    def pass_time(self, seconds: int) -> None:
        """Let so much time pass, each look of the gateway included."""
        self.clock.pump([1] * seconds)


class ExpirationTests(WorkCase):
    """The `expiration` of a notification, which is wall time."""

    def test_when_taken(self) -> None:
        """From the second of its expiration on, a notification is not written; before that it is."""
        self.accepted([token(1)], expiration=EPOCH + 10)
        self.accepted([token(2)], expiration=EPOCH + 11)
        self.clock.advance(10)
        self.assertEqual(self.taken(), [token(2)])
        self.assertEqual(self.rig.reported(), [(token(1), State.EXPIRED, PASSED)])

    def test_what_expired_takes_no_place(self) -> None:
        """A take is filled with what may be written: what expired costs none of its limit."""
        self.accepted([token(1)], expiration=EPOCH)
        self.accepted([token(2), token(3)])
        self.assertEqual(self.taken(2), [token(2), token(3)])

    def test_before_it_is_sent_again(self) -> None:
        """Sending again does not prolong an expiration."""
        self.accepted(1, expiration=EPOCH + 10)
        self.taken()
        self.clock.advance(10)
        self.upstream.requeue()
        self.assertEqual(self.taken(), [])
        self.assertEqual(self.rig.reported(), [(token(0), State.EXPIRED, PASSED)])

    def test_not_once_it_is_written(self) -> None:
        """What is in flight is the push service's to let expire."""
        self.accepted(1, expiration=EPOCH + 10)
        self.upstream.take()
        self.pass_time(20)
        self.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.rig.states(), {token(0): State.ACCEPTED})

    def test_swept_while_unreachable(self) -> None:
        """Nobody need take it: while the push service cannot be reached, the sweep finds it within a second."""
        self.accepted([token(1)], expiration=EPOCH + 10)
        self.accepted([token(2)])
        self.upstream.reachable(False)
        self.pass_time(9)
        self.assertEqual(self.rig.reported(), [])
        self.pass_time(1)
        self.assertEqual(self.rig.reported(), [(token(1), State.EXPIRED, PASSED)])
        self.assertEqual(self.upstream.work.depth(), 1)

    def test_zero_means_try_once(self) -> None:
        """Expiration 0 asks the push service to try once and not to store; it never expires by itself."""
        self.accepted(1, expiration=0)
        self.upstream.reachable(False)
        self.pass_time(60)
        self.upstream.reachable(True)
        self.assertEqual(self.taken(), [token(0)])
        self.upstream.requeue()
        self.assertEqual(self.taken(), [token(0)])

    def test_zero_waits_no_longer_than_others(self) -> None:
        """The gateway's own limit holds for expiration 0 too."""
        self.upstream.reachable(False)
        self.accepted(1, expiration=0)
        self.pass_time(HALF_AN_HOUR)
        self.assertEqual(self.rig.reported(), [(token(0), State.EXPIRED, UNREACHABLE)])

    def test_the_wall_clock_is_stepped(self) -> None:
        """Expiration follows the wall clock, however it moves, because that is what the caller named."""
        self.accepted(1, expiration=EPOCH + 10)
        self.clock.advance(20)
        self.rig.epoch -= 15
        self.assertEqual(self.taken(), [token(0)])
        self.upstream.requeue()
        self.rig.epoch += 15
        self.assertEqual(self.taken(), [])

    def test_a_clock_that_moves_during_the_sweep(self) -> None:
        """What expires while the sweep is looking expires now or at the next look; it is never lost."""
        self.accepted([token(1)], expiration=EPOCH + 5)
        number = self.accepted([token(2)], expiration=EPOCH + 10)
        self.upstream.reachable(False)
        ticks = iter([EPOCH + 9.9] * 2 + [EPOCH + 10.1] * 100)
        self.rig.queue._context = replace(self.rig.context, wall=lambda: next(ticks))
        self.rig.queue.sweep()
        self.assertEqual((self.upstream.work.depth(), self.rig.status(number)["state"]), (1, "queued"))
        self.rig.queue.sweep()
        self.assertEqual(self.rig.states(), dict.fromkeys([token(1), token(2)], State.EXPIRED))


class UnreachableTests(WorkCase):
    """The gateway's own 30 minutes, which are monotonic time."""

    def test_exactly_half_an_hour(self) -> None:
        """After 30 minutes without a push service, no second earlier, what waits ends."""
        self.accepted()
        self.upstream.reachable(False)
        self.pass_time(HALF_AN_HOUR - 1)
        self.assertEqual(self.rig.reported(), [])
        self.pass_time(1)
        self.assertEqual(self.rig.reported(), [(token(0), State.EXPIRED, UNREACHABLE)])

    def test_it_may_be_set(self) -> None:
        """The limit is the configuration's, and may change while something waits."""
        self.rig.gateway.limit(Limits(expiry=5.0))
        self.accepted()
        self.upstream.reachable(False)
        self.pass_time(5)
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_each_for_itself(self) -> None:
        """Who came later waits its own 30 minutes."""
        self.upstream.reachable(False)
        self.accepted([token(1)])
        self.pass_time(60)
        self.accepted([token(2)])
        self.pass_time(HALF_AN_HOUR - 60)
        self.assertEqual(self.rig.states(), {token(1): State.EXPIRED})
        self.pass_time(60)
        self.assertEqual(set(self.rig.states()), {token(1), token(2)})

    def test_waiting_behind_others_does_not_count(self) -> None:
        """A queue that is merely long lets nothing expire, and its wait is forgotten when the service goes."""
        self.accepted()
        self.pass_time(2 * HALF_AN_HOUR)
        self.upstream.reachable(False)
        self.pass_time(HALF_AN_HOUR - 1)
        self.assertEqual(self.rig.reported(), [])
        self.upstream.reachable(True)
        self.pass_time(HALF_AN_HOUR)
        self.assertEqual(self.taken(), [token(0)])

    def test_every_failure_is_not_a_new_beginning(self) -> None:
        """The time counts from the first failure in a row."""
        self.accepted()
        for _ in range(HALF_AN_HOUR // 100):
            self.upstream.reachable(False)
            self.pass_time(100)
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_what_came_back(self) -> None:
        """What was in flight when the service went waits as the others do."""
        self.accepted()
        self.upstream.take()
        self.upstream.reachable(False)
        self.upstream.requeue()
        self.pass_time(HALF_AN_HOUR)
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_taken_in_the_same_moment(self) -> None:
        """A connection attempt that takes before the sweep has looked gets nothing that has waited too long."""
        self.clock.advance(0.5)
        self.accepted()
        self.upstream.reachable(False)
        self.clock.advance(0.5)
        self.pass_time(HALF_AN_HOUR - 1)
        self.clock.advance(0.5)
        self.assertEqual(self.rig.reported(), [])
        self.assertEqual(self.taken(), [])
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_the_wall_clock_does_not_matter(self) -> None:
        """A wall clock that is set a day forward makes nobody wait too long."""
        self.accepted()
        self.upstream.reachable(False)
        self.pass_time(60)
        self.rig.epoch += 86400
        self.pass_time(60)
        self.assertEqual(self.rig.reported(), [])
        self.rig.epoch -= 2 * 86400
        self.pass_time(HALF_AN_HOUR - 120)
        self.assertEqual(self.rig.states(), {token(0): State.EXPIRED})

    def test_one_outcome_for_two_reasons(self) -> None:
        """What is past both limits ends once."""
        self.accepted(1, expiration=EPOCH + HALF_AN_HOUR)
        self.upstream.reachable(False)
        self.pass_time(HALF_AN_HOUR)
        self.assertEqual(self.rig.reported(), [(token(0), State.EXPIRED, PASSED)])


class DeadTokenTests(WorkCase):
    def test_fed_back(self) -> None:
        """A token the feedback service listed is not sent to; its neighbours are."""
        self.upstream.work.tokens_died([DeadTokenEntry(token(1), EPOCH - 60, DeadReason.FEEDBACK)])
        self.accepted(3)
        self.assertEqual(self.taken(), [token(0), token(2)])
        self.assertEqual(self.rig.reported()[1:], [])
        self.assertEqual(self.rig.states(), {token(1): State.SUPPRESSED})

    def test_rejected(self) -> None:
        """A token the push service refused is not tried again."""
        self.accepted()
        self.upstream.reject(self.upstream.take()[0])
        self.accepted()
        self.assertEqual(self.taken(), [])
        self.assertEqual(
            self.rig.reported(),
            [(token(0), State.REJECTED, "InvalidToken"), (token(0), State.SUPPRESSED, "DeadToken")],
        )

    def test_registered_again(self) -> None:
        """A token that its device gave after the death lives; one given before it does not."""
        self.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        for registered_at, sent in ((EPOCH - 1, False), (EPOCH, True), (EPOCH + 1, True)):
            self.accepted(1, registered_at=registered_at)
            self.assertEqual(self.taken() == [token(0)], sent, registered_at)

    def test_other_apps_are_not_concerned(self) -> None:
        """A token belongs to an app."""
        self.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.accepted(1, app="chat")
        self.assertEqual(tokens_of(self.rig.factory.made["chat"].take()), [token(0)])

    def test_the_same_token_later_in_the_window(self) -> None:
        """The rejection of a token is known before what was behind it is sent again, the token's own included."""
        self.accepted([token(1), token(7), token(2), token(7), token(3)])
        [taken] = self.upstream.take()
        self.upstream.settle(State.ACCEPTED, taken.part(0, 1))
        self.upstream.reject(taken.part(1, 2))
        self.upstream.requeue(taken.part(2, 5))
        self.assertEqual(self.taken(), [token(2), token(3)])
        self.assertEqual([state for each, state, _ in self.rig.reported() if each == token(7)],
                         [State.REJECTED, State.SUPPRESSED])  # fmt: skip

    def test_feedback_while_in_flight(self) -> None:
        """A token that turns out dead while it is in flight is not sent again when it comes back."""
        self.accepted(2)
        self.upstream.take()
        self.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.upstream.requeue()
        self.assertEqual(self.taken(), [token(1)])
        self.assertEqual(self.rig.states(), {token(0): State.SUPPRESSED})

    def test_feedback_while_in_flight_settled(self) -> None:
        """The same token, accepted after all, has that outcome and no other."""
        self.accepted()
        self.upstream.take()
        self.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.upstream.settle(State.ACCEPTED)
        self.assertEqual(self.rig.states(), {token(0): State.ACCEPTED})

    def test_a_row_of_rejections_is_suspect(self) -> None:
        """Too many in a row, nothing accepted between them, are no dead tokens but a wrong environment."""
        for number in range(GUARD):
            tripped = self.upstream.work.token_rejected(token(number), first=True)
        self.assertTrue(tripped)
        self.accepted(GUARD)
        self.assertEqual(len(self.taken()), GUARD)

    def rejected(self, times: int) -> bool:
        """Have so many tokens in a row refused at once; whether the environment is suspect then."""
        tripped = [self.upstream.work.token_rejected(token(i), first=True) for i in range(times)]
        return any(tripped)

    def test_an_acceptance_ends_the_row(self) -> None:
        """What the push service accepts proves the environment."""
        self.rejected(GUARD - 1)
        self.accepted([b"proof"])
        self.upstream.take()
        self.upstream.settle(State.ACCEPTED)
        self.assertFalse(self.rejected(GUARD - 1))

    def test_an_acceptance_before_the_rejection_ends_the_row(self) -> None:
        """So does a rejection that is not the first word of a connection: what was before it is accepted."""
        self.rejected(GUARD - 1)
        self.assertFalse(self.upstream.work.token_rejected(token(99), first=False))
        self.assertFalse(self.rejected(GUARD - 2))

    def test_silence_does_not_end_the_row(self) -> None:
        """What is merely presumed to be accepted proves nothing; but a wrong environment needs a longer row then."""
        self.rejected(GUARD - 1)
        self.accepted([b"proof"])
        self.upstream.take()
        self.upstream.settle(State.PRESUMED)
        self.assertFalse(self.rejected(PROVEN_GUARD - GUARD))
        self.assertTrue(self.rejected(1))

    def test_a_presumption_that_proves_wrong(self) -> None:
        """It is evidence of nothing any more."""
        self.accepted([b"proof"])
        [span] = self.upstream.take()
        self.upstream.settle(State.PRESUMED)
        self.assertFalse(self.rejected(GUARD - 1))
        recalled = replace(span, recalled=True)
        self.upstream.work.settle([Verdict(recalled, State.REJECTED, 8, "InvalidToken")])
        self.assertTrue(self.rejected(1))

    def test_tokens_of_a_bad_size_are_no_evidence(self) -> None:
        """A wrong environment has nothing to do with the length of tokens."""
        work = self.upstream.work
        tripped = [
            work.token_rejected(token(i), True, DeadReason.INVALID_TOKEN_SIZE) for i in range(3 * GUARD)
        ]
        self.assertFalse(any(tripped))
        self.assertEqual(self.rig.gateway.stats()["apps"]["news"]["dead_tokens"], 3 * GUARD)


class AloneTests(WorkCase):
    """What must travel alone."""

    def suspect(self, *spans) -> None:
        """Give spans back as ones that must travel alone."""
        self.upstream.in_flight.clear()
        self.upstream.work.requeue([replace(span, alone=1) for span in spans])

    def test_only_when_idle(self) -> None:
        """A suspect is given when nothing is in flight, and then alone; the others do not wait for it."""
        self.accepted(3)
        [taken] = self.upstream.take()
        self.suspect(taken.part(0, 1))
        self.accepted([token(9)])
        self.assertTrue(self.upstream.work.has_suspects())
        self.assertEqual(tokens_of(self.upstream.work.take(10, idle=False)), [token(9)])
        self.assertEqual(tokens_of(self.upstream.work.take(10, idle=True)), [token(0)])
        self.assertFalse(self.upstream.work.has_suspects())

    def test_all_suspects_gone(self) -> None:
        """When every suspect has expired meanwhile, the take is not empty: the others go."""
        self.accepted(2, expiration=EPOCH + 5)
        [taken] = self.upstream.take()
        self.suspect(taken.part(0, 1), taken.part(1, 2))
        self.accepted([token(9)])
        self.clock.advance(5)
        self.assertEqual(self.taken(), [token(9)])
        self.assertEqual(self.rig.states(), dict.fromkeys([token(0), token(1)], State.EXPIRED))


class RateTests(WorkCase):
    def run_for(self, seconds: float, step: float = 0.01) -> int:
        """Take whenever the gateway says there is work; how many were taken."""
        taken, wakes = 0, -1
        for _ in range(round(seconds / step)):
            if self.upstream.wakes != wakes:
                wakes = self.upstream.wakes
                taken += len(self.taken())
                if self.upstream.in_flight:
                    self.upstream.settle(State.ACCEPTED)
            self.clock.advance(step)
        return taken

    def test_rate(self) -> None:
        """An app sends as many a second as its rate says, and is woken when it may send more."""
        self.use(rate=100)
        self.accepted(5000)
        self.assertIn(self.run_for(10), range(1000, 1012))  # what an idle app had saved up included
        self.assertIn(self.run_for(10), range(999, 1002))

    def test_a_slow_rate(self) -> None:
        """Less than one a second works too."""
        self.use(rate=0.5)
        self.accepted(100)
        self.assertIn(self.run_for(60, step=0.1), (30, 31))

    def test_many_connections_share_it(self) -> None:
        """The rate is the app's: who asks more often gets no more."""
        self.use(rate=100)
        self.accepted(5000)
        self.run_for(1)
        total = 0
        for _ in range(1000):
            total += len(self.taken()) + len(self.taken())
            self.clock.advance(0.001)
        self.assertIn(total, range(99, 112))

    def test_what_is_not_sent_costs_nothing(self) -> None:
        """The suppressed and the expired use up none of the rate."""
        self.use(rate=10)
        self.upstream.work.tokens_died([DeadTokenEntry(token(0), EPOCH, DeadReason.FEEDBACK)])
        self.accepted([token(0)] * 500)
        self.accepted([token(1)])
        self.assertEqual(self.taken(), [token(1)])

    def test_it_is_changed_while_it_runs(self) -> None:
        """Faster, slower, and without limit, from the moment on; the upstream is woken for it."""
        self.use(rate=100)
        self.accepted(50000)
        self.run_for(1)
        for rate in (1000, 20):
            self.rig.gateway.pace_app("news", rate)
            self.assertEqual(self.rig.gateway.stats()["apps"]["news"]["rate"], rate)
            self.run_for(1)
            self.assertIn(self.run_for(5), range(rate * 5 - rate // 10 - 1, rate * 5 + rate // 10 + 1))
        wakes = self.upstream.wakes
        self.rig.gateway.pace_app("news", 0)
        self.assertEqual((self.upstream.wakes, len(self.taken(9999))), (wakes + 1, 9999))

    def test_no_rate(self) -> None:
        """Without a rate nothing is held back, and no timer is set."""
        before = len(self.clock.getDelayedCalls())
        self.accepted(5000)
        self.assertEqual(len(self.taken(10000)), 5000)
        self.assertEqual(len(self.clock.getDelayedCalls()), before)

    def test_an_empty_queue_sets_no_timer(self) -> None:
        """When the rate is used up and nothing waits, nobody needs to be woken."""
        self.use(rate=5)
        self.accepted()
        self.assertEqual(len(self.taken()), 1)
        wakes = self.upstream.wakes
        self.clock.advance(2)
        self.assertEqual(self.upstream.wakes, wakes)


class BatchRateTests(WorkCase):
    """A batch with a rate of its own, and what is sent beside it."""

    run_for = RateTests.run_for

    def test_it_keeps_to_it(self) -> None:
        """It goes at its rate and the upstream is woken for it, while another batch goes at once."""
        self.accepted(1000, rate=100)
        self.accepted([token(5000 + number) for number in range(300)])
        self.assertIn(self.run_for(0.02), (310, 311))
        self.assertIn(self.run_for(1), (99, 100, 101))
        stats = self.rig.gateway.stats()["apps"]["news"]
        self.assertEqual(stats["paced"], self.upstream.work.depth())
        self.assertEqual(stats["queue_age"], 0)  # what goes slowly because it was asked to is not late

    def test_the_rate_of_the_app_bounds_the_sum(self) -> None:
        """Two paced batches and one that is not share what the app may send; urgent takes it first."""
        self.use(rate=100)
        for _ in range(2):
            self.accepted(5000, rate=80, priority=5)
        self.accepted(5000, priority=5)
        self.run_for(1)
        self.assertIn(self.run_for(5), range(495, 506))
        self.accepted([token(9999)])
        self.assertIn(token(9999), self.taken())

    def test_nothing_sleeps_through(self) -> None:
        """A slow batch, a fast one, and one that gets faster while everybody sleeps."""
        slow = self.accepted(100, rate=0.1)
        self.run_for(1)
        self.accepted(100, rate=20)
        self.assertIn(self.run_for(4), range(78, 83))
        self.assertTrue(self.rig.gateway.pace_batch(slow + 50, 50))
        self.assertIn(self.run_for(2.5), range(99, 126))
        self.assertEqual(self.upstream.work.depth(), 0)
        before = self.upstream.wakes
        self.clock.advance(5)
        self.assertEqual(self.upstream.wakes, before)

    def test_a_rate_for_what_is_done_or_unknown(self) -> None:
        """What is done cannot be paced, which is no error; what nobody knows is, and so is a rate that is none."""
        number = self.accepted()
        self.taken()
        self.upstream.settle(State.ACCEPTED)
        self.assertFalse(self.rig.gateway.pace_batch(number, 5))
        self.assertRaises(NotFound, self.rig.gateway.pace_batch, 12345, 5)
        self.assertRaises(UnknownApp, self.rig.gateway.pace_app, "nobody", 5)
        for rate in (-1, float("nan"), float("inf")):
            self.assertRaises(Invalid, self.rig.gateway.pace_app, "news", rate)
            self.assertRaises(Invalid, self.rig.gateway.pace_batch, number, rate)

    def test_in_the_spool(self) -> None:
        """A batch that waits in the spool alone gets its rate too; what is paced holds back no page."""
        spool = RecordingSpool()
        self.rig = GatewayRig(spool=spool, limits=Limits(held=1, few=10))
        self.upstream, self.clock = self.rig.upstream, self.rig.clock
        ids = []
        for rate in (1, 0, 0, 0):
            submitted = self.rig.submit(10, rate=rate)
            spool.release()
            ids.append(self.successResultOf(submitted).id)
        self.assertEqual(self.rig.queue.in_spool, 20)
        paced = self.rig.gateway.pace_batch(ids[3], 2)
        self.assertTrue(self.successResultOf(paced))
        self.failureResultOf(self.rig.gateway.pace_batch(4711, 2), NotFound)
        sent = self.taken() + self.taken() + self.taken()
        self.assertEqual((len(sent), self.rig.queue._ready.paced.depth), (1 + 20 + 1, 18))
        again = self.rig.gateway.pace_batch(ids[3], 0)
        self.assertTrue(again)
        self.assertEqual(len(self.taken()), 9)

    def test_a_stop_does_not_wait_for_it(self) -> None:
        """What the spool keeps goes at its rate after the restart; what it does not is waited for."""
        for spool, waits in ((RecordingSpool(), False), (None, True)):
            self.rig = GatewayRig(spool=spool)
            self.rig.submit(10, rate=1)
            if spool:
                spool.release()
            self.rig.upstream.take()
            self.rig.gateway.refuse()
            self.rig.gateway.drain()
            self.rig.clock.advance(0)
            self.assertEqual("stop" not in self.rig.upstream.history, waits)
