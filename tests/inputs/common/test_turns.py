"""Long work in turns of the reactor: some of it in each, and not more than is answered."""

from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.turns import AT_ONCE, UNDER_WAY, Turns


def turn(clock: Clock) -> None:
    """One turn of the reactor: what is to be called now, and not what that asks for in its turn."""
    for call in clock.getDelayedCalls():
        function, arguments = call.func, call.args
        call.cancel()
        function(*arguments)


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.submitted: list[int] = []
        self.noted: list[tuple[int, str]] = []
        self.answers: list[Deferred[str]] = []

    def submit(self, part: int) -> Deferred[str]:
        self.submitted.append(part)
        self.answers.append(Deferred())
        return self.answers[-1]

    def begin(self, parts: Iterator[int] | range) -> Deferred[None]:
        return Deferred.fromCoroutine(
            self.turns.each(parts, self.submit, lambda part, result: self.noted.append((part, result)))
        )

    def answer(self) -> None:
        for answer in self.answers:
            if not answer.called:
                answer.callback("yes")

    def test_one_piece_begins_at_once(self) -> None:
        """And is done when it is answered: a turn of its own would make every request later."""
        done = self.begin(range(3))
        self.assertEqual(self.submitted, [0, 1, 2])
        self.assertNoResult(done)
        self.answer()
        self.successResultOf(done)
        self.assertEqual(self.noted, [(0, "yes"), (1, "yes"), (2, "yes")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing(self) -> None:
        """No part is no work."""
        self.successResultOf(self.begin(range(0)))

    def test_some_in_each_turn(self) -> None:
        """And no part is made before its turn."""
        made: list[int] = []
        done = self.begin(part for part in range(3 * AT_ONCE) if made.append(part) is None)
        for number in (1, 2, 3):
            self.assertEqual((len(self.submitted), len(made)), (number * AT_ONCE, number * AT_ONCE))
            turn(self.clock)
        self.answer()
        self.successResultOf(done)
        self.assertEqual([part for part, _ in self.noted], list(range(3 * AT_ONCE)))

    def test_one_piece_in_a_turn_whoever_else_works(self) -> None:
        """Several take turns, in the order in which they came."""
        for start in (0, 1000):
            self.begin(iter(range(start, start + 3 * AT_ONCE)))
        seen = [len(self.submitted)]
        for _ in range(6):
            turn(self.clock)
            seen.append(len(self.submitted))
        self.assertEqual(seen, [n * AT_ONCE for n in (2, 3, 4, 5, 6, 6, 6)])
        self.assertEqual(self.submitted[2 * AT_ONCE], AT_ONCE)
        self.assertEqual(self.submitted[3 * AT_ONCE], 1000 + AT_ONCE)

    def test_not_more_than_is_answered(self) -> None:
        """A spool that is slow is not given everything at once."""
        done = self.begin(range(10 * UNDER_WAY))
        self.clock.pump([0] * 200)
        self.assertEqual(len(self.submitted), UNDER_WAY + AT_ONCE)
        while not done.called:
            self.answer()
            self.clock.pump([0] * 200)
        self.assertEqual(len(self.noted), 10 * UNDER_WAY)
