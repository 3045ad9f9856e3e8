"""Whom the demonstration pushes to."""

import itertools

from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.demo.devices import DEAD_PREFIX, devices


class DevicesTests(SynchronousTestCase):
    def test_one_in_a_hundred_is_dead(self) -> None:
        """One in a hundred is dead, at least two: the first and the last among them; no token comes twice."""
        for count, dead in ((10, 2), (1000, 10), (20_000, 200)):
            whom = devices(count)
            self.assertEqual((len(whom.live), len(whom.dead)), (count - dead, dead))
            self.assertTrue(whom.tokens[0].startswith(DEAD_PREFIX))
            self.assertTrue(whom.tokens[-1].startswith(DEAD_PREFIX))

    def test_spread(self) -> None:
        """The dead ones are spread: wherever one looks there is one nearby."""
        places = [i for i, token in enumerate(devices(20_000).tokens) if token.startswith(DEAD_PREFIX)]
        gaps = {after - before for before, after in itertools.pairwise(places)}
        self.assertEqual(gaps, {100, 101})

    def test_faults(self) -> None:
        """The connection is shut down, and later closed, at live tokens well within the run."""
        for count in range(10, 400):
            whom = devices(count)
            places = [whom.tokens.index(token) for token in (whom.shutdown_at, whom.close_at)]
            self.assertLess(places[0], places[1])
            self.assertTrue({whom.shutdown_at.hex(), whom.close_at.hex()} <= whom.live)
