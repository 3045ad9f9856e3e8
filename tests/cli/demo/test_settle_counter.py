"""Counting notifications on their way."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.demo.settle_counter import SettleCounter
from pushgate.cli.settle_wait import PATIENCE, NoProgress
from tests.cli.demo.test_audit import record


class SettlingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.shown = Clock(), []
        self.settling = SettleCounter(2, lambda *counts: self.shown.append(counts), self.clock)
        self.settling.start()

    def test_done(self) -> None:
        """It is done when every notification has an outcome; two for one are not two notifications."""
        for token in ("0a", "0a", None, "0b"):
            self.assertNoResult(self.settling.done)
            self.settling.record(record(token or "", "accepted", **({} if token else {"id": None})))
            self.clock.advance(0.1)
        self.successResultOf(self.settling.done)
        self.settling.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.shown[-1], (0, 2))

    def test_stuck(self) -> None:
        """It fails when nothing happens for a long time, and only then."""
        self.clock.pump([1.0] * int(PATIENCE / 2))
        self.settling.pushed = 2
        self.clock.pump([1.0] * int(PATIENCE - 1))
        self.assertNoResult(self.settling.done)
        self.clock.pump([1.0] * 3)
        error = self.failureResultOf(self.settling.done, NoProgress).value
        self.assertEqual(str(error), "nothing happened for 60 s: 2 pushed, 0 settled")
