"""Test sends: few devices, few a minute, and what became of each."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from pushgate.gateway.send_tests import SendTests
from pushgate.model.errors import Invalid, NotFound, ShuttingDown, TooLarge, TooOften, UnknownApp
from pushgate.model.notification import Submission, Terms
from pushgate.model.outcome import State, Verdict
from pushgate.model.packed import Packed
from pushgate.plugin.gateway_interface import Receipt
from tests.gateway_rig import GatewayRig, GatewayTestCase
from tests.samples import PAYLOAD, token


def submission(count=1, app="news", key=None, **terms):
    """For so many devices."""
    tokens = Packed.of(list(map(token, range(count))), 1)
    return Submission(app=app, tokens=tokens, payload=PAYLOAD, terms=Terms(**terms), key=key)


class SendTestCase(GatewayTestCase):
    """A gateway whose upstream settles when the test says so."""

    def setUp(self):
        self.rig = GatewayRig()
        self.successResultOf(self.rig.started)

    def tried(self, what, patience=30.0):
        """A test send."""
        return self.rig.gateway.test_send(what, "test", patience)

    def settle(self, *verdicts):
        """Settle what was taken, one span after the other."""
        [span] = self.rig.upstream.take(10)
        parts = [Verdict(span.part(index, index + 1), *verdict) for index, verdict in enumerate(verdicts)]
        self.rig.upstream.work.settle(parts)
        self.rig.clock.advance(0)

    def test_what_became_of_each(self):
        """It is answered when all have their outcome, with the time that each took."""
        sent = self.tried(submission(2))
        self.rig.clock.advance(0.5)
        self.assertNoResult(sent)
        self.settle((State.ACCEPTED,), (State.REJECTED, 8, "InvalidToken"))
        result = self.successResultOf(sent)
        self.assertEqual(
            [(each.index, each.outcome.state, each.outcome.status, each.seconds) for each in result.devices],
            [(0, State.ACCEPTED, None, 0.5), (1, State.REJECTED, 8, 0.5)],
        )
        self.assertEqual([each.id - result.id for each in result.devices], [0, 1])
        self.assertEqual(
            (result.settled, result.waited, result.refused, result.repeated), (True, 0.5, (), False)
        )
        self.assertEqual(self.rig.clock.getDelayedCalls()[1:], [])  # only the sweeper's

    def test_what_has_no_outcome(self):
        """After the time is over it is said where each is."""
        sent = self.tried(submission(2), patience=5.0)
        self.settle((State.ACCEPTED,))
        self.rig.clock.advance(4.9)
        self.assertNoResult(sent)
        self.rig.clock.advance(0.2)
        result = self.successResultOf(sent)
        self.assertEqual([each.outcome.state for each in result.devices], [State.ACCEPTED, State.WRITTEN])
        self.assertEqual([each.seconds is None for each in result.devices], [False, True])
        self.assertFalse(result.settled)

    def test_the_longest_wait(self):
        """Nobody waits longer than half a minute, however much time is given."""
        sent = self.tried(submission(), patience=1e9)
        self.rig.clock.pump([29.9])
        self.assertNoResult(sent)
        self.rig.clock.pump([0.2])
        self.assertEqual(self.successResultOf(sent).devices[0].outcome.state, State.QUEUED)

    def test_refused_members(self):
        """They are listed, and not waited for."""
        members = Packed.of([token(0), b""], 1)
        sent = self.tried(Submission(app="news", tokens=members, payload=PAYLOAD))
        self.settle((State.ACCEPTED,))
        result = self.successResultOf(sent)
        self.assertEqual([index for index, _ in result.refused], [1])
        self.assertEqual([each.index for each in result.devices], [0])

    def test_all_refused(self):
        """Then it is answered at once."""
        sent = self.tried(Submission(app="news", tokens=Packed.of([b""], 1), payload=PAYLOAD))
        self.assertEqual(self.successResultOf(sent).devices, ())

    def test_too_many_devices(self):
        """Ten are the most."""
        self.assertNoResult(self.tried(submission(10)))
        error = self.failureResultOf(self.tried(submission(11)), TooLarge).value
        self.assertEqual(str(error), "tokens of a test send: 11 tokens; at most 10")
        self.assertEqual(self.rig.counted("pushgate_refused_total", "news", "test", "TOO_LARGE"), 11)

    def test_too_often(self):
        """An app has ten in a minute; the eleventh is told when to come again, other apps have their own."""
        for _ in range(10):
            self.tried(submission())
            self.rig.clock.advance(1)
        error = self.failureResultOf(self.tried(submission()), TooOften).value
        self.assertEqual((error.code, error.retry_after), ("OVERLOADED", 50.0))
        self.assertEqual(str(error), "test sends of news: at most 10 a minute; again in 50 s")
        self.assertNoResult(self.tried(submission(app="chat")))
        self.rig.clock.advance(50)
        self.assertNoResult(self.tried(submission()))
        self.failureResultOf(self.tried(submission()), TooOften)

    def test_what_is_refused_takes_no_turn(self):
        """A mistake in a payload costs none of the ten."""
        for _ in range(20):
            bad = Submission(app="news", tokens=Packed.of([token(0)], 1), payload=b"{")
            self.failureResultOf(self.tried(bad), Invalid)
        self.assertNoResult(self.tried(submission()))

    def test_no_app(self):
        """What is no app has no turns that are remembered."""
        self.failureResultOf(self.tried(submission(app="nope")), UnknownApp)
        self.assertEqual(self.rig.gateway._send_tests._recent, {})

    def test_the_same_again(self):
        """A repetition sends nothing, and says how it stands."""
        first = self.tried(submission(key="once"))
        self.settle((State.ACCEPTED,))
        again = self.successResultOf(self.tried(submission(key="once")))
        self.assertEqual(again.id, self.successResultOf(first).id)
        self.assertTrue(again.repeated)
        self.assertTrue(again.settled)
        self.assertEqual(again.devices[0].outcome.state, State.ACCEPTED)

    def test_a_caller_that_goes(self):
        """Nothing waits for one that gave up; what was sent is sent."""
        sent = self.tried(submission())
        sent.cancel()
        self.failureResultOf(sent, CancelledError)
        self.assertEqual(self.rig.gateway._send_tests._waits, set())
        self.settle((State.ACCEPTED,))

    def test_a_stop(self):
        """What waits is answered when nothing more will come; then nothing is taken."""
        sent = self.tried(submission())
        self.rig.gateway.refuse()
        self.failureResultOf(self.tried(submission()), ShuttingDown)
        self.assertNoResult(sent)
        self.rig.gateway._send_tests.stop()
        self.assertEqual(self.successResultOf(sent).devices[0].outcome.state, State.QUEUED)

    def test_after_a_stop(self):
        """One whose receipt came after the end waits for nothing, and what nobody knows any more is no error."""

        async def submit(what, origin, settled):
            return Receipt(1 << 16, 1)

        def status(number):
            raise NotFound

        tests = SendTests(Clock(), submit, status)
        tests.check(submission())
        tests.stop()

        result = self.successResultOf(Deferred.fromCoroutine(tests.send(submission(), "test")))
        self.assertEqual([(each.outcome, each.seconds) for each in result.devices], [(None, None)])
