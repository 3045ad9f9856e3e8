"""Single pushes of one reactor turn become one batch."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.turns import AT_ONCE
from pushgate.model.errors import Internal, Invalid, Overloaded, TooLarge, UnknownApp
from pushgate.model.notification import MAX_BATCH, Priority, Submission, Terms
from pushgate.model.packed import Packed
from pushgate.testing import RecordingGateway
from tests.inputs.common.test_turns import turn
from tests.samples import PAYLOAD, token

TERMS = Terms()


class GathererTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail")
        self.batcher = Batcher(lambda submission: self.gateway.submit(submission, "front"), self.clock)
        self.results = []

    def push(self, number, app="news", payload=PAYLOAD, terms=TERMS):
        self.batcher.push(app, token(number), payload, terms, self.results.append)

    def test_the_pushes_of_one_turn_are_one_batch(self):
        """Each is answered with the batch's id plus its own index, in the order in which they came."""
        for number in range(3):
            self.push(number)
        self.clock.advance(0)
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.tokens), [token(number) for number in range(3)])
        self.assertEqual(self.results, [self.results[0], self.results[0] + 1, self.results[0] + 2])

    def test_nothing_is_submitted_before_the_turn_is_over(self):
        """Whoever pushes learns nothing within its own call, so it need not expect to be called back there."""
        self.push(1)
        self.assertEqual((self.gateway.submissions, self.results), ([], []))

    def test_the_pushes_of_two_turns_are_two_batches(self):
        """Nothing waits for a later turn: gathering costs no time."""
        for number in range(2):
            self.push(number)
            self.clock.advance(0)
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [1, 1])

    def test_each_app_and_each_terms_have_their_own_batch(self):
        """The members of a batch share their app and terms; payloads may differ."""
        bulk = Terms(priority=Priority.BULK)
        self.push(1)
        self.push(2, terms=bulk)
        self.push(3, app="mail")
        self.push(4, payload=b"{}")
        self.clock.advance(0)
        groups = [(each.app, each.terms, list(each.tokens)) for each in self.gateway.submissions]
        self.assertEqual(
            groups,
            [
                ("news", Terms(), [token(1), token(4)]),
                ("news", bulk, [token(2)]),
                ("mail", Terms(), [token(3)]),
            ],
        )
        self.assertEqual(list(self.gateway.submissions[0].payload), [PAYLOAD, b"{}"])

    def test_one_bad_payload_refuses_one_push(self):
        """The others of its turn, which came from other callers, go through."""
        self.push(1)
        self.push(2, payload=b"no JSON")
        self.push(3)
        self.clock.advance(0)
        first, refusal, third = self.results
        self.assertEqual(third, first + 2)
        self.assertIsInstance(refusal, Invalid)
        self.assertIn("payload", str(refusal))

    def test_a_refused_batch_refuses_every_push(self):
        """What the gateway says to the batch is said to each of its callers."""
        self.push(1, app="nwes")
        self.push(2, app="nwes")
        self.clock.advance(0)
        self.assertEqual([type(each) for each in self.results], [UnknownApp, UnknownApp])

    def test_a_payload_that_fits_into_no_batch_is_refused_at_once(self):
        """A batch keeps the length of a payload in two bytes."""
        with self.assertRaises(TooLarge):
            self.push(1, payload=b"{" + b" " * 65535 + b"}")

    def test_a_full_batch_does_not_wait_for_the_end_of_the_turn(self):
        """An id leaves 16 bits for the place in the batch, so there are never more members."""
        for number in range(MAX_BATCH + 1):
            self.push(number)
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [MAX_BATCH])
        self.clock.advance(0)
        self.assertEqual([len(each.tokens) for each in self.gateway.submissions], [MAX_BATCH, 1])
        self.assertEqual(len(self.results), MAX_BATCH + 1)

    def test_a_bug_of_the_gateway_is_logged_once_and_answered_to_all(self):
        """Callers learn that it failed, not how; operators read it once, however many asked."""
        self.gateway.error = ZeroDivisionError()
        self.push(1)
        self.push(2)
        self.clock.advance(0)
        self.assertEqual([type(each) for each in self.results], [Internal, Internal])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_batch_of_the_callers_own_is_passed_on(self):
        """Its receipt, or its refusal, comes back whole."""
        batch = Submission(app="news", tokens=Packed.of([token(1), token(2)], 1), payload=PAYLOAD)
        self.batcher.submit(batch, self.results.append)
        self.gateway.error = Overloaded("queue", 10, 10)
        self.batcher.submit(batch, self.results.append)
        receipt, refusal = self.results
        self.assertEqual((receipt.count, receipt.refused), (2, ()))
        self.assertIs(refusal, self.gateway.error)

    def test_very_many_terms_go_in_turns(self):
        """Each turn submits some of the batches; all are answered in the end."""
        for number in range(2 * AT_ONCE + 1):
            self.push(number, terms=Terms(expiration=number))
        for submitted in (AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1):
            turn(self.clock)
            self.assertEqual(len(self.gateway.submissions), submitted)
        self.assertEqual(len(self.results), 2 * AT_ONCE + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_timer_runs_when_nothing_is_pushed(self):
        """An idle input costs nothing."""
        self.push(1)
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
