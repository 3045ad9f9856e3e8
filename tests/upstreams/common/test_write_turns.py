"""Turns of the reactor in which something is written."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.upstreams.common.write_turns import PAUSE, WriteTurns


class WriteTurnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.taken, self.more = Clock(), 0, 0
        self.turns = WriteTurns(self.clock, self.take)

    def take(self) -> None:
        self.taken += 1
        if self.more:
            self.more -= 1
            self.turns.ask()

    def test_asked_for_often(self) -> None:
        """However often a turn is asked for, it comes once, and not at once."""
        for _ in range(3):
            self.turns.ask()
        self.assertEqual(self.taken, 0)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertEqual(self.taken, 1)

    def test_more(self) -> None:
        """A turn that asks for another one gets it, until there is no more."""
        self.more = 2
        self.turns.ask()
        self.clock.advance(0)
        self.assertEqual((self.taken, self.clock.getDelayedCalls()), (3, []))

    def test_cancelled(self) -> None:
        """A turn that was cancelled does not come, and another may be asked for."""
        self.turns.cancel()
        self.turns.ask()
        self.turns.cancel()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(0)
        self.assertEqual(self.taken, 0)
        self.turns.ask()
        self.clock.advance(0)
        self.assertEqual(self.taken, 1)


class PauseTests(SynchronousTestCase):
    """Turns of an upstream for which little is to wait for more."""

    def setUp(self) -> None:
        self.clock, self.taken, self.much = Clock(), list[float](), False
        self.turns = WriteTurns(self.clock, self.take, lambda: self.much)
        self.turns.ask()
        self.clock.advance(0)

    def take(self) -> None:
        self.taken.append(self.clock.seconds())

    def test_the_first(self) -> None:
        """What comes after a pause is written at once."""
        self.assertEqual(self.taken, [0])
        self.clock.advance(PAUSE)
        self.turns.ask()
        self.clock.advance(0)
        self.assertEqual(self.taken, [0, PAUSE])

    def test_one_by_one(self) -> None:
        """What comes in the meantime is written together, when the pause is over."""
        for _ in range(4):
            self.clock.advance(PAUSE / 8)
            self.turns.ask()
        self.assertEqual(self.taken, [0])
        self.clock.advance(PAUSE / 2)
        self.assertEqual(self.taken, [0, PAUSE])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_much(self) -> None:
        """When it has become enough it is written in the next turn of the reactor."""
        self.turns.ask()
        self.clock.advance(PAUSE / 2)
        self.much = True
        self.turns.ask()
        self.turns.ask()
        self.clock.advance(0)
        self.turns.ask()
        self.clock.advance(0)
        self.assertEqual(self.taken, [0, PAUSE / 2, PAUSE / 2])
